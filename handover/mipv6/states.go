package mipv6

import (
	"roam6/engine"
	"roam6/handover"
)

// state of the mobile node's end.
type state string

const (
	disconnected state = "disconnected" // no link
	detecting    state = "detecting"    // a link, no router yet: movement detection
	configuring  state = "configuring"  // a router, the address is not usable yet: duplicate address detection
	registering  state = "registering"  // an address, the home agent has not answered yet
	bound        state = "bound"        // reachable at the home address
)

// edges is every change of state there is; become refuses any other. Tests walk each of them. Applications' packets
// are held in every state but bound; see Mobile.
var edges = map[state][]state{
	disconnected: {detecting},
	detecting:    {disconnected, configuring, registering},
	configuring:  {disconnected, detecting, registering},
	registering:  {disconnected, detecting, configuring, bound},
	bound:        {disconnected, detecting, configuring, registering},
}

func (m *Mobile) become(next state, why string, out *engine.Effects) {
	handover.Become("mipv6", edges, &m.state, next, why, out)
}
