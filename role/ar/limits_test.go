package ar

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/mip6aaa"
)

// crowd lets n in of whom nothing is known but the address.
func (g *gatekeeper) crowd(n int) {
	for i := range n {
		a := netip.AddrFrom16([16]byte{0x20, 1, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
		g.sessions[a] = &session{coa: a, standing: admitted}
	}
}

// owe has n records wait that are of no user here.
func (b *books) owe(n int) {
	for i := range n {
		b.records[uint64(i)+1<<32] = &record{}
	}
}

// Who was in is let go on where there is time and room for one more, and not for the last second or the last place that there is not. The others of
// the link hear that somebody was lost, unless his time was over anyway.
func TestResumedAtLimits(t *testing.T) { //spec DM-09 DM-22
	const name = "2001:1:0:1::9"
	for what, c := range map[string]struct {
		cfg        Config
		before     func(g *gatekeeper)
		ends, life int64 // seconds from now
		in, lost   bool
	}{
		"time":                       {config(), nil, 60, 60, true, false},
		"a second":                   {config(), nil, 1, 1, true, false},
		"none left":                  {config(), nil, 0, 60, false, false},
		"none granted":               {config(), nil, 60, 0, false, false},
		"the last place":             {config(), func(g *gatekeeper) { g.crowd(MaxSessions - 1) }, 60, 60, true, false},
		"no place":                   {config(), func(g *gatekeeper) { g.crowd(MaxSessions) }, 60, 60, false, true},
		"no place, but no time left": {config(), func(g *gatekeeper) { g.crowd(MaxSessions) }, 0, 60, false, false},
		"last room for records":      {accounting(), func(g *gatekeeper) { g.books.owe(MaxRecords - 2*perAccount) }, 60, 60, true, false},
		"no room for records":        {accounting(), func(g *gatekeeper) { g.books.owe(MaxRecords - 2*perAccount + 1) }, 60, 60, false, true},
		"here already": {config(), func(g *gatekeeper) {
			a := netip.MustParseAddr(name)
			g.sessions[a] = &session{coa: a, standing: admitted, id: "first"}
		}, 60, 60, false, true},
	} { //order:any
		w := newAAAWorld(t, c.cfg)
		g := w.r.gate
		if c.before != nil {
			c.before(g)
		}
		g.doors[0].epoch = 7
		value, _ := json.Marshal(stay{Port: 1, Session: "x", User: user, Ends: w.now.Wall.Unix() + c.ends, Life: c.life})
		var out engine.Effects
		g.resume(w.now, []engine.Record{{Bucket: "another's", Key: "2001:1:0:1::8", Value: value}, {Bucket: stayBucket, Key: name, Value: value}}, &out)
		s := g.sessions[netip.MustParseAddr(name)]
		in := s != nil && s.user == user
		removed := false
		for _, e := range out.List {
			p, ok := e.(engine.Persist)
			removed = removed || ok && p.Bucket == stayBucket && p.Value == nil
		}
		if in != c.in || removed == c.in || (g.doors[0].epoch == 0) != c.lost || g.sessions[netip.MustParseAddr("2001:1:0:1::8")] != nil {
			t.Errorf("%s: in %v, record removed %v, epoch %d", what, in, removed, g.doors[0].epoch)
		}
		if at, armed := g.timers.Armed(netip.MustParseAddr(name)); armed != c.in || c.in && at.Sub(w.now.Mono) != time.Duration(c.ends)*time.Second {
			t.Errorf("%s: ends in %v, %v", what, at.Sub(w.now.Mono), armed)
		}
	}
}

// What a session had left is stored in whole seconds, counted up.
func TestStayIsStored(t *testing.T) { //spec DM-09
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	s := *w.r.gate.sessions[m.coa]
	for left, life := range map[time.Duration]int64{time.Second: 1, time.Second + 1: 2, 2 * time.Second: 2, time.Hour - 1: 3600} { //order:any
		var out engine.Effects
		s.ends = w.now.Mono.Add(left)
		s.keep(w.now, &out)
		var x stay
		if err := json.Unmarshal(out.List[0].(engine.Persist).Value, &x); err != nil || x.Life != life || x.Ends != w.now.Wall.Add(left).Unix() {
			t.Errorf("%v: %+v, %v", left, x, err)
		}
	}
}

// There is room for a session as long as its home network has, with it, no more records than are left free: of those that wait, and of the last
// ones of sessions that are open.
func TestRoomOfBooks(t *testing.T) { //spec DM-22
	for _, accounts := range []int{0, 1, 5} {
		for _, c := range []struct {
			of     string
			most   int // records that may wait
			others bool
		}{
			{"nobody", MaxRecords - perAccount*(accounts+2), false},
			{user, MaxRecords/2 - perAccount*(accounts+1), true},
		} {
			for over := range 2 {
				b := newAAAWorld(t, accounting()).r.gate.books
				b.owe(c.most + over)
				for i := range accounts {
					b.accounts[fmt.Sprint(i)] = &account{}
				}
				if c.of == user {
					s := b.shelf(user)
					s.records, s.accounts = c.most+over, accounts
				}
				if b.room(user) != (over == 0) || over == 1 && b.room("u@"+deaf) != c.others {
					t.Errorf("%d records, %d accounts of %s, %d too many: room %v, for others %v", c.most, accounts, c.of, over, b.room(user), b.room("u@"+deaf))
				}
			}
		}
	}
}

// However many home networks take no records, there is room for another one's sessions.
func TestManyDeafRealms(t *testing.T) { //spec DM-22
	b := newAAAWorld(t, accounting()).r.gate.books
	var out engine.Effects
	for i := range 10 {
		who := fmt.Sprintf("u@deaf%d.example", i)
		for n := 0; b.room(who); n++ {
			b.record(usage{Session: fmt.Sprint(i, ";", n), CareOf: newMobile(1).coa, Kind: mip6aaa.Stop, User: who}, nil, &out)
		}
		if !b.room(user) {
			t.Fatalf("no room beside %d", i+1)
		}
	}
}

// Records of many home networks fly in turn: none has more than another but one, and all together not more than MaxFlying.
func TestRecordsFlyInTurn(t *testing.T) { //spec DM-22
	const realms = 5
	w := newAAAWorld(t, accounting())
	b := w.r.gate.books
	var out engine.Effects
	for r := range realms {
		for i := range MaxFlying {
			b.record(usage{Session: fmt.Sprint(r, ";", i), CareOf: newMobile(1).coa, Kind: mip6aaa.Stop, User: fmt.Sprintf("u@home%d.example", r)}, nil, &out)
		}
	}
	b.pump(w.now, &out)
	if len(b.flying) != MaxFlying {
		t.Errorf("%d fly", len(b.flying))
	}
	for _, s := range b.shelves { //order:any
		if s.flying != MaxFlying/realms && s.flying != MaxFlying/realms+1 {
			t.Errorf("%s: %d fly", s.realm, s.flying)
		}
	}
}
