package kdc

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	lk "roam6/keying/lwkrb"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
	lw "roam6/wire/lwkrb"
)

// mobile is a mobile node with a lightweight ticket.
type mobile struct {
	ticket  lw.Ticket
	session lk.Session
}

func (w *world) mobile(x *cred, client string) mobile {
	ticket, _ := w.light(x)
	s := must(lk.SessionKey(x.Key.Value, client, string(ticket.Key.Principal)))
	return mobile{ticket, must(lk.NewSession(s))}
}

// apReq is what the mobile node sends to a router.
func (w *world) apReq(m mobile, router lw.Principal, change ...func(*lw.Authenticator)) ([]byte, lk.Access) {
	a := lw.Authenticator{Time: w.now.Wall, Want: lw.WantAH, SPI: 0x1001, CareOf: netip.MustParseAddr("2001:db8:a::1"), Address: netip.MustParseAddr("fe80::1"), Router: router}
	for _, f := range change {
		f(&a)
	}
	q := lw.Request{ID: 7, Ticket: m.ticket}
	body := a.Append(nil)
	before := q.Before(nil, len(body)+lk.Overhead)
	raw := m.session.SealAuthenticator(before, draw(), before, body)
	return raw, m.session.Access(raw[len(before):], string(router))
}

var drawn uint64

// draw is never the same.
func draw() (b [lk.NonceLen]byte) {
	drawn++
	binary.BigEndian.PutUint64(b[:], drawn)
	return b
}

// lightKey is a principal's key of the one password, as lightweight Kerberos has it.
func lightKey(name string) (lk.Key, lw.KeyName) {
	return must(lk.NewKey(name, 1, 20, keyOf(name, 20).Octets())), lw.KeyName{Principal: lw.Principal(name), KVNO: 1, EType: 20}
}

// openReq is an open-req of a router, or of a KDC that says it has it from one.
func (w *world) openReq(by string, raw []byte, change ...func(*lw.OpenRequestBody)) []byte {
	k, name := lightKey(by)
	b := lw.OpenRequestBody{Time: w.now.Wall, Router: lw.Principal(by), Request: raw}
	for _, f := range change {
		f(&b)
	}
	m := lw.OpenRequest{ID: 99, Key: name}
	plain := b.Append(nil)
	before := m.Before(nil, len(plain)+lk.Overhead)
	return k.SealOpenRequest(before, draw(), before, plain)
}

// opened reads the answer to an open-req: a sealed one, or a hint.
func (w *world) opened(by string, asked, answer []byte) (lw.OpenReplyBody, lw.Code) {
	w.t.Helper()
	switch m := must(lw.Parse(answer)).(type) {
	case *lw.Error:
		return lw.OpenReplyBody{}, m.Code
	case *lw.OpenReply:
		k, _ := lightKey(by)
		if m.ID != 99 {
			w.t.Errorf("the answer to %d", m.ID)
		}
		plain, err := k.OpenOpenReply(must(lw.ParseOpenRequest(asked)).Sealed, answer[:lw.HeaderLen], m.Sealed)
		if err != nil {
			w.t.Fatal(err)
		}
		return must(lw.ParseOpenReplyBody(plain)), 0
	}
	w.t.Fatalf("%x", answer)
	return lw.OpenReplyBody{}, 0
}

// Case 2: the KDC of the router's realm opens. Again, the same access key.
func TestOpenHere(t *testing.T) { //spec FH-14
	w, c := atHome(t)
	c.db[ann].Attributes = avp(60)
	m := w.mobile(c.logon(ann, lightly), ann)
	raw, access := w.apReq(m, ar1)
	for range 2 { // other octets each time, the same ap-req
		asked := w.openReq(ar1, raw)
		body, _ := w.opened(ar1, asked, c.ask(asked))
		if body.Code != lw.None || !bytes.Equal(body.Key, access.Octets()) || body.Client != ann || len(body.Attributes) != 63 || !body.Time.Equal(w.now.Wall.Truncate(time.Second)) {
			t.Fatalf("%+v", body)
		}
		if a, err := lw.ParseAuthenticator(body.Authenticator); err != nil || a.Router != ar1 {
			t.Errorf("%+v, %v", a, err)
		}
		if again := c.ask(asked); !bytes.Equal(must(lw.ParseOpenReply(again)).Sealed, must(lw.ParseOpenReply(c.ask(asked))).Sealed) {
			t.Error("the same question, another answer")
		}
	}
	if v := c.View().(View); v.Granted["open"] != 2 || v.Waiting != 0 {
		t.Errorf("%+v", v)
	}
	raw, access = w.apReq(w.mobile(c.ticket(c.logon(ann), ann, ar1, lightly), ann), ar1) // case 1, of a router that asks nevertheless
	asked := w.openReq(ar1, raw)
	if body, _ := w.opened(ar1, asked, c.ask(asked)); !bytes.Equal(body.Key, access.Octets()) {
		t.Errorf("%+v", body)
	}
}

