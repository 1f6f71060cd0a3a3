package lwkrb

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// Times and limits of the access router.
const (
	// GiveUp is how long it waits for its KDC.
	GiveUp = 1500 * time.Millisecond
	// JudgeFor is how long it waits for Decide: for the AAA server.
	JudgeFor = time.Second
	// AnsweredFor is how long an answer is kept, to be given again to the same octets; MaxAnswered is how many are, the oldest go.
	AnsweredFor = 30 * time.Second
	MaxAnswered = 4096
	// MinLifetime is the shortest session: a ticket that ends sooner has expired.
	MinLifetime = time.Second
	// DefaultLifetime is the longest session, unless configured.
	DefaultLifetime = time.Hour
)

// asks is when an open-req goes out again, the same octets, after the first one; GiveUp comes last.
var asks = [...]time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond}

// RouterConfig is who an access router is, and what it gives.
type RouterConfig struct {
	Self     lw.Principal
	KDC      bool          // there is one to ask: the first of Keys is then the router's own
	Offer    lw.Want       // what it can do: others are refused (AH, ESP) or not granted (buffering)
	Require  lw.Want       // protection without which nobody is let in
	Lifetime time.Duration // the longest session; 0: DefaultLifetime
}

// Key is a key that the router has: its own or its domain's.
type Key struct {
	Name lw.KeyName
	Key  lk.Key
}

// Handle names an exchange of a Router; 0 is none.
type Handle uint64

// Coming is an ap-req and the message that brought it.
type Coming struct {
	Octets    []byte
	From      netip.Addr   // the source of the packet
	Trusted   bool         // it has proven to be a router we share AH with
	Addresses []netip.Addr // the router's own, any of which the mobile node may know it by
	CareOf    netip.Addr   // the new one of the mobile node, as the message says
	LinkLayer []byte       // of the mobile node, as the message says; nil: it does not
}

// AskKDC is an open-req to be sent to a KDC of the router's realm. Try counts from 1; with several KDCs each try may go to the next.
//
// spec FH-14
type AskKDC struct {
	Handle Handle
	Octets []byte
	Try    int
}

// Judge asks whether a mobile node with these attributes may come. The role says by Decide, at once or within JudgeFor.
//
// spec FH-16
type Judge struct {
	Handle     Handle
	Case       lw.Case
	Client     lw.Principal
	CareOf     netip.Addr
	LinkLayer  []byte
	Want       lw.Want
	Flags      uint32 // of the ticket
	Transited  []string
	Attributes []byte    // nil: none
	TicketEnd  time.Time // on the wall clock
}

// Verdict is what a role says to Judge.
type Verdict struct {
	Code     lw.Code       // lw.None: yes; else the error to tell
	Lifetime time.Duration // of the session at most; 0: as configured
	SPI      uint32        // the router is to be sent to; 0: one is drawn
	NoBuffer bool          // do not keep what comes, though it is wanted
}

// Answer is an ap-rep or an error for the mobile node. CareOf and LinkLayer of an ap-rep are those in the ap-req, of an error those of the
// message that brought it; From is the source of that. An error may leave the exchange under way, when a KDC says no without proof.
//
// spec FH-10
type Answer struct {
	Handle    Handle // 0: it ended at once
	Octets    []byte
	From      netip.Addr
	CareOf    netip.Addr
	LinkLayer []byte
	Code      lw.Code // lw.None: an ap-rep
	Again     bool    // it was given before
}

func (AskKDC) fact() {}
func (*Judge) fact() {}
func (Answer) fact() {}

// Router is the access router's end. Make it with NewRouter.
type Router struct {
	cfg    RouterConfig
	rand   *engine.Rand
	keys   []Key
	memory memory
	limits limits

	exchanges map[string]*exchange // by the octets of the ap-req
	handles   map[Handle]*exchange
	asked     map[uint32]*exchange // by the identifier of the open-req
	sources   map[netip.Addr]int   // under way, of those that are not trusted
	under     int
	strangers int                   // of those under way, not trusted
	timers    engine.Timers[Handle] // of those under way
	answered  engine.Timers[Handle]
	handle    Handle
	count     RouterCounts
}

// RouterCounts is what a Router did since it was made.
type RouterCounts struct {
	Heard    uint64            `json:"heard"`    // ap-reqs
	Again    uint64            `json:"again"`    // of them, the same octets as before
	Asked    uint64            `json:"asked"`    // open-reqs, repetitions not counted
	Accepted [4]uint64         `json:"accepted"` // by case
	Refused  map[string]uint64 `json:"refused"`  // by reason
}

// NewRouter makes an access router's end. Randomness is for nonces, identifiers and SPIs.
func NewRouter(cfg RouterConfig, keys []Key, rand *engine.Rand) (*Router, error) {
	if cfg.Lifetime == 0 {
		cfg.Lifetime = DefaultLifetime
	}
	switch {
	case !cfg.Self.Valid() || !cfg.Self.Router():
		return nil, fmt.Errorf("lwkrb: %q is no access router's principal; use mobileip/HOST@REALM", cfg.Self)
	case cfg.Lifetime < MinLifetime:
		return nil, fmt.Errorf("lwkrb: sessions of %v; use %v or more", cfg.Lifetime, MinLifetime)
	case cfg.Require&^cfg.Offer != 0:
		return nil, fmt.Errorf("lwkrb: protection %#x is required and not offered", uint16(cfg.Require&^cfg.Offer))
	}
	r := &Router{cfg: cfg, rand: rand, limits: newLimits(), exchanges: map[string]*exchange{}, handles: map[Handle]*exchange{},
		asked: map[uint32]*exchange{}, sources: map[netip.Addr]int{}}
	r.count.Refused = map[string]uint64{}
	return r, r.Rekey(keys)
}

