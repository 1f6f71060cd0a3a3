package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"roam6/engine"
	"roam6/scenario"
)

// How often the status line is written: on a terminal in place, elsewhere as lines of their own.
const (
	statusEvery     = 200 * time.Millisecond
	statusLineEvery = 2 * time.Second
)

// live tells what happens while a run goes: moves and handover steps of the measured mobile nodes, and how far the run
// is. It passes everything on to the recorder behind it.
type live struct {
	scenario.Recorder
	out   io.Writer // nil: silent
	tty   bool
	plan  *scenario.Plan
	quiet map[string]bool // mobile nodes that nothing is told of

	mu      sync.Mutex
	status  string        // on the terminal's last line
	written time.Time     // when the status was
	moves   int           // handovers begun
	heard   time.Time     // when the run last told something of a time,
	at      time.Duration // which was this one
}

// newLive makes the teller of one run. Without a terminal, JSON output keeps standard error empty.
func newLive(f *runFlags, plan *scenario.Plan, behind scenario.Recorder) *live {
	l := &live{Recorder: behind, plan: plan, quiet: map[string]bool{}, written: time.Now()}
	l.tty = term.IsTerminal(int(os.Stderr.Fd()))
	if !f.quiet && (l.tty || !f.json) {
		l.out = os.Stderr
	}
	for i, node := range plan.Nodes {
		// Thousands of replicas would scroll by: their handovers are counted in the status line.
		l.quiet[plan.Nodes[i].Name] = node.Userland && f.nodes > scenario.MeasuredMobiles
	}
	return l
}

// Did tells of moves and notes.
func (l *live) Did(at time.Duration, i int) {
	l.Recorder.Did(at, i)
	a := l.plan.Actions[i]
	if a.Verb == scenario.Detach {
		l.mu.Lock() // the status is written by another goroutine in the lab
		l.moves++
		l.mu.Unlock()
	}
	if !l.quiet[a.Node] {
		l.line(at, a.Node, deed(a))
	}
}

// deed is an action in words.
func deed(a scenario.Action) string {
	if a.Note != "" {
		return a.Note
	}
	switch a.Verb {
	case scenario.Detach:
		return a.Iface + " loses its link"
	case scenario.Attach:
		return a.Iface + " attached to " + a.Segment
	case scenario.Crash:
		return "crashes"
	case scenario.Restart:
		return "starts again"
	case scenario.Degrade:
		return "segment " + a.Segment + " changes its behaviour"
	case scenario.Command:
		return "is told: " + a.Command.Verb
	}
	return string(a.Verb)
}

// Event tells of the steps of handovers and of what became of them.
func (l *live) Event(at time.Duration, node, eng string, ev engine.Event) {
	l.Recorder.Event(at, node, eng, ev)
	if l.out == nil || l.quiet[node] {
		return
	}
	switch ev.Name {
	case engine.EventStep:
		text := ev.Get("step")
		if ev.Reason != "" {
			text += "; now waiting for: " + ev.Reason
		}
		l.line(at, node, text)
	case engine.EventRegistered:
		l.line(at, node, strings.TrimSpace("registered at "+ev.Get("coa")))
	case engine.EventFellBack, engine.EventFailed:
		l.line(at, node, strings.TrimSuffix(ev.Name+": "+ev.Reason, ": "))
	}
}

// line writes one line above the status.
func (l *live) line(at time.Duration, node, text string) {
	if l.out == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard, l.at = time.Now(), at
	l.wipe()
	fmt.Fprintf(l.out, "%9.3f s  %-4s %s\n", at.Seconds(), node, text)
	if l.tty {
		fmt.Fprint(l.out, l.status)
	}
}

// say writes a line without a time.
func (l *live) say(text string) {
	if l.out == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wipe()
	fmt.Fprintln(l.out, text)
}

// wipe takes the status off the terminal's last line.
func (l *live) wipe() {
	if l.tty && l.status != "" {
		fmt.Fprint(l.out, "\r\x1b[K")
	}
}

// progress says how far the run is.
func (l *live) progress(done time.Duration) {
	every := statusLineEvery
	if l.tty {
		every = statusEvery
	}
	if l.out == nil || time.Since(l.written) < every {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written = time.Now()
	l.wipe()
	l.status = fmt.Sprintf("%9.1f s of %v, %s begun", done.Seconds(), l.plan.Length, plural(l.moves, "handover"))
	fmt.Fprint(l.out, l.status)
	if !l.tty {
		fmt.Fprintln(l.out)
	}
}

// done clears the status line.
func (l *live) done() {
	if l.out == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wipe()
	l.status = ""
}

// nobody is a recorder that keeps nothing.
type nobody struct{}

func (nobody) Event(time.Duration, string, string, engine.Event) {}
func (nobody) Did(time.Duration, int)                            {}
func (nobody) Sent(time.Duration, int, bool, uint32)             {}
func (nobody) Received(time.Duration, int, bool, uint32)         {}
func (nobody) Frame(time.Duration, string, string, bool, []byte) {}
func (nobody) Dropped(string, int)                               {}
