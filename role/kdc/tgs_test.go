package kdc

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// A service ticket: what the TGT allows, sealed for the service alone, under the session key or a subkey.
func TestServiceTicket(t *testing.T) { //spec RT-30
	w, c := atHome(t)
	tgt := c.logon(ann)
	x := c.ticket(tgt, ann, ar1, with(krb5.OptRenewable))
	in := w.inside(x)
	want := krb5.Forwardable | krb5.PreAuthent | krb5.TransitedPolicyChecked | krb5.Renewable
	if in.Flags != want || in.Client.String() != ann || in.Times.Auth != tgt.Times.Auth || in.Times.End.After(tgt.Times.End) || x.Ticket.Server.String() != ar1 || in.Times != x.Times {
		t.Errorf("%v %+v", in.Flags, in)
	}
	if _, e := c.tgs(x, ann, host); e == nil || e.Code != krb5.ErrNotUs {
		t.Errorf("by a service's ticket: %+v", e)
	}
	sub := krb5.EncryptionKey{EType: 18, Value: bytes.Repeat([]byte{9}, 32)}
	octets := w.tgsReqBy(tgt, krb5.Authenticator{Client: id(ann), Time: w.now.Wall, Subkey: sub}, host)
	k := must(keys.NewKey(18, sub.Value))
	if y, e := w.read(octets, c.ask(octets), k, keys.TGSRepPartSubkey); e != nil || y.Ticket.Server.String() != host {
		t.Errorf("%+v", e)
	}
	if v := c.View().(View); v.Granted["as"] != 1 || v.Granted["tgs"] != 2 || v.Replays != 2 || v.Waiting != 0 || len(c.records) != 2 {
		t.Errorf("%+v, %d records", v, len(c.records))
	}
}

// inBody changes the body of a request.
func inBody(f func(*krb5.KDCReqBody)) func(*krb5.KDCReq) {
	return func(q *krb5.KDCReq) { f(&q.Body) }
}

