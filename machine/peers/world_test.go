package peers

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
)

// world joins nodes by connections that deliver in order after a delay, in virtual time.
type world struct {
	t     testing.TB
	now   engine.Mono
	seq   int
	queue []item
	hosts []*host
	delay time.Duration
	ends  []*end // all connections, those that we dialled
	tape  []string
}

type item struct {
	at  engine.Mono
	seq int
	do  func()
}

type host struct {
	w        *world
	name     string
	n        *Node
	at       netip.AddrPort
	tls      bool
	cert     []string
	conns    map[engine.Conn]*end
	accepted engine.Conn
	hung     bool // it reads and says nothing
	frozen   bool // it does nothing until it is thawed; what came meanwhile it finds then
	frost    []engine.Input
	quiet    bool // it takes requests and does not answer them
	got      []Fact
	arrived  []diameter.Message
	answers  map[uint64]diameter.Message
	answered map[uint64]time.Duration
	unable   map[uint64]uint32
	drops    map[string]int
	events   []engine.Event
	bornDead map[uint64]bool
	proxy    func(h *host, f Fact) bool
}

type end struct {
	h    *host
	id   engine.Conn
	peer *end
	open bool
}

const domain = ".example"

func addr(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i)}), 3868)
}

func newWorld(t testing.TB) *world { return &world{t: t, delay: 5 * time.Millisecond} }

// add makes a node; its name is its host and its number its address.
func (w *world) add(name string, change func(*Config)) *host {
	w.t.Helper()
	h := &host{w: w, name: name, at: addr(len(w.hosts) + 1), conns: map[engine.Conn]*end{}, answers: map[uint64]diameter.Message{},
		answered: map[uint64]time.Duration{}, unable: map[uint64]uint32{}, drops: map[string]int{}}
	h.cert = []string{name + domain}
	cfg := Config{Host: name + domain, Realm: name + "-realm" + domain, Apps: []App{{ID: diameter.AppMobileIPv6AAA}},
		Listen: []Listen{{Name: "in", At: h.at}}}
	if change != nil {
		change(&cfg)
	}
	h.tls = len(cfg.Listen) > 0 && cfg.Listen[0].TLS != ""
	n, err := New(cfg, engine.NewRand([32]byte{byte(len(w.hosts)), 7}))
	if err != nil {
		w.t.Fatal(err)
	}
	h.n = n
	w.hosts = append(w.hosts, h)
	return h
}

func (w *world) start() {
	for _, h := range w.hosts {
		h.call(func(now engine.Now, out *engine.Effects) { h.n.Start(now, out) })
	}
}

func (w *world) clock() engine.Now {
	return engine.Now{Mono: w.now, Wall: time.Unix(1_700_000_000, 0).Add(time.Duration(w.now))}
}

func (w *world) later(d time.Duration, do func()) {
	w.seq++
	w.queue = append(w.queue, item{w.now.Add(d), w.seq, do})
	slices.SortStableFunc(w.queue, func(a, b item) int { return int(a.at - b.at) })
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for range 1 << 22 {
		next, who := end, (*host)(nil)
		for _, h := range w.hosts {
			if at, _ := h.n.Deadline(); at < next && !h.hung && !h.frozen {
				next, who = max(at, w.now), h
			}
		}
		switch {
		case len(w.queue) > 0 && w.queue[0].at <= next:
			w.now = max(w.now, w.queue[0].at)
			do := w.queue[0].do
			w.queue = w.queue[1:]
			do()
		case who != nil:
			w.now = next
			who.input(engine.Tick{})
		default:
			w.now = end
			return
		}
	}
	w.t.Fatal("time does not pass")
}

func (h *host) input(in engine.Input) {
	if h.hung {
		return
	}
	if h.frozen {
		h.frost = append(h.frost, in)
		return
	}
	h.call(func(now engine.Now, out *engine.Effects) {
		for _, f := range h.n.Handle(now, in, out) {
			h.fact(now, out, f)
		}
	})
}

func (h *host) thaw() {
	h.frozen = false
	frost := h.frost
	h.frost = nil
	for _, in := range frost {
		h.input(in)
	}
}

// call does something to a node and carries out the effects.
func (h *host) call(do func(engine.Now, *engine.Effects)) {
	var out engine.Effects
	do(h.w.clock(), &out)
	for _, e := range out.List {
		h.effect(e)
	}
}

func (h *host) effect(e engine.Effect) {
	w := h.w
	switch e := e.(type) {
	case engine.Event:
		h.events = append(h.events, e)
		w.tape = append(w.tape, fmt.Sprint(w.now, h.name, e))
		if e.Name == engine.EventDrop {
			h.drops[e.Reason]++
		}
	case engine.Dial:
		w.dial(h, e)
	case engine.Write:
		if x := h.conns[e.Conn]; x != nil && x.open {
			data := slices.Clone(e.Data)
			w.tape = append(w.tape, fmt.Sprint(w.now, h.name, len(data)))
			other := x.peer
			w.later(w.delay, func() {
				if other.open {
					other.h.input(engine.Stream{Conn: other.id, Data: data})
				}
			})
		}
	case engine.Close:
		if x := h.conns[e.Conn]; x != nil {
			w.later(w.delay, func() { w.shut(x, engine.ReasonClosed, engine.ReasonPeerClosed) })
		}
	}
}

