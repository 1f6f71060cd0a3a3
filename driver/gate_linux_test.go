package driver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"roam6/driver/ebpf/yard"
	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
)

// station is a node on the access link of the router ha, which its kernel forwards from.
var station = netip.MustParseAddr("2001:db8:a::fd")

// accessPort is that link.
const accessPort plane.Port = 2

// stillness is how long nothing may come where nothing must. What must come is given patience.
const stillness = 100 * time.Millisecond

// routerBed is a yard with a node in ha whose engine does the Ops given to it.
type routerBed struct {
	*yard.Yard
	node  *Node
	ops   []plane.Op
	asks  []plane.MeterKey
	heard chan ip6.Packet // what came for the engine
	told  chan engine.Measured
}

func newRouterBed(t *testing.T, how Plane) *routerBed {
	t.Helper()
	b := &routerBed{Yard: homeYard(t), heard: make(chan ip6.Packet, 100), told: make(chan engine.Measured, 100)}
	e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Start:
			out.Plane(localOp(yard.HA, plane.Local{Capture: true}))
		case engine.Packet:
			if p, err := ip6.Parse(in.Data); err == nil && (p.Dst == yard.HA || p.Dst == client) {
				b.heard <- p
			}
		case engine.Command:
			for _, op := range b.ops {
				out.Plane(op)
			}
			for i, k := range b.asks {
				out.Measure(uint64(i), k)
			}
			out.Reply(engine.Reply{ID: in.ID})
		case engine.Measured:
			b.told <- in
		}
	}}
	b.node = runIn(t, b.Yard, "ha", Config{Name: "ar", Tun: "roam6", Plane: how, Engines: []Engine{{"e", e}}, OnEvent: func(_ time.Duration, _ string, ev engine.Event) {
		if ev.Name == EventKernel {
			t.Errorf("the kernel: %s", ev.Reason)
		}
	}, Links: []Link{{Port: 1, Ifname: "ha0", External: true}, {Port: accessPort, Ifname: "ha1", External: true}}})
	b.do(t)
	return b
}

// do has the engine do some Ops.
func (b *routerBed) do(t *testing.T, ops ...plane.Op) {
	t.Helper()
	b.ops, b.asks = ops, nil
	_, err := b.node.Command(context.Background(), "", "do", nil)
	must(t, err)
}

// stopped is how many packets gates have stopped so far.
func (b *routerBed) stopped(t *testing.T) int {
	t.Helper()
	st, err := b.node.Stats(context.Background())
	must(t, err)
	return st.Drops[plane.DropGate]
}

func gateOp(from string, open, del bool) plane.Op {
	return plane.Op{Delete: del, Gate: &plane.GateOp{Key: plane.GateKey{From: netip.MustParsePrefix(from), Port: accessPort}, Gate: plane.Gate{Open: open}}}
}

// waitFor is how long to wait for what must come, or must not.
func waitFor(comes bool) time.Duration {
	if comes {
		return patience
	}
	return stillness
}

// stops waits until gates have stopped n packets since there were before, and gives how many they have by then.
func (b *routerBed) stops(t *testing.T, before, n int) int {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(stillness / 100) {
		if got := b.stopped(t) - before; got >= n || time.Now().After(end) {
			return got
		}
	}
}

// passes sends one packet between sockets, and says whether it came; it waits longer where it must.
func passes(t *testing.T, from, to *net.UDPConn, what string, comes bool) bool {
	t.Helper()
	_, err := from.Write([]byte(what))
	must(t, err)
	buf := make([]byte, 100)
	must(t, to.SetReadDeadline(time.Now().Add(waitFor(comes))))
	n, err := to.Read(buf)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	must(t, err)
	if string(buf[:n]) != what {
		t.Fatalf("%q came when %q was sent", buf[:n], what)
	}
	return true
}

