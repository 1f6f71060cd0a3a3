package handover

import (
	"net/netip"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// RouterLink is one access link of a router.
type RouterLink struct {
	Port   plane.Port
	Prefix netip.Prefix // /64, in which mobile nodes form their addresses
	// Advertisement is what the router says of itself there, to which a strategy may add options.
	Advertisement func() *nd.RouterAdvertisement
}

// Router is the access router's end of a strategy. All calls come from role/ar, one at a time. What of its surroundings a
// strategy needs (access links, service address, neighbours, keys) it is given when it is made.
type Router interface {
	Start(now engine.Now, in engine.Start, out *engine.Effects)
	LinkUp(now engine.Now, in engine.LinkUp, out *engine.Effects)
	LinkDown(now engine.Now, in engine.LinkDown, out *engine.Effects)
	// Neighbour takes neighbour discovery heard on an access link.
	Neighbour(now engine.Now, in engine.Packet, p *ip6.Packet, m nd.Message, out *engine.Effects)
	// Mobility takes a mobility header or a protected packet that was sent to the router's service address.
	Mobility(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects)
	// Command carries out an operator's order. known is false for a verb that the strategy does not have.
	Command(now engine.Now, verb string, args map[string]string, out *engine.Effects) (known bool, err error)
	Tick(now engine.Now, out *engine.Effects)
	Deadline() (engine.Mono, string)
	// View is plain data for the role's View.
	View() any
}

// Messenger is an end of a strategy, either one, that speaks by messages of its own: those of wire/fast and whatever comes with an
// Authentication Header.
type Messenger interface {
	Message(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects)
}
