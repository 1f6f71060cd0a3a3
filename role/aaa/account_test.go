package aaa

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/peers"
	"roam6/store/subscriber/profile"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

func acr() *mip6aaa.ACR {
	return &mip6aaa.ACR{Route: mip6aaa.Route{Session: "ar1;1", OriginHost: client, OriginRealm: netName, DestinationRealm: homeRealm}, User: "ann@HOME.example",
		Kind: mip6aaa.Start, Number: 3, At: time.Unix(1.8e9, 0).UTC(), Spent: time.Minute, Home: hoa, CareOf: coa, Agent: ha1,
		OctetsUp: 1, OctetsDown: 2, PacketsUp: 3, PacketsDown: 4}
}

// recorded is acr as the database takes it. A test of store/subscriber has the same octets.
const recorded = `{"session":"ar1;1","number":3,"kind":"start","at":"2027-01-15T08:00:00Z","name":"ann@home.example","home_address":"2001:db8:1::100",` +
	`"care_of":"2001:db8:a:1::c0a","home_agent":"2001:db8:1::1","origin":"ar1.visited.example","network":"visited.example","seconds":60,` +
	`"octets_up":1,"octets_down":2,"packets_up":3,"packets_down":4,"result":2001}`

func (b *bench) count(a *mip6aaa.ACR) peers.Handle {
	var w diameter.Builder
	return b.arrive(aaav, false, a.Octets(&w))
}