// Rekey takes the keys that the router has from now on: its own, the newest version first, and its domain's. Whoever made them erases those of
// before, once no open-req can be under way any more (GiveUp).
//
// spec FH-13
func (r *Router) Rekey(keys []Key) error {
	for _, k := range keys {
		if lw.CaseOf(k.Name.Principal, r.cfg.Self) != lw.CaseRouter {
			return fmt.Errorf("lwkrb: a key of %s; %s has its own and its domain's", k.Name.Principal, r.cfg.Self)
		}
	}
	if r.cfg.KDC && (len(keys) == 0 || keys[0].Name.Principal != r.cfg.Self) {
		return fmt.Errorf("lwkrb: %s asks a KDC, so the first of its keys has to be its own", r.cfg.Self)
	}
	r.keys = slices.Clone(keys)
	return nil
}

// Restore takes the records of an earlier life, of which those in Bucket are this machine's, at Start.
//
// spec FH-18
func (r *Router) Restore(now engine.Now, records []engine.Record, out *engine.Effects) {
	if !r.memory.restore(now, records) {
		out.Event("lwkrb.memory-damaged", engine.S("refusing-for", lw.Remember.String()))
	}
}

// Heard takes an ap-req. The facts are AskKDC, *Judge, or Answer with what refuses it or was said before; or none.
//
// spec FH-13 FH-14 FH-15 FH-18
func (r *Router) Heard(now engine.Now, c Coming, out *engine.Effects) []Fact {
	r.count.Heard++
	if reason := r.limits.allow(now, c.From, c.Trusted); reason != "" {
		return r.drop(reason, c.From, out)
	}
	if e := r.exchanges[string(c.Octets)]; e != nil {
		r.count.Again++
		if e.state != answered {
			e.add(c) // its answer will come
			return nil
		}
		return []Fact{e.answer(true)}
	}
	m, err := lw.ParseRequest(c.Octets)
	if err != nil {
		return r.drop("lwkrb-malformed", c.From, out)
	}
	e := &exchange{id: m.ID, octets: string(c.Octets), trusted: c.Trusted, source: c.From, since: now.Mono}
	e.add(c)
	if e.kase = lw.CaseOf(m.Ticket.Key.Principal, r.cfg.Self); e.kase == lw.CaseNone {
		return r.refuse(now, e, lw.NotUs, now.Wall, nil, out)
	}
	if r.under >= MaxUnderWay || !e.trusted && (r.strangers >= MaxStrangers || r.sources[e.source] >= MaxPerSource) {
		return r.refuse(now, e, lw.Unavailable, now.Wall, nil, out)
	}
	for _, k := range r.keys {
		if k.Name == m.Ticket.Key {
			return r.open(now, e, k.Key, m, c.Octets, out)
		}
	}
	return r.askKDC(now, e, m.Ticket.Key.Principal, out)
}

func (r *Router) drop(reason string, from netip.Addr, out *engine.Effects) []Fact {
	r.count.Refused[reason]++
	out.Drop(reason, engine.A("from", from))
	return nil
}

// Deadline is when Tick is wanted.
func (r *Router) Deadline() (engine.Mono, string) {
	at, _ := r.timers.Next()
	old, _ := r.answered.Next()
	if at <= old {
		return at, "answer of the KDC or the AAA server"
	}
	return old, "answers to be forgotten"
}

// Tick does what is due.
func (r *Router) Tick(now engine.Now, out *engine.Effects) (facts []Fact) {
	for h, ok := r.timers.Pop(now.Mono); ok; h, ok = r.timers.Pop(now.Mono) {
		e := r.handles[h]
		switch {
		case e.state == judging:
			facts = append(facts, r.refuseOpened(now, e, lw.Unavailable, out)...)
		case e.tries <= len(asks):
			facts = append(facts, r.send(e))
		default:
			facts = append(facts, r.refuse(now, e, lw.SilentKDC, now.Wall, nil, out)...)
		}
	}
	for h, ok := r.answered.Pop(now.Mono); ok; h, ok = r.answered.Pop(now.Mono) {
		r.become(r.handles[h], gone)
	}
	return facts
}

// RouterView is what a Router shows.
type RouterView struct {
	Self       string       `json:"self"`
	Keys       []string     `json:"keys"` // principal and version
	UnderWay   int          `json:"under_way"`
	Answered   int          `json:"answered"`
	Identities int          `json:"identities"`
	Counts     RouterCounts `json:"counts"`
}

// View shows the access router's end.
func (r *Router) View() RouterView {
	v := RouterView{Self: string(r.cfg.Self), UnderWay: r.under, Answered: r.answered.Len(), Identities: r.memory.len(), Counts: r.count}
	v.Counts.Refused = make(map[string]uint64, len(r.count.Refused))
	for k, n := range r.count.Refused { //order:any — a copy
		v.Counts.Refused[k] = n
	}
	for _, k := range r.keys {
		v.Keys = append(v.Keys, fmt.Sprintf("%s %d", k.Name.Principal, k.Name.KVNO))
	}
	return v
}
