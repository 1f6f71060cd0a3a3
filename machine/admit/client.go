package admit

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// Times.
const (
	DefaultRotate = 30 * time.Second // how long a local challenge is advertised; it is fresh as long again
	PartsFor      = 5 * time.Second  // the parts of one message may take so long
	PendingFor    = 30 * time.Second // the role's reply may; more than any Diameter exchange waits
	AnsweredFor   = 30 * time.Second // a reply is given again for so long
	KnownFor      = time.Hour        // a station that was let in keeps its share: one to two of it
	NeighbourFor  = 30 * time.Second // a neighbour entry spares duplicate detection: one to two of it. REACHABLE_TIME, RFC 4861 §10
)

// Limits.
const (
	MaxExchanges  = 1024    // requests that wait for a reply or for duplicate detection
	MaxPerSource  = 2       // of one address, and messages of one station from there: the one before may have been given up
	MaxMessages   = 1024    // messages of which parts are missing; the oldest of its kind makes room
	MaxAnswered   = 2048    // replies kept; the oldest makes room
	MaxPairs      = 1 << 14 // pairs remembered for one challenge; then it is rotated early
	MaxStations   = 1 << 13 // link-layer addresses whose rate is kept, and as many of before
	MaxSources    = 1 << 13 // source addresses of stations, the same
	MaxKnown      = 1 << 14 // stations that were let in, the same
	MaxNeighbours = 1 << 14 // neighbour entries, the same
	// StrangersShare is how much of MaxExchanges and MaxMessages is open to stations that were never let in, in percent.
	StrangersShare = 75
	challengeLen   = 16
)

// Config is one access link.
type Config struct {
	Port    plane.Port
	Prefix  netip.Prefix  // where care-of addresses are
	Address netip.Addr    // of the AAA client: where requests come to
	Routers []netip.Addr  // further addresses of this router, which no care-of address may be
	Network string        // the visited network's identifier
	Rotate  time.Duration // DefaultRotate when 0
}

// Fact is something for the role to do: a Request or a Check.
type Fact interface{ fact() }

// Handle names a request until it is replied to.
type Handle uint64

// Request is a message to be asked the AAA servers about. The role answers with Reply.
type Request struct {
	Handle  Handle
	Message *access.Request // not used by the client any more
	HW      plane.HW        // the station's
}

// Check asks whether an address, which a station claims, is another's. The role answers with Checked.
type Check struct {
	Addr netip.Addr
	HW   plane.HW
}

func (Request) fact() {}
func (Check) fact()   {}

// Client is the AAA client on one link. Make it with New.
type Client struct {
	cfg   Config
	rand  *engine.Rand
	hw    plane.HW
	up    bool
	rates rates
	now   challenge
	last  challenge // the one before
	turn  engine.Mono

	messages  map[sender]*message
	exchanges map[key]*exchange
	handles   map[Handle]*exchange // those that wait
	sources   map[netip.Addr]*load
	handle    Handle
	used      [2]int         // exchanges that wait, by kind
	joining   [2]int         // messages, by kind
	begun     map[origin]int // messages, by who sends them

	parts             [2]engine.Timers[sender] // of messages, by kind
	pending, answered engine.Timers[key]
	neighbours        recent[netip.Addr, plane.HW]
	count             counts
}

// key names a message: its source and identifier.
type key struct {
	src netip.Addr
	id  uint32
}

// origin is a station that sends from an address. Anybody can send from another's: what is counted before it is known whose an address is, is
// counted for each station apart.
type origin struct {
	src netip.Addr
	hw  plane.HW
}

// sender names a message of which parts are missing.
type sender struct {
	origin
	id uint32
}

// load is what one source has under way.
type load struct {
	waiting []*exchange // MaxPerSource at most
}

type counts struct{ requests, replies, repeated, stale uint64 }

// New makes a client; it is deaf until the link is up.
func New(cfg Config, rand *engine.Rand) *Client {
	if cfg.Rotate <= 0 {
		cfg.Rotate = DefaultRotate
	}
	c := &Client{cfg: cfg, rand: rand, turn: engine.Never, rates: newRates()}
	c.clear()
	return c
}

func (c *Client) clear() {
	c.messages, c.begun = map[sender]*message{}, map[origin]int{}
	c.exchanges, c.handles, c.sources = map[key]*exchange{}, map[Handle]*exchange{}, map[netip.Addr]*load{}
	c.used, c.joining = [2]int{}, [2]int{}
	c.parts, c.pending, c.answered = [2]engine.Timers[sender]{}, engine.Timers[key]{}, engine.Timers[key]{}
	c.neighbours = newRecent[netip.Addr, plane.HW](MaxNeighbours, NeighbourFor)
}

