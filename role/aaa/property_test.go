package aaa

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/machine/peers"
	"roam6/store/subscriber/profile"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// TestNothingLeaks does at random what users, home agents, peers and time may do, in any order, and holds the counts of the pool against
// the sessions; every request is answered once, and in the end nothing is left.
func TestNothingLeaks(t *testing.T) { //spec DM-13
	rapid.Check(t, func(r *rapid.T) {
		users := []*profile.Profile{ann(), ann(), ann()}
		for i, u := range users {
			u.NAI = fmt.Sprintf("u%d@home.example", i)
		}
		users[1].MaxSessions, users[2].HomeAddress = 1, hoa
		b := newBench(t, homeConfig(), users...)
		m := newMobile()
		sent := 0
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			switch rapid.IntRange(0, 5).Draw(r, "step") {
			case 0, 1:
				m.req.NAI = users[rapid.IntRange(0, 2).Draw(r, "user")].NAI
				m.req.Features = access.Features(rapid.IntRange(0, 15).Draw(r, "flags"))
				m.session = fmt.Sprint("s;", rapid.IntRange(0, 5).Draw(r, "session"))
				a := m.arr()
				a.Features |= access.Features(rapid.SampledFrom([]int{0, 16}).Draw(r, "available"))
				b.send(a)
				sent++
			case 2, 3:
				if len(b.d.asked) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(b.d.asked)-1).Draw(r, "which")
				last := len(b.d.asked) - 1
				b.d.asked[i], b.d.asked[last] = b.d.asked[last], b.d.asked[i]
				if rapid.Bool().Draw(r, "silent") {
					_, x := b.hor()
					b.fact(peers.Unable{Ctx: x.ctx, Code: 3002})
					continue
				}
				code := rapid.SampledFrom([]diameter.ResultCode{diameter.Success, diameter.ErrorBadHOR}).Draw(r, "code")
				b.agent(func(a *mip6aaa.HOA) { a.Code = code })
			case 4:
				b.wait(rapid.SampledFrom([]time.Duration{time.Second, TransactionTime, DefaultSessionTime / 2}).Draw(r, "time"))
			case 5:
				b.d.closed["ha1.home.example"] = rapid.Bool().Draw(r, "closed")
			}
			balance(r, b)
		}
		b.wait(TransactionTime)
		b.wait(DefaultSessionTime)
		if len(b.d.answers) != sent || len(b.d.arrived) != 0 {
			r.Errorf("%d requests, %d answers", sent, len(b.d.answers))
		}
		v := b.s.View().(View)
		if v.Sessions+v.Waiting+v.Home[0].Used+v.Home[1].Used+len(b.s.sessions.byID)+len(b.s.sessions.byUser)+len(b.s.perUser)+b.s.timers.Len() != 0 {
			r.Errorf("left: %+v", v)
		}
	})
}

// balance holds what the pool counts against who uses it.
func balance(r *rapid.T, b *bench) {
	used := make([]int, len(b.s.home.agents))
	for _, x := range b.s.sessions.byKey { //order:any
		if x.at != none {
			used[x.at]++
		}
	}
	for _, t := range b.s.registrations { //order:any
		if t.at != none {
			used[t.at]++
		}
	}
	if !slices.Equal(used, b.s.home.used) || len(b.s.sessions.byID) != len(b.s.sessions.byKey) {
		r.Errorf("counted %v, in use %v; %d sessions by name, %d by Session-Id", b.s.home.used, used, len(b.s.sessions.byKey), len(b.s.sessions.byID))
	}
}

// FuzzServer gives a server of both sides any message from whom it trusts, and any answer of a home agent. Nothing makes it panic, and every
// request is answered, sent on, or worked on.
func FuzzServer(f *testing.F) {
	var w diameter.Builder
	m := newMobile()
	m.req.Features = flagA | flagP
	for _, raw := range [][]byte{slices.Clone(m.arr().Octets(&w)), slices.Clone(acr().Octets(&w)), slices.Clone(wantsAgent().Octets(&w))} {
		f.Add(raw, []byte(nil))
		q, _ := diameter.Parse(raw)
		a := mip6aaa.HOA{Outcome: mip6aaa.Outcome{Code: diameter.Success}, Binding: ack(ha1, hoa, 0, 0), Home: hoa, Agent: ha1}
		f.Add(raw, slices.Clone(a.Octets(&w, q, "ha", homeRealm)))
	}
	f.Fuzz(func(t *testing.T, raw, answer []byte) {
		q, err := diameter.Parse(raw)
		if err != nil || diameter.Check(q) != nil || !q.IsRequest() {
			return
		}
		cfg := homeConfig()
		cfg.Visited = visitedConfig().Visited
		for _, from := range []string{aaav, aaah, client} {
			for _, proxy := range []bool{false, true} {
				b := newBench(t, cfg, ann())
				h := b.arrive(from, proxy, raw)
				b.database()
				if a, err := diameter.Parse(answer); err == nil && diameter.Check(a) == nil && !a.IsRequest() {
					for _, x := range slices.Clone(b.d.asked) {
						b.fact(peers.Answered{Ctx: x.ctx, Message: a})
					}
				}
				_, answered := b.d.answers[h]
				_, passed := b.d.passed[h]
				if waits := b.s.View().(View).Waiting; !answered && !passed && waits == 0 {
					t.Errorf("from %s, proxy %v: nothing came of it", from, proxy)
				}
			}
		}
	})
}

// A server of both sides serves its own users in its own network, where home agents are at home, whatever an AAA client claims.
func TestBothSides(t *testing.T) { //spec DM-10 DM-11
	cfg := homeConfig()
	cfg.Visited = &Visited{Network: homeRealm, Clients: []string{"ar1.home.example"}}
	b := newBench(t, cfg, ann())
	m := newMobile()
	m.network, m.req.Features = homeRealm, flagA|flagP|flagV
	a := m.arr()
	a.Features |= access.VisitedAvailable
	var w diameter.Builder
	at := b.arrive("ar1.home.example", false, a.Octets(&w))
	b.database()
	if h := b.agent(nil); h.Agent != ha1 {
		t.Errorf("%+v", h)
	}
	b.want(m, at, diameter.Success)
	b.want(nil, b.arrive("ar9.home.example", false, m.arr().Octets(&w)), unauthorized)
}
