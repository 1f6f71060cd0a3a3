package mipv6

import "roam6/engine"

// state of the mobile node's end.
type state string

const (
	disconnected state = "disconnected" // no link
	detecting    state = "detecting"    // a link, no router yet: movement detection
	configuring  state = "configuring"  // a router, the address is not usable yet: duplicate address detection
	registering  state = "registering"  // an address, the home agent has not answered yet
	bound        state = "bound"        // reachable at the home address
)

// edges is every change of state there is; become refuses any other. Tests walk each of them.
var edges = map[state][]state{
	disconnected: {detecting, configuring, registering, bound},
	detecting:    {disconnected, configuring, registering, bound},
	configuring:  {disconnected, detecting, registering},
	registering:  {disconnected, detecting, configuring, bound},
	bound:        {disconnected, detecting, configuring, registering},
}

func (m *Mobile) become(next state, why string, out *engine.Effects) {
	if m.state == next {
		return
	}
	for _, ok := range edges[m.state] {
		if ok == next {
			out.List = append(out.List, engine.Event{
				Name: engine.EventState, Reason: why,
				Attrs: []engine.Attr{{Key: "machine", Value: "mipv6"}, {Key: "from", Value: string(m.state)}, {Key: "to", Value: string(next)}},
			})
			m.state = next
			return
		}
	}
	panic("mipv6: no edge from " + string(m.state) + " to " + string(next) + " (" + why + ")")
}
