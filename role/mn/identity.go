package mn

import (
	"net/netip"

	"roam6/machine/sa"
)

// identity is who the node is in its home network: what the configuration says, and what the home network assigned where that says
// nothing (authenticate.go). Addresses are invalid and sa is nil while nobody has said.
type identity struct {
	home   netip.Addr
	prefix netip.Prefix // of home
	agent  netip.Addr   // invalid: found by DHAAD
	sa     *sa.SA       // with agent
}

// nobody reports whether the node has no home address yet: there is nothing then to bind, and nowhere for applications' packets to
// come from.
func (i *identity) nobody() bool { return !i.home.IsValid() }

// isHome reports whether a prefix is the home link's.
func (i *identity) isHome(p netip.Prefix) bool { return p.IsValid() && p == i.prefix }
