package main

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"roam6/engine"
)

// tellerBacklog is the number of events that may wait for the log.
const tellerBacklog = 4096

// newLog makes the log of a node on standard error. Under systemd, which stamps lines itself, text has no time.
func newLog(form, level string) (*slog.Logger, error) {
	o := &slog.HandlerOptions{}
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, usagef("--log-level %s: debug, info, warn or error is allowed", level)
	}
	o.Level = least
	switch form {
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, o)), nil
	case "text":
		if os.Getenv("JOURNAL_STREAM") != "" {
			o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
				if len(groups) == 0 && a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}
		}
		return slog.New(slog.NewTextHandler(os.Stderr, o)), nil
	}
	return nil, usagef("--log %s: text or json is allowed", form)
}

// teller logs a node's events. The node's loop never waits for it: what does not fit is counted.
type teller struct {
	log    *slog.Logger
	told   chan told
	lost   atomic.Int64
	done   chan struct{}
	bounds *bounds // the writer's
}

type told struct {
	at     time.Duration
	engine string
	event  engine.Event
}

func newTeller(log *slog.Logger) *teller {
	t := &teller{log: log, told: make(chan told, tellerBacklog), done: make(chan struct{}), bounds: newBounds()}
	go func() {
		defer close(t.done)
		for e := range t.told {
			if n := t.lost.Swap(0); n > 0 {
				t.log.Warn("the log was too slow", "events_lost", n)
			}
			t.write(e)
		}
	}()
	return t
}

// event is called on the node's loop.
func (t *teller) event(at time.Duration, engine string, ev engine.Event) {
	select {
	case t.told <- told{at, engine, ev}:
	default:
		t.lost.Add(1)
	}
}

func (t *teller) write(e told) {
	l := lineOf(e.event)
	missed, ok := t.bounds.take(l, e.at)
	if !ok {
		return
	}
	attrs := attrsOf(e, l)
	if missed > 0 {
		attrs = append(attrs, "left_out", missed)
	}
	t.log.Log(context.Background(), l.level, l.name, attrs...)
}

// close logs what is left. No event may come after it.
func (t *teller) close() {
	close(t.told)
	<-t.done
}
