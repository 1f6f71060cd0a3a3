package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"roam6/driver"
	"roam6/driver/ebpf/yard"
	"roam6/engine"
	"roam6/plane"
)

// How long bench soft holds, and what arrives meanwhile.
const (
	holdStream   = 2 * time.Second
	holdFor      = 20 * time.Millisecond
	holdTimes    = 5
	holdBurst    = 8 * time.Millisecond // of packets at holdLineRate: 8,000, which the kernel's queue of the TUN device has room for
	holdLineRate = 1_000_000
	holdOctets   = 200
	holdSettles  = 200 * time.Millisecond
	holdLimit    = 1 << 17 // packets
)

// softContenders are who bench soft measures: the plane in user space at the home agent, and at both ends of the tunnel; wireguard-go,
// which is at both ends; a loop of one packet a call at the home agent; and the kernel's tunnels.
var softContenders = map[string]func(*contender) error{
	"soft":      planeContenders["soft"],
	"soft both": func(c *contender) error { return both(func() error { return c.run(driver.PlaneSoft) }, c.runMobile) },
	"loop":      func(c *contender) error { return both(c.y.KernelMobile, c.runLoop) },
	"wireguard": (*contender).runWireGuard,
	"kernel":    kernelTunnels,
}

// wireGuardName is what rows call wireguard-go: its version as it tells it, if it is there.
var wireGuardName = "wireguard-go at both ends"

// softPairs are who stands beside whom.
var softPairs = []struct{ mine, their string }{{"soft", "loop"}, {"soft", "wireguard"}, {"soft both", "wireguard"}}

// softName and softPeer are how rows name who is measured.
func softName(c string) string {
	if c == "soft both" {
		return "soft at both ends"
	}
	return c
}

func softPeer(c string) string {
	if c == "loop" {
		return "a loop of one packet a call"
	}
	return wireGuardName
}

// benchSoft measures the home agent's tunnel through user space.
func benchSoft(ctx context.Context, f *benchFlags) ([]benchRow, error) {
	ready, lack, end := lineUp([]string{"soft", "soft both", "loop", "wireguard", "kernel"}, softContenders)
	defer end()
	if _, version, err := findWireGuard(); err == nil {
		wireGuardName = version + " at both ends"
	}
	rows, err := softTCP(ctx, f, ready, lack)
	if err != nil {
		return nil, err
	}
	tell(f, "round trip")
	figures, failed := turns(ready, lack, (*contender).roundTrip)
	r := planeRow{name: "round trip", unit: "µs"}
	for _, name := range []string{"soft", "soft both"} {
		rows = append(rows, added(name, figures, failed), softRow(r, name, "wireguard", figures, failed))
	}
	for _, c := range ready {
		if c.name == "soft" {
			rows = append(rows, held(f, c)...)
		}
	}
	return rows, ctx.Err()
}

func tell(f *benchFlags, what string) {
	if !f.json || onTerminal() {
		fmt.Fprintf(os.Stderr, "%s …\n", what)
	}
}

