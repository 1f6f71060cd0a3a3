package driver

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
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
			config := Config{Host: &Memory{}, Query: table, Engines: []Engine{{"e", e}}, OnEvent: func(_ time.Duration, _ string, ev engine.Event) { told += ev.Reason }}
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

// Queries beyond what may wait are answered at once; those that wait are all answered; no more are asked at a time than there are workers.
func TestQueriesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const extra = 5
		gate, busiest := make(chan struct{}), make(chan struct{}, QueryWorkers)
		e := peerOf(nil, func(in engine.Input, out *engine.Effects) {
			if _, ok := in.(engine.Command); ok {
				for i := range MaxQueries + extra {
					out.Query(engine.Query{ID: uint64(i)})
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
		if done, busy := count(); done+busy != MaxQueries+extra || busy != refused {
			t.Errorf("%d answers, %d refused", done, busy)
		}
	})
}