func (w *world) dial(h *host, d engine.Dial) {
	i := slices.IndexFunc(w.hosts, func(o *host) bool { return o.at == d.To && len(o.n.cfg.Listen) > 0 })
	mine := &end{h: h, id: d.Conn}
	h.conns[d.Conn] = mine
	if i < 0 || w.hosts[i].hung && w.hosts[i].bornDead != nil {
		w.later(w.delay, func() { h.input(engine.Closed{Conn: d.Conn, Reason: engine.ReasonRefused}) })
		return
	}
	o := w.hosts[i]
	o.accepted += 2
	theirs := &end{h: o, id: o.accepted, peer: mine}
	mine.peer = theirs
	o.conns[theirs.id] = theirs
	w.ends = append(w.ends, mine)
	w.later(w.delay, func() {
		if h.conns[d.Conn] != mine {
			return
		}
		if d.TLS != "" && !slices.Contains(o.cert, d.Server) {
			h.input(engine.Closed{Conn: d.Conn, Reason: engine.ReasonTLSName})
			return
		}
		mine.open, theirs.open = true, true
		var ours, its []string
		if d.TLS != "" {
			ours, its = o.cert, h.cert
		}
		from := netip.AddrPortFrom(h.at.Addr(), 40000)
		o.input(engine.Opened{Conn: theirs.id, Listener: o.n.cfg.Listen[0].Name, From: o.at, To: from, Names: its})
		h.input(engine.Opened{Conn: mine.id, From: from, To: o.at, Names: ours})
	})
}

// shut ends a connection: why for the one, why for the other end.
func (w *world) shut(x *end, mine, theirs string) {
	if x.h.conns[x.id] == nil {
		return
	}
	delete(x.h.conns, x.id)
	x.open = false
	x.h.input(engine.Closed{Conn: x.id, Reason: mine})
	if o := x.peer; o != nil && o.h.conns[o.id] != nil {
		delete(o.h.conns, o.id)
		o.open = false
		o.h.input(engine.Closed{Conn: o.id, Reason: theirs})
	}
}

// fact is what the owner of a node does about a fact: he answers everything with success, passes on what is to be passed on.
func (h *host) fact(now engine.Now, out *engine.Effects, f Fact) {
	if h.proxy != nil && h.proxy(h, f) {
		return
	}
	switch f := f.(type) {
	case Arrived:
		m := f.Message
		m.Raw = slices.Clone(m.Raw)
		h.arrived = append(h.arrived, m)
		switch {
		case f.Proxy:
			h.n.Forward(now, out, f.Handle, m.Raw)
		case !h.quiet:
			h.n.Answer(now, out, f.Handle, h.n.Builder().Reply(m, diameter.Success, h.n.cfg.Host, h.n.cfg.Realm).Done())
		}
	case Passed:
		h.n.Return(now, out, f.Handle, f.Message.Raw)
	case Answered:
		if _, twice := h.answers[f.Ctx]; twice || h.unable[f.Ctx] != 0 {
			h.w.t.Errorf("%s: %d is answered again", h.name, f.Ctx)
		}
		m := f.Message
		m.Raw = slices.Clone(m.Raw)
		h.answers[f.Ctx], h.answered[f.Ctx] = m, time.Duration(now.Mono)
	case Unable:
		if _, twice := h.answers[f.Ctx]; twice || h.unable[f.Ctx] != 0 {
			h.w.t.Errorf("%s: %d is answered again", h.name, f.Ctx)
		}
		h.unable[f.Ctx] = f.Code
	default:
		h.got = append(h.got, f)
	}
}

// str builds a request for a realm, and a host if it is named.
func (h *host) str(host, realm string) []byte {
	n := h.n
	b := n.Builder().Request(diameter.SessionTermination, diameter.AppMobileIPv6AAA, diameter.Proxiable).Text(diameter.SessionID, n.NewSessionID())
	n.Origin(b).Text(diameter.DestinationRealm, realm)
	if host != "" {
		b.Text(diameter.DestinationHost, host)
	}
	return b.Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA).Uint32(diameter.TerminationCause, diameter.TerminationCauseLogout).Done()
}

// ask sends an own request.
func (h *host) ask(ctx uint64, host, realm string) bool {
	ok := false
	h.call(func(now engine.Now, out *engine.Effects) { ok = h.n.Request(now, out, h.str(host, realm), ctx) })
	return ok
}

// result is how an own request ended: its Result-Code, -1 if it has not.
func (h *host) result(ctx uint64) int {
	if m, ok := h.answers[ctx]; ok {
		return int(resultOf(m))
	}
	if code, ok := h.unable[ctx]; ok {
		return int(code)
	}
	return -1
}

func (h *host) want(ctx uint64, code diameter.ResultCode) {
	h.w.t.Helper()
	if got := h.result(ctx); got != int(code) {
		h.w.t.Errorf("%v %s: request %d ended with %d, want %v; drops %v", time.Duration(h.w.now), h.name, ctx, got, code, h.drops)
	}
}

func (h *host) peer(name string) *peer { return h.n.byHost[name+domain] }

// cut breaks all connections between two hosts.
func (w *world) cut(a, b *host) {
	for _, x := range slices.Clone(w.ends) {
		if x.open && (x.h == a && x.peer.h == b || x.h == b && x.peer.h == a) {
			w.shut(x, engine.ReasonReset, engine.ReasonReset)
		}
	}
}

func (w *world) settled() {
	w.t.Helper()
	for _, h := range w.hosts {
		for _, p := range h.n.listed {
			if !h.n.Open(p.host) {
				w.t.Errorf("%s: %s is %s, %s; drops %v", h.name, p.host, p.state, p.watch, h.drops)
			}
		}
	}
}

// peerTo is another host of this world as a peer: dialled.
func peerTo(h *host) Peer { return Peer{Host: h.n.cfg.Host, At: h.at} }

func name(s string) string { return s + domain }

func realm(s string) string { return s + "-realm" + domain }
