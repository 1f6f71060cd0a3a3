package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"time"

	"roam6/driver"
	"roam6/driver/ebpf/yard"
	"roam6/engine"
	"roam6/plane"
)

// How long and how often bench plane measures. Contenders take turns, there and back (A B C C B A), so that a machine that
// gets slower meanwhile is unfair to none.
const (
	planeTurns   = 8
	planeStream  = 200 * time.Millisecond
	planeTCP     = time.Second
	planePings   = 1000
	pingPatience = time.Second
)

// contender is one way to forward between cn and mn, in a yard of its own.
type contender struct {
	name  string
	peer  bool // its mobile node and agent are the kernel's
	plain bool // no tunnel at all
	y     *yard.Yard
	node  *driver.Node // the last of ours that was started
	close func() error
}

// agentEngine wants one binding; it holds the packets of its path when told to.
type agentEngine struct{}

// Handle wants the binding.
func (agentEngine) Handle(_ engine.Now, in engine.Input, out *engine.Effects) {
	path := plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: yard.HA, Remote: yard.CoA, Capture: true}
	switch in := in.(type) {
	case engine.Start:
		out.Plane(plane.Op{Local: &plane.LocalOp{Addr: yard.HA, Local: plane.Local{Capture: true}}})
	case engine.Command:
		if in.Verb == "hold" {
			path.Mode, path.Limit = plane.Hold, holdLimit
		}
		out.Reply(engine.Reply{ID: in.ID})
	default:
		return
	}
	out.Plane(plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(yard.HoA, 128), Path: path}})
}

// Deadline is never.
func (agentEngine) Deadline() (engine.Mono, string) { return engine.Never, "" }

// View is nothing.
func (agentEngine) View() any { return nil }

