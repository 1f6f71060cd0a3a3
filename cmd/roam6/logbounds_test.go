package main

import (
	"fmt"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/peers"
)

// Lines that whoever is on an access link, or a partner, can have written are bounded for each kind, and nobody's else with them.
func TestFloodsOfLines(t *testing.T) {
	b := newBounds()
	for _, name := range []string{"access.requested", "access.refused", "aaa.accounting-unknown"} {
		lines, missed := 0, 0
		for i := range 10_000 {
			l := lineOf(engine.Event{Name: name, Attrs: []engine.Attr{engine.S("session", fmt.Sprint(i))}})
			n, ok := b.take(l, time.Duration(i)*time.Millisecond)
			if missed += n; ok {
				lines++
			}
		}
		if lines < strangerBurst || lines > strangerBurst+10 || lines+missed < 9_000 {
			t.Errorf("%s: %d lines, %d told to be missing", name, lines, missed)
		}
	}
	if _, ok := b.take(lineOf(engine.Event{Name: peers.EventRefused, Attrs: []engine.Attr{engine.S("peer", "x")}}), 10*time.Second); !ok {
		t.Error("one flood takes others' lines")
	}
}

// Bounds do not grow with each name that somebody has proved, and forget troubles that are over.
func TestBoundsOfPeersAreBounded(t *testing.T) {
	closed := func(i int) logLine {
		return lineOf(engine.Event{Name: engine.EventState, Attrs: []engine.Attr{engine.S("machine", "peer"), engine.S("peer", fmt.Sprint("h", i)),
			engine.S("from", string(peers.ROpen)), engine.S("to", string(peers.Closed))}})
	}
	b := newBounds()
	lines := 0
	for i := range maxOurs + 100 {
		if _, ok := b.take(closed(i), 0); ok {
			lines++
		}
	}
	if len(b.ours) != maxOurs || lines != maxOurs+lineBurst {
		t.Errorf("%d quotas, %d lines", len(b.ours), lines)
	}
	if b.take(closed(-1), time.Hour); len(b.ours) != 1 {
		t.Errorf("%d quotas an hour later", len(b.ours))
	}
}
