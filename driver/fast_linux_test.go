package driver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"roam6/driver/ebpf/yard"
	"roam6/engine"
	"roam6/plane"
)

// agentBed is a yard with a node in ha that represents yard.HoA, and the kernel's own mobile node in mn.
type agentBed struct {
	*yard.Yard
	node *Node
}

// tunnelPath is the binding of the mobile node at its agent.
var tunnelPath = plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: yard.HA, Remote: yard.CoA, Capture: true}

func pathOp(p plane.Path) plane.Op {
	return plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(yard.HoA, 128), Path: p}}
}

// home makes the yard; it skips where that cannot be.
func homeYard(t testing.TB) *yard.Yard {
	t.Helper()
	y, err := yard.Home()
	if errors.Is(err, unix.EPERM) || err != nil && strings.Contains(err.Error(), "iproute2") {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(y.Close)
	return y
}

func newAgentBed(t testing.TB, how Plane, path plane.Path) *agentBed {
	t.Helper()
	b := &agentBed{Yard: homeYard(t)}
	must(t, b.KernelMobile())
	b.start(t, how, path)
	return b
}

// start runs the node; Close of the test ends it.
func (b *agentBed) start(t testing.TB, how Plane, path plane.Path) {
	t.Helper()
	e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Start:
			out.Plane(localOp(yard.HA, plane.Local{Capture: true}))
			out.Plane(pathOp(path))
		case engine.Command:
			p := tunnelPath
			switch in.Verb {
			case "hold":
				p.Mode, p.Limit = plane.Hold, 1<<20
			case "refused":
				out.Plane(plane.Op{Gate: &plane.GateOp{Key: plane.GateKey{From: netip.MustParsePrefix("10.0.0.0/8"), Port: 1}}})
			}
			out.Plane(pathOp(p))
			out.Reply(engine.Reply{ID: in.ID})
		}
	}}
	b.node = runIn(t, b.Yard, "ha", Config{Name: "ha", Tun: "roam6", Plane: how, Engines: []Engine{{"e", e}},
		Links: []Link{{Port: 1, Ifname: "ha0", External: true}, {Port: 2, Ifname: "ha1", External: true}}})
}

// runIn runs a node in a place of the yard, and gives it when it has started; the end of the test closes it. It skips where there is
// no fast path and one is asked for.
func runIn(t testing.TB, y *yard.Yard, place string, c Config) (n *Node) {
	t.Helper()
	err := y.In(place, func() (err error) {
		n, err = New(c)
		return err
	})
	if c.Plane == PlaneEBPF && err != nil && (errors.Is(err, unix.EPERM) || strings.Contains(err.Error(), "Linux 6.6")) {
		t.Skip(err)
	}
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- n.Run(context.Background()) }()
	t.Cleanup(func() {
		must(t, n.Close())
		must(t, <-done)
	})
	_, err = n.Views(context.Background())
	must(t, err)
	return n
}

func (b *agentBed) order(t testing.TB, verb string) {
	t.Helper()
	_, err := b.node.Command(context.Background(), "", verb, nil)
	must(t, err)
}

func (b *agentBed) stats(t testing.TB) Stats {
	t.Helper()
	st, err := b.node.Stats(context.Background())
	must(t, err)
	return st
}

