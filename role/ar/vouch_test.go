package ar

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/handover/fmipv6"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

var (
	fastAddr   = netip.MustParseAddr("2001:1:0:1::f")
	otherAR    = netip.MustParseAddr("2001:1:0:9::f")
	otherESP   = sa.Config{ESP: &sa.ESPConfig{OutSPI: 0x1001, InSPI: 0x1002, OutKey: bytes.Repeat([]byte{1}, 20), InKey: bytes.Repeat([]byte{2}, 20)}}
	mirrorESP  = sa.Config{ESP: &sa.ESPConfig{OutSPI: 0x1002, InSPI: 0x1001, OutKey: bytes.Repeat([]byte{2}, 20), InKey: bytes.Repeat([]byte{1}, 20)}}
	evilESP    = sa.Config{ESP: &sa.ESPConfig{OutSPI: 0x1002, InSPI: 0x1001, OutKey: bytes.Repeat([]byte{6}, 20), InKey: bytes.Repeat([]byte{7}, 20)}}
	otherCellA = netip.MustParsePrefix("2001:1:0:9::/64")
)

// vouchWorld is a router with a closed gate and a neighbour that may announce mobile nodes.
func vouchWorld(t *testing.T) (*aaaWorld, *sa.SA) {
	c := config()
	c.Fast = &Fast{Address: fastAddr, Neighbours: []FastNeighbour{{Address: otherAR, HW: plane.HW{2, 9}, Prefix: otherCellA, Security: otherESP}}}
	end, err := sa.New(mirrorESP, "other")
	if err != nil {
		t.Fatal(err)
	}
	return newAAAWorld(t, c), end
}

func initiate(m *mobileNode, seq uint16) *mh.HandoverInitiate {
	hi := &mh.HandoverInitiate{Seq: seq}
	hi.Options.LLA = m.hw
	hi.Options.Addresses = []mh.AddressPrefix{mh.Host(mh.OldCareOf, ip6.FromEUI64(otherCellA, m.hw)), mh.Host(mh.NewCareOf, m.coa)}
	return hi
}

// announce has the neighbour announce a mobile node.
func (w *aaaWorld) announce(end *sa.SA, m *mobileNode, seq uint16) {
	w.t.Helper()
	var out engine.Effects
	data := end.Protect(w.now, ip6.Packet{Header: ip6.Header{Src: otherAR, Dst: fastAddr}}, initiate(m, seq), &out)
	w.do(engine.Packet{Data: data})
}

// arrives has a mobile node say that it has come.
func (w *aaaWorld) arrives(m *mobileNode) {
	w.says(m.hw, m.coa, ip6.AllNodes, &nd.NeighborAdvertisement{Target: m.coa, Options: nd.Options{TargetHW: m.hw}})
}

// A node for which nobody gives his word that may passes nothing, whatever it says itself.
func TestNobodysWord(t *testing.T) { //spec DM-09
	w, _ := vouchWorld(t)
	m := newMobile(1)
	w.arrives(m)
	w.known(m)
	evil, err := sa.New(evilESP, "evil")
	if err != nil {
		t.Fatal(err)
	}
	w.announce(evil, m, 1) // the keys are not the neighbour's
	p := ip6.Packet{Header: ip6.Header{Src: otherAR, Dst: fastAddr}, Proto: ip6.ProtoMH}
	p.Payload = mh.Append(nil, p.Src, p.Dst, initiate(m, 2)) // nor is it protected at all
	w.do(engine.Packet{Data: p.Append(nil)})
	w.arrives(m)
	if len(w.gates) != 1 || w.gates[closed] || len(w.r.gate.sessions) != 0 || w.events["access.provisional"] != 0 || w.events["unprotected"] != 1 {
		t.Errorf("%v, %v", w.gates, w.events)
	}
}

// A neighbour's word lets a node pass for as long as it takes to ask the home network, and no longer however often it is given.
func TestNeighboursWord(t *testing.T) { //spec DM-09
	w, other := vouchWorld(t)
	m, honest := newMobile(1), newMobile(2)
	w.announce(other, m, 1)
	w.announce(other, honest, 2)
	if !w.gates[m.gate()] || w.events["access.provisional"] != 2 {
		t.Fatalf("%v, %v", w.gates, w.events)
	}
	begun := w.now.Mono
	w.arrives(m)
	w.arrives(honest)
	w.known(honest)
	w.ask(honest, nil)
	for seq := uint16(3); w.now.Mono.Sub(begun) < MaxGrace+GraceRest-time.Second; seq++ {
		w.pass(time.Second)
		w.announce(other, m, seq)
		if open := w.gates[m.gate()]; open != (w.now.Mono.Sub(begun) < MaxGrace) {
			t.Fatalf("open %v after %v", open, w.now.Mono.Sub(begun))
		}
	}
	if w.events["announced-again"] == 0 || w.events["access.provisional"] != 2 || !w.gates[honest.gate()] {
		t.Fatalf("%v", w.events)
	}
	w.known(m)
	w.ask(m, nil) // it may still prove who it is
	if s := w.r.gate.sessions[m.coa]; !w.gates[m.gate()] || s == nil || s.standing != admitted {
		t.Errorf("%+v, %v", s, w.events)
	}
	late := newMobile(3)
	w.announce(other, late, 100)
	w.pass(MaxGrace + GraceRest)
	if _, there := w.gates[late.gate()]; there || w.r.gate.sessions[late.coa] != nil {
		t.Error("remembered for ever")
	}
	w.announce(other, late, 101)
	if !w.gates[late.gate()] {
		t.Error("not let pass again")
	}
}

