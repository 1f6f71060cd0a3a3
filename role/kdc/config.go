package kdc

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	lw "roam6/wire/lwkrb"
)

// Limits. All state of a KDC is bounded by them.
const (
	MaxTasks     = 1 << 12 // requests being worked on
	MaxNames     = 8       // principals looked up for one request
	MaxLookups   = 1 << 10 // look-ups under way
	MaxPerLookup = 1 << 8  // requests that wait for one look-up
	MaxAccounts  = 1 << 13 // principals that are remembered
	MaxReplays   = 1 << 18 // authenticators that are remembered, 436 a second in the long run; full, no tickets are granted until the oldest is forgotten
	MaxAnswers   = 1 << 12 // answers that are kept for a repeated request
	MaxKept      = 1 << 24 // octets of them
	MaxForwards  = 1 << 10 // open-req sent on to other KDCs
	MaxConns     = 1 << 10 // connections
	MaxPerConn   = 16      // requests being worked on for one connection
	MaxSources   = 1 << 13 // sources whose rates are counted: an IPv6 /64 or an IPv4 address each
	MaxRealms    = 1 << 8  // of the configuration
	MaxKDCs      = 4       // addresses of one realm's KDCs
	MaxHops      = 8       // realms on a path that the configuration describes
	MaxRequest   = 1 << 14 // octets of a request that is looked at; a TGS-REQ has some 1500
	MaxDatagram  = 1232    // octets of an answer of Kerberos V5 over UDP, which pass everywhere: for more the client asks again over TCP (RFC 4120 §7.2.1)
)

// Times.
const (
	MaxAccountAge = 30 * time.Second // a change of a principal holds after this
	LookupTime    = 5 * time.Second  // the database's
	TaskTime      = 12 * time.Second // a request's
	AnswerTime    = 10 * time.Second // for which an answer is kept: longer than clients repeat a request
	IdleTime      = 30 * time.Second // of a connection
	RebindTime    = 5 * time.Second  // after which an address that could not be had is tried again
	ForwardTime   = time.Second      // after which a KDC that sends an open-req on gives up, docs/lwkrb.md
)

// forwardAgain is when an open-req is sent again, counted from the first time: docs/lwkrb.md.
var forwardAgain = [...]time.Duration{200 * time.Millisecond, 600 * time.Millisecond}

// What holds unless the configuration says otherwise.
const (
	DefaultLife      = 10 * time.Hour
	DefaultRenewLife = 7 * 24 * time.Hour
	DefaultPerSource = 100  // requests a second, twice as many at once
	DefaultWhole     = 5000 // likewise, of all sources
	MaxLife          = 365 * 24 * time.Hour
	MinSignKey       = 16 // octets of Config.SignKey
)

// Config is a KDC's configuration, checked by New.
type Config struct {
	Realm     string           // its own, in the case that it is to have
	Listen    []netip.AddrPort // UDP and TCP; an invalid address is any
	Life      time.Duration    // the longest of a ticket; 0: DefaultLife
	RenewLife time.Duration    // until when a ticket may be renewed, from the logon; 0: DefaultRenewLife
	Realms    []Realm          // others
	SignKey   []byte           // shared with the AAA server: signs AD-MOBILEIP-ATTRIBUTES with HMAC-SHA-256-128; empty: they are not signed
	PerSource int              // requests a second from one source; 0: DefaultPerSource
	Whole     int              // from all sources; 0: DefaultWhole
	PKINIT    *PKINIT          // logons by certificate; nil: there are none
}

// Realm is another realm. One that is not listed is a neighbour if the database has a key shared with it, and no more: nobody comes through it, and its routers
// ask through no other.
type Realm struct {
	Name    string
	Via     string           // the next realm on the way there; empty: it has a key in common with this one
	Transit bool             // users of other realms may have come through it, and open-reqs as well
	KDCs    []netip.AddrPort // to which open-reqs are sent, in this order; only where Via is empty
	Domains []string         // hosts in these DNS domains belong to it, or below its next realm; empty: its own name in lower case
}

