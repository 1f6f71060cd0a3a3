package driver

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"roam6/engine"
)

// Limits of queries. Reads and writes have workers and a queue each: a table that writes slowly, or somebody who has much written, is in no
// read's way.
const (
	QueryWorkers = 8               // how many are asked at a time, of each kind
	MaxQueries   = 1024            // how many reads wait; more are answered engine.ErrBusy at once
	MaxPuts      = 4096            // how many writes wait, likewise
	QueryTimeout = 5 * time.Second // how long one may take and wait, after which its answer is engine.ErrTimeout
)

// QueryError is an error of Config.Query that an engine is to see, in its own word: engine.ErrNotFound for example.
type QueryError string

// Error gives the word.
func (e QueryError) Error() string { return string(e) }

// asks are the queries of a node and who carries them to its tables.
type asks struct {
	reads, puts chan ask
	wg          sync.WaitGroup
}

type ask struct {
	slot  *slot
	q     engine.Query
	until time.Time // it is not asked any more
}

// query hands a query to the workers, of whom there are none before the first.
func (s *streams) query(owner *slot, q engine.Query) {
	refuse := func(word string) {
		s.l.queue = append(s.l.queue, queued{owner, engine.Result{ID: q.ID, Err: word}})
	}
	f := s.l.n.c.Query
	if f == nil {
		refuse(engine.ErrNoQueries)
		return
	}
	if s.asks == nil {
		a := &asks{reads: make(chan ask, MaxQueries), puts: make(chan ask, MaxPuts)}
		for range QueryWorkers {
			a.wg.Go(func() { s.answer(a.reads, f) })
			a.wg.Go(func() { s.answer(a.puts, f) })
		}
		s.asks = a
	}
	s.stats.Queries++
	wait := s.asks.reads
	if q.Put != nil {
		wait, q.Put = s.asks.puts, bytes.Clone(q.Put) // the engine's again soon
	}
	select {
	case wait <- ask{owner, q, time.Now().Add(QueryTimeout)}:
	default:
		refuse(engine.ErrBusy)
	}
}

// answer is one worker.
func (s *streams) answer(wait <-chan ask, f func(context.Context, string, string, []byte) ([]byte, error)) {
	for x := range wait {
		if s.ctx.Err() != nil {
			return
		}
		if !time.Now().Before(x.until) { // its engine does not wait for it either
			s.inbox.put(arrived{slot: x.slot, in: engine.Result{ID: x.q.ID, Err: engine.ErrTimeout}})
			continue
		}
		ctx, cancel := context.WithDeadline(s.ctx, x.until)
		value, err := f(ctx, x.q.Table, x.q.Key, x.q.Put)
		late := ctx.Err() != nil
		cancel()
		r := engine.Result{ID: x.q.ID, Value: value}
		var tell *engine.Event
		if err != nil {
			var word QueryError
			switch {
			case errors.As(err, &word):
				r.Err = string(word)
			case late:
				r.Err = engine.ErrTimeout
			default:
				r.Err = engine.ErrFailed
			}
			if r.Value = nil; word == "" {
				tell = streamEvent(x.slot, r.Err, "table "+x.q.Table+": "+err.Error())
			}
		}
		s.inbox.put(arrived{slot: x.slot, in: r, tell: tell})
	}
}

// close ends the workers; what waits is not asked any more.
func (a *asks) close() {
	if a != nil {
		close(a.reads)
		close(a.puts)
		a.wg.Wait()
	}
}