func (b *bench) aca(h peers.Handle) *mip6aaa.ACA {
	b.t.Helper()
	m, ok := b.d.answers[h]
	if !ok {
		b.t.Fatal("no answer")
	}
	a, err := mip6aaa.ParseACA(m)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// A record is acknowledged when it is durable, not before, and again when it comes again. The database takes its form.
func TestAccounting(t *testing.T) { //spec DM-22
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	b.want(m, b.send(m.arr()), diameter.Success)
	for range 2 {
		h := b.count(acr())
		q := b.queries()
		if len(q) != 1 || q[0].Table != "accounting" || q[0].Key != "visited.example/ann@home.example/ar1;1/3" {
			t.Fatalf("%+v", q)
		}
		if string(q[0].Put) != recorded {
			t.Errorf("\n got %s\nwant %s", q[0].Put, recorded)
		}
		if _, early := b.d.answers[h]; early {
			t.Error("acknowledged before it is durable")
		}
		b.s.Handle(b.now, engine.Result{ID: q[0].ID}, &b.out)
		if a := b.aca(h); a.Code != diameter.Success || a.Kind != mip6aaa.Start || a.Number != 3 {
			t.Errorf("%+v", a)
		}
	}
	for _, why := range []string{engine.ErrBusy, "disk full", ""} { // "": no answer at all
		h := b.count(acr())
		if q := b.queries(); why != "" {
			b.s.Handle(b.now, engine.Result{ID: q[0].ID, Err: why}, &b.out)
		} else {
			b.wait(LookupTime)
		}
		if a := b.aca(h); a.Code != diameter.OutOfSpace || a.Message == "" {
			t.Errorf("%q: %+v", why, a)
		}
	}
	h := b.count(acr())
	b.s.Handle(b.now, engine.Result{ID: b.queries()[0].ID, Err: profile.ErrDiffers}, &b.out)
	if a := b.aca(h); a.Code != diameter.UnableToComply || a.Message == "" || b.s.refused["record-differs"] != 1 {
		t.Errorf("another is stored: %+v", a)
	}
	if r := b.s.refused; r["record-busy"] != 1 || r["record-failed"] != 1 || r["record-timeout"] != 1 || b.s.timers.Len() != 0 {
		t.Error(r)
	}
}

// A record of a session that the server has not granted is stored and marked, and told of: of no session at all, of a session of somebody else.
func TestAccountingOfUnknownSessions(t *testing.T) { //spec DM-22
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	b.want(m, b.send(m.arr()), diameter.Success)
	for _, with := range []func(a *mip6aaa.ACR){
		func(a *mip6aaa.ACR) { a.Session = "ar1;made-up" },
		func(a *mip6aaa.ACR) { a.User = "eve@home.example" },
	} {
		a := acr()
		with(a)
		h := b.count(a)
		told := slices.ContainsFunc(b.out.List, func(e engine.Effect) bool {
			ev, ok := e.(engine.Event)
			return ok && ev.Name == "aaa.accounting-unknown"
		})
		q := b.queries()
		if len(q) != 1 || !strings.Contains(string(q[0].Put), `"result":2002`) || !told {
			t.Errorf("%s of %s: told %v, %d queries", a.Session, a.User, told, len(q))
		}
		b.s.Handle(b.now, engine.Result{ID: q[0].ID}, &b.out)
		if got := b.aca(h); got.Code != diameter.LimitedSuccess {
			t.Errorf("%s: %+v", a.Session, got)
		}
	}
}

// The last record of a session ends it, once it is durable and if it is the user's.
func TestStopEndsTheSession(t *testing.T) { //spec DM-22
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	b.want(m, b.send(m.arr()), diameter.Success)
	for _, c := range []struct {
		with func(a *mip6aaa.ACR)
		err  string
		left int
	}{
		{func(a *mip6aaa.ACR) {}, "", 1},
		{func(a *mip6aaa.ACR) { a.Kind, a.User = mip6aaa.Stop, "eve@home.example" }, "", 1},
		{func(a *mip6aaa.ACR) { a.Kind = mip6aaa.Stop }, engine.ErrBusy, 1},
		{func(a *mip6aaa.ACR) { a.Kind = mip6aaa.Stop }, "", 0},
	} {
		a := acr()
		c.with(a)
		b.count(a)
		b.s.Handle(b.now, engine.Result{ID: b.queries()[0].ID, Err: c.err}, &b.out)
		if v := b.s.View().(View); v.Sessions != c.left {
			t.Errorf("%+v", v)
		}
	}
}

func TestAccountingRefused(t *testing.T) { //spec DM-22
	for _, c := range []struct {
		why  string
		code diameter.ResultCode
		from string
		with func(a *mip6aaa.ACR)
	}{
		{"accounting-not-of-peer", unauthorized, "aaa.evil.example", func(a *mip6aaa.ACR) {}},
		{"acr-malformed", diameter.InvalidAVPValue, aaav, func(a *mip6aaa.ACR) { a.User = "ann" }},
		{"acr-malformed", diameter.InvalidAVPValue, aaav, func(a *mip6aaa.ACR) { a.Session = "x\n2027-01-15  ann@home.example  stop\x1b[2J" }},
		{"acr-malformed", diameter.InvalidAVPValue, aaav, func(a *mip6aaa.ACR) { a.PacketsDown = 1 << 63 }},
		{"acr-malformed", diameter.InvalidAVPValue, aaav, func(a *mip6aaa.ACR) { a.CareOf = unspecified }},
		{"accounting-not-of-realm", unauthorized, aaav, func(a *mip6aaa.ACR) { a.User = "ann@other.example" }},
		{"accounting-not-of-realm", unauthorized, aaav, func(a *mip6aaa.ACR) { a.User = "ann@sub.home.example" }},
	} {
		b := newBench(t, homeConfig(), ann())
		before := b.kept()
		a := acr()
		c.with(a)
		var w diameter.Builder
		h := b.arrive(c.from, false, a.Octets(&w))
		m := b.d.answers[h]
		x, _ := m.Find(diameter.ResultCodeAVP)
		if code, _ := x.Uint32(); diameter.ResultCode(code) != c.code || b.s.refused[c.why] != 1 || len(b.queries()) != 0 || b.kept() != before {
			t.Errorf("%s: %d, refused %v", c.why, code, b.s.refused)
		}
	}
}

// Records on their way to the database are bounded, those of one network to a part of them; what was answered makes room again.
func TestRecordsAreBounded(t *testing.T) { //spec DM-22
	const networks = MaxRecords/MaxRecordsOfPartner + 1
	cfg := homeConfig()
	host := func(i int) string { return fmt.Sprintf("aaa.%d.example", i) }
	for i := range networks {
		cfg.Home.Partners = append(cfg.Home.Partners, Partner{Network: fmt.Sprintf("%d.example", i), Hosts: []string{host(i)}})
	}
	b := newBench(t, cfg, ann())
	var w diameter.Builder
	fill := func(i, n int) {
		for range n {
			b.arrive(host(i), false, acr().Octets(&w))
		}
	}
	for i := range networks - 1 {
		fill(i, MaxRecordsOfPartner+3)
	}
	if len(b.s.records) != MaxRecords || b.s.refused["records-full"] != 3*(networks-1) {
		t.Error(len(b.s.records), b.s.refused)
	}
	fill(networks-1, 1)
	if b.s.refused["records-full"] != 3*(networks-1)+1 {
		t.Error("more than all of them")
	}
	b.database()
	if len(b.s.records) != 0 || len(b.s.recording) != 0 {
		t.Error(len(b.s.records), b.s.recording)
	}
	fill(networks-1, 1)
	if len(b.s.records) != 1 {
		t.Error("no room again")
	}
}
