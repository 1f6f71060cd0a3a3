package tickets

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// Limits.
const (
	MaxWants     = 64 // tickets that are held or wanted, those on the way to others included
	MaxExchanges = 8  // at a time; what is wanted Once is not kept waiting by them
	MaxKDCs      = 8  // of a realm
	MaxHops      = 8  // realms on the way to one
	MaxClocks    = 64 // realms whose clock is known; with more, the oldest goes
)

// Config is who logs on, and where.
type Config struct {
	Client krb5.Principal
	// Keys are the long-term keys of the client, one an encryption type. With them a logon takes one round trip.
	Keys []keys.Key
	// Password is used if there are no keys: they are made of it as the KDC says. Without either nothing can be logged on.
	Password string
	// PKINIT is used instead of both, if it is there.
	PKINIT *PKINIT
	Realms []Realm // whose KDCs are known
	// Life and Renew are how long tickets are wanted, and how long renewable; 0: DefaultLife, and not renewable.
	Life, Renew time.Duration
	Lightweight bool // ask for lightweight tickets, too
}

// DefaultLife is how long tickets are wanted; the KDC may give less.
const DefaultLife = 10 * time.Hour

// Realm is a realm and where its KDCs are, the preferred first.
type Realm struct {
	Name string
	KDCs []KDC
}

// KDC is the address and port of a KDC.
type KDC struct {
	At     netip.AddrPort
	Stream bool // it is asked by TCP, however short the message is
}

// Format prints client and realms and no secret, for every verb.
func (c Config) Format(f fmt.State, _ rune) {
	io.WriteString(f, "{Client:"+c.Client.String()+" Keys:[key]}")
}

// State of a wanted ticket.
type State string

// The states.
const (
	Idle    State = "idle"    // nobody wants it now
	Waiting State = "waiting" // for another ticket, or its turn
	Asking  State = "asking"  // the KDC is asked
	Ready   State = "ready"   // it is there
	Resting State = "resting" // the KDC said no, or nothing; it is asked again after a while
)

// edges is every change of state there is; become refuses any other.
var edges = map[State][]State{
	Idle:    {Waiting},
	Waiting: {Asking, Resting, Idle},
	Asking:  {Ready, Resting, Waiting, Idle},
	Ready:   {Waiting, Idle},
	Resting: {Waiting, Idle},
}

// Client holds tickets. Make it with New.
type Client struct {
	cfg      Config
	password func() string // a function, because package fmt looks through anything else
	rand     *engine.Rand

	realms []*realm
	clocks []clock // the oldest first
	made   []made

	wants     []*want // the client's own TGT first
	exchanges []*exchange
	way       Way
	lastWant  uint32
	lastID    ID
	timers    engine.Timers[timer]
	count     Counts

	// of the input that is handled
	now   engine.Now
	out   *engine.Effects
	facts []Fact
}

// realm is a Realm, and which of its KDCs answered last.
type realm struct {
	Realm
	best int
}

type timer struct {
	what what
	n    uint32 // a want or an exchange
}

type what uint8

const (
	repeat what = iota // an exchange is sent again
	due                // a ticket is to be renewed, or a refused one to be asked for again
	end                // of a ticket
)