// softTCP is the rows of TCP, both ways.
func softTCP(ctx context.Context, f *benchFlags, ready []*contender, lack map[string]error) (rows []benchRow, err error) {
	_, none := exec.LookPath("iperf3")
	for _, up := range []bool{false, true} {
		r := planeRow{name: "TCP to the mobile node", unit: "Gb/s"}
		if up {
			r.name = "TCP from the mobile node"
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		figures, failed := map[string][]float64{}, lack
		if none == nil {
			tell(f, r.name)
			figures, failed = turns(ready, lack, func(c *contender) (float64, error) { return c.tcp(up) })
		}
		for _, p := range softPairs {
			row := softRow(r, p.mine, p.their, figures, failed)
			if none != nil {
				row = benchRow{Name: row.Name, Unit: row.Unit, Peer: row.Peer, Skipped: "no iperf3 (apt-get install iperf3)"}
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func softRow(r planeRow, mine, their string, figures map[string][]float64, failed map[string]error) benchRow {
	peer := softPeer(their)
	row := benchRow{Name: softName(mine) + ", " + r.name, Unit: r.unit, Peer: peer}
	switch {
	case failed[mine] != nil:
		row.Skipped = failed[mine].Error()
	case len(figures[mine]) == 0:
	case failed[their] != nil:
		row = ours(row.Name, r.unit, figures[mine]...)
		row.Peer, row.Skipped = peer, failed[their].Error()
	default:
		row = beside(row.Name, r.unit, peer, figures[mine], figures[their])
	}
	return row
}

// added is the row of what user space adds to a round trip: turn by turn, beside the kernel's tunnels.
func added(name string, figures map[string][]float64, failed map[string]error) benchRow {
	row := benchRow{Name: softName(name) + ", added round trip", Unit: "µs"}
	for _, who := range []string{name, "kernel"} {
		if failed[who] != nil {
			row.Skipped = failed[who].Error()
			return row
		}
	}
	var more []float64
	for i, v := range figures[name] {
		more = append(more, v-figures["kernel"][i])
	}
	return ours(row.Name, row.Unit, more...)
}

// held is the rows of holding and releasing: what was lost, and what came out of its order, both at the far end.
func held(f *benchFlags, c *contender) (rows []benchRow) {
	for _, rate := range []int{1000, 20_000, holdLineRate} {
		name := fmt.Sprintf("soft, held and released %d times at %d packets/s", holdTimes, rate)
		if rate == holdLineRate {
			name = fmt.Sprintf("soft, %d packets held at %d packets/s and released, %d times", int(holdBurst.Seconds()*holdLineRate), rate, holdTimes)
		}
		tell(f, name)
		n, err := c.hold(rate)
		for _, r := range []struct {
			what string
			v    uint64
		}{{"lost", n.Sent - n.Received}, {"out of order", n.Late}} {
			row := ours(name+", "+r.what, "packets", float64(r.v))
			if err != nil {
				row = benchRow{Name: row.Name, Unit: row.Unit, Skipped: err.Error()}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// hold has packets come at a rate, and holds and releases them meanwhile; at line rate those of a burst each time.
func (c *contender) hold(rate int) (n yard.Tally, err error) {
	t, err := c.y.Traffic("ha", "ha0", yard.CN, yard.HoA, holdOctets, "mn", "mn0")
	if err != nil {
		return n, err
	}
	defer t.Close()
	order := func(verb string) error {
		_, err := c.node.Command(context.Background(), "", verb, nil)
		return err
	}
	if rate == holdLineRate {
		for range holdTimes {
			err := order("hold")
			if err == nil {
				_, err = t.Run(holdBurst, rate)
			}
			if err != nil {
				return n, err
			}
			time.Sleep(holdSettles)
			if err := order("go"); err != nil {
				return n, err
			}
			one, err := t.Tally()
			if err != nil {
				return n, err
			}
			n.Sent, n.Received, n.Late = n.Sent+one.Sent, n.Received+one.Received, n.Late+one.Late
		}
		return n, nil
	}
	ran := make(chan error, 1)
	go func() {
		_, err := t.Run(holdStream, rate)
		ran <- err
	}()
	for range holdTimes {
		time.Sleep(holdStream / (2 * holdTimes))
		if err := both(func() error { return order("hold") }, func() error { time.Sleep(holdFor); return order("go") }); err != nil {
			return n, err
		}
	}
	if err := <-ran; err != nil {
		return n, err
	}
	time.Sleep(holdSettles)
	return t.Tally()
}

// mobileEngine wants what a mobile node away from home wants.
type mobileEngine struct{}

// Handle wants it at the start.
func (mobileEngine) Handle(_ engine.Now, in engine.Input, out *engine.Effects) {
	if _, ok := in.(engine.Start); !ok {
		return
	}
	router, _ := net.ParseMAC(yard.MACha1)
	out.Plane(plane.Op{Link: &plane.LinkOp{Port: 1, Link: plane.Link{Gateway: plane.HW(router), MTU: yard.LinkMTU}}})
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: yard.CoA, Local: plane.Local{Port: 1}}})
	out.Plane(plane.Op{Host: &plane.HostOp{Addr: yard.HoA, Host: plane.Host{MTU: yard.HomeMTU, Default: true}}})
	out.Plane(plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(yard.HoA, 128),
		Path: plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: yard.CoA, Remote: yard.HA, Out: 1}}})
}

// Deadline is never.
func (mobileEngine) Deadline() (engine.Mono, string) { return engine.Never, "" }

// View is nothing.
func (mobileEngine) View() any { return nil }

// runMobile starts our mobile node.
func (c *contender) runMobile() error {
	if err := c.y.IP("mn", "addr flush dev mn0 scope global"); err != nil {
		return err
	}
	return c.start("mn", driver.Config{Name: "mn", Tun: "roam6", Userland: true, Engines: []driver.Engine{{Name: "mn", Engine: mobileEngine{}}},
		Links: []driver.Link{{Port: 1, Ifname: "mn0", External: true}}})
}