// Up begins on a link; hw is the router's.
func (c *Client) Up(now engine.Now, hw plane.HW) {
	c.up, c.hw = true, hw
	c.rotate(now)
}

// Down forgets what was under way: who asked is not there any more. Replies to it are not sent.
func (c *Client) Down() {
	c.up, c.turn = false, engine.Never
	c.clear()
}

// Access is what advertisements on the link say now; nil while it is down.
//
// spec DM-05
func (c *Client) Access() *nd.Access {
	if !c.up {
		return nil
	}
	return &nd.Access{LocalChallenge: c.now.value, Network: c.cfg.Network, Client: c.cfg.Address}
}

// Neighbour tells that a station spoke for an address by neighbour discovery. The first one that does keeps the entry while it lasts.
func (c *Client) Neighbour(now engine.Now, addr netip.Addr, hw plane.HW) {
	if !c.careOf(addr) || !station(hw) {
		return
	}
	if has, ok := c.neighbours.find(now, addr); !ok || has == hw {
		c.neighbours.put(now, addr, hw)
	}
}

// Owner is the station that has an address, as far as is known.
func (c *Client) Owner(now engine.Now, addr netip.Addr) (plane.HW, bool) {
	return c.neighbours.find(now, addr)
}

// careOf says whether an address may be a mobile node's on this link.
func (c *Client) careOf(a netip.Addr) bool {
	if !ip6.Routable(a) || !c.cfg.Prefix.Contains(a) || a == c.cfg.Address || a == c.cfg.Prefix.Masked().Addr() {
		return false
	}
	for _, r := range c.cfg.Routers {
		if a == r {
			return false
		}
	}
	return true
}

// station says whether a link-layer address is one station's.
func station(hw plane.HW) bool { return hw != plane.HW{} && hw[0]&1 == 0 }

// Deadline is when Tick has something to do.
func (c *Client) Deadline() (engine.Mono, string) {
	at, why := c.turn, "new local challenge"
	for i := range c.parts {
		if next, _ := c.parts[i].Next(); next < at {
			at, why = next, "parts of an AAA request"
		}
	}
	for i, t := range []*engine.Timers[key]{&c.pending, &c.answered} {
		if next, _ := t.Next(); next < at {
			at, why = next, [...]string{"AAA reply", "AAA reply that is kept"}[i]
		}
	}
	return at, why
}

// Tick rotates the challenge and forgets what is over.
func (c *Client) Tick(now engine.Now, out *engine.Effects) {
	if c.turn <= now.Mono {
		c.rotate(now)
	}
	for i := range c.parts {
		for k, ok := c.parts[i].Pop(now.Mono); ok; k, ok = c.parts[i].Pop(now.Mono) {
			c.unjoin(k)
			out.Drop("access-parts-missing", engine.A("from", k.src))
		}
	}
	for k, ok := c.pending.Pop(now.Mono); ok; k, ok = c.pending.Pop(now.Mono) {
		c.become(c.exchanges[k], gone)
		out.Drop("access-unanswered", engine.A("from", k.src))
	}
	for k, ok := c.answered.Pop(now.Mono); ok; k, ok = c.answered.Pop(now.Mono) {
		c.become(c.exchanges[k], gone)
	}
}

// View is what a client shows.
type View struct {
	Network  string `json:"network"`
	Client   string `json:"client"`
	Checking int    `json:"checking"` // requests that wait for duplicate detection
	Waiting  int    `json:"waiting"`  // for the AAA servers
	Answered int    `json:"answered"` // replies kept
	Messages int    `json:"messages"` // of which parts are missing
	Known    int    `json:"known"`    // stations let in of late
	Requests uint64 `json:"requests"` // taken so far
	Replies  uint64 `json:"replies"`
	Repeated uint64 `json:"repeated"` // requests that came again
	Stale    uint64 `json:"stale"`    // requests with an old challenge
}

// View shows the client.
func (c *Client) View() View {
	v := View{
		Network: c.cfg.Network, Client: c.cfg.Address.String(), Messages: len(c.messages), Known: c.rates.known.len(), Answered: c.answered.Len(),
		Requests: c.count.requests, Replies: c.count.replies, Repeated: c.count.repeated, Stale: c.count.stale,
	}
	for _, e := range c.handles { //order:any — counting
		if e.state == checking {
			v.Checking++
		} else {
			v.Waiting++
		}
	}
	return v
}