// This router gives its word for those that the home network vouches for here.
func TestOwnWord(t *testing.T) { //spec DM-09
	w, other := vouchWorld(t)
	m, guest := newMobile(1), newMobile(2)
	w.known(m)
	w.ask(m, nil)
	w.announce(other, guest, 1)
	g := w.r.gate
	for what, c := range map[string]struct { //order:any
		coa  netip.Addr
		hw   plane.HW
		want bool
	}{
		"let in":                     {m.coa, m.hw, true},
		"of another station":         {m.coa, guest.hw, false},
		"let pass on another's word": {guest.coa, guest.hw, false},
		"a stranger":                 {newMobile(3).coa, newMobile(3).hw, false},
		"where nobody is asked":      {netip.MustParseAddr("2001:1:0:2::5"), m.hw, true},
	} {
		if got := g.mayAnnounce(c.coa, c.hw); got != c.want {
			t.Errorf("%s: %v", what, got)
		}
	}
	if w.r.fast == nil {
		t.Fatal("no fast handovers")
	}
}

// acked is what the neighbour is told last.
func (w *aaaWorld) acked(end *sa.SA) *mh.HandoverAck {
	w.t.Helper()
	for _, s := range slices.Backward(w.sent) {
		p, err := ip6.Parse(s.Data)
		if err != nil || p.Proto != ip6.ProtoESP || p.Dst != otherAR {
			continue
		}
		m, why := end.Verify(w.now, &p)
		if h, ok := m.(*mh.HandoverAck); ok && why == "" {
			return h
		}
	}
	w.t.Fatal("no acknowledgement")
	return nil
}

// A handover that is prepared and not made uses no more of the word than it was open; where too little is left the neighbour hears that the gate is
// closed. However the words are placed, the gate is open for MaxGrace in MaxGrace and GraceRest together.
func TestWordThatLapses(t *testing.T) { //spec DM-09
	w, other := vouchWorld(t)
	m := newMobile(1)
	step := 250 * time.Millisecond
	var history []bool
	run := func(d time.Duration) {
		for ; d > 0; d -= step {
			history = append(history, w.gates[m.gate()])
			w.pass(step)
		}
	}
	seq := uint16(0)
	for _, c := range []struct {
		after time.Duration
		open  bool
	}{{0, true}, {10 * time.Second, true}, {10 * time.Second, false}, {GraceRest - 8*time.Second, false}, {2 * time.Second, true}, {time.Second, true}, {2500 * time.Millisecond, false}} {
		run(c.after)
		seq++
		w.sent = nil
		w.announce(other, m, seq)
		w.arrives(m)
		if h := w.acked(other); !h.Code.Accepted() || h.Options.Closed() == c.open || c.open && !w.gates[m.gate()] {
			t.Fatalf("word %d: %v, closed %v, gate open %v", seq, h.Code, h.Options.Closed(), w.gates[m.gate()])
		}
	}
	run(time.Minute)
	window := int((MaxGrace + GraceRest) / step)
	for from := range len(history) - window {
		open := 0
		for _, is := range history[from : from+window] {
			if is {
				open++
			}
		}
		if time.Duration(open)*step > MaxGrace {
			t.Fatalf("open for %v from %v on", time.Duration(open)*step, time.Duration(from)*step)
		}
	}
}

// Those on neighbours' words are bounded for each neighbour and all together, and take no subscriber's room, open or spent.
func TestWordsTakeNobodysRoom(t *testing.T) { //spec DM-09
	w, _ := vouchWorld(t)
	g := w.r.gate
	var out engine.Effects
	word := func(by byte, i int) bool {
		hw := plane.HW{2, 1, by, byte(i >> 16), byte(i >> 8), byte(i)}
		return g.announced(w.now, fmipv6.Word{Port: 1, CoA: ip6.FromEUI64(g.doors[0].prefix, hw), HW: hw, By: netip.AddrFrom16([16]byte{15: by})}, &out)
	}
	for by := range byte(MaxGuests / MaxWords) {
		for i := range MaxWords {
			if !word(by, i) {
				t.Fatalf("neighbour %d: %d", by, i)
			}
		}
		if word(by, MaxWords) || !word(by, 0) {
			t.Fatal("not bounded, or one that is in is out")
		}
	}
	if word(200, 0) || g.guests != MaxGuests {
		t.Errorf("%d in all", g.guests)
	}
	for i := range MaxSessions - 1 {
		a := netip.AddrFrom16([16]byte{0x20, 1, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
		g.sessions[a] = &session{coa: a, standing: admitted, ends: engine.Never}
	}
	w.pass(MaxGrace) // spent
	m := newMobile(1)
	w.known(m)
	w.ask(m, nil)
	if s := g.sessions[m.coa]; s == nil || s.standing != admitted {
		t.Fatalf("kept out: %+v", s)
	}
	w.pass(GraceRest)
	if g.guests != 0 || len(g.wordsOf) != 0 || !word(0, 0) || !word(200, 0) {
		t.Errorf("%d, of %d neighbours", g.guests, len(g.wordsOf))
	}
	if g.room(ip6.FromEUI64(g.doors[0].prefix, plane.HW{2, 1, 0, 0, 0, 0})) {
		t.Error("one on a word has room where there is none")
	}
}