// tgsRefusals are requests for a ticket, and why they are refused.
var tgsRefusals = []struct {
	name   string
	db     func(*center)
	tgt    func(*cred)
	auth   func(*krb5.Authenticator)
	server string
	change func(*krb5.KDCReq)
	code   krb5.ErrorCode
}{
	{name: "unknown server", server: "host/no@HOME.EXAMPLE", code: krb5.ErrSPrincipalUnknown},
	{name: "no server", change: inBody(func(b *krb5.KDCReqBody) { b.Server = krb5.Name{} }), code: krb5.ErrSPrincipalUnknown},
	{name: "disabled server", db: func(c *center) { c.db[host].Enabled = false }, code: krb5.ErrServiceRevoked},
	{name: "disabled client", db: func(c *center) { c.db[ann].Enabled = false }, code: krb5.ErrClientRevoked},
	{name: "client gone", db: func(c *center) { delete(c.db, ann) }, code: krb5.ErrClientRevoked},
	{name: "a user", server: "bob@HOME.EXAMPLE", code: krb5.ErrMustUseUser2user},
	{name: "another realm", server: "host/x@A.EXAMPLE", code: krb5.ErrWrongRealm},
	{name: "ticket of another", tgt: func(x *cred) { x.Ticket.Enc.Cipher[20] ^= 1 }, code: krb5.ErrBadIntegrity},
	{name: "another version", db: func(c *center) {
		p := c.principal(home)
		for i := range p.Keys {
			p.Keys[i].Version = 2
		}
	}, code: krb5.ErrBadkeyver},
	{name: "old keys alone", db: func(c *center) { c.principal(home).Keys = c.db[home].Keys[3:] }, code: krb5.ErrNokey},
	{name: "of a realm without key", tgt: func(x *cred) { x.Ticket.Server.Realm = "X"; x.Ticket = fresh(x.Ticket) }, code: krb5.ErrNotUs},
	{name: "another's name", auth: func(a *krb5.Authenticator) { a.Client = id("bob@HOME.EXAMPLE") }, code: krb5.ErrBadmatch},
	{name: "slow clock", auth: func(a *krb5.Authenticator) { a.Time = a.Time.Add(-Skew - time.Second) }, code: krb5.ErrSkew},
	{name: "fast clock", auth: func(a *krb5.Authenticator) { a.Time = a.Time.Add(Skew + time.Second) }, code: krb5.ErrSkew},
	{name: "wrong checksum", auth: func(a *krb5.Authenticator) { a.Checksum = krb5.Checksum{Type: 20, Sum: make([]byte, 24)} }, code: krb5.ErrModified},
	{name: "checksum without key", auth: func(a *krb5.Authenticator) { a.Checksum = krb5.Checksum{Type: 1, Sum: make([]byte, 4)} }, code: krb5.ErrInappCksum},
	{name: "no session key", tgt: func(x *cred) { x.session = must(keys.NewKey(20, make([]byte, 32))) }, code: krb5.ErrBadIntegrity},
	{name: "another type of key", tgt: func(x *cred) { x.session = must(keys.NewKey(18, make([]byte, 32))) }, code: krb5.ErrBadIntegrity},
	{name: "forwarded", change: with(krb5.OptProxy), code: krb5.ErrBadoption},
	{name: "validate", change: with(krb5.OptValidate), code: krb5.ErrCannotPostdate},
	{name: "old types", change: inBody(func(b *krb5.KDCReqBody) { b.ETypes = []int32{23} }), code: krb5.ErrEtypeNosupp},
	{name: "no types that the server has", db: func(c *center) { c.db[host].Keys = c.db[host].Keys[:1] }, change: inBody(func(b *krb5.KDCReqBody) { b.ETypes = []int32{17} }), code: krb5.ErrEtypeNosupp},
	{name: "preauth", db: func(c *center) { c.db[ann].Flags &^= principal.PreAuth }, tgt: nil, server: host, code: krb5.ErrPolicy},
}

// Each refusal of a TGS-REQ by its code; none leaves anything behind but a count.
func TestServiceTicketRefused(t *testing.T) { //spec FH-18
	for _, c := range tgsRefusals {
		w, k := atHome(t)
		tgt := k.logon(ann)
		if c.name == "preauth" {
			c.db(k)
			k.give(engine.Command{Verb: "forget"})
			tgt = k.logon(ann, func(q *krb5.KDCReq) { q.PAData = nil })
		}
		if c.db != nil {
			c.db(k)
			k.give(engine.Command{Verb: "forget"})
		}
		if c.tgt != nil {
			c.tgt(tgt)
		}
		auth := krb5.Authenticator{Client: id(ann), Time: w.now.Wall}
		if c.auth != nil {
			c.auth(&auth)
		}
		if c.server == "" {
			c.server = host
		}
		if c.change == nil {
			c.change = func(*krb5.KDCReq) {}
		}
		octets := w.tgsReqBy(tgt, auth, c.server, c.change)
		x, e := w.read(octets, k.ask(octets), tgt.session, keys.TGSRepPartSession)
		if e == nil {
			t.Errorf("%s: granted %+v", c.name, x)
			continue
		}
		if why := (&refusal{code: c.code}).reason(); e.Code != c.code || k.drops[why] != 1 {
			t.Errorf("%s: %v %q, drops %v", c.name, e.Code, e.Text, k.drops)
		}
		if len(k.tasks)+len(k.working)+len(k.lookups)+len(k.records) != 0 {
			t.Errorf("%s: something is left", c.name)
		}
	}
}

// fresh is a ticket that is written anew, as it was changed.
func fresh(t krb5.Ticket) krb5.Ticket { return krb5.Ticket{Server: t.Server, Enc: t.Enc} }

