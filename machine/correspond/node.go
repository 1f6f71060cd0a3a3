package correspond

import (
	"fmt"
	"io"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/keying/mip"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Limits.
const (
	MaxBindings        = 1 << 16           // bindings, and sequence numbers of bindings gone, when Config says nothing
	NetworkBits        = 48                // length of the prefix that counts as one home network
	NetworkShare       = 8                 // one home network may take MaxBindings / NetworkShare
	MaxBindingLifetime = 420 * time.Second // MAX_RR_BINDING_LIFETIME, RFC 6275 §12
)

// Reasons why a message is dropped. Fixed words: drops are counted by them.
const (
	Fragmented      = "fragment"               // reassembly comes before
	Misaddressed    = "rr-bad-source"          // no unicast routable address to answer to
	WithHomeAddress = "rr-with-home-address"   // HoTI or CoTI with a Home Address option, §9.4.1, §9.4.2
	WithRouting     = "rr-with-routing-header" // a mobility header behind a type 2 routing header, §6.1
	Unexpected      = "unexpected-message"     // none of HoTI, CoTI, BU
	HomeRegistering = "bu-home-registration"   // H: this node is nobody's home agent, and could not sign the refusal
	BadCareOf       = "bu-bad-care-of-address" // not unicast and routable, or an address of the two ends
	BadHome         = "bu-bad-home-address"    // not unicast and routable
	Unauthorised    = "bu-unauthorised"        // no Nonce Indices, or no Binding Authorization Data of 96 bits
	Mismatch        = "bu-authenticator"       // the authenticator is wrong
	NonceUnknown    = "bu-nonce"               // answered with status 136, 137 or 138
	OutOfSequence   = "bu-sequence"            // answered with status 135
	Refused         = "bu-refused"             // answered with status 129 or 130
)

// Config is what an operator may decide.
type Config struct {
	Max      int           // MaxBindings when 0
	Lifetime time.Duration // longest lifetime granted; 0 and all above MaxBindingLifetime mean MaxBindingLifetime
	Rules    []Rule        // the longest prefix decides; who meets none is served
}

// Rule is the policy for the mobile nodes of a home network.
type Rule struct {
	Home   netip.Prefix
	Refuse bool // no route optimisation: status 129
}

// Kind says what a Fact tells.
type Kind uint8

// The kinds of facts.
const (
	Nothing Kind = iota
	Bound        // packets from Peer to HoA go straight to CoA from now on; also when CoA changed
	Unbound      // no more
)

// Fact is a change of a route.
type Fact struct {
	Kind Kind
	HoA  netip.Addr // the mobile node's home address
	Peer netip.Addr // ours
	CoA  netip.Addr // Bound: the new one; Unbound: the one that was
}

// Answer is what a message or a timer led to: the Fact is to be acted upon first, then the Packet sent.
type Answer struct {
	Fact   Fact
	Packet []byte // a whole IPv6 packet; nil for none. Its way is that of any packet but for routes: §6.1
	// Unproven packets answer a message that proves nothing about its sender (status 135 to 138): the role limits their rate.
	Unproven bool
}

// Node is the correspondent's end. Make it with New.
type Node struct {
	cfg      Config
	rand     *engine.Rand
	nonces   nonces
	bindings map[key]*binding
	networks map[netip.Prefix]int // entries of bindings by home network
	timers   engine.Timers[key]
}

// New makes a correspondent's end that knows nobody.
func New(cfg Config, rand *engine.Rand) *Node {
	if cfg.Max <= 0 {
		cfg.Max = MaxBindings
	}
	if cfg.Lifetime <= 0 || cfg.Lifetime > MaxBindingLifetime {
		cfg.Lifetime = MaxBindingLifetime
	}
	cfg.Lifetime = max(cfg.Lifetime.Truncate(mh.Unit), mh.Unit) // 0 would tell the mobile node that it is not bound
	return &Node{cfg: cfg, rand: rand, bindings: make(map[key]*binding), networks: make(map[netip.Prefix]int)}
}

// String tells how many bindings there are.
func (n *Node) String() string { return fmt.Sprintf("correspond(%d bindings)", len(n.bindings)) }

// Format prints what String gives, for every verb: keys and nonces never leave.
func (n *Node) Format(f fmt.State, _ rune) { io.WriteString(f, n.String()) }

// Heard takes a mobility message to one of the node's addresses, parsed from p. What is refused leaves a drop and
// changes nothing.
//
// spec MIP-04
func (n *Node) Heard(now engine.Now, p *ip6.Packet, m mh.Message, out *engine.Effects) Answer {
	reason := ""
	switch {
	case p.Fragment != nil:
		reason = Fragmented
	case p.Routing2.IsValid():
		reason = WithRouting
	case !ip6.Routable(p.Src) || p.Src == p.Dst:
		reason = Misaddressed
	}
	if reason != "" {
		return drop(p, reason, out)
	}
	switch m := m.(type) {
	case *mh.HomeTestInit:
		return n.onTestInit(now, p, m.Cookie, false, out)
	case *mh.CareOfTestInit:
		return n.onTestInit(now, p, m.Cookie, true, out)
	case *mh.BindingUpdate:
		return n.onBU(now, p, m, out)
	}
	return drop(p, Unexpected, out)
}

// onTestInit answers a HoTI or CoTI: RFC 6275 §9.4. It keeps nothing about the sender, and the answer, 8 octets longer
// than the question, goes where the question says it came from: whoever forges that gains nothing by it.
//
// spec MIP-04
func (n *Node) onTestInit(now engine.Now, p *ip6.Packet, cookie [8]byte, careOf bool, out *engine.Effects) Answer {
	if p.HomeAddress.IsValid() {
		return drop(p, WithHomeAddress, out)
	}
	c, index := n.nonces.current(now.Mono, n.rand)
	token := mip.KeygenToken(c.kcn, p.Src, c.value[:], careOf)
	var m mh.Message = &mh.HomeTest{NonceIndex: index, Cookie: cookie, Keygen: token}
	if careOf {
		m = &mh.CareOfTest{NonceIndex: index, Cookie: cookie, Keygen: token}
	}
	r := ip6.Packet{Header: ip6.Header{Src: p.Dst, Dst: p.Src}, Proto: ip6.ProtoMH}
	r.Payload = mh.Append(nil, r.Src, r.Dst, m)
	return Answer{Packet: r.Append(nil)}
}

// Stranger reports whether a packet has a Home Address option that no binding backs, so that it must be dropped and
// answered with a Binding Error, status 1: RFC 6275 §9.3.1.
//
// spec MIP-04
func (n *Node) Stranger(now engine.Now, p *ip6.Packet) bool {
	if !p.HomeAddress.IsValid() {
		return false
	}
	switch p.Proto {
	case ip6.ProtoESP, ip6.ProtoAH, ip6.ProtoMH:
		return false
	}
	b := n.bindings[keyOf(p.HomeAddress, p.EffectiveDst())]
	return !b.live(now.Mono) || b.coa != p.Src
}

func drop(p *ip6.Packet, reason string, out *engine.Effects) Answer {
	out.Drop(reason, engine.A("from", p.Src))
	return Answer{}
}
