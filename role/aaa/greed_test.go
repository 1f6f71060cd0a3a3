package aaa

import (
	"fmt"
	"testing"
	"time"

	"roam6/store/subscriber/profile"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// Who may propose a home address may not propose the one that is another subscriber's own.
func TestProposesAnothersHomeAddress(t *testing.T) { //spec DM-17
	eve, owner := ann(), ann()
	eve.AddressFrom = profile.FromMobile
	owner.NAI, owner.HomeAddress = "owner@home.example", hoa
	for _, embedded := range []bool{false, true} {
		b := newBench(t, homeConfig(), eve, owner)
		b.db[hoa.String()] = owner // as the database finds it
		m := newMobile()
		if embedded {
			m.req.Binding = update(coa, ha1, hoa, time.Hour, 1)
		} else {
			m.req.HomeAddress, m.req.Features = hoa, flagA
		}
		h := b.send(m.arr())
		if len(b.d.asked) != 0 {
			b.agent(nil)
		}
		b.want(m, h, unauthorized)
		if b.s.sessions.find(nai, hoa) != nil {
			t.Error("the home address is hers now")
		}
	}
}

// One subscriber does not have all the sessions that the server counts, where its profile has no limit.
func TestSessionsOfOneUser(t *testing.T) { //spec DM-11
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	for i := range MaxSessionsOfUser + 1 {
		m.session, m.req.LocalChallenge = fmt.Sprint("ar1;", i), fmt.Appendf(nil, "%016d", i)
		h := b.send(m.arr())
		if i == MaxSessionsOfUser {
			b.want(m, h, unauthorized)
			break
		}
		b.want(m, h, diameter.Success)
	}
	b.wait(time.Second)
	m.session = "ar1;0" // which it has
	b.want(m, b.send(m.arr()), diameter.Success)
}

// Records of a known session do not fill the database either: an honest client has few of each.
func TestRecordsOfAKnownSessionAreBounded(t *testing.T) { //spec DM-22
	b := hostile(t)
	m := newMobile()
	b.want(m, b.send(m.arr()), diameter.Success)
	b.wait(time.Hour / 2)
	taken := func(n int) (taken int) {
		for i := range n {
			a := acr()
			a.Kind, a.Number = mip6aaa.Interim, uint32(i)
			h := b.count(a)
			b.database()
			if b.aca(h).Code == diameter.Success {
				taken++
			}
		}
		return taken
	}
	if n := taken(2 * RecordBurst); n != RecordBurst || b.s.refused["accounting-known-full"] != RecordBurst {
		t.Errorf("%d at once, %v", n, b.s.refused)
	}
	b.wait(10 * time.Second)
	if n := taken(100); n != 10*RecordRate {
		t.Errorf("%d in 10 s", n)
	}
}