// A request that comes again gets the same answer; an authenticator in another request, or later, none. A restart changes nothing about it.
func TestReplay(t *testing.T) { //spec FH-18
	w, c := atHome(t)
	tgt := c.logon(ann)
	octets := w.tgsReq(tgt, id(ann), host)
	first := c.ask(octets)
	if again := c.ask(octets); !bytes.Equal(first, again) || c.granted["tgs"] != 1 || c.granted["again"] != 1 {
		t.Errorf("%v", c.granted)
	}
	q := must(krb5.ParseKDCReq(octets))
	q.PAData = append(q.PAData, krb5.Typed{Type: krb5.PALWKRB, Data: []byte{1}})
	refused := func(when string, octets []byte) {
		t.Helper()
		if _, e := w.read(nil, c.ask(octets), tgt.session, keys.TGSRepPartSession); e == nil || e.Code != krb5.ErrRepeat {
			t.Errorf("%s: %+v", when, e)
		}
	}
	refused("other octets, the same authenticator", q.Append(nil))
	w.sleep(AnswerTime + time.Second)
	refused("later", octets)
	c.start()
	refused("after a restart", octets)
	w.sleep(ReplayTime + time.Second)
	if _, e := w.read(nil, c.ask(octets), tgt.session, 8); e == nil || e.Code != krb5.ErrSkew || len(c.records) != 0 || len(c.replays.seen) != 0 {
		t.Errorf("much later: %+v, %d records", e, len(c.records))
	}
	c.records = map[string][]byte{"zz": {1}, "00112233445566778899aabbccddeeff": make([]byte, 8)}
	if c.start(); len(c.records) != 0 || len(c.replays.seen) != 0 {
		t.Errorf("%d records are kept that say nothing", len(c.records))
	}
}

// What is kept for repetitions has limits, in number and octets; what is remembered against replays, too: then there are no tickets.
func TestMemories(t *testing.T) { //spec FH-18
	var a answers
	for i := range MaxAnswers + 10 {
		a.keep(1, digest{byte(i), byte(i >> 8)}, make([]byte, 10))
	}
	if len(a.by) != MaxAnswers || len(a.order) != MaxAnswers || a.octets != 10*MaxAnswers || a.get(1, digest{9}) != nil || a.get(1, digest{10}) == nil {
		t.Errorf("%d answers, %d octets", len(a.by), a.octets)
	}
	a.keep(1, digest{255, 255}, make([]byte, MaxKept-100))
	if len(a.by) != 11 || a.octets > MaxKept {
		t.Errorf("%d answers, %d octets", len(a.by), a.octets)
	}
	if a.get(engine.Mono(AnswerTime)+2, digest{255, 255}) != nil || len(a.by)+len(a.order)+a.octets != 0 {
		t.Errorf("%d answers, %d octets", len(a.by), a.octets)
	}
	w, c := atHome(t)
	tgt := c.logon(ann)
	for i := range MaxReplays {
		c.replays.put(digest{byte(i), byte(i >> 8), byte(i >> 16)}, w.now.Mono.Add(time.Second))
	}
	if _, e := c.tgs(tgt, ann, host); e == nil || e.Code != krb5.ErrSvcUnavailable {
		t.Errorf("%+v", e)
	}
	w.sleep(time.Second)
	c.ticket(tgt, ann, host)
}

// Two copies at a time, with different octets around one authenticator: one ticket.
func TestReplayAtATime(t *testing.T) { //spec FH-18
	w, c := atHome(t)
	tgt := c.logon(ann)
	octets := w.tgsReq(tgt, id(ann), host)
	q := must(krb5.ParseKDCReq(octets))
	q.PAData = append(q.PAData, krb5.Typed{Type: krb5.PALWKRB, Data: []byte{1}})
	c.hold = true
	c.give(engine.Command{Verb: "forget"})
	c.ask(octets)
	c.ask(q.Append(nil))
	for len(c.slow) > 0 {
		r := c.slow[0]
		c.slow = c.slow[1:]
		c.give(r)
	}
	if c.granted["tgs"] != 1 || c.drops["repeat"] != 1 || len(c.tasks) != 0 {
		t.Errorf("%v, %v", c.granted, c.drops)
	}
}