// udp is a pair of sockets: one at a namespace and address, connected to the other.
func udpPair(t testing.TB, y *yard.Yard, from string, src netip.Addr, to string, dst netip.Addr) (a, b *net.UDPConn) {
	t.Helper()
	must(t, y.In(to, func() (err error) {
		b, err = net.ListenUDP("udp6", &net.UDPAddr{IP: dst.AsSlice(), Port: 5000})
		return err
	}))
	must(t, b.SetReadBuffer(1<<22))
	must(t, y.In(from, func() (err error) {
		a, err = net.DialUDP("udp6", &net.UDPAddr{IP: src.AsSlice()}, &net.UDPAddr{IP: dst.AsSlice(), Port: 5000})
		return err
	}))
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// TestFastBothWays: UDP passes through the fast path in both directions, and the plane sees none of it.
func TestFastBothWays(t *testing.T) {
	b := newAgentBed(t, PlaneEBPF, tunnelPath)
	down, atMobile := udpPair(t, b.Yard, "cn", yard.CN, "mn", yard.HoA)
	up, atCN := udpPair(t, b.Yard, "mn", yard.HoA, "cn", yard.CN)
	for _, w := range []struct{ from, to *net.UDPConn }{{down, atMobile}, {up, atCN}} {
		for i := range 20 {
			_, err := fmt.Fprintf(w.from, "packet %d", i)
			must(t, err)
			buf := make([]byte, 100)
			must(t, w.to.SetReadDeadline(time.Now().Add(patience)))
			n, err := w.to.Read(buf)
			if want := fmt.Sprintf("packet %d", i); err != nil || string(buf[:n]) != want {
				t.Fatalf("received %q, %v; want %q", buf[:n], err, want)
			}
		}
	}
	st := b.stats(t)
	if st.Fast == nil || len(st.Fast.Paths) != 1 || st.Fast.Paths[0].Sent.Packets != 20 || st.Fast.Paths[0].Received.Packets != 20 || st.Fast.Paths[0].Slow != "" {
		t.Errorf("the fast path carried %+v", st.Fast.Report)
	}
	if st.Plane.Paths[0].Sent.Packets != 20 || st.Plane.Paths[0].Received.Packets != 20 {
		t.Errorf("the path carried %+v", st.Plane.Paths[0])
	}
	if st.Packets != 0 {
		t.Errorf("%d packets came to the plane", st.Packets)
	}
}

// TestFastRefused: what the plane refuses is counted, and the fast path never hears of it.
func TestFastRefused(t *testing.T) {
	b := newAgentBed(t, PlaneEBPF, tunnelPath)
	b.order(t, "refused")
	if st := b.stats(t); st.Fast.Why+st.Fast.Paths[0].Slow != "" || st.Plane.Refused != 1 {
		t.Errorf("slow because of %q, %q, %d refused", st.Fast.Why, st.Fast.Paths[0].Slow, st.Plane.Refused)
	}
}

// TestFastTCP: full-size TCP segments pass, merged ones too.
func TestFastTCP(t *testing.T) {
	if _, err := exec.LookPath("iperf3"); err != nil {
		t.Skip("no iperf3 (apt-get install iperf3)")
	}
	for _, how := range []Plane{PlaneEBPF, PlaneSoft} {
		b := newAgentBed(t, how, tunnelPath)
		for _, flags := range [][]string{nil, {"-R"}} {
			rate, err := b.TCP("mn", yard.HoA, "cn", 2*time.Second, flags...)
			must(t, err)
			t.Logf("%s %v: %.2f Gb/s", how, flags, rate/1e9)
		}
		st := b.stats(t)
		t.Logf("%+v %+v %+v drops %v", st.Plane.Paths, st.Fast, st.Fast.report(), st.Drops)
	}
}

func (f *FastStats) report() any {
	if f == nil {
		return nil
	}
	return *f.Report
}

// TestFastOrder: a path is held, released and fast while packets keep coming: none is lost, none overtakes another.
func TestFastOrder(t *testing.T) {
	b := newAgentBed(t, PlaneEBPF, tunnelPath)
	from, to := udpPair(t, b.Yard, "cn", yard.CN, "mn", yard.HoA)
	const n = 20000
	got := make(chan error, 1)
	go func() { got <- inOrder(to, n) }()
	for i := range n {
		switch i % 4000 {
		case 1000:
			b.order(t, "hold")
		case 2000:
			b.order(t, "go")
		}
		_, err := from.Write(binary.BigEndian.AppendUint32(nil, uint32(i)))
		must(t, err)
		time.Sleep(10 * time.Microsecond)
	}
	err := <-got
	st := b.stats(t)
	t.Logf("%+v %+v drops %v", st.Plane.Paths, st.Fast.report(), st.Drops)
	must(t, err)
	if p := st.Fast.Paths[0]; p.Sent.Packets < n/4 {
		t.Errorf("only %d of %d went fast", p.Sent.Packets, n)
	}
}

// inOrder reads n numbered packets.
func inOrder(c *net.UDPConn, n int) error {
	buf := make([]byte, 100)
	for i := range n {
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := c.Read(buf); err != nil {
			return fmt.Errorf("waiting for packet %d: %w", i, err)
		}
		if got := binary.BigEndian.Uint32(buf); got != uint32(i) {
			return fmt.Errorf("packet %d came when %d was due", got, i)
		}
	}
	return nil
}

// TestFastOrderRates is TestFastOrder with packets that come at a steady rate, made in the kernel.
func TestFastOrderRates(t *testing.T) {
	rates := []int{1000, 5000} // what a busy machine's plane takes too; roam6 bench soft has more
	if raced {
		rates = rates[:1]
	}
	for _, rate := range rates {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			b := newAgentBed(t, PlaneEBPF, tunnelPath)
			tr, err := b.Traffic("ha", "ha0", yard.CN, yard.HoA, 200, "mn", "mn0")
			must(t, err)
			defer tr.Close()
			ran := make(chan error, 1)
			go func() {
				_, err := tr.Run(2*time.Second, rate)
				ran <- err
			}()
			for range 5 {
				time.Sleep(200 * time.Millisecond)
				b.order(t, "hold")
				time.Sleep(20 * time.Millisecond)
				b.order(t, "go")
			}
			must(t, <-ran)
			time.Sleep(100 * time.Millisecond)
			n, err := tr.Tally()
			must(t, err)
			st := b.stats(t)
			t.Logf("%+v\n%+v\n%+v drops %v", n, st.Plane.Paths, st.Fast.report(), st.Drops)
			if n.Received != n.Sent || n.Late > 0 {
				t.Errorf("%d of %d came, %d late", n.Received, n.Sent, n.Late)
			}
		})
	}
}

