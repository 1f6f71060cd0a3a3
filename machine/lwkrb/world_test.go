package lwkrb

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// The cast: ann of HOME.EXAMPLE comes to ar2 of A.EXAMPLE.
const (
	ann    lw.Principal = "ann@HOME.EXAMPLE"
	ar2    lw.Principal = "mobileip/ar2.a.example@A.EXAMPLE"
	ar3    lw.Principal = "mobileip/ar3.a.example@A.EXAMPLE"
	shared lw.Principal = "mobileip/access.a.example@A.EXAMPLE"
	local  lw.Principal = "krbtgt/A.EXAMPLE@HOME.EXAMPLE"
	home   lw.Principal = "krbtgt/HOME.EXAMPLE@HOME.EXAMPLE"
	toHome lw.Principal = "krbtgt/HOME.EXAMPLE@A.EXAMPLE"

	both = lw.WantAH | lw.WantESP
	air  = 2 * time.Millisecond // one way
	wire = 5 * time.Millisecond // router to KDC
)

var (
	start   = time.Unix(1_800_000_000, 0).UTC()
	careOf  = netip.MustParseAddr("2001:db8:a:2:0:ff:fe00:a01")
	other   = netip.MustParseAddr("2001:db8:a:2:0:ff:fe00:b02")
	address = netip.MustParseAddr("2001:db8:a:2::1")
	onLink  = netip.MustParseAddr("fe80::1")
	par     = netip.MustParseAddr("2001:db8:a:1::1")
	mac     = []byte{2, 0, 0, 0, 0xa, 1}
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func ramp(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// keyOf is a principal's long-term key.
func keyOf(p lw.Principal, etype uint8) Key {
	size := 32
	if etype%2 == 1 {
		size = 16
	}
	octets := ramp(byte(len(p)), size)
	copy(octets, p[len(p)/2:])
	return Key{lw.KeyName{Principal: p, KVNO: 3, EType: etype}, must(lk.NewKey(string(p), 3, etype, octets))}
}

// kdc answers open-reqs as docs/lwkrb.md says: a model, without clock and memory.
type kdc struct {
	realm   string
	keys    []Key // of tickets, of routers, of other KDCs
	up      *kdc  // asked for what it cannot open
	upKey   Key
	trust   []string
	revoked bool
	drawn   byte
	silent  bool
	asked   int
	seen    [][]byte
}

func (k *kdc) key(n lw.KeyName) (Key, bool) {
	i := slices.IndexFunc(k.keys, func(x Key) bool { return x.Name == n })
	if i < 0 {
		return Key{}, false
	}
	return k.keys[i], true
}

func (k *kdc) nonce() (n [lk.NonceLen]byte) {
	k.drawn++
	n[0], n[1] = k.drawn, byte(len(k.realm))
	return n
}

func plainError(id uint32, c lw.Code, now time.Time) []byte {
	return (&lw.Error{ID: id, Code: c, Time: now}).Append(nil)
}

// serve gives the open-rep to an open-req, or an error, or nothing.
func (k *kdc) serve(raw []byte, now time.Time) []byte {
	k.asked++
	k.seen = append(k.seen, bytes.Clone(raw))
	if k.silent {
		return nil
	}
	m, err := lw.ParseOpenRequest(raw)
	if err != nil {
		return nil
	}
	asker, ok := k.key(m.Key)
	if !ok {
		return plainError(m.ID, lw.NoKey, now)
	}
	plain, err := asker.Key.OpenOpenRequest(raw[:len(raw)-len(m.Sealed)], m.Sealed)
	if err != nil {
		return plainError(m.ID, lw.BadIntegrity, now)
	}
	q, err := lw.ParseOpenRequestBody(plain)
	if err != nil {
		return nil
	}
	body := k.judge(q, m.Key.Principal, now)
	out := body.Append(nil)
	before := lw.Before(nil, lw.TypeOpenReply, m.ID, len(out)+lk.Overhead)
	return asker.Key.SealOpenReply(before, k.nonce(), m.Sealed, before, out)
}

func (k *kdc) judge(q lw.OpenRequestBody, asker lw.Principal, now time.Time) lw.OpenReplyBody {
	no := func(err error) lw.OpenReplyBody { return lw.OpenReplyBody{Code: err.(lw.Code), Time: now} }
	if err := q.Check(now, asker, k.realm); err != nil {
		return no(err)
	}
	for _, r := range q.Path {
		if !slices.Contains(k.trust, r) {
			return no(lw.BadPath)
		}
	}
	m, err := lw.ParseRequest(q.Request)
	if err != nil {
		return no(lw.Generic)
	}
	key, ok := k.key(m.Ticket.Key)
	if !ok {
		return k.forward(q, now)
	}
	if !lw.Opens(k.realm, m.Ticket.Key.Principal, q.Router) {
		return no(lw.NotUs)
	}
	return k.open(q, m, key, now)
}

func (k *kdc) open(q lw.OpenRequestBody, m lw.Request, key Key, now time.Time) lw.OpenReplyBody {
	bad := lw.OpenReplyBody{Code: lw.BadIntegrity, Time: now}
	plain, err := key.Key.OpenTicket(m.Ticket.Key.Append(nil), m.Ticket.Sealed)
	if err != nil {
		return bad
	}
	ticket := must(lw.ParseTicketBody(plain))
	s := must(lk.NewSession(ticket.Session))
	auth, err := s.OpenAuthenticator(q.Request[:len(q.Request)-len(m.Authenticator)], m.Authenticator)
	if err != nil {
		return bad
	}
	a := must(lw.ParseAuthenticator(auth))
	access := s.Access(m.Authenticator, string(a.Router))
	no := func(c lw.Code) lw.OpenReplyBody {
		return lw.OpenReplyBody{Code: c, Time: now, Key: access.ErrorKey().Octets()}
	}
	if k.revoked {
		return no(lw.Revoked)
	}
	if err := ticket.Check(now); err != nil {
		return no(err.(lw.Code))
	}
	if err := a.Check(now, q.Router); err != nil {
		return no(err.(lw.Code))
	}
	return lw.OpenReplyBody{Time: now, Key: access.Octets(), Opened: lw.Opened{Flags: ticket.Flags, End: ticket.End, Client: ticket.Client,
		Transited: ticket.Transited, Authenticator: auth, Attributes: ticket.Attributes}}
}

func (k *kdc) forward(q lw.OpenRequestBody, now time.Time) lw.OpenReplyBody {
	if k.up == nil {
		return lw.OpenReplyBody{Code: lw.NoKDC, Time: now}
	}
	q.Path, q.Time = append(slices.Clone(q.Path), k.realm), now
	body := q.Append(nil)
	before := (&lw.OpenRequest{ID: 7, Key: k.upKey.Name}).Before(nil, len(body)+lk.Overhead)
	raw := k.upKey.Key.SealOpenRequest(before, k.nonce(), before, body)
	rep := k.up.serve(raw, now)
	m, err := lw.ParseOpenReply(rep)
	if err != nil {
		return lw.OpenReplyBody{Code: lw.SilentKDC, Time: now}
	}
	asked := must(lw.ParseOpenRequest(raw))
	plain := must(k.upKey.Key.OpenOpenReply(asked.Sealed, rep[:lw.HeaderLen], m.Sealed))
	got := must(lw.ParseOpenReplyBody(plain))
	got.Time = now
	return got
}

// event is something on its way.
type event struct {
	at engine.Mono
	do func()
}

// world is ann, ar2, the KDC of A and that of HOME, and what is between them.
type world struct {
	t     testing.TB
	now   engine.Now
	skew  time.Duration // of ann's clock
	m     *Mobile
	r     *Router
	a, h  *kdc
	queue []event
	out   engine.Effects

	verdict func(*Judge) *Verdict // nil: nobody decides
	lost    func(to string, octets []byte) bool
	place   Coming // the message that brings ap-reqs; octets are filled in

	wrote      []engine.Record // by Persist, in order
	mn, ar     []*Session
	failed     []Failed
	hints      []Hint
	renew      []Renew
	requests   []*Request
	answers    []Answer
	asks       []AskKDC
	askedAt    []engine.Mono
	judged     []*Judge
	drop       map[string]int
	persistent bool // a Persist was seen in this turn
}

func newWorld(t testing.TB, keys ...Key) *world {
	w := &world{t: t, now: engine.Now{Mono: 1, Wall: start}, drop: map[string]int{}}
	w.m = NewMobile(engine.NewRand([32]byte{1}))
	own := keyOf(ar2, 20)
	w.h = &kdc{realm: "HOME.EXAMPLE", keys: []Key{keyOf(home, 18), keyOf(toHome, 18)}, trust: []string{"A.EXAMPLE"}}
	w.a = &kdc{realm: "A.EXAMPLE", keys: []Key{own, keyOf(ar3, 20), keyOf(local, 17), keyOf(shared, 18)}, up: w.h, upKey: keyOf(toHome, 18)}
	w.r = must(NewRouter(RouterConfig{Self: ar2, KDC: true, Offer: both | lw.WantBuffer}, append([]Key{own}, keys...), engine.NewRand([32]byte{2})))
	w.verdict = func(*Judge) *Verdict { return &Verdict{} }
	w.place = Coming{From: par, Trusted: true, Addresses: []netip.Addr{onLink, address}, CareOf: careOf}
	return w
}

var v5 = ramp(0x10, 32)

// ticketFor is ann's ticket that a key seals.
func ticketFor(k Key, attributes []byte) Ticket {
	return ticketUntil(k, attributes, start.Add(time.Hour))
}

func ticketUntil(k Key, attributes []byte, end time.Time) Ticket {
	body := lw.TicketBody{Flags: 1 << 21, Start: start.Add(-time.Hour), End: end, Client: ann, Attributes: attributes,
		Session: must(lk.SessionKey(v5, string(ann), string(k.Name.Principal)))}
	t := lw.Ticket{Key: k.Name, Sealed: k.Key.SealTicket(nil, [lk.NonceLen]byte{9}, k.Name.Append(nil), body.Append(nil))}
	return must(NewTicket(t, v5, ann, body.Start, end))
}

func wish() Wish {
	return Wish{Router: ar2, Address: address, CareOf: careOf, LinkLayer: mac, Want: both | lw.WantBuffer, SPI: 0x1001}
}

func (w *world) mobileNow() engine.Now {
	return engine.Now{Mono: w.now.Mono, Wall: w.now.Wall.Add(w.skew)}
}

func (w *world) later(d time.Duration, to string, octets []byte, do func()) {
	if w.lost == nil || !w.lost(to, octets) {
		w.queue = append(w.queue, event{w.now.Mono.Add(d), do})
	}
}

// effects collects what a call appended.
func (w *world) effects() {
	w.persistent = false
	for _, e := range w.out.List {
		switch e := e.(type) {
		case engine.Persist:
			w.persistent = true
			w.wrote = append(w.wrote, engine.Record(e))
		case engine.Event:
			if e.Name == engine.EventDrop {
				w.drop[e.Reason]++
			}
		}
	}
	w.out.Reset()
}

func (w *world) mobile(facts []Fact) {
	w.effects()
	for _, f := range facts {
		switch f := f.(type) {
		case *Request:
			w.requests = append(w.requests, f)
			w.later(air, "router", f.Octets, func() { w.bring(f.Octets) })
		case *Session:
			w.mn = append(w.mn, f)
		case Hint:
			w.hints = append(w.hints, f)
		case Renew:
			w.renew = append(w.renew, f)
		case Failed:
			w.failed = append(w.failed, f)
		default:
			w.t.Fatalf("the mobile node says %T", f)
		}
	}
}

// bring takes an ap-req to the router, in the message of w.place.
func (w *world) bring(octets []byte) {
	c := w.place
	c.Octets = octets
	w.router(w.r.Heard(w.now, c, &w.out))
}

func (w *world) router(facts []Fact) {
	w.effects()
	durable := w.persistent
	for _, f := range facts {
		switch f := f.(type) {
		case AskKDC:
			w.asks, w.askedAt = append(w.asks, f), append(w.askedAt, w.now.Mono)
			w.later(wire, "kdc", f.Octets, func() {
				if rep := w.a.serve(f.Octets, w.now.Wall); rep != nil {
					w.later(wire, "back", rep, func() { w.router(w.r.Answered(w.now, rep, &w.out)) })
				}
			})
		case *Judge:
			w.judged = append(w.judged, f)
			if v := w.verdict(f); v != nil {
				w.router(w.r.Decide(w.now, f.Handle, *v, &w.out))
			}
		case *Session:
			if !durable {
				w.t.Error("a session without a durable record of its ap-req")
			}
			w.ar = append(w.ar, f)
		case Answer:
			w.answers = append(w.answers, f)
			w.later(air, "mobile", f.Octets, func() { w.mobile(w.m.Heard(w.mobileNow(), f.Octets, &w.out)) })
		default:
			w.t.Fatalf("the router says %T", f)
		}
	}
}

func (w *world) ask(x Wish) { w.mobile(w.m.Ask(w.mobileNow(), x, &w.out)) }

// pass lets time go by, and what is due happen, in order.
func (w *world) pass(d time.Duration) {
	for end := w.now.Mono.Add(d); ; {
		at, which := end.Add(1), -1
		for i, e := range w.queue {
			if e.at < at {
				at, which = e.at, i
			}
		}
		m, _ := w.m.Deadline()
		r, _ := w.r.Deadline()
		next := min(at, m, r)
		if next > end {
			w.to(end)
			return
		}
		w.to(max(next, w.now.Mono))
		switch next {
		case at:
			e := w.queue[which]
			w.queue = slices.Delete(w.queue, which, which+1)
			e.do()
		case m:
			w.mobile(w.m.Tick(w.mobileNow(), &w.out))
		default:
			w.router(w.r.Tick(w.now, &w.out))
		}
	}
}

func (w *world) to(at engine.Mono) {
	w.now = engine.Now{Mono: at, Wall: w.now.Wall.Add(at.Sub(w.now.Mono))}
}

// restart is the router's next life, a second later: what it knows is what it wrote. What is on its way is lost.
func (w *world) restart(keys ...Key) {
	w.pass(time.Second)
	last := map[string]engine.Record{}
	var order []string
	for _, r := range w.wrote {
		if _, ok := last[r.Key]; !ok {
			order = append(order, r.Key)
		}
		last[r.Key] = r
	}
	var records []engine.Record
	for _, k := range order {
		if last[k].Value != nil {
			records = append(records, last[k])
		}
	}
	w.queue = nil
	w.r = must(NewRouter(w.r.cfg, append([]Key{keyOf(ar2, 20)}, keys...), engine.NewRand([32]byte{3})))
	w.r.Restore(w.now, records, &w.out)
	w.effects()
}

// agreed checks that both ends have the same session, one each, and gives the router's.
func (w *world) agreed() *Session {
	w.t.Helper()
	if len(w.mn) == 0 || len(w.mn) != len(w.ar) || len(w.failed) > 0 {
		w.t.Fatalf("sessions %d at the mobile node, %d at the router; failed %+v; dropped %v", len(w.mn), len(w.ar), w.failed, w.drop)
	}
	m, r := w.mn[len(w.mn)-1], w.ar[len(w.ar)-1]
	alike(w.t, m, r)
	return r
}

func alike(t testing.TB, m, r *Session) {
	t.Helper()
	same := func(a, b Pair) bool {
		return bytes.Equal(a.ToMobile, b.ToMobile) && bytes.Equal(a.ToRouter, b.ToRouter)
	}
	switch {
	case !same(m.AH, r.AH) || !same(m.ESP, r.ESP):
		t.Error("the keys differ")
	case m.Granted != r.Granted || m.SPIToRouter != r.SPIToRouter || m.SPIToMobile != r.SPIToMobile:
		t.Errorf("granted %x %x %x, %x %x %x", m.Granted, m.SPIToRouter, m.SPIToMobile, r.Granted, r.SPIToRouter, r.SPIToMobile)
	case m.Until > r.Until:
		t.Errorf("the mobile node believes in it %v longer", m.Until.Sub(r.Until))
	case m.CareOf != r.CareOf || !bytes.Equal(m.LinkLayer, r.LinkLayer) || m.Router != r.Router || m.Case != r.Case:
		t.Errorf("%+v, %+v", m, r)
	}
	if r.Granted&lw.WantAH != 0 && (len(r.AH.ToMobile) != lk.AHKeyLen || bytes.Equal(r.AH.ToMobile, r.AH.ToRouter)) {
		t.Error("keys of AH that are none")
	}
	if r.Granted&lw.WantESP != 0 && (len(r.ESP.ToMobile) != lk.ESPKeyLen || bytes.Equal(r.ESP.ToMobile, r.ESP.ToRouter)) {
		t.Error("keys of ESP that are none")
	}
}

// quiet checks that the router has nothing under way, whatever came.
func (w *world) quiet() {
	w.t.Helper()
	v := w.r.View()
	if v.UnderWay != 0 || len(w.r.asked) != 0 || len(w.r.sources) != 0 || w.r.strangers != 0 ||
		len(w.r.handles) != v.Answered || len(w.r.exchanges) != v.Answered || w.r.timers.Len() != 0 {
		w.t.Errorf("something stays: %+v", v)
	}
}
