package peers

import (
	"net/netip"
	"strconv"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
)

// Node is a Diameter node.
type Node struct {
	cfg         Config
	host, realm string // in lower case
	relay       bool   // it passes on what is not its own
	rand        *engine.Rand
	builder     diameter.Builder // the owner's
	own         diameter.Builder // this node's

	byHost      map[string]*peer
	listed      []*peer // in the order of the configuration
	strangers   int
	routes      map[string][]way // by realm in lower case, "*"
	nextConn    engine.Conn
	links       map[engine.Conn]*link
	waiting     map[string]int       // connections by listener from which no CER came
	waitingFrom map[netip.Prefix]int // the same, by where they came from
	written     []*link              // with messages to be written at the end of Handle
	timers      engine.Timers[timer]
	stopped     bool

	slots         []slot // requests under way to peers
	free          []int32
	age           queue  // of slots, the oldest first
	byAge, byPeer []node // beside slots
	ageArmed      bool
	octets        int
	served        []served // requests at the owner
	spent         [][]byte // memory of messages that is not needed any more, to be overwritten in the next Handle
	idle          []int32
	serving       queue
	byServed      []node
	servingArmed  bool
	flight        map[duplicate]int32 // served, but not proxied
	held          int
	done          answered
	doneArmed     bool

	stateID  uint32 // Origin-State-Id
	session  uint64
	endToEnd uint32
	baseHop  uint32 // hop-by-hop identifiers of CER, DWR, DPR
	inHandle bool
	now      engine.Now // of the input being handled
	out      *engine.Effects
	facts    []Fact // to be told by this Handle, or the next
	told     []Fact // by the last one
	count    Counts
}

type what uint8

const (
	redial    what = iota + 1 // of a peer
	patience                  // in a state of RFC 6733 §5.6
	dog                       // the watchdog
	caller                    // a connection without CER
	listening                 // again, on an address that was not to be had
	oldest                    // the oldest request under way
	unserved                  // the oldest request at the owner
	outdated                  // the oldest answer that is kept for copies
	tell                      // facts that wait
)

type timer struct {
	what what
	p    *peer
	c    engine.Conn
}

// peer is another node.
type peer struct {
	host, realm string // in lower case
	cfg         Peer
	stranger    bool
	state       State
	i, r        *link // the connection we dialled, the one we accepted
	cer         *heldCER
	caps        capabilities
	backoff     time.Duration
	away        bool // it asked not to be dialled for a while
	opened      engine.Mono
	why         string // it was closed last

	watch     Watch
	heard     engine.Mono // anything from it
	asked     engine.Mono // the DWR under way
	suspected engine.Mono
	armed     engine.Mono // the watchdog's timer, engine.Never if it is not set
	interval  engine.Mono
	dwr       bool // one is under way
	dwrHop    uint32
	good      int // DWAs since it came back

	pending queue // slots
	octets  int   // of them
	asking  int   // slots with requests that came from it
	serving int   // requests of it at the owner
	held    int   // octets of them
	count   PeerCounts
}

// link is the open connection of a peer, or nil.
func (p *peer) link() *link {
	switch p.state {
	case IOpen:
		return p.i
	case ROpen:
		return p.r
	}
	return nil
}

// New makes a node. Its error says what in the configuration cannot be.
func New(cfg Config, rand *engine.Rand) (*Node, error) {
	n := &Node{cfg: cfg, host: lower(cfg.Host), realm: lower(cfg.Realm), rand: rand, byHost: map[string]*peer{}, routes: map[string][]way{},
		links: map[engine.Conn]*link{}, waiting: map[string]int{}, waitingFrom: map[netip.Prefix]int{}, nextConn: 1, flight: map[duplicate]int32{}, age: emptyQueue, serving: emptyQueue}
	if n.cfg.Product == "" {
		n.cfg.Product = "roam6"
	}
	for _, a := range cfg.Apps {
		n.relay = n.relay || a.ID == diameter.AppRelay
	}
	if err := n.configure(); err != nil {
		return nil, err
	}
	return n, nil
}

// Start listens and dials.
func (n *Node) Start(now engine.Now, out *engine.Effects) {
	n.enter(now, out)
	secs := uint32(now.Wall.Unix())
	n.stateID, n.session = secs, uint64(secs)<<32
	n.endToEnd = secs<<20 | uint32(n.rand.Uint64())&0xfffff // RFC 6733 §3
	n.baseHop = uint32(n.rand.Uint64())
	n.session += uint64(n.baseHop) // RFC 6733 §8.8 begins at 0: a clock that begins at the same time at each start would make names twice
	for _, l := range n.cfg.Listen {
		out.Listen(engine.Listen{Name: l.Name, At: l.At, TLS: l.TLS})
	}
	for _, p := range n.listed {
		if p.cfg.At.IsValid() {
			n.step(p, start, nil, "")
		}
	}
}

