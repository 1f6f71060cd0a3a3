package main

import (
	"cmp"
	"log/slog"
	"strings"
	"time"

	"roam6/driver"
	"roam6/engine"
	"roam6/machine/peers"
)

// Whoever can reach a listener can have lines written, and a peer that is away is dialled every two seconds: so lines about connections are
// bounded. Each trouble has lineBurst lines at once and one every lineEvery; strangers together have strangerBurst and strangerEvery, and so has each
// kind of line that whoever is on an access link, or a partner, can have written. What was left out is counted in the next line about it.
const (
	lineBurst     = 3
	lineEvery     = time.Minute
	strangerBurst = 60
	strangerEvery = time.Second
	maxTroubles   = 512  // of strangers told apart at a time; more have one bound together
	maxOurs       = 4096 // the same of peers of the configuration, and of those that a route lets in by their names
)

// logLine is an event as the log tells it.
type logLine struct {
	level   slog.Level
	name    string
	trouble string // what it is about, for the bound; "" is without
	foreign bool   // a stranger can cause it
	flood   bool   // many can, each in his own name: one bound for all lines of this name
}

// lineOf says how an event is told.
func lineOf(e engine.Event) logLine {
	switch e.Name {
	case engine.EventState:
		return stateLine(e)
	case engine.EventDrop:
		return logLine{level: slog.LevelDebug, name: e.Name} // one a packet, if someone wants it so
	case peers.EventRefused:
		return logLine{level: slog.LevelWarn, name: e.Name, trouble: e.Get("peer") + " " + e.Reason, foreign: true}
	case peers.EventRefusedUs:
		return logLine{level: slog.LevelWarn, name: e.Name, trouble: e.Get("peer")}
	case driver.EventStream:
		return logLine{level: slog.LevelWarn, name: e.Name, trouble: e.Get("engine") + " " + e.Reason + " " + e.Get("with"), foreign: true}
	case "access.requested", "access.refused", "aaa.accounting-unknown":
		return logLine{level: slog.LevelInfo, name: e.Name, flood: true}
	case engine.EventFailed, engine.EventFellBack, driver.EventKernel, driver.EventPlane, driver.EventJournal, driver.EventForward,
		driver.EventHeld, driver.EventNeighbours, driver.EventFast:
		return logLine{level: slog.LevelWarn, name: e.Name}
	}
	return logLine{level: slog.LevelInfo, name: e.Name}
}

// stateLine tells of peers what an operator wants to know; other changes of state are for whoever looks for a fault.
func stateLine(e engine.Event) logLine {
	from, to := e.Get("from"), e.Get("to")
	told := func(level slog.Level, name string) logLine {
		return logLine{level: level, name: name, trouble: e.Get("peer") + " " + name + " " + e.Reason}
	}
	open := func(s string) bool { return s == string(peers.IOpen) || s == string(peers.ROpen) }
	switch machine := e.Get("machine"); {
	case machine == "peer" && open(to):
		return told(slog.LevelInfo, "peer.opened")
	case machine == "peer" && open(from) && (e.Reason == peers.Disconnected || e.Reason == peers.Stopped):
		return told(slog.LevelInfo, "peer.closed")
	case machine == "peer" && open(from):
		return told(slog.LevelWarn, "peer.closed")
	case machine == "peer" && to == string(peers.Closed) && from != string(peers.Closing):
		return told(slog.LevelWarn, "peer.not-opened")
	case machine == "watchdog" && to == string(peers.Suspect):
		return told(slog.LevelWarn, "peer.suspect")
	case machine == "watchdog" && to == string(peers.Okay) && from != string(peers.Initial):
		return told(slog.LevelInfo, "peer.back")
	}
	return logLine{level: slog.LevelDebug, name: e.Name}
}

// attrsOf are the details of a line: those of the event that say anything, each by a name of its own, since most readers of JSON take the last
// of two alike. What the driver tells of an engine is that engine's.
func attrsOf(e told, l logLine) []any {
	attrs := []any{"engine", cmp.Or(e.event.Get("engine"), e.engine)}
	if e.event.Reason != "" {
		attrs = append(attrs, "reason", e.event.Reason)
	}
	renamed := l.name != e.event.Name
	for _, a := range e.event.Attrs {
		switch {
		case a.Value == "" && strings.HasPrefix(l.name, "peer."), a.Key == "engine":
		case a.Key == "reason" && e.event.Reason != "":
			attrs = append(attrs, "reason_too", a.Value)
		case renamed && (a.Key == "machine" || a.Key == "from" || a.Key == "to"): // the name has said it
		default:
			attrs = append(attrs, a.Key, a.Value)
		}
	}
	return attrs
}

// quota is what one trouble may still have of the log.
type quota struct {
	left   int
	at     time.Duration // when left was right
	missed int
}

// take takes a line, and tells how many were left out before it.
func (q *quota) take(now time.Duration, burst int, every time.Duration) (missed int, ok bool) {
	if n := int((now - q.at) / every); n > 0 {
		q.left, q.at = min(q.left+n, burst), q.at+time.Duration(n)*every
	}
	if q.left == 0 {
		q.missed++
		return 0, false
	}
	q.left--
	missed, q.missed = q.missed, 0
	return missed, true
}

// bounds holds how much each trouble may still have.
type bounds struct {
	ours      map[string]*quota // about peers: up to maxOurs
	rest      quota             // of those that found no room
	floods    map[string]*quota // by the name of the line
	theirs    map[string]*quota // up to maxTroubles
	strangers quota
	crowd     quota // of those that found no room
}

func newBounds() *bounds {
	return &bounds{ours: map[string]*quota{}, rest: quota{left: lineBurst}, floods: map[string]*quota{},
		theirs: map[string]*quota{}, strangers: quota{left: strangerBurst}, crowd: quota{left: lineBurst}}
}

// take says whether a line may be written, and how many were left out before it.
func (b *bounds) take(l logLine, now time.Duration) (missed int, ok bool) {
	key := l.name + " " + l.trouble
	switch {
	case l.flood:
		return quotaOf(b.floods, l.name, now, strangerBurst).take(now, strangerBurst, strangerEvery)
	case l.trouble == "":
		return 0, true
	case !l.foreign:
		return among(b.ours, maxOurs, &b.rest, key, now).take(now, lineBurst, lineEvery)
	}
	q := among(b.theirs, maxTroubles, &b.crowd, key, now)
	if missed, ok = q.take(now, lineBurst, lineEvery); !ok {
		return 0, false
	}
	more, ok := b.strangers.take(now, strangerBurst, strangerEvery)
	if !ok {
		q.missed += missed
	}
	return missed + more, ok
}

// among is the quota of a trouble, among limit at most; rest is that of all others.
func among(m map[string]*quota, limit int, rest *quota, key string, now time.Duration) *quota {
	if m[key] == nil && len(m) >= limit {
		forget(m, now)
	}
	if m[key] == nil && len(m) >= limit {
		return rest
	}
	return quotaOf(m, key, now, lineBurst)
}

func quotaOf(m map[string]*quota, key string, now time.Duration, burst int) *quota {
	q := m[key]
	if q == nil {
		q = &quota{left: burst, at: now}
		m[key] = q
	}
	return q
}

// forget drops troubles that are over.
func forget(m map[string]*quota, now time.Duration) {
	for key, q := range m {
		if now-q.at >= lineBurst*lineEvery {
			delete(m, key)
		}
	}
}
