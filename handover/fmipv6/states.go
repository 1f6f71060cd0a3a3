package fmipv6

import (
	"roam6/engine"
	"roam6/handover"
)

// state of the mobile node's end. What the access is otherwise in is the base strategy's to say.
type state string

const (
	idle       state = "idle"       // nothing prepared: the base strategy alone acts
	asking     state = "asking"     // RtSolPr is out
	announcing state = "announcing" // FBU is out by the previous link
	ready      state = "ready"      // FBack came: packets go to the next router; the link may switch
	arrived    state = "arrived"    // on the expected link; the home agent does not know yet
	reacting   state = "reacting"   // on another link than expected; FBU is out from there
)

// edges is every change of state there is; become refuses any other. Tests walk each of them.
var edges = map[state][]state{
	idle:       {asking, reacting},
	asking:     {idle, announcing},
	announcing: {idle, asking, ready, arrived, reacting},
	ready:      {idle, asking, arrived, reacting},
	arrived:    {idle, asking},
	reacting:   {idle, asking},
}

func (m *Mobile) become(next state, why string, out *engine.Effects) {
	handover.Become("fmipv6", edges, &m.state, next, why, out)
}
