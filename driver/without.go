package driver

import "roam6/engine"

// without answers what a node cannot carry out yet.
func (l *loop) without(s *slot, e engine.Effect) {
	switch e := e.(type) {
	case engine.Listen:
		l.queue = append(l.queue, queued{s, engine.Closed{Listener: e.Name, Reason: engine.ReasonNoStreams}})
	case engine.Dial:
		l.queue = append(l.queue, queued{s, engine.Closed{Conn: e.Conn, Reason: engine.ReasonNoStreams}})
	case engine.Query:
		l.queue = append(l.queue, queued{s, engine.Result{ID: e.ID, Err: engine.ErrNoQueries}})
	}
}
