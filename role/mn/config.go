package mn

import (
	"net/netip"
	"time"

	"roam6/handover/fmipv6"
	"roam6/machine/advertise"
	"roam6/machine/rr"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
)

// Defaults.
const (
	DefaultLifetime    = 420 * time.Second // of a binding asked for; RFC 6275 leaves it open (18 h at most, its field's limit)
	DefaultHoldPackets = 4096              // applications' packets kept while there is no binding
	DefaultHoldAge     = 5 * time.Second   // and how long: older ones would only confuse
)

// DAD says what a new address may be used for while duplicate detection runs.
type DAD string

// The two ways.
const (
	StandardDAD   DAD = "standard"   // nothing, RFC 4862
	OptimisticDAD DAD = "optimistic" // everything that cannot disturb a holder, RFC 4429
)

// Config is a mobile node's configuration, checked by package node.
type Config struct {
	HomeAddress netip.Addr // with AAA this and the next two may be invalid, and Security none: the home network says
	HomePrefix  netip.Prefix
	HomeAgent   netip.Addr // invalid: found by DHAAD
	AAA         *AAA       // nil: networks that ask who comes are not told
	Kerberos    *Kerberos  // nil: none
	NAI         string
	Strategy    string
	DAD         DAD
	Lifetime    time.Duration
	HoldPackets int
	HoldAge     time.Duration
	Security    sa.Config
	Links       []LinkConfig
	// HandoverKeys are shared with the access routers of each link's networks (strategy fmipv6).
	HandoverKeys map[plane.Port]HandoverKey
	// Tickets are those that strategy fast uses.
	Tickets Tickets
	// NetworkInitiated takes handovers that an access router begins (RFC 5568 §3.3), though nothing proves who asks for them.
	NetworkInitiated bool
	// Tunnel protects the mobility headers exchanged with correspondents on their way through the home agent (RFC 6275
	// §10.4.6); nil: they go by the plain tunnel. Routes says whose routes are optimised; its HomeAddress is not read.
	Tunnel *sa.ESPConfig
	Routes rr.Config
	// Networks are what the node advertises on the links inside, as a mobile router (RFC 3963); each Port is none of Links.
	// Implicit leaves it to the home agent to know them.
	Networks []advertise.Config
	Implicit bool
	// Multihoming says what several care-of addresses are used for; "" is SingleHomed. Flows are those with an access of their own.
	Multihoming Multihoming
	Flows       []Flow
}

// HandoverKey is shared by the node and access routers, RFC 5568 §6.4.5.
type HandoverKey = fmipv6.Key

// LinkConfig is one link the node may use.
type LinkConfig struct {
	Port       plane.Port
	Preference int // lower is preferred
}

// Anycast reports whether an address of a prefix is one that no host may have for its own: the routers' (RFC 4291 §2.6.1)
// or the home agents' (RFC 2526 §2).
func Anycast(a netip.Addr, p netip.Prefix) bool {
	return a == p.Masked().Addr() || a == ip6.HomeAgentsAnycast(p)
}
