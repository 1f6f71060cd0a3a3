package iakerb

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/wire/krb5"
)

// Times and limits.
const (
	// FirstWait is for the first KDC's answer. Each KDC of the realm is asked in turn; after each round the wait is twice as long.
	FirstWait           = 300 * time.Millisecond
	StreamWait          = 2 * time.Second // for an answer by a stream
	GiveUp              = 3 * time.Second // after which the node is told that no KDC answers
	Slots               = 32              // requests under way: half of the ports that a world gives a node
	PerNode             = 2               // of one node
	MaxKDCs             = 8               // of a realm
	MaxRequest          = 4096            // octets of a token that comes
	MaxReply            = 8192            // octets of a KDC's reply: what is longer would not reach the node
	MaxDatagram         = 1232            // octets of a request that goes by datagram
	MaxNodes            = 1024            // whose rates are remembered; with more, the one that was silent the longest goes
	NodeBurst, NodeRate = 8, 2            // tokens of a node, at once and a second
	Burst, Rate         = 128, 64         // tokens of all
)

// Reasons why something is dropped.
const (
	TooOften  = "iakerb-too-often"
	TooLong   = "iakerb-too-long"
	Malformed = "iakerb-malformed"
	NotPassed = "iakerb-not-passed" // no AS-REQ and no TGS-REQ
	Realms    = "iakerb-two-realms" // the header names another than the request
	NoKDC     = "iakerb-no-kdc"     // of that realm
	Busy      = "iakerb-busy"
	Again     = "iakerb-again" // it is under way already
	Unasked   = "iakerb-unasked"
)

// Config says which KDCs there are.
type Config struct {
	Realm  string // of the access router, for those who ask for it
	Realms []Realm
}

// Realm is a realm and its KDCs, the preferred first.
type Realm struct {
	Name string
	KDCs []netip.AddrPort
}

// Slot numbers a request that is under way, from 0 to Slots-1.
type Slot int

// Fact is what a Proxy wants done: Ask, Reply or Over.
type Fact interface{ fact() }

// Ask wants a request taken to a KDC: by the UDP port of the slot, or by a new stream in place of that which the slot had; Data has its length in front then.
type Ask struct {
	Slot   Slot
	Stream bool
	KDC    netip.AddrPort
	Data   []byte
}

// Reply is a token for a node.
type Reply struct {
	Node  netip.Addr
	Token []byte
}

// Over: a slot has no more use for its stream.
type Over struct{ Slot Slot }

func (Ask) fact()   {}
func (Reply) fact() {}
func (Over) fact()  {}

// Proxy passes requests on. Make it with New.
type Proxy struct {
	cfg    Config
	best   []int // the KDC that answered last, by realm
	slots  [Slots]*task
	free   []Slot // the one that rested longest first
	nodes  []*node
	all    engine.Bucket
	timers engine.Timers[Slot]
	count  Counts
}

// node is whose tokens came, the last one last.
type node struct {
	addr   netip.Addr
	bucket engine.Bucket
}

// task is a request under way.
type task struct {
	slot    Slot
	node    netip.Addr
	form    krb5.Token // mechanism and kind of the token it came in
	header  krb5.IAKERBHeader
	req     *krb5.KDCReq
	message []byte
	realm   int
	kdc     int
	tries   int
	wait    time.Duration
	since   engine.Mono
	asked   []netip.AddrPort // by datagram
	stream  bool
	opened  bool
	in      []byte
}

// Counts of what a Proxy did since it was made.
type Counts struct {
	Passed  uint64 `json:"passed"`  // requests
	Replies uint64 `json:"replies"` // of KDCs
	Errors  uint64 `json:"errors"`  // of its own
	Dropped uint64 `json:"dropped"`
}

// View is a plain copy of what a Proxy knows.
type View struct {
	UnderWay int    `json:"underWay"`
	Nodes    int    `json:"nodes"`
	Counts   Counts `json:"counts"`
}

// New makes a proxy.
func New(cfg Config) (*Proxy, error) {
	p := &Proxy{cfg: cfg, best: make([]int, len(cfg.Realms))}
	for i, r := range cfg.Realms {
		if r.Name == "" || len(r.KDCs) == 0 || len(r.KDCs) > MaxKDCs {
			return nil, fmt.Errorf("iakerb: realm %q has %d KDCs; use 1 to %d", r.Name, len(r.KDCs), MaxKDCs)
		}
		if slices.ContainsFunc(cfg.Realms[:i], func(o Realm) bool { return o.Name == r.Name }) {
			return nil, fmt.Errorf("iakerb: realm %q is there twice", r.Name)
		}
		for _, k := range r.KDCs {
			if !k.IsValid() || k.Port() == 0 {
				return nil, fmt.Errorf("iakerb: a KDC of realm %q has no address or no port", r.Name)
			}
		}
	}
	for i := range Slots {
		p.free = append(p.free, Slot(i))
	}
	return p, nil
}

// View says what is under way.
func (p *Proxy) View() View {
	return View{UnderWay: Slots - len(p.free), Nodes: len(p.nodes), Counts: p.count}
}

