package engine

// Query reads a key of a table outside the engine, or with Put writes it: nil reads, and an empty Put writes an empty value. It is
// answered by exactly one Result with the same ID, in any order. What tables there are and what their values look like is between an
// engine and whoever configured the node.
type Query struct {
	ID    uint64 `json:"id"`
	Table string `json:"table"`
	Key   string `json:"key"`
	Put   []byte `json:"put"`
}

// Result answers a Query. Err is empty, one of the Err… words, or a table's own. A read that found nothing has no Value and
// ErrNotFound.
type Result struct {
	ID    uint64 `json:"id"`
	Value []byte `json:"value"`
	Err   string `json:"err,omitempty"`
}

// What Result.Err says.
const (
	ErrNotFound  = "not-found"       // the table has no such key
	ErrBusy      = "busy"            // too many queries wait; ask again later
	ErrTimeout   = "timeout"         // no answer in time; whether a Put was done is not known
	ErrNoQueries = "no-queries-here" // this world or node has no tables
	ErrFailed    = "failed"          // anything else; the world tells an event with what it knows
)

// Query appends a Query.
func (e *Effects) Query(q Query) { e.List = append(e.List, q) }
