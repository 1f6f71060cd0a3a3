package tickets

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	lk "roam6/keying/lwkrb"
	"roam6/wire/krb5"
	"roam6/wire/lwkrb"
)

// Realms are A.EXAMPLE … of a path; HOME.EXAMPLE is the client's.
const (
	home = "HOME.EXAMPLE"
	pw   = "annpw"
)

var (
	epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ann   = krb5.Principal{Name: krb5.MakeName("ann"), Realm: home}
	addr  = map[string]netip.AddrPort{home: ap("[2001:db8:1::88]:88"), "A.EXAMPLE": ap("[2001:db8:a::88]:88"), "B.EXAMPLE": ap("[2001:db8:b::88]:88")}
)

func ap(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// longTerm is the key of a principal at all KDCs of the tests.
func longTerm(p krb5.Principal, e keys.EType) keys.Key {
	b := make([]byte, e.KeyLen())
	copy(b, fmt.Sprintf("%d of %v", e, p))
	for i := range b {
		b[i] ^= byte(len(p.String()))
	}
	return must(keys.NewKey(e, b))
}

// kdc answers as RFC 4120 says, and as the fields tell it.
type kdc struct {
	realm   string
	now     func() time.Time
	rand    *engine.Rand
	clients map[string]func(e keys.EType) keys.Key // by principal
	next    map[string]string                      // the realm on the way to one
	salt    string                                 // told with ETYPE-INFO2: passwords
	params  []byte
	life    time.Duration
	renew   time.Duration
	light   bool
	refuse  bool                                    // renewals
	asRep   func(*krb5.KDCRep, *krb5.EncKDCRepPart) // before encryption
	asked   []*krb5.KDCReq
}

func newKDC(realm string, now func() time.Time) *kdc {
	k := &kdc{realm: realm, now: now, rand: engine.NewRand([32]byte{9}), life: 10 * time.Hour, clients: map[string]func(keys.EType) keys.Key{}, next: map[string]string{}}
	k.clients[ann.String()] = func(e keys.EType) keys.Key { return longTerm(ann, e) }
	return k
}

func (k *kdc) confounder() []byte {
	b := make([]byte, keys.ConfounderLen)
	k.rand.Read(b)
	return b
}

func (k *kdc) no(q *krb5.KDCReq, code krb5.ErrorCode, data []byte) []byte {
	e := krb5.KRBError{ServerTime: k.now().Truncate(time.Microsecond), Code: code, Server: krb5.Principal{Name: q.Body.Server, Realm: q.Body.Realm}, Data: data}
	return e.Append(nil)
}

// answer gives the reply to a request.
func (k *kdc) answer(b []byte) []byte {
	q := must(krb5.ParseKDCReq(b))
	k.asked = append(k.asked, q)
	if q.TGS {
		return k.tgs(q)
	}
	return k.as(q, b)
}

func (k *kdc) as(q *krb5.KDCReq, raw []byte) []byte {
	client := krb5.Principal{Name: q.Body.Client, Realm: q.Body.Realm}
	keyOf := k.clients[client.String()]
	if keyOf == nil {
		return k.no(q, krb5.ErrCPrincipalUnknown, nil)
	}
	e := keys.EType(q.Body.ETypes[0])
	info := krb5.ETypeInfo{EType: int32(e), Salt: k.salt, HasSalt: k.salt != "", Params: k.params}
	method := krb5.AppendMethodData(nil, krb5.List{
		{Type: krb5.PAETypeInfo2, Data: krb5.AppendETypeInfo2(nil, []krb5.ETypeInfo{info})}, {Type: krb5.PAFXCookie, Data: []byte("MIT")},
	})
	data, ok := q.PAData.Find(krb5.PAEncTimestamp)
	if !ok {
		return k.no(q, krb5.ErrPreauthRequired, method)
	}
	key := keyOf(e)
	stamp := must(krb5.ParseEncryptedData(data))
	plain, err := key.Decrypt(nil, keys.PAEncTimestamp, stamp.Cipher)
	if stamp.EType != int32(e) || err != nil {
		return k.no(q, krb5.ErrPreauthFailed, method)
	}
	if d := must(krb5.ParsePAEncTSEnc(plain)).Time.Sub(k.now()); d.Abs() > Skew {
		return k.no(q, krb5.ErrSkew, nil)
	}
	t := krb5.EncTicketPart{Flags: krb5.Initial | krb5.PreAuthent, Client: client, Times: krb5.Times{Auth: k.now().Truncate(time.Second)}}
	part := &krb5.EncKDCRepPart{TGS: true}
	if _, ok := q.PAData.Find(krb5.PAReqEncPARep); ok {
		t.Flags |= krb5.EncPARep
		sum := krb5.Checksum{Type: e.Checksum(), Sum: key.Checksum(nil, keys.ASReq, raw)}
		part.PAData = append(part.PAData, krb5.Typed{Type: krb5.PAReqEncPARep, Data: sum.Append(nil)})
	}
	if k.renew > 0 && q.Body.Options&krb5.OptRenewable != 0 {
		t.Flags |= krb5.Renewable
		t.Times.RenewTill = t.Times.Auth.Add(k.renew)
	}
	t.Times.End = t.Times.Auth.Add(k.life)
	return k.issue(q, t, part, longTerm(krb5.Principal{Name: q.Body.Server, Realm: k.realm}, e), q.Body.Server, key, keys.ASRepPart)
}

func (k *kdc) tgs(q *krb5.KDCReq) []byte {
	data, _ := q.PAData.Find(krb5.PATGSReq)
	req := must(krb5.ParseAPReq(data))
	tgt := must(krb5.ParseEncTicketPart(must(longTerm(req.Ticket.Server, keys.EType(req.Ticket.Enc.EType)).Decrypt(nil, keys.TicketPart, req.Ticket.Enc.Cipher))))
	session := must(keys.NewKey(keys.EType(tgt.Key.EType), tgt.Key.Value))
	auth := must(krb5.ParseAuthenticator(must(session.Decrypt(nil, keys.TGSReqAuth, req.Authenticator.Cipher))))
	if !session.Verify(keys.TGSReqChecksum, auth.Checksum.Type, auth.Checksum.Sum, q.Body.Octets()) || !auth.Client.Equal(tgt.Client) {
		return k.no(q, krb5.ErrModified, nil)
	}
	if req.Ticket.Server.Name.TGSRealm() != k.realm {
		return k.no(q, krb5.ErrNotUs, nil)
	}
	if d := auth.Time.Sub(k.now()); d.Abs() > Skew {
		return k.no(q, krb5.ErrSkew, nil)
	}
	t := krb5.EncTicketPart{Flags: tgt.Flags &^ krb5.Initial, Client: tgt.Client, Times: tgt.Times}
	t.Times.Start = k.now().Truncate(time.Second)
	t.Times.End = t.Times.Start.Add(k.life)
	server := q.Body.Server
	seal := longTerm(krb5.Principal{Name: server, Realm: k.realm}, keys.AES256SHA1)
	switch {
	case q.Body.Options&krb5.OptRenew != 0:
		if k.refuse || tgt.Flags&krb5.Renewable == 0 || t.Times.Start.After(tgt.Times.RenewTill) {
			return k.no(q, krb5.ErrBadoption, nil)
		}
		t.Times.End = k.now().Add(k.life).Truncate(time.Second)
		if t.Times.End.After(tgt.Times.RenewTill) {
			t.Times.End = tgt.Times.RenewTill
		}
	case q.Body.Options&krb5.OptEncTktInSkey != 0:
		user := q.Body.Additional[0]
		in := must(krb5.ParseEncTicketPart(must(longTerm(user.Server, keys.EType(user.Enc.EType)).Decrypt(nil, keys.TicketPart, user.Enc.Cipher))))
		seal = must(keys.NewKey(keys.EType(in.Key.EType), in.Key.Value))
	case server.TGSRealm() != "":
		if hop := k.next[server.TGSRealm()]; hop != "" {
			server = krb5.TGS(hop)
			seal = longTerm(krb5.Principal{Name: server, Realm: k.realm}, keys.AES256SHA1)
		}
	case server.Service() == "nobody":
		return k.no(q, krb5.ErrSPrincipalUnknown, nil)
	}
	if q.Body.Options&krb5.OptRenew == 0 && t.Times.End.After(tgt.Times.End) {
		t.Times.End = tgt.Times.End
	}
	if q.Body.Options&krb5.OptRenewable == 0 {
		t.Flags, t.Times.RenewTill = t.Flags&^krb5.Renewable, time.Time{}
	}
	return k.issue(q, t, &krb5.EncKDCRepPart{TGS: true}, seal, server, must(keys.NewKey(keys.EType(auth.Subkey.EType), auth.Subkey.Value)), keys.TGSRepPartSubkey)
}

func (k *kdc) issue(q *krb5.KDCReq, t krb5.EncTicketPart, part *krb5.EncKDCRepPart, seal keys.Key, server krb5.Name, reply keys.Key, u keys.Usage) []byte {
	e := keys.EType(q.Body.ETypes[0])
	b := make([]byte, e.KeyLen())
	k.rand.Read(b)
	t.Key = krb5.EncryptionKey{EType: int32(e), Value: b}
	if t.Times.Auth.IsZero() {
		panic("no authtime")
	}
	if q.Body.Till.After(epoch) && t.Times.End.After(q.Body.Till) {
		t.Times.End = q.Body.Till
	}
	rep := &krb5.KDCRep{TGS: q.TGS, Client: t.Client, Ticket: krb5.Ticket{
		Server: krb5.Principal{Name: server, Realm: k.realm},
		Enc:    krb5.EncryptedData{EType: int32(seal.EType()), KVNO: 3, Cipher: seal.Encrypt(nil, keys.TicketPart, k.confounder(), t.Append(nil))},
	}}
	part.Key, part.Nonce, part.Flags, part.Times, part.Server = t.Key, q.Body.Nonce, t.Flags, t.Times, rep.Ticket.Server
	if _, ok := q.PAData.Find(krb5.PALWKRB); ok && k.light {
		part.PAData = append(part.PAData, krb5.Typed{Type: krb5.PALWKRB, Data: k.lightweight(rep, t)})
	}
	if k.asRep != nil {
		k.asRep(rep, part)
	}
	rep.Enc = krb5.EncryptedData{EType: int32(reply.EType()), Cipher: reply.Encrypt(nil, u, k.confounder(), part.Append(nil))}
	return rep.Append(nil)
}

func (k *kdc) lightweight(rep *krb5.KDCRep, t krb5.EncTicketPart) []byte {
	sealer, _ := Principal(rep.Ticket.Server)
	client, _ := Principal(t.Client)
	name := lwkrb.KeyName{Principal: sealer, KVNO: rep.Ticket.Enc.KVNO, EType: uint8(rep.Ticket.Enc.EType)}
	body := lwkrb.TicketBody{Flags: uint32(t.Flags), Start: rep1(t.Times), End: t.Times.End, Client: client, Transited: []string{home},
		Session: must(lk.SessionKey(t.Key.Value, string(client), string(sealer)))}
	key := must(lk.NewKey(string(sealer), name.KVNO, name.EType, longTerm(rep.Ticket.Server, keys.EType(name.EType)).Octets()))
	l := lwkrb.Ticket{Key: name, Sealed: key.SealTicket(nil, [24]byte{}, name.Append(nil), body.Append(nil))}
	return l.Append([]byte{lightVersion})
}

func rep1(t krb5.Times) time.Time {
	if t.Start.IsZero() {
		return t.Auth
	}
	return t.Start
}

// desk is a client, and KDCs that answer if they are let.
type desk struct {
	t     testing.TB
	c     *Client
	now   engine.Now
	out   engine.Effects
	kdcs  map[string]*kdc
	sends []Send
	facts []Fact // without Send
	ahead time.Duration
}

func config() Config {
	c := Config{Client: ann, Keys: []keys.Key{longTerm(ann, keys.AES256SHA384), longTerm(ann, keys.AES128SHA1)}, Lightweight: true}
	for _, r := range []string{home, "A.EXAMPLE", "B.EXAMPLE"} {
		c.Realms = append(c.Realms, Realm{r, []KDC{{At: addr[r]}}})
	}
	return c
}

func newDesk(t testing.TB, change func(*Config)) *desk {
	t.Helper()
	cfg := config()
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg, engine.NewRand([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, c: c, now: engine.Now{Mono: 1000, Wall: epoch}, kdcs: map[string]*kdc{}}
	for _, r := range cfg.Realms {
		d.kdcs[r.Name] = newKDC(r.Name, func() time.Time { return d.now.Wall.Add(d.ahead) })
		d.kdcs[r.Name].light = true
	}
	return d
}

// took keeps facts.
func (d *desk) took(facts []Fact) {
	for _, f := range facts {
		if s, ok := f.(Send); ok {
			d.sends = append(d.sends, s)
		} else {
			d.facts = append(d.facts, f)
		}
	}
}

func (d *desk) start() *desk { d.took(d.c.Start(d.now, &d.out)); return d }

func (d *desk) want(s string) {
	d.t.Helper()
	facts, ok := d.c.Want(d.now, must(krb5.ParsePrincipal(s)), &d.out)
	if !ok {
		d.t.Fatal("not wanted")
	}
	d.took(facts)
}

// next takes the first octets that were sent.
func (d *desk) next() Send {
	d.t.Helper()
	if len(d.sends) == 0 {
		d.t.Fatal("nothing was sent")
	}
	s := d.sends[0]
	d.sends = d.sends[1:]
	return s
}

// heard hands over an answer by the way of its request.
func (d *desk) heard(s Send, b []byte) {
	switch s.Way {
	case Datagram:
		d.took(d.c.HeardFrom(d.now, s.KDC, b, &d.out))
	case Stream:
		b = krb5.AppendFrame(nil, b)
		d.took(d.c.HeardStream(d.now, s.Exchange, b[:3], &d.out))
		d.took(d.c.HeardStream(d.now, s.Exchange, b[3:], &d.out))
	case Proxy:
		d.took(d.c.HeardToken(d.now, krb5.Token{Mech: krb5.MechProxy, ID: krb5.TokenKDCRep, Message: b}.Append(nil), &d.out))
	}
}

func (d *desk) ask(s Send) []byte {
	b := s.Data
	switch s.Way {
	case Stream:
		m, rest, err := krb5.NextFrame(b)
		if err != nil || m == nil || len(rest) > 0 {
			d.t.Fatal("no frame", err)
		}
		b = m
	case Proxy:
		t := must(krb5.ParseToken(b))
		if t.Mech != krb5.MechProxy || t.ID != krb5.TokenKDCReq {
			d.t.Fatalf("%+v", t)
		}
		b = t.Message
	}
	k := d.kdcs[s.Realm]
	if must(krb5.ParseKDCReq(b)).Body.Realm != s.Realm {
		d.t.Fatal("the body names another realm")
	}
	return k.answer(b)
}

// serve lets the KDCs answer until nothing is asked any more.
func (d *desk) serve() *desk {
	for i := 0; len(d.sends) > 0; i++ {
		if i > 100 {
			d.t.Fatal("no end of requests")
		}
		s := d.next()
		d.heard(s, d.ask(s))
	}
	return d
}

// pass lets time pass up to the next deadline.
func (d *desk) pass() {
	d.t.Helper()
	at, why := d.c.Deadline()
	if at == engine.Never {
		d.t.Fatal("it waits for nothing")
	}
	if at < d.now.Mono || why == "" {
		d.t.Fatalf("deadline %v %q", at, why)
	}
	d.at(at)
}

func (d *desk) at(m engine.Mono) {
	d.now.Wall = d.now.Wall.Add(m.Sub(d.now.Mono))
	d.now.Mono = m
	d.took(d.c.Tick(d.now, &d.out))
}

// last gives the facts since it was asked the last time.
func (d *desk) last() []Fact {
	f := d.facts
	d.facts = nil
	return f
}

// granted is the ticket of the one Granted.
func (d *desk) granted() *Ticket {
	d.t.Helper()
	var got []*Ticket
	for _, f := range d.last() {
		if g, ok := f.(Granted); ok {
			got = append(got, g.Ticket)
		}
	}
	if len(got) != 1 {
		d.t.Fatalf("%d tickets", len(got))
	}
	return got[0]
}

func (d *desk) failed() Failed {
	d.t.Helper()
	for _, f := range d.last() {
		if f, ok := f.(Failed); ok {
			return f
		}
	}
	d.t.Fatal("nothing failed")
	return Failed{}
}

// dropped are the reasons of drops.
func (d *desk) dropped() (list []string) {
	for _, e := range d.out.List {
		if ev, ok := e.(engine.Event); ok && ev.Name == engine.EventDrop {
			list = append(list, ev.Reason)
		}
	}
	d.out.Reset()
	return list
}

func (d *desk) state(server string) (v TicketView) {
	d.t.Helper()
	list := d.c.View().Tickets
	i := slices.IndexFunc(list, func(t TicketView) bool { return t.Server == server })
	if i < 0 {
		d.t.Fatalf("no %s in %+v", server, list)
	}
	return list[i]
}
