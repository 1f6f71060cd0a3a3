package node_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"roam6/plane"
	"roam6/wire/ip6"
)

// airTime is what mobile nodes' care-of addresses have sent and received in cells, as somebody counts who listens there.
type airTime map[crossing]*plane.Count

type crossing struct {
	cell string
	coa  netip.Addr
	up   bool
}

func (a airTime) hear(cell string, up bool, packet []byte) {
	p, err := ip6.Parse(packet)
	if err != nil {
		return
	}
	of, with := p.Src, p.Dst
	if !up {
		of, with = with, of
	}
	if !of.IsGlobalUnicast() || !with.IsGlobalUnicast() || netip.PrefixFrom(of, 64).Masked().Contains(with) {
		return // between neighbours: nothing that a router forwards
	}
	k := crossing{cell, of, up}
	if a[k] == nil {
		a[k] = &plane.Count{}
	}
	a[k].More(plane.Count{Packets: 1, Octets: uint64(len(packet))})
}

// What is accounted for in the home network is what has crossed the air: of what a mobile node has sent every octet, but for what was under way
// when it left; of what was sent to it every octet since its session began, and what its router forwarded after it was gone.
//
// spec DM-22
func TestAccountedIsWhatCrossedTheAir(t *testing.T) {
	w := inTrouble(t, "home", 70*time.Second, "[{at: 20s, to: ar2}, {at: 40s, to: ar3}]")
	air := airTime{}
	w.air = air.hear
	w.run()
	type told struct {
		Origin      string
		CareOf      netip.Addr `json:"care_of"`
		OctetsUp    uint64     `json:"octets_up"`
		OctetsDown  uint64     `json:"octets_down"`
		PacketsUp   uint64     `json:"packets_up"`
		PacketsDown uint64     `json:"packets_down"`
	}
	last := map[netip.Addr]told{}
	for _, raw := range w.tables.Records {
		var r told
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		last[r.CareOf] = r // later records say all that earlier ones did
	}
	left := 0
	for coa, r := range last { //order:any
		if r.Origin == "ar3.b.example" {
			continue // still there: counts go on behind its last record
		}
		cell := map[string]string{"ar1.a.example": "ar1", "ar2.a.example": "ar2"}[r.Origin]
		up, down := air[crossing{cell, coa, true}], air[crossing{cell, coa, false}]
		if up == nil || down == nil || up.Packets < 500 || down.Packets < 500 {
			t.Fatalf("%v in %q: crossed %v and %v", coa, cell, up, down)
		}
		left++
		t.Logf("%s %v: accounted for %d packets up, %d down; crossed %v and %v", cell, coa, r.PacketsUp, r.PacketsDown, *up, *down)
		if lost := up.Packets - r.PacketsUp; lost > 1 || up.Octets-r.OctetsUp > lost*1500 || lost == 0 && up.Octets != r.OctetsUp {
			t.Errorf("%s %v: accounted for %d octets in %d packets up, crossed %+v", cell, coa, r.OctetsUp, r.PacketsUp, *up)
		}
		// A new way is known within half a second, 50 packets of 152 octets come in each. One or two may come before the session: the home agent
		// sends as soon as it has the binding, and the router hears of it last.
		packets, octets := int64(r.PacketsDown-down.Packets), int64(r.OctetsDown-down.Octets)
		if packets < -2 || packets > 25 || octets < (packets-2)*152 || octets > (packets+2)*152 {
			t.Errorf("%s %v: accounted for %d octets in %d packets down, crossed %+v", cell, coa, r.OctetsDown, r.PacketsDown, *down)
		}
	}
	if left < 2 {
		t.Errorf("%d sessions were left", left)
	}
}
