package sim

import (
	"fmt"

	"roam6/engine"
	"roam6/scenario"
	"roam6/store/subscriber/profile"
)

// subscribers are tables of the subscribers that the plan has, in memory; nil if it has none.
func subscribers(p *scenario.Plan) (func(node string, q engine.Query) engine.Result, error) {
	tables := map[string]*profile.Table{}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		if n.Subscribers == nil {
			continue
		}
		t, err := profile.NewTable(n.Subscribers)
		if err != nil {
			return nil, fmt.Errorf("sim: node %q: subscribers: %w", n.Name, err)
		}
		tables[n.Name] = t
	}
	if len(tables) == 0 {
		return nil, nil
	}
	return func(node string, q engine.Query) engine.Result {
		t := tables[node]
		if t == nil {
			return engine.Result{Err: engine.ErrNoQueries}
		}
		value, found, err := t.Ask(q.Table, q.Key, q.Put)
		switch {
		case err != nil:
			return engine.Result{Err: engine.ErrFailed}
		case !found:
			return engine.Result{Err: engine.ErrNotFound}
		}
		return engine.Result{Value: append([]byte(nil), value...)}
	}, nil
}