// mobileBed is a yard with a node in mn that is a mobile node, and the kernel's own home agent in ha.
func newMobileBed(t testing.TB, how Plane, more ...plane.Op) (*yard.Yard, *Node) {
	t.Helper()
	y := homeYard(t)
	must(t, y.KernelAgent())
	must(t, y.IP("mn", "addr del 2001:db8:a::fd/64 dev mn0"))
	path := plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: yard.CoA, Remote: yard.HA, Out: 1}
	e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Start); ok {
			out.Plane(plane.Op{Link: &plane.LinkOp{Port: 1, Link: plane.Link{Gateway: hw(t, yard.MACha1), MTU: yard.LinkMTU}}})
			out.Plane(localOp(yard.CoA, plane.Local{Port: 1}))
			out.Plane(hostOp(yard.HoA, plane.Host{MTU: yard.HomeMTU, Default: true}))
			out.Plane(pathOp(path))
			for _, op := range more {
				out.Plane(op)
			}
		}
	}}
	return y, runIn(t, y, "mn", Config{Name: "mn", Tun: "roam6", Plane: how, Userland: true, Engines: []Engine{{"e", e}},
		Links: []Link{{Port: 1, Ifname: "mn0", External: true}}})
}

func hw(t testing.TB, s string) plane.HW {
	t.Helper()
	a, err := net.ParseMAC(s)
	must(t, err)
	return plane.HW(a)
}

