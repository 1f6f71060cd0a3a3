package subscriber

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// Records that come while one is written are stored with one write, and each caller is told of its own: that it is stored, that another has its
// place, or that its time is over, and then it is not.
func testBatch(t *testing.T, d *DB) {
	const many = 50
	ctx := t.Context()
	if _, err := d.Account(ctx, []Record{record("s", many)}); err != nil {
		t.Fatal(err)
	}
	d.batch.turn <- struct{}{} // one is being written
	ask := func(ctx context.Context, r Record) chan error {
		put, _ := json.Marshal(r)
		told := make(chan error, 1)
		d.batch.mu.Lock()
		before := len(d.batch.waiting)
		d.batch.mu.Unlock()
		go func() {
			_, _, err := d.Ask(ctx, TableAccounting, "", put)
			told <- err
		}()
		for waits := before; waits == before; time.Sleep(time.Millisecond) {
			d.batch.mu.Lock()
			waits = len(d.batch.waiting)
			d.batch.mu.Unlock()
		}
		return told
	}
	var list []chan error
	for i := range uint32(many) {
		list = append(list, ask(ctx, record("s", i)))
	}
	ended, end := context.WithCancel(ctx)
	gone := ask(ended, record("gone", 1))
	end()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("whose time is over: %v", err)
	}
	<-d.batch.turn
	for i, told := range list {
		if err := <-told; err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if d.batch.writes != 1 {
		t.Errorf("%d writes", d.batch.writes)
	}
	d.batch.turn <- struct{}{}
	other := record("s", many)
	other.OctetsUp++
	differs, same, fresh := ask(ctx, other), ask(ctx, record("s", 0)), ask(ctx, record("s", many+1))
	<-d.batch.turn
	if err := <-differs; !errors.Is(err, ErrDiffers) {
		t.Errorf("another: %v", err)
	}
	if err := errors.Join(<-same, <-fresh); err != nil {
		t.Error(err)
	}
	if d.batch.writes != 2 { // who sends others' numbers again does not have each written by itself
		t.Errorf("%d writes", d.batch.writes)
	}
	n := 0
	if err := d.Records(ctx, Span{}, func(*Record) error { n++; return nil }); err != nil || n != many+2 {
		t.Errorf("%d records, %v", n, err)
	}
}
