package driver

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"roam6/engine"
)

func TestQueries(t *testing.T) {
	broken := errors.New("disk on fire")
	table := func(ctx context.Context, _, key string, put []byte) ([]byte, error) {
		switch {
		case key == "gone":
			return nil, fmt.Errorf("looking: %w", QueryError(engine.ErrNotFound))
		case key == "broken":
			return []byte("half"), broken
		case key == "slow":
			<-ctx.Done()
			return nil, ctx.Err()
		case put != nil:
			return nil, nil
		}
		return []byte("value of " + key), nil
	}
	for _, c := range []struct {
		q    engine.Query
		want engine.Result
		told string
		none bool
	}{
		{q: engine.Query{ID: 1, Table: "t", Key: "a"}, want: engine.Result{ID: 1, Value: []byte("value of a")}},
		{q: engine.Query{ID: 2, Table: "t", Key: "a", Put: []byte{}}, want: engine.Result{ID: 2}},
		{q: engine.Query{ID: 3, Table: "t", Key: "gone"}, want: engine.Result{ID: 3, Err: engine.ErrNotFound}},
		{q: engine.Query{ID: 4, Table: "t", Key: "broken"}, want: engine.Result{ID: 4, Err: engine.ErrFailed}, told: "table t: disk on fire"},
		{q: engine.Query{ID: 5, Table: "t", Key: "slow"}, want: engine.Result{ID: 5, Err: engine.ErrTimeout}, told: "deadline"},
		{q: engine.Query{ID: 6, Table: "t", Key: "a"}, want: engine.Result{ID: 6, Err: engine.ErrNoQueries}, none: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := peerOf(nil, func(in engine.Input, out *engine.Effects) {
				if _, ok := in.(engine.Start); ok {
					out.Query(c.q)
				}
			})
			told := ""
			config := Config{Host: &Memory{}, Query: table, Engines: []Engine{{"e", e}}, OnEvent: func(_ time.Duration, _ string, ev engine.Event) { told += ev.Get("says") }}
			if c.none {
				config.Query = nil
			}
			begin(t, config)
			time.Sleep(QueryTimeout)
			synctest.Wait()
			if got := after(e); len(got) != 1 || !reflect.DeepEqual(got[0], engine.Input(c.want)) {
				t.Errorf("%+v: %+v", c.q, got)
			}
			if !strings.Contains(told, c.told) || c.told == "" && told != "" {
				t.Errorf("%+v: told %q", c.q, told)
			}
		})
	}
}

// Reads and writes beyond what may wait are answered at once; those that wait are all answered; no more are asked at a time than there are workers.
func TestQueriesAreBounded(t *testing.T) {
	for _, c := range []struct {
		what string
		put  []byte
		most int
	}{{"reads", nil, MaxQueries}, {"writes", []byte{}, MaxPuts}} {
		t.Run(c.what, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { bounded(t, c.put, c.most) }) })
	}
}

func bounded(t *testing.T, put []byte, most int) {
	const extra = 5
	gate, busiest := make(chan struct{}), make(chan struct{}, QueryWorkers)
	e := peerOf(nil, func(in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Command); ok {
			for i := range most + extra {
				out.Query(engine.Query{ID: uint64(i), Put: put})
			}
		}
	})
	n := begin(t, Config{Host: &Memory{}, Engines: []Engine{{"e", e}}, Query: func(context.Context, string, string, []byte) ([]byte, error) {
		select {
		case busiest <- struct{}{}:
		default:
			t.Error("more at a time than there are workers")
		}
		<-gate
		<-busiest
		return nil, nil
	}})
	n.Inject("e", engine.Command{})
	synctest.Wait()
	count := func() (done, busy int) {
		for _, in := range e.inputs {
			if r, ok := in.(engine.Result); ok && r.Err == engine.ErrBusy {
				busy++
			} else if ok {
				done++
			}
		}
		return done, busy
	}
	first, refused := count()
	if first != 0 || refused > extra || refused == 0 && QueryWorkers < extra {
		t.Errorf("%d answers, %d refused", first, refused)
	}
	close(gate)
	synctest.Wait()
	if done, busy := count(); done+busy != most+extra || busy != refused {
		t.Errorf("%d answers, %d refused", done, busy)
	}
}

// Who has as much written as it can, for as long as it likes, is in no read's way.
func TestWritesDoNotStarveReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const reads, written = 50, 1000
		began := time.Now()
		var answered atomic.Int32
		e := peerOf(nil, func(in engine.Input, out *engine.Effects) {
			write := func(id uint64) { out.Query(engine.Query{ID: id, Table: "accounting", Key: "k", Put: []byte("{}")}) }
			switch in := in.(type) {
			case engine.Start:
				for i := range 2 * MaxPuts {
					write(uint64(written + i))
				}
			case engine.Command:
				out.Query(engine.Query{ID: 1, Table: "subscriber", Key: "ann"})
			case engine.Result:
				if in.ID == 1 && in.Err == "" {
					answered.Add(1)
				}
				if in.ID >= written && in.Err == "" && time.Since(began) < 2*QueryTimeout {
					write(in.ID)
				}
			}
		})
		writer := make(chan struct{}, 1) // a table that writes one after another
		n := begin(t, Config{Host: &Memory{}, Engines: []Engine{{"e", e}}, Query: func(_ context.Context, _, _ string, put []byte) ([]byte, error) {
			if put != nil {
				writer <- struct{}{}
				time.Sleep(2 * time.Millisecond)
				<-writer
			}
			return []byte("x"), nil
		}})
		for i := range int32(reads) {
			time.Sleep(QueryTimeout / reads)
			n.Inject("e", engine.Command{})
			synctest.Wait()
			if n := answered.Load(); n != i+1 {
				t.Fatalf("%d of %d reads answered at once", n, i+1)
			}
		}
	})
}

// A query that has waited as long as it may take is not asked any more.
func TestQueriesThatWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := peerOf(nil, func(in engine.Input, out *engine.Effects) {
			if _, ok := in.(engine.Start); ok {
				for i := range 2 * QueryWorkers {
					out.Query(engine.Query{ID: uint64(i), Put: []byte{}})
				}
			}
		})
		var asked atomic.Int32
		begin(t, Config{Host: &Memory{}, Engines: []Engine{{"e", e}}, Query: func(ctx context.Context, _, _ string, _ []byte) ([]byte, error) {
			asked.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		time.Sleep(QueryTimeout)
		synctest.Wait()
		if got := after(e); len(got) != 2*QueryWorkers || asked.Load() != QueryWorkers {
			t.Errorf("%d answers, %d asked", len(got), asked.Load())
		}
		for _, in := range after(e) {
			if r := in.(engine.Result); r.Err != engine.ErrTimeout {
				t.Errorf("%+v", r)
			}
		}
	})
}