// Stop takes leave of every peer, as a node does that goes down: RFC 6733 §5.4. No peer is dialled any more.
func (n *Node) Stop(now engine.Now, out *engine.Effects) {
	n.enter(now, out)
	n.stopped = true
	for _, p := range n.listed {
		n.timers.Stop(timer{what: redial, p: p})
		n.step(p, stop, nil, Stopped)
	}
	for _, p := range n.sortedStrangers() {
		n.step(p, stop, nil, Stopped)
	}
	n.leave()
}

func (n *Node) enter(now engine.Now, out *engine.Effects) { n.now, n.out = now, out }

// leave asks for a Tick if facts were found outside Handle: the next one tells them.
func (n *Node) leave() {
	if len(n.facts) > 0 {
		n.timers.Set(timer{what: tell}, n.now.Mono)
	}
}

// Handle takes an input: Opened, Stream, Closed and Tick; others are nothing to it. It is called once an input, before the other
// methods: with it the messages of the facts before become invalid.
func (n *Node) Handle(now engine.Now, in engine.Input, out *engine.Effects) []Fact {
	n.enter(now, out)
	n.inHandle = true
	n.erase()
	for _, l := range n.written {
		clear(l.out) // there may have been keys in it
		if l.out, l.sent = l.out[:0], 0; cap(l.out) > MaxIdleBuffer {
			l.out = nil
		}
	}
	n.written = n.written[:0]
	switch in := in.(type) {
	case engine.Opened:
		n.onOpened(in)
	case engine.Stream:
		n.onStream(in)
	case engine.Closed:
		n.onClosed(in)
	case engine.Tick:
		n.onTick()
	}
	for _, l := range n.written {
		n.flush(l)
	}
	n.inHandle = false
	clear(n.told)
	n.told, n.facts = n.facts, n.told[:0]
	n.timers.Stop(timer{what: tell})
	return n.told
}

func (n *Node) onTick() {
	for t, ok := n.timers.Pop(n.now.Mono); ok; t, ok = n.timers.Pop(n.now.Mono) {
		switch t.what {
		case redial:
			n.step(t.p, start, nil, "")
		case patience:
			n.step(t.p, timeout, nil, Timeout)
		case dog:
			n.watchDue(t.p)
		case caller:
			if l := n.links[t.c]; l != nil {
				n.turnAway(l, CERLate)
			}
		case listening:
			l := n.cfg.Listen[t.c]
			n.out.Listen(engine.Listen{Name: l.Name, At: l.At, TLS: l.TLS})
		case oldest:
			n.expire()
		case unserved:
			n.unserve()
		case outdated:
			n.outdate()
		}
	}
}

// Deadline is when Handle wants a Tick.
func (n *Node) Deadline() (engine.Mono, string) {
	at, t := n.timers.Next()
	return at, [...]string{"", "a peer is dialled again", "a peer's connection or capabilities", "watchdog", "capabilities of somebody who connected", "a place to listen",
		"a request that nobody answered", "a request that was not served", "answers that are kept no longer", "news of requests"}[t.what]
}

// NewSessionID makes a Session-Id, RFC 6733 §8.8.
func (n *Node) NewSessionID() string {
	n.session++
	return n.cfg.Host + ";" + strconv.FormatUint(n.session>>32, 10) + ";" + strconv.FormatUint(n.session&0xffffffff, 10)
}

// Builder is for messages that the owner gives to this node, which copies them.
func (n *Node) Builder() *diameter.Builder { return &n.builder }

// Origin adds Origin-Host and Origin-Realm of this node.
func (n *Node) Origin(b *diameter.Builder) *diameter.Builder {
	return b.Text(diameter.OriginHost, n.cfg.Host).Text(diameter.OriginRealm, n.cfg.Realm)
}

// Open says whether requests go to a peer.
func (n *Node) Open(host string) bool {
	p := n.byHost[lower(host)]
	return p != nil && p.state.open() && p.watch == Okay
}

func (n *Node) drop(reason, host string) { n.out.Drop(reason, engine.S("peer", host)) }
