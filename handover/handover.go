// Package handover is what the handover strategies share: the two interfaces between a strategy and the mobile
// node's core. Each strategy is a package below this one, both ends side by side.
//
//	role/mn (the core)                        a strategy (what to do about it, and when)
//	links, routers, addresses  ── facts ──▶   handover.Mobile
//	binding, plane             ◀── wishes ──  handover.Core
//
// The core finds routers, forms addresses and keeps the binding; the strategy decides which access the
// home address is bound to and tells each step of a handover. Neither knows how the other does its part.
package handover

import (
	"net/netip"

	"roam6/engine"
	"roam6/plane"
)

// Access is one link as a strategy sees it.
type Access struct {
	Port       plane.Port
	Preference int        // lower is preferred
	Up         bool       // the link carries packets
	Found      bool       // a router was found on it, and heard since the link came up
	AtHome     bool       // it is the home link
	CoA        netip.Addr // the address formed there; the home address at home
	Ready      bool       // the address may be used, by that router
}

// Core is the mobile node's core, as a strategy commands it.
type Core interface {
	// Accesses lists every link of the node, the preferred first.
	Accesses() []Access
	// Register binds the home address to the care-of address of a ready access, or removes the binding when the access is at
	// home. Registered answers it, at once when the binding is already there.
	Register(now engine.Now, port plane.Port, out *engine.Effects)
	// Hold keeps packets of the applications, in order and bounded, until a registration succeeds. A way that still works
	// while another is registered (the old tunnel inward, the home link both ways) stays open: make before break.
	Hold(now engine.Now, out *engine.Effects)
}

// Mobile is the mobile node's end of a strategy. All calls come from the core, one at a time.
type Mobile interface {
	LinkUp(now engine.Now, port plane.Port, out *engine.Effects)
	LinkDown(now engine.Now, port plane.Port, out *engine.Effects)
	// RouterFound: the node came to a router it was not using on this link before.
	RouterFound(now engine.Now, port plane.Port, out *engine.Effects)
	// RouterConfirmed: the link came back and the router and the address are those from before.
	RouterConfirmed(now engine.Now, port plane.Port, out *engine.Effects)
	// AddressReady: the address formed on the link may be used.
	AddressReady(now engine.Now, port plane.Port, out *engine.Effects)
	// AccessLost: router or address of a link are gone though the link may be up.
	AccessLost(now engine.Now, port plane.Port, why string, out *engine.Effects)
	Registered(now engine.Now, port plane.Port, out *engine.Effects)
	// RegistrationFailed: no answer comes by this access, or the binding ended without one. What the home agent refuses is not
	// told: another access would not help. The core goes on trying unless the strategy registers elsewhere.
	RegistrationFailed(now engine.Now, port plane.Port, why string, out *engine.Effects)
	// State names the strategy's state, for Views.
	State() string
}
