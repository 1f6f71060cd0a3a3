package mipv6

import (
	"slices"

	"roam6/engine"
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
	if m.state == next {
		return
	}
	if !slices.Contains(edges[m.state], next) {
		panic("mipv6: no edge from " + string(m.state) + " to " + string(next) + " (" + why + ")")
	}
	out.List = append(out.List, engine.Event{
		Name: engine.EventState, Reason: why,
		Attrs: []engine.Attr{engine.S("machine", "mipv6"), engine.S("from", string(m.state)), engine.S("to", string(next))},
	})
	m.state = next
}
