package handover

import (
	"bytes"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/lwkrb"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
	lw "roam6/wire/lwkrb"
)

// pair is a session at both ends, as machine/lwkrb makes it.
func pair(n byte, until time.Duration) (router, mobile *lwkrb.Session) {
	one := func() *lwkrb.Session {
		return &lwkrb.Session{Client: "ann@HOME.EXAMPLE", Router: "mobileip/ar2.a.example@A.EXAMPLE", CareOf: coa, LinkLayer: nodeHW[:], Granted: lw.WantAH,
			SPIToRouter: 0x2000 + uint32(n), SPIToMobile: 0x3000 + uint32(n), Until: engine.Mono(until),
			AH: lwkrb.Pair{ToRouter: bytes.Repeat([]byte{n}, 32), ToMobile: bytes.Repeat([]byte{n, ^n}, 16)}}
	}
	return one(), one()
}

func word(text string) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: coa, Dst: self}, Proto: ip6.ProtoICMPv6, Payload: []byte(text)}
	return p.Append(nil)
}

// gates is what the effects make of the gates.
func gates(g map[plane.GateKey]bool, out *engine.Effects) {
	for _, e := range out.List {
		if p, ok := e.(engine.Plane); ok && p.Op.Gate != nil {
			if delete(g, p.Op.Gate.Key); !p.Op.Delete {
				g[p.Op.Gate.Key] = p.Op.Gate.Gate.Open
			}
		}
	}
	out.List = nil
}

// The gate is open while there is a session; the router hears by all, and speaks by that which it was last spoken to by.
func TestSessions(t *testing.T) { //spec FH-12 FH-16 FH-18
	s, g := NewSessions([]plane.Port{port}), map[plane.GateKey]bool{}
	mine := plane.GateKey{From: one(coa), Port: port}
	var out engine.Effects
	s.Start(&out)
	if gates(g, &out); len(g) != 1 || g[mine] {
		t.Fatalf("%v", g)
	}
	r1, m1 := pair(1, 10*time.Second)
	r2, m2 := pair(2, 20*time.Second)
	first, second := SessionAH(m1), SessionAH(m2)
	s.Add(port, nodeHW, r1, &out)
	s.Add(port, nodeHW, r2, &out)
	if gates(g, &out); !g[mine] || s.Len() != 1 || !s.Has(coa, nodeHW) || s.Has(coa, otherHW) || !s.Keyed(coa) {
		t.Fatalf("%v", g)
	}
	if !bytes.Equal(r1.AH.ToRouter, make([]byte, 32)) {
		t.Error("keys stay with who gave them")
	}
	if _, reason := first.Open(s.Seal(coa, word("x"), &out)); reason != "" {
		t.Errorf("by the first: %q", reason)
	}
	heard := second.Seal(word("y"), &out)
	if from, p, reason := s.Open(heard, &out); reason != "" || from != coa || string(p.Payload) != "y" {
		t.Errorf("%q", reason)
	}
	if _, _, reason := s.Open(heard, &out); reason != sa.AHReplay {
		t.Errorf("again: %q", reason)
	}
	if _, _, reason := s.Open(word("bare"), &out); reason != sa.AHUnknownSPI {
		t.Errorf("bare: %q", reason)
	}
	if _, reason := second.Open(s.Seal(coa, word("z"), &out)); reason != "" {
		t.Errorf("by what it was last spoken to by: %q", reason)
	}
	s.Tick(at(10*time.Second), &out)
	if gates(g, &out); !g[mine] {
		t.Error("the gate closes with the first of two")
	}
	s.Tick(at(20*time.Second), &out)
	if gates(g, &out); g[mine] || len(g) != 1 || s.Len() != 0 {
		t.Errorf("%v", g)
	}
	if _, _, reason := s.Open(second.Seal(word("late"), &out), &out); reason != sa.AHUnknownSPI {
		t.Errorf("late: %q", reason)
	}
}

// One node has few sessions, another node at its address none of them.
func TestSessionsAreBounded(t *testing.T) { //spec FH-18
	s := NewSessions(nil)
	var out engine.Effects
	for n := range byte(10) {
		r, _ := pair(n+1, time.Hour)
		s.Add(port, nodeHW, r, &out)
	}
	if len(s.spis) != MaxPerNode || len(s.byNo) != MaxPerNode {
		t.Errorf("%d sessions", len(s.spis))
	}
	r, _ := pair(99, time.Hour)
	s.Add(port, otherHW, r, &out)
	if len(s.spis) != 1 || s.Has(coa, nodeHW) || !s.Has(coa, otherHW) {
		t.Errorf("%d sessions", len(s.spis))
	}
	s.ClosePort(port, &out)
	if s.Len() != 0 || len(s.spis)+len(s.byNo) != 0 {
		t.Error("a link is gone, and its sessions stay")
	}
}
