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
			if in.Verb == "hold" {
				p.Mode, p.Limit = plane.Hold, 1<<20
			}
			out.Plane(pathOp(p))
			out.Reply(engine.Reply{ID: in.ID})
		}
	}}
	err := b.In("ha", func() (err error) {
		b.node, err = New(Config{Name: "ha", Tun: "roam6", Plane: how, Engines: []Engine{{"e", e}},
			Links: []Link{{Port: 1, Ifname: "ha0", External: true}, {Port: 2, Ifname: "ha1", External: true}}})
		return err
	})
	if how == PlaneEBPF && err != nil && (errors.Is(err, unix.EPERM) || strings.Contains(err.Error(), "Linux 6.6")) {
		t.Skip(err)
	}
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- b.node.Run(context.Background()) }()
	t.Cleanup(func() {
		must(t, b.node.Close())
		must(t, <-done)
	})
	_, err = b.node.Views(context.Background())
	must(t, err)
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