// TestFastMobile: the mobile node's side, both ways, and merged segments.
func TestFastMobile(t *testing.T) {
	y, n := newMobileBed(t, PlaneEBPF)
	down, atMobile := udpPair(t, y, "cn", yard.CN, "mn", yard.HoA)
	up, atCN := udpPair(t, y, "mn", yard.HoA, "cn", yard.CN)
	for _, w := range []struct{ from, to *net.UDPConn }{{up, atCN}, {down, atMobile}} {
		for i := range 20 {
			_, err := fmt.Fprintf(w.from, "packet %d", i)
			must(t, err)
			buf := make([]byte, 100)
			must(t, w.to.SetReadDeadline(time.Now().Add(patience)))
			k, err := w.to.Read(buf)
			if want := fmt.Sprintf("packet %d", i); err != nil || string(buf[:k]) != want {
				st, _ := n.Stats(context.Background())
				t.Fatalf("received %q, %v; want %q; %+v %v", buf[:k], err, want, st.Fast.report(), st.Drops)
			}
		}
	}
	st, err := n.Stats(context.Background())
	must(t, err)
	if p := st.Fast.Paths[0]; p.Sent.Packets != 20 || p.Received.Packets != 20 || st.Packets != 0 {
		t.Errorf("the fast path carried %+v, the plane %d: %+v", p, st.Packets, st.Fast.report())
	}
	if _, err := exec.LookPath("iperf3"); err != nil {
		t.Skip("no iperf3 (apt-get install iperf3)")
	}
	for _, flags := range [][]string{nil, {"-R"}} {
		rate, err := y.TCP("mn", yard.HoA, "cn", 2*time.Second, flags...)
		must(t, err)
		t.Logf("%v: %.2f Gb/s", flags, rate/1e9)
	}
	st, err = n.Stats(context.Background())
	must(t, err)
	t.Logf("%+v drops %v", st.Fast.report(), st.Drops)
}

// TestFastBesideStraight: what a mobile node sends straight to a peer is the plane's, what it sends to others is fast.
func TestFastBesideStraight(t *testing.T) {
	other := netip.MustParseAddr("2001:db8:c::2")
	y, n := newMobileBed(t, PlaneEBPF, plane.Op{Route: &plane.RouteOp{Pair: plane.Pair{Mobile: yard.HoA, Peer: other},
		Route: plane.Route{Side: plane.Mobile, CareOf: yard.CoA, Out: 1}}})
	must(t, y.IP("cn", "addr add "+other.String()+"/64 dev cn0 nodad"))
	for _, peer := range []netip.Addr{yard.CN, other} {
		from, _ := udpPair(t, y, "mn", yard.HoA, "cn", peer)
		for range 10 {
			_, err := from.Write([]byte("hello"))
			must(t, err)
		}
	}
	var st Stats
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(time.Millisecond) {
		var err error
		st, err = n.Stats(context.Background())
		must(t, err)
		if len(st.Plane.Routes) == 1 && st.Plane.Routes[0].Sent.Packets == 10 {
			break
		}
	}
	if p := st.Fast.Paths[0]; p.Sent.Packets != 10 || p.Slow != "" || len(st.Plane.Routes) != 1 || st.Plane.Routes[0].Sent.Packets != 10 {
		t.Errorf("fast %+v, straight %+v, left %+v", p, st.Plane.Routes, st.Fast.Left)
	}
}

// TestFastFollowsInterfaces: one that comes later gets a program, and so does another of its name.
func TestFastFollowsInterfaces(t *testing.T) {
	b := newAgentBed(t, PlaneEBPF, tunnelPath)
	links := func(want string) {
		t.Helper()
		for late := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			got := fmt.Sprint(b.stats(t).Fast.Links)
			if got == want {
				return
			}
			if time.Now().After(late) {
				t.Fatalf("programs on %s, want %s", got, want)
			}
		}
	}
	links("[ha0 ha1]")
	for range 2 {
		must(t, b.IP("ha", "link add ha2 type veth peer name ha3", "link set ha2 up", "link set ha3 up"))
		links("[ha0 ha1 ha2 ha3]")
		was := b.stats(t).Fast.Paths[0].Sent.Packets
		tr, err := b.Traffic("ha", "ha2", yard.CN, yard.HoA, 200, "mn", "mn0")
		must(t, err)
		_, err = tr.Run(100*time.Millisecond, 1000)
		must(t, err)
		must(t, tr.Close())
		if n := b.stats(t).Fast.Paths[0].Sent.Packets - was; n != 100 {
			t.Errorf("%d of 100 packets were fast", n)
		}
		must(t, b.IP("ha", "link del ha2"))
		links("[ha0 ha1]")
	}
}