// openAsks makes an open-req of an ap-req that is changed before it is sealed; openAround one that is changed itself.
type openAsks func(*world, *center, mobile) []byte

func openReq(change ...func(*lw.Authenticator)) openAsks {
	return func(w *world, c *center, m mobile) []byte {
		raw, _ := w.apReq(m, ar1, change...)
		return w.openReq(ar1, raw)
	}
}

func openAround(change ...func(*lw.OpenRequestBody)) openAsks {
	return func(w *world, c *center, m mobile) []byte {
		raw, _ := w.apReq(m, ar1)
		return w.openReq(ar1, raw, change...)
	}
}

const ar2 = "mobileip/ar2.home.example@HOME.EXAMPLE"

// openings are open-reqs, and what becomes of them.
var openings = []struct {
	name string
	db   func(*center)
	ask  openAsks
	code lw.Code
	key  bool // the error key is told
	hint bool
}{
	{name: "granted", ask: openReq(), key: true},
	{name: "disabled subscriber", db: func(c *center) { c.db[ann].Enabled = false }, ask: openReq(), code: lw.Revoked, key: true},
	{name: "gone", db: func(c *center) { delete(c.db, ann) }, ask: openReq(), code: lw.Revoked, key: true},
	{name: "for another router", ask: openReq(func(a *lw.Authenticator) { a.Router = ar2 }), code: lw.NotUs, key: true},
	{name: "old", ask: openReq(func(a *lw.Authenticator) { a.Time = a.Time.Add(-Skew - 2*time.Second) }), code: lw.Skew, key: true},
	{name: "from the future", ask: openReq(func(a *lw.Authenticator) { a.Time = a.Time.Add(Skew + 2*time.Second) }), code: lw.Skew, key: true},
	{name: "altered ap-req", ask: openAround(func(b *lw.OpenRequestBody) { b.Request[len(b.Request)-1] ^= 1 }), code: lw.BadIntegrity},
	{name: "altered ticket", ask: openAround(func(b *lw.OpenRequestBody) { b.Request[90] ^= 1 }), code: lw.BadIntegrity},
	{name: "no ap-req", ask: openAround(func(b *lw.OpenRequestBody) { b.Request = make([]byte, 100) }), code: lw.Generic},
	{name: "in another's name", ask: openAround(func(b *lw.OpenRequestBody) { b.Router = ar2 }), code: lw.BadMatch},
	{name: "old question", ask: openAround(func(b *lw.OpenRequestBody) { b.Time = b.Time.Add(-Skew - 2*time.Second) }), code: lw.Skew},
	{name: "as a KDC", ask: openAround(func(b *lw.OpenRequestBody) { b.Path = []string{"HOME.EXAMPLE"} }), code: lw.WrongRealm},
	{name: "unknown router", db: func(c *center) { delete(c.db, ar1) }, ask: openReq(), code: lw.NoKey, hint: true},
	{name: "disabled router", db: func(c *center) { c.db[ar1].Enabled = false }, ask: openReq(), code: lw.UnknownRouter, hint: true},
	{name: "router with new keys", db: func(c *center) {
		c.db[ar1].Keys = must(principal.FromPassword(ar1, 2, password, 1, []keys.EType{20}, c.w.now.Wall))
	}, ask: openReq(), code: lw.BadKeyVersion, hint: true},
	{name: "no router", ask: func(w *world, c *center, m mobile) []byte {
		raw, _ := w.apReq(m, ar1)
		return w.openReq(host, raw)
	}, code: lw.NoKey, hint: true},
	{name: "KDC of another", ask: func(w *world, c *center, m mobile) []byte {
		raw, _ := w.apReq(m, ar1)
		return w.openReq("krbtgt/A.EXAMPLE@HOME.EXAMPLE", raw)
	}, code: lw.NoKey, hint: true},
	{name: "altered question", ask: func(w *world, c *center, m mobile) []byte {
		raw, _ := w.apReq(m, ar1)
		asked := w.openReq(ar1, raw)
		asked[len(asked)-1] ^= 1
		return asked
	}, code: lw.BadIntegrity, hint: true},
	{name: "another service's ticket", ask: func(w *world, c *center, _ mobile) []byte {
		raw, _ := w.apReq(w.mobile(c.ticket(c.logon(ann), ann, host, lightly), ann), ar1)
		return w.openReq(ar1, raw)
	}, code: lw.NotUs},
	{name: "another router's ticket", ask: func(w *world, c *center, _ mobile) []byte {
		c.principal(ar2)
		raw, _ := w.apReq(w.mobile(c.ticket(c.logon(ann), ann, ar2, lightly), ann), ar1)
		return w.openReq(ar1, raw)
	}, code: lw.NotUs},
	{name: "expired", ask: func(w *world, c *center, m mobile) []byte {
		w.sleep(9 * time.Hour)
		raw, _ := w.apReq(m, ar1)
		return w.openReq(ar1, raw)
	}, code: lw.Expired, key: true},
	{name: "database busy", db: func(c *center) { c.broken = engine.ErrBusy }, ask: openReq(), code: lw.Unavailable, hint: true},
}

