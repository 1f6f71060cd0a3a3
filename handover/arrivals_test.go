package handover

import (
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/neighbor"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

var (
	routerHW = plane.HW{2, 0, 0, 0, 2, 2}
	nodeHW   = plane.HW{2, 0, 0, 0, 9, 1}
	otherHW  = plane.HW{2, 0, 0, 0, 9, 2}
	link     = netip.MustParsePrefix("2001:db8:a:2::/64")
	self     = netip.MustParseAddr("2001:db8:a:2::a")
	before   = netip.MustParseAddr("2001:db8:a:1::a")
	coa      = ip6.FromEUI64(link, nodeHW)
)

const port = plane.Port(1)

func at(d time.Duration) engine.Now { return engine.Now{Mono: engine.Mono(1 + d)} }

func newArrivals() *Arrivals {
	a := NewArrivals(self, []RouterLink{{Port: port, Prefix: link}}, &neighbor.Speaker{})
	a.LinkUp(engine.LinkUp{Port: port, HW: routerHW})
	return a
}

// mode is how packets for the node go after the effects.
func mode(m plane.Mode, out *engine.Effects) plane.Mode {
	for _, e := range out.List {
		if p, ok := e.(engine.Plane); ok && p.Op.Path != nil {
			if m = p.Op.Path.Path.Mode; p.Op.Delete {
				m = ""
			}
		}
	}
	out.List = nil
	return m
}

// Held until known and here, in either order; the update leaves with the first.
func TestEitherOrder(t *testing.T) { //spec FH-10 FH-11 FH-12
	for _, knownFirst := range []bool{true, false} {
		a, m := newArrivals(), plane.Mode("")
		var out engine.Effects
		if why := a.Expect(at(0), Arrival{CoA: coa, HW: nodeHW, Port: port, From: before}, &out); why != 0 {
			t.Fatal(why)
		}
		if m = mode(m, &out); m != plane.Hold {
			t.Fatalf("expected: %q", m)
		}
		a.Keep(coa, []byte("old"), &out)
		a.Keep(coa, []byte("update"), &out)
		if len(out.List) != 0 {
			t.Error("an update left before its node was known")
		}
		step := []func(){func() { a.Known(at(1), coa, &out) }, func() { a.Here(at(1), coa, &out) }}
		if !knownFirst {
			step[0], step[1] = step[1], step[0]
		}
		step[0]()
		left := 0
		for _, e := range out.List {
			if s, ok := e.(engine.Send); ok && string(s.Data) == "update" {
				left++
			}
		}
		if m = mode(m, &out); m != plane.Hold || (left == 1) != knownFirst {
			t.Errorf("known first %v: %q, %d updates", knownFirst, m, left)
		}
		step[1]()
		if m = mode(m, &out); m != plane.Direct {
			t.Errorf("known first %v: then %q", knownFirst, m)
		}
		step[0]()
		step[1]()
		if len(out.List) != 0 {
			t.Error("the same again has effects")
		}
		if lapsed := a.Tick(at(ArrivedFor+2), &out); len(lapsed) != 0 || mode(m, &out) != "" || a.Len() != 0 {
			t.Error("it is not left to the kernel")
		}
	}
}

// Who does not come is given up, and who announced it is to be told.
func TestLapse(t *testing.T) { //spec FH-08
	for _, known := range []bool{true, false} {
		a := newArrivals()
		var out engine.Effects
		a.Expect(at(0), Arrival{CoA: coa, HW: nodeHW, Port: port, From: before}, &out)
		if known {
			a.Known(at(1), coa, &out)
		} else {
			a.Here(at(1), coa, &out)
		}
		if l := a.Tick(at(ExpectFor-1), &out); len(l) != 0 {
			t.Error("too soon")
		}
		l := a.Tick(at(ExpectFor), &out)
		if len(l) != 1 || l[0].From != before || l[0].Known != known || mode("x", &out) != "" {
			t.Errorf("%+v", l)
		}
	}
}

// What cannot be the node's is not represented, and nothing changes.
func TestRefusedArrivals(t *testing.T) { //spec FH-07
	now := at(0)
	for name, c := range map[string]struct {
		x    Arrival
		want subopt.Reason
	}{
		"the router's":         {Arrival{CoA: self, HW: nodeHW, Port: port}, subopt.AddressInUse},
		"its kernel's":         {Arrival{CoA: ip6.FromEUI64(link, routerHW), HW: nodeHW, Port: port}, subopt.AddressInUse},
		"anycast":              {Arrival{CoA: link.Addr(), HW: nodeHW, Port: port}, subopt.AddressInUse},
		"heard with another":   {Arrival{CoA: coa, HW: nodeHW, Port: port}, subopt.AddressInUse},
		"elsewhere":            {Arrival{CoA: before, HW: nodeHW, Port: port}, subopt.BadLinkLayer},
		"another link":         {Arrival{CoA: coa, HW: nodeHW, Port: 2}, subopt.BadLinkLayer},
		"the router's station": {Arrival{CoA: coa, HW: routerHW, Port: port}, subopt.BadLinkLayer},
		"a group":              {Arrival{CoA: coa, HW: plane.HW{1}, Port: port}, subopt.BadLinkLayer},
		"no station":           {Arrival{CoA: coa, Port: port}, subopt.BadLinkLayer},
	} {
		a := newArrivals()
		var out engine.Effects
		na := &nd.NeighborAdvertisement{Target: coa, Options: nd.Options{TargetHW: otherHW}}
		if _, ok := a.Heard(now, engine.Packet{Port: port, From: otherHW}, &ip6.Packet{Header: ip6.Header{Src: coa}}, na, &out); ok {
			t.Error("a sign of a node that is not expected")
		}
		if why := a.Expect(now, c.x, &out); why != c.want || len(out.List) != 0 || a.Len() != 0 {
			t.Errorf("%s: %v, %d effects", name, why, len(out.List))
		}
	}
}

// Stations are forgotten, and there are never more than twice MaxHeard.
func TestStationsAreBounded(t *testing.T) { //spec FH-07
	var s stations
	for i := range 5 * MaxHeard {
		x := coa.As16()
		x[14], x[15], x[13] = byte(i>>8), byte(i), byte(i>>16)
		s.put(at(0), neighbor.Key{Port: port, Addr: netip.AddrFrom16(x)}, otherHW)
		if n := len(s.young) + len(s.old); n > 2*MaxHeard {
			t.Fatalf("%d stations", n)
		}
	}
	k := neighbor.Key{Port: port, Addr: coa}
	s.put(at(0), k, nodeHW)
	if hw, ok := s.of(at(HeardFor+1), k); !ok || hw != nodeHW {
		t.Error("forgotten too soon")
	}
	if _, ok := s.of(at(5*HeardFor), k); ok {
		t.Error("never forgotten")
	}
}

// Forwarding begins, is prolonged, changes and ends; each change of the way is one effect.
func TestDepartures(t *testing.T) { //spec FH-08 FH-09
	d := NewDepartures(before)
	var out engine.Effects
	x := Departure{PCoA: ip6.FromEUI64(netip.MustParsePrefix("2001:db8:a:1::/64"), nodeHW), NCoA: coa, HW: nodeHW, Port: port, To: self}
	d.Forward(at(0), x, time.Hour, &out)
	if got, ok := d.ByNext(coa); !ok || got != x || mode("", &out) != plane.Tunnel {
		t.Fatalf("%+v", got)
	}
	d.Forward(at(time.Second), x, 20*time.Second, &out)
	if len(out.List) != 0 {
		t.Error("prolonged: the way is laid anew")
	}
	d.Tick(at(20*time.Second), &out)
	if d.Len() != 1 {
		t.Error("too soon")
	}
	y := x
	y.NCoA = ip6.FromEUI64(netip.MustParsePrefix("2001:db8:b:3::/64"), nodeHW)
	d.Forward(at(20*time.Second), y, time.Hour, &out)
	if _, ok := d.ByNext(coa); ok || mode("", &out) != plane.Tunnel {
		t.Error("forwarded to two")
	}
	d.Tick(at(20*time.Second+MaxForwarding), &out)
	if d.Len() != 0 || mode("x", &out) != "" {
		t.Error("it goes on for longer than MaxForwarding")
	}
	d.Stop(x.PCoA, "again", &out)
	if len(out.List) != 0 {
		t.Error("what is not there ends")
	}
}