// New makes a client. Randomness is for nonces, subkeys and confounders.
func New(cfg Config, rand *engine.Rand) (*Client, error) {
	switch {
	case cfg.Client.Name.IsZero() || cfg.Client.Realm == "":
		return nil, fmt.Errorf("tickets: no client; use name@REALM")
	case cfg.PKINIT != nil:
		if err := cfg.PKINIT.check(cfg.Client); err != nil {
			return nil, err
		}
		cfg.Keys, cfg.Password = nil, ""
	case len(cfg.Keys) == 0 && cfg.Password == "":
		return nil, fmt.Errorf("tickets: %v has neither keys nor a password nor a certificate", cfg.Client)
	}
	switch {
	case cfg.Life < 0 || cfg.Renew < 0:
		return nil, fmt.Errorf("tickets: lifetimes of %v and %v; use times over 0", cfg.Life, cfg.Renew)
	}
	if cfg.Life == 0 {
		cfg.Life = DefaultLife
	}
	c := &Client{cfg: cfg, rand: rand, password: func() string { return cfg.Password }}
	c.cfg.Password = ""
	c.cfg.Keys = slices.Clone(cfg.Keys)
	for i, k := range c.cfg.Keys {
		if !k.Valid() || slices.ContainsFunc(c.cfg.Keys[:i], func(o keys.Key) bool { return o.EType() == k.EType() }) {
			return nil, fmt.Errorf("tickets: key %d of %v is none, or a second one of its encryption type", i, cfg.Client)
		}
	}
	for _, r := range cfg.Realms {
		if err := c.SetRealm(r); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// SetRealm tells where the KDCs of a realm are, in place of what was known.
func (c *Client) SetRealm(r Realm) error {
	if r.Name == "" || len(r.KDCs) == 0 || len(r.KDCs) > MaxKDCs {
		return fmt.Errorf("tickets: realm %q has %d KDCs; use 1 to %d", r.Name, len(r.KDCs), MaxKDCs)
	}
	for _, k := range r.KDCs {
		if !k.At.IsValid() || k.At.Port() == 0 {
			return fmt.Errorf("tickets: a KDC of realm %q has no address or no port", r.Name)
		}
	}
	r.KDCs = slices.Clone(r.KDCs)
	if old := c.realm(r.Name); old != nil {
		*old = realm{Realm: r}
		return nil
	}
	c.realms = append(c.realms, &realm{Realm: r})
	return nil
}

func (c *Client) realm(name string) *realm {
	if i := slices.IndexFunc(c.realms, func(r *realm) bool { return r.Name == name }); i >= 0 {
		return c.realms[i]
	}
	return nil
}

// turn handles one input.
func (c *Client) turn(now engine.Now, out *engine.Effects, f func()) []Fact {
	c.now, c.out, c.facts = now, out, nil
	f()
	c.advance()
	facts := c.facts
	c.out, c.facts = nil, nil
	return facts
}

func (c *Client) tell(f Fact) { c.facts = append(c.facts, f) }

// Start logs on. To be called once, and again after a Stop.
//
// spec RT-30
func (c *Client) Start(now engine.Now, out *engine.Effects) []Fact {
	return c.turn(now, out, func() {
		if len(c.wants) == 0 {
			c.add(krb5.Principal{Name: krb5.TGS(c.cfg.Client.Realm), Realm: c.cfg.Client.Realm})
		}
	})
}

// Stop gives up all that goes on and forgets all tickets.
func (c *Client) Stop(now engine.Now, out *engine.Effects) []Fact {
	return c.turn(now, out, func() {
		for len(c.wants) > 0 {
			c.remove(c.wants[len(c.wants)-1])
		}
	})
}

// Through says how KDCs are reached from now on: Direct, or by the Proxy of the access router. What is under way is sent again at once, and what rests
// is asked for again: a new link may be a better one.
//
// spec RT-30
func (c *Client) Through(now engine.Now, way Way, out *engine.Effects) []Fact {
	return c.turn(now, out, func() {
		c.way = way
		for _, w := range c.wants {
			w.pause = 0
			if w.state == Resting {
				c.become(w, Waiting)
			}
		}
		for _, e := range slices.Clone(c.exchanges) {
			c.anew(e)
		}
	})
}

// Tick does what is due.
func (c *Client) Tick(now engine.Now, out *engine.Effects) []Fact {
	return c.turn(now, out, func() {
		for {
			t, ok := c.timers.Pop(now.Mono)
			if !ok {
				return
			}
			switch t.what {
			case repeat:
				if e := c.exchange(ID(t.n)); e != nil {
					c.unanswered(e)
				}
			case due:
				if w := c.want(t.n); w != nil {
					c.due(w)
				}
			case end:
				if w := c.want(t.n); w != nil {
					c.ended(w)
				}
			}
		}
	})
}

var reasons = [...]string{repeat: "answer of a KDC", due: "ticket to be renewed", end: "end of a ticket"}

// Deadline is when Tick is wanted next, and for what.
func (c *Client) Deadline() (engine.Mono, string) {
	at, t := c.timers.Next()
	if at == engine.Never {
		return at, ""
	}
	return at, reasons[t.what]
}
