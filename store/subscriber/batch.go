package subscriber

import (
	"cmp"
	"context"
	"sync"
)

// batch stores the records of several callers with one write: a write costs as much as the disk takes to make sure of it, whatever is in it.
// Who comes while one is under way waits for his turn, and the first whose turn it is writes for all who wait.
type batch struct {
	turn    chan struct{}
	mu      sync.Mutex // guards what follows
	waiting []*entry
	writes  int // this one whoever has the turn
}

type entry struct {
	ctx  context.Context
	r    Record
	done chan error
}

func newBatch() *batch { return &batch{turn: make(chan struct{}, 1)} }

// take gives those who wait, MaxBatch at most, without those who do not wait any more.
func (b *batch) take() (list []*entry, records []Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.waiting) > 0 && len(list) < MaxBatch {
		if e := b.waiting[0]; e.ctx.Err() == nil {
			list, records = append(list, e), append(records, e.r)
		}
		b.waiting = b.waiting[1:]
	}
	return list, records
}

// account stores a record with those of others.
func (d *DB) account(ctx context.Context, r Record) error {
	if err := r.Check(); err != nil {
		return checkError{err}
	}
	b, e := d.batch, &entry{ctx, r, make(chan error, 1)}
	b.mu.Lock()
	b.waiting = append(b.waiting, e)
	b.mu.Unlock()
	for {
		select {
		case err := <-e.done:
			return err
		case <-ctx.Done():
			return d.explain(ctx.Err())
		case b.turn <- struct{}{}:
			d.writeBatch()
			<-b.turn
		}
	}
}

// writeBatch stores what waits, in as long as one operation may take, whoever of them has less time. A record that is not what is stored in its place
// is refused, and is in no other's way.
func (d *DB) writeBatch() {
	list, records := d.batch.take()
	if len(list) == 0 {
		return
	}
	ctx, cancel := bounded(context.Background())
	defer cancel()
	refused := make([]error, len(list))
	d.batch.writes++
	_, err := d.insert(ctx, records, func(i int, err error) error {
		refused[i] = err
		return nil
	})
	for i, e := range list {
		e.done <- cmp.Or(err, refused[i])
	}
}
