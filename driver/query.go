package driver

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"roam6/engine"
)

// Limits of queries.
const (
	QueryWorkers = 8               // how many are asked at a time
	MaxQueries   = 1024            // how many wait; more are answered engine.ErrBusy at once
	QueryTimeout = 5 * time.Second // how long one may take, after which its answer is engine.ErrTimeout
)

// QueryError is an error of Config.Query that an engine is to see, in its own word: engine.ErrNotFound for example.
type QueryError string

// Error gives the word.
func (e QueryError) Error() string { return string(e) }

// asks are the queries of a node and who carries them to its tables.
type asks struct {
	wait chan ask
	wg   sync.WaitGroup
}

type ask struct {
	slot *slot
	q    engine.Query
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
		s.asks = &asks{wait: make(chan ask, MaxQueries)}
		for range QueryWorkers {
			s.asks.wg.Add(1)
			go s.answer(s.asks, f)
		}
	}
	s.stats.Queries++
	q.Put = bytes.Clone(q.Put) // the engine's again soon
	select {
	case s.asks.wait <- ask{owner, q}:
	default:
		refuse(engine.ErrBusy)
	}
}

// answer is one worker.
func (s *streams) answer(a *asks, f func(context.Context, string, string, []byte) ([]byte, error)) {
	defer a.wg.Done()
	for x := range a.wait {
		if s.ctx.Err() != nil {
			return
		}
		ctx, cancel := context.WithTimeout(s.ctx, QueryTimeout)
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
		close(a.wait)
		a.wg.Wait()
	}
}
