package handover

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// A strategy that prepares a handover before the link changes needs more than Core and Mobile: what the link is like now, a
// way to speak on it, and a way to take up the next one without looking around first.

// Site is where an access is attached, as a strategy that prepares handovers sees it.
type Site struct {
	HW       plane.HW     // this node's link-layer address
	CoA      netip.Addr   // the care-of address formed there; invalid while there is none that may be used
	Source   netip.Addr   // what neighbour discovery may be sent from: the link-local address, or CoA while that is not checked
	Router   netip.Addr   // the router's link-local address
	RouterHW plane.HW     // and its link-layer address
	Service  netip.Addr   // the router's global address, where mobility messages go (the R bit, RFC 6275 §7.2); invalid if it told none
	Prefix   netip.Prefix // the CoA's
	AtHome   bool
}

// Next is a point of attachment that the node knows before it is there.
type Next struct {
	Attachment string       // as LinkUp will name it
	RouterHW   plane.HW     // the router behind it
	Router     netip.Addr   // its global address
	Prefix     netip.Prefix // /64, the care-of address's
	CoA        netip.Addr
	Announced  bool // the previous router has said, under the handover key, that this one was told of the node and agreed
}

// Forward says that a previous access router sends on what comes for a previous care-of address: to the present one, through a
// tunnel, in both directions.
type Forward struct {
	CoA    netip.Addr // the previous one
	Router netip.Addr // the previous router's end of the tunnel
	Life   time.Duration
	// Open says that the router has confirmed it: copies of the applications' packets go that way while the home agent may not know
	// the present address, or the packets themselves while it was not told. Else the tunnel only receives.
	Open bool
}

// FastCore is the core as a strategy commands it that prepares handovers.
type FastCore interface {
	Core
	// Site tells where an access is attached, or was while its link is down; false without a router.
	Site(port plane.Port) (Site, bool)
	// SendBy transmits a packet by an access, to its router.
	SendBy(port plane.Port, data []byte, out *engine.Effects)
	// Leaving tells that the link of an access is about to switch: what the applications sent by it so far is the last of its way.
	Leaving(port plane.Port, out *engine.Effects)
	// Forwarded takes up a forwarding to the present address of an access, or changes it.
	Forwarded(now engine.Now, port plane.Port, f Forward, out *engine.Effects)
	// Unforwarded ends it.
	Unforwarded(now engine.Now, coa netip.Addr, out *engine.Effects)
	// Renounce leaves the care-of address of an access, which is another's, for one of the node's own choice: AccessLost, then AddressReady.
	Renounce(now engine.Now, port plane.Port, coa netip.Addr, out *engine.Effects)
}

// Anticipator is a Mobile that prepares handovers.
type Anticipator interface {
	Mobile
	Start(in engine.Start, rand *engine.Rand)
	// Hint: the link layer expects to be elsewhere soon.
	Hint(now engine.Now, in engine.LinkHint, out *engine.Effects)
	// Expected says whether the link came up where it was expected. The core then takes up router and address at once and tells
	// so by LinkUp and AddressReady.
	Expected(now engine.Now, in engine.LinkUp) (Next, bool)
	// Arrived: the core has taken up what Expected told, and announced the address on the link. LinkUp and AddressReady follow.
	Arrived(now engine.Now, port plane.Port, out *engine.Effects)
	// ProxyAdvertised: a Proxy Router Advertisement came by a link.
	ProxyAdvertised(now engine.Now, port plane.Port, p *ip6.Packet, m *nd.PrRtAdv, out *engine.Effects)
	// FastAck: a Fast Binding Acknowledgement came; it is the strategy's to prove it.
	FastAck(now engine.Now, p *ip6.Packet, m *mh.FastBindingAck, out *engine.Effects)
	// Denied: the next access router does not want the address that the node announced on arrival, RFC 5568 §6.4.6. dst is the one that the
	// router means. ok says that the core must leave it, for coa or, where that is invalid, for one of its own choice. Arrived or
	// AddressReady follow.
	Denied(now engine.Now, port plane.Port, dst netip.Addr, ack *nd.NAAck, out *engine.Effects) (coa netip.Addr, ok bool)
	Tick(now engine.Now, out *engine.Effects)
	Deadline() (engine.Mono, string)
}

// Carrier is an Anticipator that takes binding updates along in messages of its own.
type Carrier interface {
	// Carry takes an update that is due by an access, in place of who would transmit it; false leaves it to him.
	Carry(now engine.Now, port plane.Port, update []byte, out *engine.Effects) bool
	// Advertised: a router advertisement came by a link; before the core acts on it.
	Advertised(now engine.Now, in engine.Packet, p *ip6.Packet, ra *nd.RouterAdvertisement, out *engine.Effects)
}
