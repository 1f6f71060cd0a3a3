package lwkrb_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// The cast: ann of HOME.EXAMPLE comes to ar2 of A.EXAMPLE.
const (
	ann    = "ann@HOME.EXAMPLE"
	ar2    = "mobileip/ar2.a.example@A.EXAMPLE"
	ar3    = "mobileip/ar3.a.example@A.EXAMPLE"
	shared = "mobileip/access.a.example@A.EXAMPLE"
	local  = "krbtgt/A.EXAMPLE@HOME.EXAMPLE"
	home   = "krbtgt/HOME.EXAMPLE@HOME.EXAMPLE"
	toHome = "krbtgt/HOME.EXAMPLE@A.EXAMPLE"
)

var (
	now     = time.Unix(1_800_000_000, 0).UTC()
	careOf  = netip.MustParseAddr("2001:db8:a:2:0:ff:fe00:a01")
	address = netip.MustParseAddr("2001:db8:a:2::1")
	mac     = []byte{2, 0, 0, 0, 0xa, 1}
)

// ramp is n octets that count up from first.
func ramp(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func drawn(first byte) [lk.NonceLen]byte { return [lk.NonceLen]byte(ramp(first, lk.NonceLen)) }

// must gives a value whose making can fail only by a mistake of the test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// keyOf is a principal's long-term key number first, with its name as messages have it.
func keyOf(p lw.Principal, etype uint8, first byte) (lk.Key, lw.KeyName) {
	size := 32
	if etype%2 == 1 {
		size = 16
	}
	return must(lk.NewKey(string(p), 3, etype, ramp(first, size))), lw.KeyName{Principal: p, KVNO: 3, EType: etype}
}

// issue makes a ticket for ann as a KDC does, and her session key.
func issue(k lk.Key, name lw.KeyName, attributes []byte) (lw.Ticket, lw.TicketBody) {
	body := lw.TicketBody{Flags: 1 << 21, Start: now.Add(-time.Hour), End: now.Add(time.Hour),
		Session: must(lk.SessionKey(ramp(0x10, 32), ann, string(name.Principal))), Client: ann, Attributes: attributes}
	return lw.Ticket{Key: name, Sealed: k.SealTicket(nil, drawn(0x30), name.Append(nil), body.Append(nil))}, body
}

func authenticator() lw.Authenticator {
	return lw.Authenticator{Time: now, Want: lw.WantAH | lw.WantESP | lw.WantBuffer, SPI: 0x1001, CareOf: careOf, Address: address, LinkLayer: mac, Router: ar2}
}

func session(body lw.TicketBody) lk.Session {
	return must(lk.NewSession(body.Session))
}

// ask makes an ap-req as the mobile node does.
func ask(t lw.Ticket, s lk.Session, a lw.Authenticator) []byte {
	m := lw.Request{ID: 0x01020304, Ticket: t}
	body := a.Append(nil)
	before := m.Before(nil, len(body)+lk.Overhead)
	return s.SealAuthenticator(before, drawn(0x50), before, body)
}

// taken is what who has the sealing key finds in an ap-req.
type taken struct {
	ticket lw.TicketBody
	auth   lw.Authenticator
	body   []byte // of the authenticator
	access lk.Access
}

// take opens an ap-req and checks it for router, in the order of docs/lwkrb.md.
func take(k lk.Key, raw []byte, at time.Time, router lw.Principal) (x taken, err error) {
	m, err := lw.ParseRequest(raw)
	if err != nil {
		return x, err
	}
	plain, err := k.OpenTicket(m.KeyNameIn(raw), m.Ticket.Sealed)
	if err != nil {
		return x, err
	}
	if x.ticket, err = lw.ParseTicketBody(plain); err != nil {
		return x, err
	}
	defer x.ticket.Session.Erase()
	s, err := lk.NewSession(x.ticket.Session)
	if err != nil {
		return x, err
	}
	defer s.Erase()
	if x.body, err = s.OpenAuthenticator(raw[:len(raw)-len(m.Authenticator)], m.Authenticator); err != nil {
		return x, err
	}
	if x.auth, err = lw.ParseAuthenticator(x.body); err != nil {
		return x, err
	}
	x.access = s.Access(m.Authenticator, string(x.auth.Router))
	if err = x.ticket.Check(at); err != nil {
		return x, err
	}
	return x, x.auth.Check(at, router)
}

// access is the mobile node's key of the ap-req it has made.
func access(s lk.Session, raw []byte, router string) lk.Access {
	m := must(lw.ParseRequest(raw))
	return s.Access(m.Authenticator, router)
}

// answer makes an ap-rep as the access router does.
func answer(a lk.Access, first byte) []byte {
	body := (&lw.ReplyBody{Time: now, Lifetime: time.Hour, Granted: lw.WantAH | lw.WantESP | lw.WantBuffer, SPI: 0x2001}).Append(nil)
	before := lw.Before(nil, lw.TypeReply, 0x01020304, len(body)+lk.Overhead)
	return a.SealReply(before, drawn(first), before, body)
}

// learn opens an ap-rep as the mobile node does.
func learn(a lk.Access, raw []byte) (lw.ReplyBody, error) {
	m, err := lw.ParseReply(raw)
	if err != nil {
		return lw.ReplyBody{}, err
	}
	plain, err := a.OpenReply(raw[:lw.HeaderLen], m.Sealed)
	if err != nil {
		return lw.ReplyBody{}, err
	}
	return lw.ParseReplyBody(plain)
}

// relay makes an open-req as an access router or a KDC does.
func relay(k lk.Key, name lw.KeyName, body lw.OpenRequestBody, first byte) []byte {
	m := lw.OpenRequest{ID: 0x11121314, Key: name}
	plain := body.Append(nil)
	before := m.Before(nil, len(plain)+lk.Overhead)
	return k.SealOpenRequest(before, drawn(first), before, plain)
}

// relayed opens and checks an open-req as a KDC of realm self does.
func relayed(k lk.Key, raw []byte, at time.Time, self string) (lw.OpenRequestBody, error) {
	m, err := lw.ParseOpenRequest(raw)
	if err != nil {
		return lw.OpenRequestBody{}, err
	}
	plain, err := k.OpenOpenRequest(raw[:len(raw)-len(m.Sealed)], m.Sealed)
	if err != nil {
		return lw.OpenRequestBody{}, err
	}
	b, err := lw.ParseOpenRequestBody(plain)
	if err != nil {
		return b, err
	}
	return b, b.Check(at, m.Key.Principal, self)
}

// tell makes an open-rep as a KDC does.
func tell(k lk.Key, asked []byte, body lw.OpenReplyBody, first byte) []byte {
	plain := body.Append(nil)
	before := lw.Before(nil, lw.TypeOpenReply, 0x11121314, len(plain)+lk.Overhead)
	return k.SealOpenReply(before, drawn(first), must(lw.ParseOpenRequest(asked)).Sealed, before, plain)
}

// told opens an open-rep as who asked does.
func told(k lk.Key, asked, raw []byte) (lw.OpenReplyBody, error) {
	m, err := lw.ParseOpenReply(raw)
	if err != nil {
		return lw.OpenReplyBody{}, err
	}
	plain, err := k.OpenOpenReply(must(lw.ParseOpenRequest(asked)).Sealed, raw[:lw.HeaderLen], m.Sealed)
	if err != nil {
		return lw.OpenReplyBody{}, err
	}
	return lw.ParseOpenReplyBody(plain)
}

func finds(x taken) lw.OpenReplyBody {
	return lw.OpenReplyBody{Time: now, Key: x.access.Octets(), Opened: lw.Opened{Flags: x.ticket.Flags, End: x.ticket.End, Client: x.ticket.Client,
		Transited: x.ticket.Transited, Authenticator: x.body, Attributes: x.ticket.Attributes}}
}

// agree checks that both ends have the keys of one session.
func agree(t *testing.T, mn, ar lk.Access) {
	t.Helper()
	rep := answer(ar, 0x70)
	got, err := learn(mn, rep)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.CheckGrant(authenticator().Want, now.Add(time.Hour)); err != nil {
		t.Error(err)
	}
	for name, f := range map[string]func(lk.Access) ([]byte, []byte){ //order:any
		"AH": func(a lk.Access) ([]byte, []byte) { return a.AH(rep[lw.HeaderLen:]) }, "ESP": func(a lk.Access) ([]byte, []byte) { return a.ESP(rep[lw.HeaderLen:]) },
	} {
		out, in := f(mn)
		out2, in2 := f(ar)
		if !bytes.Equal(out, out2) || !bytes.Equal(in, in2) || bytes.Equal(out, in) {
			t.Errorf("%s: %x %x, %x %x", name, out, in, out2, in2)
		}
	}
	if mn.ID() != ar.ID() {
		t.Error("the names of the ap-req differ")
	}
	if m := []byte("no"); !mn.ErrorKey().Verify(m, ar.ErrorKey().MAC(m)) {
		t.Error("error keys differ")
	}
}

// The ticket under a key of the access router, its own or its domain's: nobody else is asked.
func TestCase1(t *testing.T) { //spec FH-13 FH-16
	for _, sealer := range []lw.Principal{ar2, shared} {
		for etype := uint8(17); etype <= 20; etype++ {
			k, name := keyOf(sealer, etype, 0x80)
			ticket, body := issue(k, name, ramp(0, 100))
			s := session(body)
			raw := ask(ticket, s, authenticator())
			x, err := take(k, raw, now, ar2)
			if err != nil {
				t.Fatal(sealer, etype, err)
			}
			if err := x.auth.CheckPlace(lw.Place{Address: address, CareOf: careOf, LinkLayer: mac}); err != nil {
				t.Error(err)
			}
			agree(t, access(s, raw, ar2), x.access)
			if !bytes.Equal(x.ticket.Session, make([]byte, 32)) {
				t.Error("the session key is still there")
			}
		}
	}
}

// The ticket under the local KDC's key: it opens, the access router gets an access key, and no other key opens the answer.
func TestCase2(t *testing.T) { //spec FH-14
	k, name := keyOf(local, 18, 0x80)
	ticket, body := issue(k, name, ramp(0, 100))
	s := session(body)
	raw := ask(ticket, s, authenticator())

	rk, rname := keyOf(ar2, 20, 0xa0)
	asked := relay(rk, rname, lw.OpenRequestBody{Time: now, Router: ar2, Request: raw}, 0xc0)
	b, err := relayed(rk, asked, now, "A.EXAMPLE")
	if err != nil {
		t.Fatal(err)
	}
	x, err := take(k, b.Request, now, b.Router)
	if err != nil {
		t.Fatal(err)
	}
	rep := tell(rk, asked, finds(x), 0xe0)
	got, err := told(rk, asked, rep)
	if err != nil || got.Code != lw.None || got.Client != ann || len(got.Attributes) != 100 {
		t.Fatalf("%+v, %v", got, err)
	}
	auth, err := lw.ParseAuthenticator(got.Authenticator)
	if err != nil || auth.Check(now, ar2) != nil || auth.CheckPlace(lw.Place{Address: address, CareOf: careOf}) != nil {
		t.Fatalf("%+v, %v", auth, err)
	}
	agree(t, access(s, raw, ar2), must(lk.NewAccess(got.Key)))

	other, _ := keyOf(ar3, 20, 0xa1)
	if _, err := told(other, asked, rep); !errors.Is(err, lk.ErrOpenReply) {
		t.Errorf("another access router opens the answer: %v", err)
	}
	again := relay(rk, rname, lw.OpenRequestBody{Time: now, Router: ar2, Request: raw}, 0xc1)
	if _, err := told(rk, again, rep); !errors.Is(err, lk.ErrOpenReply) {
		t.Errorf("the answer to another question opens: %v", err)
	}
}

// The ticket under the user's KDC's key: the access key comes back hop by hop.
func TestCase3(t *testing.T) { //spec FH-15
	k, name := keyOf(home, 18, 0x80)
	ticket, body := issue(k, name, nil)
	s := session(body)
	raw := ask(ticket, s, authenticator())

	rk, rname := keyOf(ar2, 20, 0xa0)
	hk, hname := keyOf(toHome, 18, 0xb0)
	first := relay(rk, rname, lw.OpenRequestBody{Time: now, Router: ar2, Request: raw}, 0xc0)
	b, err := relayed(rk, first, now, "A.EXAMPLE")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := take(rk, b.Request, now, ar2); !errors.Is(err, lk.ErrTicket) {
		t.Errorf("the local KDC opens it: %v", err)
	}
	b.Time, b.Path = now, append(b.Path, "A.EXAMPLE")
	second := relay(hk, hname, b, 0xd0)
	b, err = relayed(hk, second, now, "HOME.EXAMPLE")
	if err != nil {
		t.Fatal(err)
	}
	x, err := take(k, b.Request, now, b.Router)
	if err != nil {
		t.Fatal(err)
	}
	back, err := told(hk, second, tell(hk, second, finds(x), 0xe0))
	if err != nil {
		t.Fatal(err)
	}
	got, err := told(rk, first, tell(rk, first, back, 0xf0))
	if err != nil {
		t.Fatal(err)
	}
	agree(t, access(s, raw, ar2), must(lk.NewAccess(got.Key)))
}

// What is forged, replayed elsewhere, cut or altered, and what each refusal says.
func TestRefusals(t *testing.T) { //spec FH-18
	k, name := keyOf(shared, 18, 0x80)
	ticket, body := issue(k, name, nil)
	s := session(body)
	raw := ask(ticket, s, authenticator())
	other, _ := keyOf(shared, 18, 0x81)
	newer := must(lk.NewKey(shared, 4, 18, ramp(0x80, 32)))
	eve := must(lk.NewSession(make([]byte, 32)))
	late := authenticator()
	late.Time = now.Add(lw.MaxSkew + time.Second)
	for name, c := range map[string]struct { //order:any
		k      lk.Key
		raw    []byte
		at     time.Time
		router lw.Principal
		want   error
	}{
		"another key":             {other, raw, now, ar2, lk.ErrTicket},
		"another version":         {newer, raw, now, ar2, lk.ErrTicket},
		"stolen ticket":           {k, ask(ticket, eve, authenticator()), now, ar2, lk.ErrAuthenticator},
		"another access router":   {k, raw, now, ar3, lw.NotUs},
		"old":                     {k, raw, now.Add(lw.MaxSkew + time.Second), ar2, lw.Skew},
		"from the future":         {k, ask(ticket, s, late), now, ar2, lw.Skew},
		"expired":                 {k, raw, now.Add(time.Hour), ar2, lw.Expired},
		"not yet valid":           {k, raw, now.Add(-time.Hour - lw.MaxSkew - time.Second), ar2, lw.NotYetValid},
		"right":                   {k, raw, now.Add(lw.MaxSkew), ar2, nil},
		"right, the other way":    {k, raw, now.Add(-lw.MaxSkew), ar2, nil},
		"right within the second": {k, raw, now.Add(lw.MaxSkew + 999*time.Millisecond), ar2, nil},
	} {
		if _, err := take(c.k, c.raw, c.at, c.router); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for n := range raw {
		if _, err := take(k, raw[:n], now, ar2); err == nil {
			t.Errorf("cut at %d: taken", n)
		}
	}
	for i := range 8 * len(raw) {
		bad := bytes.Clone(raw)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := take(k, bad, now, ar2); err == nil {
			t.Errorf("bit %d altered: taken", i)
		}
	}
	if lk.ErrTicket.Code() != uint16(lw.BadIntegrity) {
		t.Error("the codes differ")
	}
}

// An ap-rep is believed for one ap-req and from one access router; each bit of either matters.
func TestReplyIsForOneRequest(t *testing.T) { //spec FH-10 FH-18
	k, name := keyOf(shared, 18, 0x80)
	ticket, body := issue(k, name, nil)
	s := session(body)
	raw := ask(ticket, s, authenticator())
	mn := access(s, raw, ar2)
	rep := answer(mn, 0x70)
	for name, a := range map[string]lk.Access{ //order:any
		"another ap-req":        access(s, ask(ticket, s, lw.Authenticator{Time: now, CareOf: careOf, Address: address, Router: ar2}), ar2),
		"another access router": access(s, raw, ar3),
		"another client":        access(must(lk.NewSession(must(lk.SessionKey(ramp(0x10, 32), "bob@HOME.EXAMPLE", shared)))), raw, ar2),
	} {
		if _, err := learn(a, rep); !errors.Is(err, lk.ErrReply) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range 8 * len(rep) {
		bad := bytes.Clone(rep)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := learn(mn, bad); err == nil {
			t.Errorf("bit %d altered: believed", i)
		}
	}
	out, _ := mn.AH(rep[lw.HeaderLen:])
	if again, _ := mn.AH(answer(mn, 0x71)[lw.HeaderLen:]); bytes.Equal(out, again) {
		t.Error("two answers, one key")
	}
	if _, err := learn(must(lk.NewAccess(mn.ErrorKey().Octets())), rep); err == nil {
		t.Error("who may refuse can answer")
	}
}

func TestOpenRequestIsChecked(t *testing.T) { //spec FH-15 FH-18
	rk, rname := keyOf(ar2, 20, 0xa0)
	other, _ := keyOf(ar3, 20, 0xa0) // the same octets under another name
	raw := relay(rk, rname, lw.OpenRequestBody{Time: now, Router: ar2, Request: ramp(0, 99)}, 0xc0)
	if _, err := relayed(other, raw, now, "A.EXAMPLE"); !errors.Is(err, lk.ErrOpenRequest) {
		t.Errorf("another router's key: %v", err)
	}
	for i := range 8 * len(raw) {
		bad := bytes.Clone(raw)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := relayed(rk, bad, now, "A.EXAMPLE"); err == nil {
			t.Errorf("bit %d altered: taken", i)
		}
	}
}

// FuzzTake: nothing but the ap-req itself is taken, nothing but the ap-rep itself believed, and nothing panics.
func FuzzTake(f *testing.F) {
	k, name := keyOf(shared, 18, 0x80)
	ticket, body := issue(k, name, nil)
	s := session(body)
	raw := ask(ticket, s, authenticator())
	mn := access(s, raw, ar2)
	rep := answer(mn, 0x70)
	rk, rname := keyOf(ar2, 20, 0xa0)
	asked := relay(rk, rname, lw.OpenRequestBody{Time: now, Router: ar2, Request: raw}, 0xc0)
	found := tell(rk, asked, finds(must(take(k, raw, now, ar2))), 0xe0)
	for _, b := range [][]byte{raw, rep, asked, found} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, e1 := take(k, b, now, ar2)
		_, e2 := learn(mn, b)
		_, e3 := relayed(rk, b, now, "A.EXAMPLE")
		_, e4 := told(rk, asked, b)
		for i, c := range []struct {
			b   []byte
			err error
		}{{raw, e1}, {rep, e2}, {asked, e3}, {found, e4}} {
			if (c.err == nil) != bytes.Equal(b, c.b) {
				t.Errorf("%d: %x: %v", i, b, c.err)
			}
		}
	})
}
