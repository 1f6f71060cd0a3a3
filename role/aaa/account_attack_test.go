package aaa

import (
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// hostile is a server with a second partner, mallory.
func hostile(t *testing.T) *bench {
	t.Helper()
	cfg := homeConfig()
	cfg.Home.Partners = append(cfg.Home.Partners, Partner{Network: "evil.example", Hosts: []string{mallory}})
	eve := ann()
	eve.NAI = "eve@home.example"
	return newBench(t, cfg, ann(), eve)
}

// stopBy is a last record by a peer, and what it is answered once the database has it.
func (b *bench) stopBy(from, user, session string) diameter.ResultCode {
	b.t.Helper()
	a := acr()
	a.Kind, a.User, a.Session = mip6aaa.Stop, user, session
	var w diameter.Builder
	h := b.arrive(from, false, a.Octets(&w))
	b.database()
	m, ok := b.d.answers[h]
	if !ok {
		b.t.Fatal("no answer")
	}
	x, _ := m.Find(diameter.ResultCodeAVP)
	code, _ := x.Uint32()
	return diameter.ResultCode(code)
}

// A partner that knows what Session-Id and number an honest router will use next cannot send the record in another user's name.
func TestAccountingInAnotherName(t *testing.T) { //spec DM-22
	b := hostile(t)
	m := newMobile()
	b.want(m, b.send(m.arr()), diameter.Success)
	for _, user := range []string{"eve@home.example", "nobody@home.example"} {
		if code := b.stopBy(mallory, user, "ar1;1"); code != unauthorized || b.s.refused["accounting-not-of-network"] == 0 {
			t.Errorf("%s: %v", user, code)
		}
	}
	if code := b.stopBy(aaav, nai, "ar1;1"); code != diameter.Success {
		t.Errorf("the honest one: %v", code)
	}
	if len(b.s.sessions.byKey)+len(b.s.sessions.named) != 0 {
		t.Error("something is left of the session")
	}
	if code := b.stopBy(mallory, "eve@home.example", "ar1;1"); code != diameter.LimitedSuccess {
		t.Errorf("when nobody has it: %v", code)
	}
}

// Who has a session of its own by the Session-Id of an honest router does not have that one's records refused, which may come late: when the
// session is over, or the server was started again.
func TestSessionIDOfAnotherNetwork(t *testing.T) { //spec DM-22
	b := hostile(t)
	const id = "ar1.visited.example;1780000000;7"
	m := newMobile()
	m.req.NAI, m.session, m.network = "eve@home.example", id, "evil.example"
	var w diameter.Builder
	h := b.arrive(mallory, false, m.arr().Octets(&w))
	b.database()
	b.want(m, h, diameter.Success)
	for _, c := range []struct {
		from, user string
		want       diameter.ResultCode
	}{{aaav, nai, diameter.LimitedSuccess}, {aaav, m.req.NAI, diameter.LimitedSuccess}} {
		if code := b.stopBy(c.from, c.user, id); code != c.want || len(b.s.sessions.byKey) != 1 {
			t.Errorf("%s: %v, %d sessions", c.user, code, len(b.s.sessions.byKey))
		}
	}
	if code := b.stopBy(mallory, m.req.NAI, id); code != diameter.Success || len(b.s.sessions.byKey) != 0 {
		t.Errorf("its own: %v", code)
	}
}

// A last record that was on its way to the database when the session began in another network does not end it.
func TestStopBeforeTheSession(t *testing.T) { //spec DM-22
	b := hostile(t)
	a := acr()
	a.Kind = mip6aaa.Stop
	var w diameter.Builder
	b.arrive(mallory, false, a.Octets(&w))
	q := b.queries()
	if len(q) != 1 || !strings.HasPrefix(q[0].Key, "evil.example/") {
		t.Fatalf("%+v", q)
	}
	m := newMobile()
	b.want(m, b.send(m.arr()), diameter.Success)
	b.s.Handle(b.now, engine.Result{ID: q[0].ID}, &b.out)
	if len(b.s.sessions.byKey) != 1 {
		t.Error("another network has ended the session")
	}
}

// Records of one network have one place, whichever of its hosts or agents a copy comes by.
func TestRecordsHaveOnePlace(t *testing.T) { //spec DM-22
	cfg := homeConfig()
	const agent = "agent.example"
	cfg.Home.Partners = []Partner{{Network: "first.example", Hosts: []string{agent}}, {Network: netName, Hosts: []string{aaav, "aaa2.visited.example", agent}}}
	b := newBench(t, cfg, ann())
	var w diameter.Builder
	for _, from := range []string{aaav, "aaa2.visited.example", agent} {
		b.arrive(from, false, acr().Octets(&w))
		if q := b.queries(); len(q) != 1 || q[0].Key != netName+"/ann@home.example/ar1;1/3" {
			t.Errorf("%s: %+v", from, q)
		}
	}
	a := acr()
	a.OriginRealm = "mallory.example"
	b.arrive(aaav, false, a.Octets(&w))
	if q := b.queries(); len(q) != 1 || q[0].Key != netName+"/ann@home.example/ar1;1/3" {
		t.Errorf("a realm that is not the peer's: %+v", q)
	}
}

// Sessions that a partner makes up do not fill the database; those that are known have room meanwhile, and so have other partners.
func TestUnknownSessionsAreBounded(t *testing.T) { //spec DM-22
	b := hostile(t)
	m := newMobile()
	b.want(m, b.send(m.arr()), diameter.Success)
	taken := func() (n int) {
		for range 2 * UnknownBurst {
			if b.stopBy(mallory, nai, "made-up") == diameter.LimitedSuccess {
				n++
			}
		}
		return n
	}
	if n := taken(); n != UnknownBurst || b.s.refused["accounting-unknown-full"] != UnknownBurst {
		t.Errorf("%d taken at once", n)
	}
	b.wait(10 * time.Second)
	if n := taken(); n != 10*UnknownRate {
		t.Errorf("%d taken in 10 s", n)
	}
	if code := b.stopBy(aaav, nai, "ar1.visited.example;late"); code != diameter.LimitedSuccess {
		t.Errorf("another partner's: %v", code)
	}
	if code := b.stopBy(aaav, nai, "ar1;1"); code != diameter.Success {
		t.Errorf("a known session's: %v", code)
	}
}

// A partner says what its own users did, not what those of another's network did: neither ends it their session, nor takes it the place
// of their records.
func TestAccountingOfAnotherNetwork(t *testing.T) { //spec DM-22
	cfg := homeConfig()
	cfg.Home.Partners = append(cfg.Home.Partners, Partner{Network: "evil.example", Hosts: []string{mallory}})
	b := newBench(t, cfg, ann())
	m := newMobile()
	m.req.Features = flagP | flagA | flagH
	h := b.send(m.arr())
	b.agent(nil)
	b.want(m, h, diameter.Success)
	for _, k := range []mip6aaa.Kind{mip6aaa.Interim, mip6aaa.Stop} {
		a := acr()
		a.Kind = k
		var w diameter.Builder
		at := b.arrive(mallory, false, a.Octets(&w))
		if list := b.queries(); len(list) != 0 {
			t.Errorf("%v: stored", k)
			b.s.Handle(b.now, engine.Result{ID: list[0].ID}, &b.out)
		}
		if got := b.aca(at); got.Code != unauthorized {
			t.Errorf("%v: %v", k, got.Code)
		}
	}
	if len(b.s.sessions.byKey) != 1 {
		t.Error("the session is over")
	}
	stop := acr()
	stop.Kind = mip6aaa.Stop
	b.count(stop)
	if b.database(); len(b.s.sessions.byKey) != 0 {
		t.Error("its own network cannot end it")
	}
}
