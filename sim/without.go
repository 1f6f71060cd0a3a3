package sim

import "roam6/engine"

// without answers what this world cannot carry out yet, so that an engine that asks waits for nothing: there is no TCP between the
// simulated nodes, and no tables beside them. Write and Close concern connections, of which none is ever open.
func (r *runner) without(e engine.Effect) {
	var in engine.Input
	switch e := e.(type) {
	case engine.Listen:
		in = engine.Closed{Listener: e.Name, Reason: engine.ReasonNoStreams}
	case engine.Dial:
		in = engine.Closed{Conn: e.Conn, Reason: engine.ReasonNoStreams}
	case engine.Query:
		in = engine.Result{ID: e.ID, Err: engine.ErrNoQueries}
	default:
		return
	}
	r.node.w.inputs = append(r.node.w.inputs, offered{node: r.node, life: r.life, to: r, in: in})
}
