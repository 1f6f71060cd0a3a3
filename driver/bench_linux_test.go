package driver

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
)

// BenchmarkTurn is the way of one control packet through a node on a real link: in by the packet socket, plane, engine, out by
// the packet socket. The peer's reader is in it as well, so it is an upper bound.
func BenchmarkTurn(b *testing.B) {
	fresh(b)
	wire(b)
	e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Start:
			out.Plane(localOp(coa, plane.Local{Port: 1}))
		case engine.Packet:
			out.Send(in.Port, in.From, in.Data)
		}
	}}
	n, err := New(Config{Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true, Engines: []Engine{{"e", e}}})
	must(b, err)
	defer n.Close()
	peer := open(b, Config{Links: []Link{{Port: 1, Ifname: "v1"}}, Userland: true})
	done := make(chan error, 1)
	go func() { done <- n.Run(context.Background()) }()
	n.Stats(context.Background())
	must(b, peer.Apply(localOp(coa, plane.Local{Port: 1})))
	heard := listen(peer)
	pkt := control(b)
	b.ReportAllocs()
	for b.Loop() {
		e.inputs = nil
		must(b, peer.Send(1, plane.HW{2, 0, 0, 0, 0, 1}, pkt))
		late := time.Now().Add(patience)
		for len(heard.packets) == 0 && time.Now().Before(late) {
			heard.read()
		}
		select {
		case <-heard.packets:
		default:
			b.Fatal("no answer")
		}
	}
	b.StopTimer()
	must(b, n.Close())
	must(b, <-done)
}

// BenchmarkCapture is what one binding costs a home agent that has ten thousand: a Local joined and captured, and removed.
func BenchmarkCapture(b *testing.B) {
	fresh(b)
	wire(b)
	m := open(b, Config{Links: []Link{{Port: 1, Ifname: "v0"}}, Tun: "roam6t"})
	at := func(i int) netip.Addr {
		a := hoa.As16()
		a[13], a[14], a[15] = byte(i>>16), byte(i>>8), byte(i)
		return netip.AddrFrom16(a)
	}
	for i := range 10000 {
		must(b, m.Apply(localOp(at(i), plane.Local{Capture: true, Proxy: true})))
	}
	for b.Loop() {
		must(b, m.Apply(localOp(at(1<<20), plane.Local{Port: 1, Capture: true, Proxy: true})))
		must(b, m.Apply(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: at(1 << 20)}}))
	}
}