// newContender makes a yard and what forwards in it: ebpf or soft (ours), kernel (segment routing) or plain.
func newContender(name string) (c *contender, err error) {
	c = &contender{name: name, peer: name == "kernel" || name == "plain", plain: name == "plain", close: func() error { return nil }}
	if c.y, err = yard.Home(); err != nil {
		return nil, err
	}
	switch {
	case c.plain:
		err = c.y.PlainMobile()
	case c.peer:
		err = errors.Join(c.y.KernelMobile(), c.y.KernelAgent())
	default:
		err = errors.Join(c.y.KernelMobile(), c.run(driver.Plane(name)))
	}
	if err != nil {
		c.y.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// run starts our home agent.
func (c *contender) run(how driver.Plane) error {
	return c.start("ha", driver.Config{Name: "ha", Tun: "roam6", Plane: how, Engines: []driver.Engine{{Name: "ha", Engine: agentEngine{}}},
		Links: []driver.Link{{Port: 1, Ifname: "ha0", External: true}, {Port: 2, Ifname: "ha1", External: true}}})
}

// start runs a node in a namespace until the contender is closed.
func (c *contender) start(where string, config driver.Config) error {
	var n *driver.Node
	err := c.y.In(where, func() (err error) {
		n, err = driver.New(config)
		return err
	})
	if err != nil {
		return err
	}
	ended, before := make(chan error, 1), c.close
	go func() { ended <- n.Run(context.Background()) }()
	c.node, c.close = n, func() error { return errors.Join(n.Close(), <-ended, before()) }
	_, err = n.Views(context.Background()) // what its engine wants is there when it answers
	return err
}

// packets is how many packets of a size a second the far end counted, to the mobile node or from it.
func (c *contender) packets(size int, up bool) (float64, error) {
	from, fromIf, src, to, toIf, dst := "ha", "ha0", yard.CN, "mn", "mn0", yard.HoA
	if up {
		from, fromIf, src, to, toIf, dst = "ha", "ha1", yard.HoA, "cn", "cn0", yard.CN
	}
	t, err := c.y.Traffic(from, fromIf, src, dst, size, to, toIf)
	if err != nil {
		return 0, err
	}
	defer t.Close()
	if up && !c.plain {
		if err := t.Tunnelled(yard.CoA, yard.HA); err != nil {
			return 0, err
		}
	}
	took, err := t.Run(planeStream, 0)
	if err != nil {
		return 0, err
	}
	n, err := t.Tally()
	return float64(n.Received) / took.Seconds(), err
}

// tcp is Gb/s of one connection, as its receiver counted them.
func (c *contender) tcp(up bool) (float64, error) {
	var flags []string
	if up {
		flags = []string{"-R"}
	}
	rate, err := c.y.TCP("mn", yard.HoA, "cn", planeTCP, flags...)
	return rate / 1e9, err
}

// roundTrip is the median of UDP round trips between cn and mn, in µs.
func (c *contender) roundTrip() (float64, error) {
	var a, b *net.UDPConn
	err := errors.Join(
		c.y.In("mn", func() (err error) {
			b, err = net.ListenUDP("udp6", &net.UDPAddr{IP: yard.HoA.AsSlice(), Port: 5001})
			return err
		}),
		c.y.In("cn", func() (err error) {
			a, err = net.DialUDP("udp6", &net.UDPAddr{IP: yard.CN.AsSlice()}, &net.UDPAddr{IP: yard.HoA.AsSlice(), Port: 5001})
			return err
		}))
	if err != nil {
		return 0, err
	}
	defer a.Close()
	defer b.Close()
	go func() {
		buf := make([]byte, 100)
		for {
			n, from, err := b.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = b.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	var times []float64
	buf := make([]byte, 100)
	for range planePings {
		began := time.Now()
		if _, err := a.Write(buf[:64]); err != nil {
			return 0, err
		}
		if err := a.SetReadDeadline(began.Add(pingPatience)); err != nil {
			return 0, err
		}
		if _, err := a.Read(buf); err != nil {
			return 0, err
		}
		times = append(times, micros(time.Since(began)))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// planeRow is one thing measured: by each contender in turn.
type planeRow struct {
	name, unit string
	of         func(c *contender) (float64, error)
	needs      string // a program
}

func planeRows() (list []planeRow) {
	for _, up := range []bool{false, true} {
		way := "to the mobile node"
		if up {
			way = "from the mobile node"
		}
		for _, size := range []int{64, 200, 1400} {
			list = append(list, planeRow{fmt.Sprintf("%d octets %s", size, way), "packets/s",
				func(c *contender) (float64, error) { return c.packets(size, up) }, ""})
		}
		list = append(list, planeRow{"TCP " + way, "Gb/s", func(c *contender) (float64, error) { return c.tcp(up) }, "iperf3"})
	}
	return append(list, planeRow{"round trip", "µs", (*contender).roundTrip, ""})
}

// benchPlane measures a home agent's forwarding: ours with the fast path and without, beside the kernel's tunnels (segment
// routing, SRv6) and beside forwarding without a tunnel. Generator and sink are in the kernel, on the processor that forwards, and their
// cost is in all figures. The kernel does the mobile node's side for all.
func benchPlane(ctx context.Context, f *benchFlags) ([]benchRow, error) {
	var ready []*contender
	lack := map[string]error{}
	for _, name := range []string{"ebpf", "soft", "kernel", "plain"} {
		c, err := newContender(name)
		if err != nil {
			lack[name] = err
			continue
		}
		defer c.y.Close()
		defer c.close()
		ready = append(ready, c)
	}
	var rows []benchRow
	for _, r := range planeRows() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !f.json || onTerminal() {
			fmt.Fprintf(os.Stderr, "%s …\n", r.name)
		}
		missing := ""
		if _, err := exec.LookPath(r.needs); r.needs != "" && err != nil {
			missing = "no " + r.needs + " (apt-get install " + r.needs + ")"
		}
		figures, failed := map[string][]float64{}, lack
		if missing == "" {
			figures, failed = turns(ready, lack, r.of)
		}
		for _, name := range []string{"ebpf", "soft"} {
			for _, peer := range []string{"kernel", "plain"} {
				rows = append(rows, planeRowOf(r, name, peer, figures, failed, missing))
			}
		}
	}
	return rows, nil
}

// turns lets the contenders measure there and back. One that fails once is out of this row.
func turns(list []*contender, lack map[string]error, of func(*contender) (float64, error)) (map[string][]float64, map[string]error) {
	figures, failed := map[string][]float64{}, map[string]error{}
	for n, err := range lack {
		failed[n] = err
	}
	order := slices.Clone(list)
	for range planeTurns {
		for _, c := range order {
			if failed[c.name] != nil {
				continue
			}
			v, err := of(c)
			if err != nil {
				failed[c.name] = err
				continue
			}
			figures[c.name] = append(figures[c.name], v)
		}
		slices.Reverse(order)
	}
	return figures, failed
}

// peerNames are the peers as rows name them.
var peerNames = map[string]string{"kernel": "kernel tunnels (SRv6)", "plain": "plain forwarding"}

func planeRowOf(r planeRow, name, peer string, figures map[string][]float64, failed map[string]error, missing string) benchRow {
	row := benchRow{Name: name + ", " + r.name, Unit: r.unit, Peer: peerNames[peer], Skipped: missing}
	switch {
	case missing != "":
	case failed[name] != nil:
		row.Skipped = failed[name].Error()
	case failed[peer] != nil:
		row = ours(row.Name, r.unit, slices.Clone(figures[name])...)
		row.Peer, row.Skipped = peerNames[peer], failed[peer].Error()
	default:
		row = beside(row.Name, r.unit, row.Peer, figures[name], figures[peer])
	}
	return row
}

// beside is a row with a peer: its ratio is the median over the turns, and how far they lie apart.
func beside(name, unit, peer string, mine, theirs []float64) benchRow {
	ratios := make([]float64, len(mine))
	for i := range mine {
		ratios[i] = mine[i] / theirs[i]
	}
	slices.Sort(ratios)
	row := ours(name, unit, slices.Clone(mine)...)
	other := slices.Sorted(slices.Values(theirs))
	row.Peer, row.Theirs, row.Ratio, row.RatioMin, row.RatioMax = peer, &other[len(other)/2], &ratios[len(ratios)/2], &ratios[0], &ratios[len(ratios)-1]
	return row
}
