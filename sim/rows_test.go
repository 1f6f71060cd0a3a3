package sim

import "roam6/engine"

// Rows are tables in memory, one key one value: a node's tables for tests. Ask is a Config.Tables.
type Rows struct {
	rows map[row][]byte
	Puts []Put // all that was written, in order: accounting, for example
}

// Put is a write to a table of a node.
type Put struct {
	Node, Table, Key string
	Value            []byte
}

type row struct{ node, table, key string }

// Set puts a value there from the start.
func (t *Rows) Set(node, table, key string, value []byte) {
	put(&t.rows, row{node, table, key}, append([]byte{}, value...))
}

// Ask reads or writes.
func (t *Rows) Ask(node string, q engine.Query) engine.Result {
	if q.Put != nil {
		t.Set(node, q.Table, q.Key, q.Put)
		t.Puts = append(t.Puts, Put{node, q.Table, q.Key, append([]byte{}, q.Put...)})
		return engine.Result{ID: q.ID}
	}
	value, ok := t.rows[row{node, q.Table, q.Key}]
	if !ok {
		return engine.Result{ID: q.ID, Err: engine.ErrNotFound}
	}
	return engine.Result{ID: q.ID, Value: append([]byte{}, value...)}
}
