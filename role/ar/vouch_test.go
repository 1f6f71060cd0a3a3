package ar

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
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