// A kernel that forwards stops what a gate stops, from there and by that link alone, and what its source needs to open the gate
// still arrives: at the kernel, and at the engines, but not by a tunnel.
func TestGateInTheKernel(t *testing.T) {
	b := newRouterBed(t, PlaneSoft)
	up, atCN := udpPair(t, b.Yard, "mn", station, "cn", yard.CN)
	down, atStation := udpPair(t, b.Yard, "cn", yard.CN, "mn", station)
	toRouter, atRouter := udpPair(t, b.Yard, "mn", station, "ha", netip.MustParseAddr("2001:db8:a::fe"))
	must(t, b.IP("mn", "route add "+yard.HA.String()+"/128 via 2001:db8:a::fe"))
	for i, c := range []struct {
		op   plane.Op
		pass bool
	}{
		{gateOp("2001:db8:b::/64", false, false), true},
		{gateOp("2001:db8:a::/64", false, false), false},
		{gateOp("2001:db8:a::/64", false, false), false},
		{gateOp("2001:db8:a::fd/128", true, false), true},
		{gateOp("2001:db8:a::fc/127", false, false), true},
		{gateOp("2001:db8:a::fd/128", false, false), false},
		{gateOp("2001:db8:a::fd/128", false, true), false},
		{gateOp("2001:db8:a::fc/127", false, true), false},
		{gateOp("::/0", true, false), false},
		{gateOp("2001:db8:a::/64", false, true), true},
		{gateOp("::/0", false, false), false},
		{gateOp("2001:db8:b::/64", false, true), false},
		{gateOp("::/0", false, true), true},
	} {
		before := b.stopped(t)
		b.do(t, c.op)
		if got := passes(t, up, atCN, fmt.Sprint("up ", i), c.pass); got != c.pass {
			t.Errorf("%d %v: passes %v", i, c.op, got)
		}
		if n := b.stops(t, before, map[bool]int{false: 1}[c.pass]); (n == 0) != c.pass {
			t.Errorf("%d %v: %d stopped", i, c.op, n)
		}
		if !passes(t, down, atStation, fmt.Sprint("down ", i), true) || !passes(t, toRouter, atRouter, fmt.Sprint("to router ", i), true) {
			t.Errorf("%d %v: what no gate stops is stopped", i, c.op)
		}
	}
	b.do(t, gateOp("2001:db8:a::/64", false, false))
	for _, own := range []bool{true, false} {
		b.do(t, plane.Op{Delete: true, Local: &plane.LocalOp{Addr: yard.HA}})
		if own {
			b.do(t, localOp(yard.HA, plane.Local{Capture: true}))
		} else {
			path := plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: 1, Capture: true}
			b.do(t, plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(yard.HA, 128), Path: path}})
		}
		before := b.stopped(t)
		raw(t, b.Yard, "mn", ip6.ProtoUDP, yard.HA, make([]byte, 8))
		if got := b.hears(own); got != own {
			t.Errorf("the engines hear %v, the address is theirs: %v", got, own)
		}
		inner := ip6.Packet{Header: ip6.Header{Src: station, Dst: yard.CN}, Proto: ip6.ProtoUDP, Payload: make([]byte, 8)}
		raw(t, b.Yard, "mn", ip6.ProtoIPv6, yard.HA, inner.Append(nil))
		want := map[bool]int{true: 1, false: 2}[own]
		if n := b.stops(t, before, want); n != want {
			t.Errorf("%d stopped, the address is the engines': %v", n, own)
		}
	}
}

// The fast path takes no packet past a gate into a tunnel.
func TestGateBeforeTheFastPath(t *testing.T) {
	for _, how := range []Plane{PlaneSoft, PlaneEBPF} {
		b := newRouterBed(t, how)
		must(t, b.KernelMobile())
		from, to := udpPair(t, b.Yard, "cn", yard.CN, "mn", yard.HoA)
		b.do(t, plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(yard.HoA, 128), Path: tunnelPath}})
		if !passes(t, from, to, "before", true) {
			t.Fatalf("%s: nothing passes", how)
		}
		key := plane.GateKey{From: netip.PrefixFrom(yard.CN, 128), Port: 1}
		b.do(t, plane.Op{Gate: &plane.GateOp{Key: key}})
		if passes(t, from, to, "closed", false) || b.stops(t, 0, 1) != 1 {
			t.Errorf("%s: a closed gate stopped %d", how, b.stopped(t))
		}
		b.do(t, plane.Op{Gate: &plane.GateOp{Key: key, Gate: plane.Gate{Open: true}}})
		if !passes(t, from, to, "open", true) {
			t.Errorf("%s: an open gate stops", how)
		}
	}
}

// hears says whether something comes for the engine; it waits longer where it must.
func (b *routerBed) hears(comes bool) bool {
	select {
	case <-b.heard:
		return true
	case <-time.After(waitFor(comes)):
		return false
	}
}

// raw sends one packet of a protocol, and waits until it is on its way.
func raw(t *testing.T, y *yard.Yard, in string, proto uint8, to netip.Addr, payload []byte) {
	t.Helper()
	must(t, y.In(in, func() error {
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto))
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, payload, 0, &unix.SockaddrInet6{Addr: to.As16()})
	}))
}

// An address whose packets the kernel would deliver on its link by itself receives into a buffer and does not send until its gate
// opens; then all that was kept arrives, in order, and what it sends leaves.
func TestGateOfAHeldAddress(t *testing.T) {
	b := newRouterBed(t, PlaneSoft)
	up, atCN := udpPair(t, b.Yard, "mn", station, "cn", yard.CN)
	down, atStation := udpPair(t, b.Yard, "cn", yard.CN, "mn", station)
	inner := netip.PrefixFrom(station, 128)
	pathOp := func(p plane.Path) plane.Op { return plane.Op{Path: &plane.PathOp{Inner: inner, Path: p}} }
	b.do(t, gateOp(inner.String(), false, false), pathOp(plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: 100, Capture: true}))
	for i := range 10 {
		if passes(t, down, atStation, fmt.Sprint("packet ", i), false) {
			t.Fatal("received, not kept")
		}
		if passes(t, up, atCN, "too soon", false) {
			t.Fatal("sent before its gate was open")
		}
	}
	if n := b.stops(t, 0, 10); n != 10 {
		t.Errorf("%d stopped, want 10", n)
	}
	b.do(t, pathOp(plane.Path{Side: plane.Agent, Mode: plane.Direct, Out: accessPort, To: hw(t, yard.MACmn0), Capture: true}), gateOp(inner.String(), true, false))
	buf := make([]byte, 100)
	for i := range 10 {
		must(t, atStation.SetReadDeadline(time.Now().Add(patience)))
		n, err := atStation.Read(buf)
		must(t, err)
		if got, want := string(buf[:n]), fmt.Sprint("packet ", i); got != want {
			t.Fatalf("%s came when %s was due", got, want)
		}
	}
	if !passes(t, down, atStation, "behind them", true) || !passes(t, up, atCN, "at last", true) {
		t.Error("an open gate stops")
	}
}
