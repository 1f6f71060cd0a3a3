package sim

import (
	"fmt"

	"roam6/engine"
	"roam6/scenario"
	"roam6/store/subscriber/principal"
	"roam6/store/subscriber/profile"
)

// database is a node's, in memory.
type database struct {
	subscribers *profile.Table
	principals  *principal.Directory
}

func newDatabase(n *scenario.Node) (d database, err error) {
	if d.subscribers, err = profile.NewTable(n.Subscribers); err != nil {
		return d, fmt.Errorf("sim: node %q: subscribers: %w", n.Name, err)
	}
	if d.principals, err = principal.NewDirectory(n.Subscribers, n.Principals); err != nil {
		return d, fmt.Errorf("sim: node %q: principals: %w", n.Name, err)
	}
	return d, nil
}

func (d *database) ask(q engine.Query) (value []byte, found bool, err error) {
	if q.Table == principal.Table && q.Put == nil {
		value, found = d.principals.Ask(q.Key)
		return value, found, nil
	}
	value, found, err = d.subscribers.Ask(q.Table, q.Key, q.Put)
	return append([]byte(nil), value...), found, err
}

// subscribers are tables of the subscribers and principals that the plan has, in memory; nil if it has none.
func subscribers(p *scenario.Plan) (func(node string, q engine.Query) engine.Result, error) {
	databases := map[string]*database{}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		if n.Subscribers == nil && n.Principals == nil {
			continue
		}
		d, err := newDatabase(n)
		if err != nil {
			return nil, err
		}
		databases[n.Name] = &d
	}
	if len(databases) == 0 {
		return nil, nil
	}
	return func(node string, q engine.Query) engine.Result {
		d := databases[node]
		if d == nil {
			return engine.Result{Err: engine.ErrNoQueries}
		}
		value, found, err := d.ask(q)
		switch {
		case err != nil:
			return engine.Result{Err: engine.ErrFailed}
		case !found:
			return engine.Result{Err: engine.ErrNotFound}
		}
		return engine.Result{Value: value}
	}, nil
}