// What a KDC refuses to open, by the code that docs/lwkrb.md has for it: with the error key where the ap-req opened, else without.
func TestOpenRefused(t *testing.T) { //spec FH-14 FH-18
	for _, x := range openings {
		w, c := atHome(t)
		m := w.mobile(c.logon(ann, lightly), ann)
		if x.db != nil {
			x.db(c)
			c.give(engine.Command{Verb: "forget"})
		}
		asked := x.ask(w, c, m)
		by := string(must(lw.ParseOpenRequest(asked)).Key.Principal)
		body, hint := w.opened(by, asked, c.ask(asked))
		if body.Code+hint != x.code || (hint != 0) != x.hint || !bytes.Equal(body.Key, make([]byte, 32)) != x.key && !x.hint {
			t.Errorf("%s: %v, hint %v, key %v", x.name, body.Code, hint, !bytes.Equal(body.Key, make([]byte, 32)))
		}
		if x.code != lw.None && (len(c.drops) != 1 || len(c.tasks)+len(c.working) != 0) {
			t.Errorf("%s: drops %v, %d tasks", x.name, c.drops, len(c.tasks))
		}
	}
}

// away are the mobile node's lightweight ticket for its home KDC, and the four realms.
func away(t *testing.T) (*world, []*center, mobile) {
	w, kdcs := realms(t)
	return w, kdcs, w.mobile(kdcs[0].logon(ann, lightly), ann)
}

// Case 3: the question goes by way of three KDCs to the home realm, the answer back the same way; both ends have the access key.
func TestOpenFar(t *testing.T) { //spec FH-15
	w, kdcs, m := away(t)
	raw, access := w.apReq(m, far)
	asked := w.openReq(far, raw)
	body, _ := w.opened(far, asked, kdcs[3].ask(asked))
	if body.Code != lw.None || !bytes.Equal(body.Key, access.Octets()) || body.Client != ann {
		t.Fatalf("%+v\n%v %v %v %v", body, kdcs[0].drops, kdcs[1].drops, kdcs[2].drops, kdcs[3].drops)
	}
	for _, c := range kdcs {
		if len(c.forwards.by)+len(c.forwards.same)+len(c.tasks)+len(c.working) != 0 {
			t.Errorf("%s: something is left", c.cfg.Realm)
		}
	}
	// A ticket for a KDC on the way: that one opens.
	x := kdcs[0].ticket(kdcs[0].logon(ann), ann, "krbtgt/B.EXAMPLE@HOME.EXAMPLE", lightly)
	raw, access = w.apReq(w.mobile(x, ann), far)
	asked = w.openReq(far, raw)
	if body, _ := w.opened(far, asked, kdcs[3].ask(asked)); !bytes.Equal(body.Key, access.Octets()) || kdcs[0].granted["open"] != 1 || kdcs[1].granted["open"] != 2 {
		t.Errorf("%+v, %v, %v", body, kdcs[0].granted, kdcs[1].granted)
	}
	// A refusal comes back with the error key, so that the mobile node believes it.
	kdcs[0].db[ann].Enabled = false
	kdcs[0].give(engine.Command{Verb: "forget"})
	raw, access = w.apReq(m, far)
	asked = w.openReq(far, raw)
	if body, _ := w.opened(far, asked, kdcs[3].ask(asked)); body.Code != lw.Revoked || !bytes.Equal(body.Key, access.ErrorKey().Octets()) {
		t.Errorf("%+v", body)
	}
}

