package driver

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/driver/ebpf/yard"
	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
)

// salvo is how many packets a test of meters sends one way.
const salvo = 200

// measure asks for meters as an engine does.
func (b *routerBed) measure(t *testing.T, keys ...plane.MeterKey) map[plane.MeterKey]engine.Measured {
	t.Helper()
	b.ops, b.asks = nil, keys
	_, err := b.node.Command(context.Background(), "", "do", nil)
	must(t, err)
	got := map[plane.MeterKey]engine.Measured{}
	for range keys {
		select {
		case m := <-b.told:
			m.ID = 0
			got[m.Key] = m
		case <-time.After(patience):
			t.Fatal("no answer")
		}
	}
	return got
}

func meterOf(a netip.Addr, p plane.Port, del bool) plane.Op {
	return plane.Op{Delete: del, Meter: &plane.MeterOp{Key: plane.MeterKey{Addr: a, Port: p}}}
}

// send sends packets of many sizes and waits until they are there; it gives what they are on the way, each with so many octets of
// headers more than its payload.
func send(t *testing.T, from, to *net.UDPConn, headers int) (c plane.Count) {
	t.Helper()
	buf := make([]byte, 2000)
	for i := range salvo {
		size := i * 6
		_, err := from.Write(buf[:size])
		must(t, err)
		must(t, to.SetReadDeadline(time.Now().Add(patience)))
		if n, err := to.Read(buf); err != nil || n != size {
			t.Fatalf("packet %d: %d octets, %v", i, n, err)
		}
		c.More(plane.Count{Packets: 1, Octets: uint64(size + headers)})
	}
	return c
}

// What a kernel forwards is counted to the octet, for whom a meter stands and by which link it stands; not what is for the router, nor
// what a gate stops.
func TestMetersInTheKernel(t *testing.T) {
	b := newRouterBed(t, PlaneSoft)
	up, atCN := udpPair(t, b.Yard, "mn", station, "cn", yard.CN)
	down, atStation := udpPair(t, b.Yard, "cn", yard.CN, "mn", station)
	toRouter, atRouter := udpPair(t, b.Yard, "mn", station, "ha", netip.MustParseAddr("2001:db8:a::fe"))
	must(t, b.IP("mn", "route add "+yard.HA.String()+"/128 via 2001:db8:a::fe"))
	own := plane.MeterKey{Addr: station, Port: accessPort}
	elsewhere, far := plane.MeterKey{Addr: station, Port: 1}, plane.MeterKey{Addr: yard.CN, Port: 1}
	nobody := plane.MeterKey{Addr: yard.CoA, Port: accessPort}
	send(t, up, atCN, 48)
	b.do(t, meterOf(own.Addr, own.Port, false), meterOf(elsewhere.Addr, elsewhere.Port, false), meterOf(far.Addr, far.Port, false))
	var sent, received plane.Count
	check := func(what string) {
		t.Helper()
		for k, want := range map[plane.MeterKey]engine.Measured{own: {Key: own, Up: sent, Down: received}, far: {Key: far, Up: received, Down: sent},
			elsewhere: {Key: elsewhere}, nobody: {Key: nobody, Err: engine.ErrNotFound}} {
			if got := b.measure(t, own, far, elsewhere, nobody)[k]; got != want {
				t.Errorf("%s: %+v\nwant %+v", what, got, want)
			}
		}
	}
	check("nothing yet")
	sent.More(send(t, up, atCN, 48))
	check("up")
	received.More(send(t, down, atStation, 48))
	check("down")
	send(t, toRouter, atRouter, 48)
	raw(t, b.Yard, "mn", ip6.ProtoUDP, yard.HA, make([]byte, 8))
	if !b.hears(true) {
		t.Error("the engines hear nothing")
	}
	check("to the router")
	b.do(t, gateOp("::/0", false, false))
	before := b.stopped(t)
	for range salvo {
		_, err := up.Write([]byte("stopped"))
		must(t, err)
	}
	if n := b.stops(t, before, salvo); n != salvo {
		t.Errorf("%d stopped", n)
	}
	received.More(send(t, down, atStation, 48))
	check("closed")
	b.do(t, gateOp(station.String()+"/128", true, false), meterOf(own.Addr, own.Port, false))
	sent.More(send(t, up, atCN, 48))
	check("open")
	st, err := b.node.Stats(context.Background())
	must(t, err)
	if want := (plane.MeterCount{Addr: own.Addr, Port: own.Port, Up: sent, Down: received}); !slices.Contains(st.Plane.Meters, want) {
		t.Errorf("stats tell %+v, want %+v among them", st.Plane.Meters, want)
	}
	b.do(t, meterOf(own.Addr, own.Port, true), meterOf(own.Addr, own.Port, false))
	send(t, up, atCN, 48)
	if got := b.measure(t, own)[own]; got.Up.Packets != salvo || got.Down.Packets != 0 {
		t.Errorf("a new meter begins with %+v", got)
	}
}

// What the plane sends by a link itself, and what goes through it in tunnels, is counted once, as it is on the link.
func TestMetersOfKernelAndPlane(t *testing.T) {
	b := newRouterBed(t, PlaneEBPF)
	must(t, b.KernelMobile())
	coa, sta := plane.MeterKey{Addr: yard.CoA, Port: accessPort}, plane.MeterKey{Addr: station, Port: accessPort}
	inner := netip.PrefixFrom(station, 128)
	held := func(p plane.Path) plane.Op { return plane.Op{Path: &plane.PathOp{Inner: inner, Path: p}} }
	b.do(t, meterOf(coa.Addr, coa.Port, false), meterOf(sta.Addr, sta.Port, false),
		plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(yard.HoA, 128), Path: tunnelPath}},
		held(plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: 100, Capture: true}))
	down, atMN := udpPair(t, b.Yard, "cn", yard.CN, "mn", yard.HoA)
	up, atCN := udpPair(t, b.Yard, "mn", yard.HoA, "cn", yard.CN)
	want := engine.Measured{Key: coa, Down: send(t, down, atMN, 48+40), Up: send(t, up, atCN, 48+40)}
	if got := b.measure(t, coa)[coa]; got != want {
		t.Errorf("by a tunnel: %+v\nwant %+v", got, want)
	}
	toStation, atStation := udpPair(t, b.Yard, "cn", yard.CN, "mn", station)
	for range 10 {
		_, err := toStation.Write(make([]byte, 52))
		must(t, err)
	}
	passes(t, toStation, atStation, "the last", false)
	if got := b.measure(t, sta)[sta]; got != (engine.Measured{Key: sta}) {
		t.Errorf("while it is held: %+v", got)
	}
	b.do(t, held(plane.Path{Side: plane.Agent, Mode: plane.Direct, Out: accessPort, To: hw(t, yard.MACmn0), Capture: true}))
	if got := b.measure(t, sta)[sta]; got.Down != (plane.Count{Packets: 11, Octets: 10*100 + 48 + 8}) || got.Up.Packets != 0 {
		t.Errorf("when it has left: %+v", got)
	}
}
