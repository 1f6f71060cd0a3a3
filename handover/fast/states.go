package fast

import (
	"roam6/engine"
	"roam6/handover"
)

// state of the mobile node's end. What the access is otherwise in is the base strategy's to say.
type state string

const (
	idle      state = "idle"      // nothing prepared: the base strategy alone acts
	asking    state = "asking"    // RtSolPr is out: where does the next cell lead?
	answering state = "answering" // the Redirect came, the ap-req is out by the previous link
	ready     state = "ready"     // the next router knows the node: the link may switch
	arrived   state = "arrived"   // on the expected link; the home agent does not know yet
	entering  state = "entering"  // on a link, unprepared; the ap-req is out from there
)

// edges is every change of state there is; become refuses any other. Tests walk each of them.
var edges = map[state][]state{
	idle:      {asking, answering, entering},
	asking:    {idle, answering},
	answering: {idle, asking, ready, arrived},
	ready:     {idle, asking, answering, arrived},
	arrived:   {idle, asking, answering},
	entering:  {idle, asking, answering},
}

func (m *Mobile) become(next state, why string, out *engine.Effects) {
	handover.Become("fast", edges, &m.state, next, why, out)
}