// A renewed ticket has another life of the same length, to the end of what was promised.
func TestRenewal(t *testing.T) { //spec RT-30
	w, c := atHome(t)
	c.db[ann].Attributes = avp(20)
	tgt := c.logon(ann)
	renew := func(q *krb5.KDCReq) { q.Body.Options = krb5.OptRenew }
	for i := range 5 {
		w.sleep(8*time.Hour - time.Minute)
		next, e := c.tgs(tgt, ann, home, renew, lightly)
		if e != nil {
			t.Fatalf("%d: %v %s", i, e.Code, e.Text)
		}
		in := w.inside(next)
		if _, ok := in.AuthData.MobileAttributes(); !ok || in.Flags&krb5.Initial != 0 || in.Flags&krb5.Renewable == 0 || bytes.Equal(next.Key.Value, tgt.Key.Value) || in.Times.Auth != tgt.Times.Auth {
			t.Errorf("%+v", in)
		}
		if got := next.Times.End.Sub(next.Times.Start); got != 8*time.Hour || next.Times.RenewTill != tgt.Times.RenewTill {
			t.Errorf("%d: %v, till %v", i, got, next.Times.RenewTill)
		}
		w.light(next)
		tgt = next
	}
	w.sleep(8*time.Hour - time.Minute) // 47:54
	last := c.ticket(tgt, ann, home, renew)
	if !last.Times.End.Equal(last.Times.RenewTill) {
		t.Errorf("%+v", last.Times)
	}
	refused := func(code krb5.ErrorCode, x *cred, server string) {
		t.Helper()
		if _, e := c.tgs(x, ann, server, renew); e == nil || e.Code != code {
			t.Errorf("%+v, want %v", e, code)
		}
	}
	refused(krb5.ErrBadmatch, last, host)
	refused(krb5.ErrBadoption, c.ticket(last, ann, host), host)
	c.db[ann].Enabled = false
	w.sleep(MaxAccountAge + 1)
	refused(krb5.ErrClientRevoked, last, home)
	w.sleep(6 * time.Minute)
	refused(krb5.ErrTktExpired, last, home)
}

// A renewable service ticket is renewed by itself.
func TestRenewalOfAService(t *testing.T) {
	w, c := atHome(t)
	x := c.ticket(c.logon(ann), ann, ar1, with(krb5.OptRenewable))
	w.sleep(time.Hour)
	y := c.ticket(x, ann, ar1, func(q *krb5.KDCReq) { q.Body.Options = krb5.OptRenew })
	if in := w.inside(y); in.Client.String() != ann || y.Ticket.Server.String() != ar1 || !in.Times.Start.Equal(w.now.Wall.Truncate(time.Second)) {
		t.Errorf("%+v", in)
	}
}

// Addresses: a ticket that has some works from there alone; a forwarded one has others.
func TestAddresses(t *testing.T) {
	w, c := atHome(t)
	here := []krb5.HostAddress{krb5.HostAddr(clientAt.Addr())}
	there := []krb5.HostAddress{krb5.HostAddr(netip.MustParseAddr("192.0.2.7"))}
	at := func(l []krb5.HostAddress) func(*krb5.KDCReq) {
		return func(q *krb5.KDCReq) { q.Body.Addresses = l }
	}
	tgt := c.logon(ann, at(here))
	if in := w.inside(c.ticket(tgt, ann, host)); len(in.Addresses) != 1 || in.Addresses[0].IP() != clientAt.Addr() {
		t.Errorf("%+v", in.Addresses)
	}
	forwarded := c.ticket(tgt, ann, home, with(krb5.OptForwarded), at(there))
	if in := w.inside(forwarded); in.Flags&krb5.Forwarded == 0 || in.Addresses[0].IP() != netip.MustParseAddr("192.0.2.7") {
		t.Errorf("%+v", in)
	}
	if _, e := c.tgs(forwarded, ann, host); e == nil || e.Code != krb5.ErrBadaddr {
		t.Errorf("%+v", e)
	}
	plain := c.logon(ann, func(q *krb5.KDCReq) { q.Body.Options = 0 })
	if _, e := c.tgs(plain, ann, home, with(krb5.OptForwarded), at(there)); e == nil || e.Code != krb5.ErrBadoption {
		t.Errorf("not forwardable: %+v", e)
	}
}

