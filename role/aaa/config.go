package aaa

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"roam6/machine/peers"
	"roam6/wire/ip6"
)

// Limits. All state of a server is bounded by them.
const (
	MaxTransactions = 1 << 14 // requests being worked on, both sides
	MaxPerUser      = 4       // of them for one user who has proven who it is
	MaxPerLookup    = 1 << 8  // of them that wait for one look-up, whoever sent them
	MaxLookups      = 1 << 10 // look-ups under way
	MaxRecords      = 1 << 12 // accounting records on their way to the database
	// One network has so many of them at most, so that it is in nobody else's way.
	MaxRecordsOfPartner = MaxRecords / 8
	// Records of sessions that are not known, of one network: so many at once, so many a second in the long run. After a restart of the server no
	// session is, and what is not taken is sent again.
	UnknownBurst  = 1 << 12
	UnknownRate   = 20
	MaxProfiles   = 1 << 13          // profiles that are remembered
	MaxProfileAge = 30 * time.Second // a change of a subscriber holds after this
	MaxReplays    = 1 << 16          // pairs of challenges that are remembered
	MaxSessions   = 1 << 17          // sessions that are counted
	// A subscriber without a limit of its own has so many of them at most: a mobile node has one for each interface, and no one keeps all others out.
	MaxSessionsOfUser = 1 << 8
	// Records of one session: so many at once, so many a second in the long run. An honest client has one each interval, of 10 s or more.
	RecordBurst = 1 << 6
	RecordRate  = 1
	MaxAgents   = 1 << 12 // home agents of a pool
	// AgentsShare is how much of the room of home agents for who visits one home realm has, in percent, where there are agreements with several:
	// nothing proves that its users are here.
	AgentsShare = 75
)

// Times.
const (
	LookupTime         = 5 * time.Second // the database's
	TransactionTime    = 15 * time.Second
	ReplayTime         = 10 * time.Minute // how long a pair of challenges is remembered; longer than a local challenge is fresh anywhere
	DefaultSessionTime = time.Hour
	MaxSessionTime     = 365 * 24 * time.Hour
	HomeAgentsAsked    = 2 // of a pool, for one request: the chosen one and, if it fails, another
)

// Config is a server's configuration, checked by New.
type Config struct {
	Peers   peers.Config // New adds the application and routes: to itself for the realms it serves, behind the others to partners and homes
	Home    *Home        // nil: serves no users
	Visited *Visited     // nil: no network is visited here
}

// Home is what the home side knows.
type Home struct {
	Realms      []string // of users; empty: that of the node
	Partners    []Partner
	Pool        []Agent
	Assign      bool          // choose home addresses from the prefix of the home agent, rather than let it do so
	Secret      []byte        // with Assign: a user's home address on a link follows from it and the NAI; empty: drawn anew each time
	PreferDH    bool          // of a mobile node that can do either, take Diffie-Hellman
	SessionTime time.Duration // where the profile has none; 0: DefaultSessionTime
	Interim     time.Duration // how often accounting is wanted; 0: as the AAA client likes
}

// Partner is a network that users may visit, and who may say that they do.
type Partner struct {
	Network string   // the Visited-Network-Identifier
	Realm   string   // of its AAAv; empty: Network
	Hosts   []string // peers that its requests come from: its AAAv, or an agent on the way; or AAA clients of this realm itself
	Agents  bool     // its home agents may be used
}

func (p *Partner) realm() string {
	if p.Realm != "" {
		return p.Realm
	}
	return p.Network
}

// Agent is a home agent of the pool.
type Agent struct {
	Address  netip.Addr
	Host     string       // its Diameter identity, that of a peer
	Prefix   netip.Prefix // of its home link
	Capacity int          // sessions it has room for
	Drained  bool         // gets no new ones; the command "drain" changes it
}

// Visited is what the visited side knows.
type Visited struct {
	Network    string   // the identifier that its AAA clients advertise
	Clients    []string // AAA clients: peers whose requests are sent on
	Agreements []Agreement
	Pool       []Agent // home agents for those who visit
	Assign     bool    // choose home addresses here
	Secret     []byte  // as Home's
}

// Agreement is about users of a home realm.
type Agreement struct {
	Realm  string
	Hosts  []string // peers that its HORs come from
	Agents bool     // its users may have home agents here
}

func (c *Config) check() error {
	if c.Home == nil && c.Visited == nil {
		return fmt.Errorf("aaa: neither home nor visited: one of them is needed, or there is nothing to do")
	}
	if h := c.Home; h != nil {
		if err := checkPool("home", h.Pool); err != nil {
			return err
		}
		for _, p := range h.Partners {
			if p.Network == "" || len(p.Hosts) == 0 {
				return fmt.Errorf("aaa: partner %q with hosts %q: a network identifier and at least one peer are needed", p.Network, p.Hosts)
			}
		}
		if h.SessionTime < 0 || h.SessionTime > MaxSessionTime {
			return fmt.Errorf("aaa: session time %v: 0 (%v) to %v are allowed", h.SessionTime, DefaultSessionTime, MaxSessionTime)
		}
	}
	if v := c.Visited; v != nil {
		if v.Network == "" {
			return fmt.Errorf("aaa: the visited side has no network identifier; it is that which its AAA clients advertise")
		}
		for _, a := range v.Agreements {
			if a.Realm == "" || len(a.Hosts) == 0 {
				return fmt.Errorf("aaa: agreement with realm %q, hosts %q: a realm and at least one peer are needed", a.Realm, a.Hosts)
			}
		}
		return checkPool("visited", v.Pool)
	}
	return nil
}

func checkPool(side string, pool []Agent) error {
	if len(pool) > MaxAgents {
		return fmt.Errorf("aaa: %s pool of %d home agents: at most %d are allowed", side, len(pool), MaxAgents)
	}
	for i, a := range pool {
		switch {
		case !ip6.Routable(a.Address) || a.Host == "" || a.Capacity < 1:
			return fmt.Errorf("aaa: %s pool: home agent %v, host %q, capacity %d: a global IPv6 address, a Diameter identity, and 1 or more are allowed", side, a.Address, a.Host, a.Capacity)
		case !a.Prefix.IsValid() || a.Prefix.Bits() > 64 || !a.Prefix.Contains(a.Address):
			return fmt.Errorf("aaa: %s pool: home agent %v with prefix %v: the prefix of its home link, 64 bits or shorter, is needed", side, a.Address, a.Prefix)
		case slices.ContainsFunc(pool[:i], func(b Agent) bool { return b.Address == a.Address }):
			return fmt.Errorf("aaa: %s pool: home agent %v is there twice", side, a.Address)
		}
	}
	return nil
}

func contains(hosts []string, host string) bool {
	return slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, host) })
}