// What is lost is sent again, after 200 and 600 ms; a KDC that is silent is told of after a second.
func TestOpenFarLost(t *testing.T) { //spec FH-15
	w, kdcs, m := away(t)
	raw, access := w.apReq(m, far)
	asked := w.openReq(far, raw)
	var at []time.Duration
	began := w.now.Mono
	w.lost = func(d engine.Datagram) bool {
		if d.Name == askName {
			at = append(at, w.now.Mono.Sub(began))
		}
		return d.Name == askName && len(at) < 3
	}
	for range 2 {
		if kdcs[3].ask(asked) != nil {
			t.Fatal("answered")
		}
	}
	if kdcs[3].drops["under-way"] != 1 || len(at) != 1 {
		t.Fatalf("asked %d times, %v", len(at), kdcs[3].drops)
	}
	w.sleep(700 * time.Millisecond)
	if len(w.back) != 1 || !slices.Equal(at[:3], []time.Duration{0, 200e6, 600e6}) {
		t.Fatalf("%d answers, asked at %v", len(w.back), at)
	}
	if body, _ := w.opened(far, asked, w.back[0]); !bytes.Equal(body.Key, access.Octets()) {
		t.Errorf("%+v", body)
	}
	w.lost = func(d engine.Datagram) bool { return d.Name == askName }
	raw, _ = w.apReq(m, far)
	asked = w.openReq(far, raw)
	again := w.openReq(far, raw)
	kdcs[3].ask(asked)
	kdcs[3].ask(again) // the router asks anew: it is the last question that is answered
	if n := kdcs[3].granted["forwarded"]; n != 2 {
		t.Errorf("%d were sent on", n)
	}
	w.sleep(ForwardTime)
	if len(w.back) != 1 {
		t.Fatalf("%d answers", len(w.back))
	}
	if body, _ := w.opened(far, again, w.back[0]); body.Code != lw.SilentKDC || len(kdcs[3].tasks)+len(kdcs[3].forwards.by)+len(kdcs[3].forwards.same) != 0 {
		t.Errorf("%+v", body)
	}
}

// Other answers than the right one change nothing.
func TestOpenFarForged(t *testing.T) { //spec FH-15 FH-18
	w, kdcs, m := away(t)
	d := kdcs[3]
	raw, access := w.apReq(m, far)
	asked := w.openReq(far, raw)
	var caught []byte
	w.lost = func(x engine.Datagram) bool {
		if x.Name != askName && x.Peer.Port() == askPort && x.Peer.Addr() == d.at.Addr() {
			caught = bytes.Clone(x.Data)
			return true
		}
		return false
	}
	d.ask(asked)
	w.lost = nil
	from := func(at netip.AddrPort, b []byte) {
		d.give(engine.Datagram{Name: askName, Peer: at, Data: bytes.Clone(b)})
	}
	c := kdcs[2].at
	bad := bytes.Clone(caught)
	bad[len(bad)-1] ^= 1
	from(c, bad)
	from(clientAt, caught)
	from(c, caught[:20])
	from(c, (&lw.Error{ID: must(lw.ParseOpenReply(caught)).ID, Code: lw.NoKey, Time: w.now.Wall}).Append(nil))
	for _, why := range []string{"answer-forged", "answer-unasked", "answer-malformed", "answer-hint"} {
		if d.drops[why] != 1 {
			t.Errorf("%s: %v", why, d.drops)
		}
	}
	if len(w.back) != 0 || len(d.forwards.by) != 1 {
		t.Fatalf("%d answers", len(w.back))
	}
	from(c, caught)
	if body, _ := w.opened(far, asked, w.back[0]); !bytes.Equal(body.Key, access.Octets()) {
		t.Errorf("%+v", body)
	}
	from(c, caught)
	if d.drops["answer-unasked"] != 2 || len(w.back) != 1 {
		t.Error("the second copy is taken")
	}
}

