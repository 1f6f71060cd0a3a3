package aaa

import (
	"fmt"

	"roam6/wire/access"
)

// Domain is where a home agent may be.
type Domain uint8

// The domains.
const (
	AtHome Domain = iota
	InVisited
)

// Need says whether something must come with a request.
type Need uint8

// The needs.
const (
	May  Need = iota
	Must      // with the request, or in the profile
	Not       // it contradicts the flags
)

// Cell is what the flags of a request ask for.
type Cell struct {
	Supported bool
	Agents    []Domain // where to choose a home agent, in this order; empty: none is chosen
	Own       Need     // the mobile node's own home agent: by an embedded binding update, or pre-configured
	Address   Need     // its own home address
	Assign    bool     // a home address is to be assigned
	Text      string
}

// mobileFlags are those of the table: A, P, H, V.
const mobileFlags = access.HomeAgentRequested | access.HomeAddressRequested | access.OnlyInHomeDomain | access.AgentInVisited

// Table is that of §9.2.1, by the four flags. V is a preference: where the visited domain has no home agent for the mobile node, or its
// profile does not let it have one there, one at home is chosen (§9.5: "the AAAh decides", by flags, the visited network's abilities and
// policy). Without H and V there is no preference; home is asked first. H with a home agent in the visited domain cannot be, as a home address
// comes from where the home agent is (§8.3.1).
//
// spec DM-15
var Table = func() (t [mobileFlags + 1]Cell) {
	const (
		a = access.HomeAgentRequested
		p = access.HomeAddressRequested
		h = access.OnlyInHomeDomain
		v = access.AgentInVisited
	)
	t[0] = Cell{Supported: true, Own: May, Address: May, Text: "authentication; a binding update is passed on"}
	t[a] = Cell{Supported: true, Agents: []Domain{AtHome}, Own: Not, Address: Must, Text: "A*: a home agent at home for the home address that is there"}
	t[p] = Cell{Supported: true, Own: Must, Address: Not, Assign: true, Text: "P: a home address at the home agent that is there"}
	t[p|h] = Cell{Supported: true, Own: Must, Address: Not, Assign: true, Text: "PH: the same, at home"}
	t[p|a] = Cell{Supported: true, Agents: []Domain{AtHome, InVisited}, Own: Not, Address: Not, Assign: true, Text: "PA: both, anywhere"}
	t[p|a|h] = Cell{Supported: true, Agents: []Domain{AtHome}, Own: Not, Address: Not, Assign: true, Text: "PAH: both, at home"}
	t[p|a|v] = Cell{Supported: true, Agents: []Domain{InVisited, AtHome}, Own: Not, Address: Not, Assign: true, Text: "PAV: both, rather in the visited domain"}
	return t
}()

// Decide finds the cell for a request, and says why there is none: DIAMETER_ERROR_FEATURES_NOT_SUPPORTED. agent says whether the
// mobile node has a home agent, address whether it has a home address, each by the request or its profile where the cell looks there.
//
// spec DM-15
func Decide(f access.Features, agent, address Has) (*Cell, error) {
	c := &Table[f&mobileFlags]
	switch {
	case !c.Supported:
		return nil, fmt.Errorf("flags %s cannot be had together (draft-le §9.2.1)", letters(f))
	case c.Own == Must && agent == Nowhere:
		return nil, fmt.Errorf("flags %s without a home agent: set A to be given one", letters(f))
	case c.Own == Not && agent == InRequest:
		return nil, fmt.Errorf("flags %s ask for a home agent, and a binding update names one", letters(f))
	case c.Address == Must && address == Nowhere:
		return nil, fmt.Errorf("flags %s without a home address: set P to be given one", letters(f))
	case c.Address == Not && address == InRequest:
		return nil, fmt.Errorf("flags %s ask for a home address, and the request names one", letters(f))
	case c.Own == May && agent == InRequest && address == Nowhere:
		return nil, fmt.Errorf("a binding update without a home address: set P to be given one")
	}
	return c, nil
}

// Has says where the server knows something from.
type Has uint8

// Where from.
const (
	Nowhere Has = iota
	InProfile
	InRequest
)

// letters are the flags as the draft's table has them.
func letters(f access.Features) string {
	s := ""
	for _, x := range []struct {
		flag access.Features
		name string
	}{{access.HomeAddressRequested, "P"}, {access.HomeAgentRequested, "A"}, {access.OnlyInHomeDomain, "H"}, {access.AgentInVisited, "V"}} {
		if f&x.flag != 0 {
			s += x.name
		}
	}
	if s == "" {
		return "none"
	}
	return s
}