// Deadline is when Tick is wanted next, and for what.
func (p *Proxy) Deadline() (engine.Mono, string) {
	at, _ := p.timers.Next()
	return at, "answer of a KDC to a mobile node"
}

// Heard takes a token of a node.
//
// spec RT-30
func (p *Proxy) Heard(now engine.Now, from netip.Addr, b []byte, out *engine.Effects) []Fact {
	switch {
	case !p.all.Take(now.Mono, Burst, Rate) || !p.node(from).bucket.Take(now.Mono, NodeBurst, NodeRate):
		return p.drop(from, TooOften, out)
	case len(b) > MaxRequest:
		return p.drop(from, TooLong, out)
	}
	t, why := p.read(slices.Clone(b))
	if why != "" {
		return p.drop(from, why, out)
	}
	t.node, t.since, t.wait = from, now.Mono, FirstWait
	if t.req == nil { // it asks for the realm
		return []Fact{Reply{from, p.token(t, nil)}}
	}
	if t.realm = slices.IndexFunc(p.cfg.Realms, func(r Realm) bool { return r.Name == t.req.Body.Realm }); t.realm < 0 {
		p.drop(from, NoKDC, out)
		return []Fact{p.refuse(now, t, krb5.ErrIAKERBKDCNotFound)}
	}
	mine := 0
	for _, o := range p.slots {
		if o == nil || o.node != from {
			continue
		}
		if slices.Equal(o.message, t.message) {
			return p.drop(from, Again, out)
		}
		mine++
	}
	if len(p.free) == 0 || mine >= PerNode {
		p.drop(from, Busy, out)
		return []Fact{p.refuse(now, t, krb5.ErrSvcUnavailable)}
	}
	t.slot, p.free = p.free[0], p.free[1:]
	t.kdc, p.slots[t.slot] = p.best[t.realm], t
	p.count.Passed++
	out.Event("iakerb.passed", engine.A("node", from), engine.A("message", t.req.Kind()), engine.S("realm", t.req.Body.Realm))
	return []Fact{p.ask(now, t)}
}

// node finds the rate of a node, and remembers that it said something.
func (p *Proxy) node(a netip.Addr) *node {
	i := slices.IndexFunc(p.nodes, func(n *node) bool { return n.addr == a })
	n := &node{addr: a}
	if i >= 0 {
		n = p.nodes[i]
	} else if i = 0; len(p.nodes) < MaxNodes {
		p.nodes = append(p.nodes, n)
		return n
	}
	p.nodes = append(slices.Delete(p.nodes, i, i+1), n)
	return n
}

func (p *Proxy) drop(from netip.Addr, why string, out *engine.Effects) []Fact {
	p.count.Dropped++
	out.Drop(why, engine.A("node", from))
	return nil
}

// read takes a token apart.
func (p *Proxy) read(b []byte) (t *task, why string) {
	form, err := krb5.ParseToken(b)
	if err != nil {
		return nil, Malformed
	}
	t = &task{form: krb5.Token{Mech: form.Mech, ID: form.ID}, message: form.Message}
	switch {
	case form.Mech == krb5.MechProxy && form.ID == krb5.TokenKDCReq:
	case form.Mech == krb5.MechIAKERB && form.ID == krb5.TokenProxy:
		if t.header, t.message, err = krb5.ParseIAKERBHeader(form.Message); err != nil {
			return nil, Malformed
		}
		if len(t.message) == 0 {
			return t, ""
		}
	default:
		return nil, NotPassed
	}
	if k := krb5.KindOf(t.message); k != krb5.KindASReq && k != krb5.KindTGSReq {
		return nil, NotPassed
	}
	if t.req, err = krb5.ParseKDCReq(t.message); err != nil {
		return nil, Malformed
	}
	if t.header.Realm != "" && t.header.Realm != t.req.Body.Realm {
		return nil, Realms
	}
	return t, ""
}

// token wraps a message in the form in which the request came.
func (p *Proxy) token(t *task, message []byte) []byte {
	answer := krb5.Token{Mech: krb5.MechProxy, ID: krb5.TokenKDCRep, Message: message}
	if t.form.Mech == krb5.MechIAKERB {
		h := krb5.IAKERBHeader{Realm: p.cfg.Realm, Cookie: t.header.Cookie}
		if t.req != nil {
			h.Realm = t.req.Body.Realm
		}
		answer = krb5.Token{Mech: t.form.Mech, ID: t.form.ID, Message: append(h.Append(nil), message...)}
	}
	return answer.Append(nil)
}

// refuse makes an error of the proxy itself.
func (p *Proxy) refuse(now engine.Now, t *task, code krb5.ErrorCode) Fact {
	p.count.Errors++
	e := krb5.KRBError{
		ServerTime: now.Wall.Truncate(time.Microsecond), Code: code, Server: krb5.Principal{Name: t.req.Body.Server, Realm: t.req.Body.Realm},
	}
	if e.Server.Name.IsZero() { // a user-to-user request need not have one
		e.Server.Name = krb5.TGS(e.Server.Realm)
	}
	return Reply{t.node, p.token(t, e.Append(nil))}
}