// User-to-user: under the session key of the server's TGT, for who that TGT is of; an access router reads the mobile node's signed attributes beside it.
func TestUserToUser(t *testing.T) { //spec RT-36 RT-42
	_, c := atHome(t)
	c.Server.cfg.SignKey = bytes.Repeat([]byte{7}, 32)
	c.db[ann].Attributes = avp(40)
	router, mobile := c.logon(ar1), c.logon(ann)
	u2u := func(x *cred) func(*krb5.KDCReq) {
		return func(q *krb5.KDCReq) {
			q.Body.Options |= krb5.OptEncTktInSkey
			q.Body.Additional = []krb5.Ticket{x.Ticket}
		}
	}
	unnamed := func(q *krb5.KDCReq) { q.Body.Server = krb5.Name{} }
	for _, x := range []*cred{c.ticket(router, ar1, ann, u2u(mobile)), c.ticket(router, ar1, ann, u2u(mobile), unnamed), c.ticket(router, ar1, ann, u2u(mobile), lightly)} {
		plain, err := mobile.session.Decrypt(nil, keys.TicketPart, x.Ticket.Enc.Cipher)
		if err != nil {
			t.Fatal(err)
		}
		in := must(krb5.ParseEncTicketPart(plain))
		if in.Client.String() != ar1 || x.Ticket.Server.String() != ann || x.Ticket.Enc.KVNO != 0 || in.Times.End.After(mobile.Times.End) {
			t.Errorf("%+v", in)
		}
		data, ok := x.Ticket.Extensions.Find(krb5.TEMobileIPAttributes)
		if m, err := krb5.ParseMobileAttributes(data); !ok || err != nil || m.Algorithm != krb5.SignHMACSHA256 || !bytes.Equal(m.TLVs, avp(40)) {
			t.Errorf("%+v, %v", m, err)
		}
		if _, ok := x.PAData.Find(krb5.PALWKRB); ok {
			t.Error("a lightweight ticket under a key that nobody keeps")
		}
	}
	service := c.ticket(mobile, ann, host)
	for name, x := range map[string]struct { //order:any
		server string
		change func(*krb5.KDCReq)
		code   krb5.ErrorCode
	}{
		"of another":      {"bob@HOME.EXAMPLE", u2u(mobile), krb5.ErrServerNomatch},
		"no ticket":       {ann, with(krb5.OptEncTktInSkey), krb5.ErrBadoption},
		"no TGT":          {ann, u2u(service), krb5.ErrPolicy},
		"nobody's ticket": {ann, u2u(&cred{Ticket: krb5.Ticket{Server: id(home), Enc: krb5.EncryptedData{EType: 20, KVNO: 1, Cipher: make([]byte, 99)}}}), krb5.ErrBadIntegrity},
	} {
		if _, e := c.tgs(router, ar1, x.server, x.change); e == nil || e.Code != x.code {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if x := c.ticket(mobile, ann, ar1, u2u(router)); len(x.Ticket.Extensions) != 0 {
		t.Error("attributes of a router, for a mobile node")
	}
	c.db[ann].Enabled = false
	c.give(engine.Command{Verb: "forget"})
	if _, e := c.tgs(router, ar1, ann, u2u(mobile)); e == nil || e.Code != krb5.ErrServiceRevoked {
		t.Errorf("%+v", e)
	}
}