// What a KDC that is asked by another does not believe of the way, and what it does not know.
func TestOpenFarRefused(t *testing.T) { //spec FH-15 FH-18
	const inter = "krbtgt/D.EXAMPLE@C.EXAMPLE"
	w, kdcs, m := away(t)
	d := kdcs[3]
	ask := func(name string, code lw.Code, by string, m mobile, change ...func(*lw.OpenRequestBody)) {
		t.Helper()
		raw, _ := w.apReq(m, far)
		asked := w.openReq(by, raw, change...)
		body, hint := w.opened(by, asked, d.ask(asked))
		if body.Code != code || hint != 0 {
			t.Errorf("%s: %v, hint %v", name, body.Code, hint)
		}
	}
	path := func(router string, realms ...string) func(*lw.OpenRequestBody) {
		return func(b *lw.OpenRequestBody) { b.Router, b.Path = lw.Principal(router), realms }
	}
	ask("not the last", lw.BadPath, inter, m, path("mobileip/x@B.EXAMPLE", "B.EXAMPLE"))
	ask("a router of another", lw.BadPath, inter, m, path("mobileip/x@B.EXAMPLE", "C.EXAMPLE"))
	ask("through ourself", lw.BadPath, inter, m, path("mobileip/x@B.EXAMPLE", "B.EXAMPLE", "D.EXAMPLE", "C.EXAMPLE"))
	ask("no path", lw.BadMatch, inter, m, path("mobileip/x@C.EXAMPLE"))
	ask("from nowhere", lw.BadPath, inter, m, path("mobileip/x@X.EXAMPLE", "X.EXAMPLE", "C.EXAMPLE"))
	ask("in a circle", lw.BadPath, inter, m, path("mobileip/x@C.EXAMPLE", "C.EXAMPLE"))
	d.Server.cfg.realm("C.EXAMPLE").Transit = false
	ask("by one not trusted", lw.BadPath, inter, m, path("mobileip/x@B.EXAMPLE", "B.EXAMPLE", "C.EXAMPLE"))
	d.Server.cfg.realm("C.EXAMPLE").Transit = true
	d.Server.cfg.realm("C.EXAMPLE").KDCs = nil
	ask("no KDC", lw.NoKDC, far, m)
	d.Server.cfg.realm("C.EXAMPLE").KDCs = []netip.AddrPort{kdcs[2].at}
	delete(d.db, "krbtgt/C.EXAMPLE@D.EXAMPLE")
	ask("no key", lw.NoKDC, far, m)

	// A ticket of case 2 whose way is not trusted, or in the name of a user of this realm.
	x := walk(t, kdcs, lightly)
	k, name := lightKey(inter)
	_, body := w.light(x)
	forge := func(change func(*lw.TicketBody)) mobile {
		b := body
		b.Session = make([]byte, 32)
		change(&b)
		return mobile{lw.Ticket{Key: name, Sealed: k.SealTicket(nil, [24]byte{1}, name.Append(nil), b.Append(nil))}, must(lk.NewSession(make([]byte, 32)))}
	}
	ask("right", lw.None, far, forge(func(*lw.TicketBody) {}))
	ask("our user", lw.Policy, far, forge(func(b *lw.TicketBody) { b.Client = "dan@D.EXAMPLE" }))
	ask("by X", lw.BadPath, far, forge(func(b *lw.TicketBody) { b.Transited = []string{"X.EXAMPLE"} }))
	ask("not yet valid", lw.NotYetValid, far, forge(func(b *lw.TicketBody) { b.Flags |= uint32(krb5.Invalid) }))
	d.Server.cfg.realm("C.EXAMPLE").Transit = false
	ask("issued by one not trusted", lw.BadPath, far, forge(func(*lw.TicketBody) {}))
}