func (c *Config) check() error {
	if !lw.ValidRealm(c.Realm) {
		return fmt.Errorf("kdc: realm %q: a domain name in upper case is the custom, such as HOME.EXAMPLE", c.Realm)
	}
	if len(c.Listen) == 0 || len(c.Listen) > 8 {
		return fmt.Errorf("kdc: %d addresses to listen at: 1 to 8 are allowed", len(c.Listen))
	}
	for _, a := range c.Listen {
		if a.Port() == 0 {
			return fmt.Errorf("kdc: listen at %v: a port is needed; that of Kerberos is 88", a)
		}
	}
	for name, d := range map[string]time.Duration{"life": c.Life, "renew life": c.RenewLife} { //order:any
		if d < 0 || d > MaxLife || d > 0 && d < time.Minute {
			return fmt.Errorf("kdc: %s %v: a minute to %v are allowed, or 0 for the default", name, d, MaxLife)
		}
	}
	if n := len(c.SignKey); n != 0 && n < MinSignKey {
		return fmt.Errorf("kdc: a key of %d octets to sign attributes with: %d at least are needed", n, MinSignKey)
	}
	if c.PerSource < 0 || c.Whole < 0 {
		return fmt.Errorf("kdc: %d requests a second of a source, %d of all: 1 or more are allowed, or 0 for the default", c.PerSource, c.Whole)
	}
	if err := c.PKINIT.check(c.Realm); err != nil {
		return err
	}
	return c.checkRealms()
}

func (c *Config) checkRealms() error {
	if len(c.Realms) > MaxRealms {
		return fmt.Errorf("kdc: %d realms: at most %d are allowed", len(c.Realms), MaxRealms)
	}
	for i, r := range c.Realms {
		switch {
		case !lw.ValidRealm(r.Name) || r.Name == c.Realm:
			return fmt.Errorf("kdc: realms: %q: the name of another realm is needed", r.Name)
		case slices.ContainsFunc(c.Realms[:i], func(o Realm) bool { return o.Name == r.Name }):
			return fmt.Errorf("kdc: realms: %s is there twice", r.Name)
		case len(r.KDCs) > MaxKDCs:
			return fmt.Errorf("kdc: realms: %s has %d KDCs: at most %d are allowed", r.Name, len(r.KDCs), MaxKDCs)
		case r.Via != "" && len(r.KDCs) > 0:
			return fmt.Errorf("kdc: realms: %s is reached via %s, so its own KDCs are not asked: leave one of the two out", r.Name, r.Via)
		case slices.ContainsFunc(r.KDCs, func(a netip.AddrPort) bool { return !a.IsValid() || a.Port() == 0 }):
			return fmt.Errorf("kdc: realms: %s has KDCs %v: addresses with ports are needed, such as [2001:db8::88]:88", r.Name, r.KDCs)
		}
		if r.Via != "" {
			if _, ok := c.hop(r.Name); !ok {
				return fmt.Errorf("kdc: realms: %s via %s: the way does not end at a neighbour within %d realms", r.Name, r.Via, MaxHops)
			}
		}
	}
	return nil
}

// realm is what the configuration says of another realm, nil if nothing.
func (c *Config) realm(name string) *Realm {
	for i := range c.Realms {
		if c.Realms[i].Name == name {
			return &c.Realms[i]
		}
	}
	return nil
}

// hop is the neighbour on the way to a realm, the realm itself where nothing else is known.
func (c *Config) hop(name string) (string, bool) {
	for range MaxHops {
		r := c.realm(name)
		if r == nil || r.Via == "" {
			return name, name != c.Realm
		}
		name = r.Via
	}
	return "", false
}

// trusted says whether others may have come through a realm.
func (c *Config) trusted(name string) bool { r := c.realm(name); return r != nil && r.Transit }

// realmOf is the realm that a host belongs to by its name: that of the longest domain. ok is false if it is this realm, or unknown.
func (c *Config) realmOf(host string) (name string, ok bool) {
	host, best := strings.ToLower(host), -1
	try := func(realm string, domains []string) {
		if len(domains) == 0 {
			domains = []string{strings.ToLower(realm)}
		}
		for _, d := range domains {
			if (host == d || strings.HasSuffix(host, "."+d)) && len(d) > best {
				name, best = realm, len(d)
			}
		}
	}
	try(c.Realm, nil)
	for i := range c.Realms {
		try(c.Realms[i].Name, c.Realms[i].Domains)
	}
	return name, best >= 0 && name != c.Realm
}
