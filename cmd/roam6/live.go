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
	statusLineFirst = 2 * time.Second // what takes no longer needs none
	statusLineEvery = 10 * time.Second
)

// telling is how much is told while a run goes.
type telling int

const (
	tellStatus    telling = iota // how far it is
	tellHandovers                // and one line a handover
	tellSteps                    // and what happens at each step
)

// telling decides it: all to people at a terminal. In a log, a line a handover for what takes its time.
func (f *runFlags) telling() telling {
	switch {
	case f.verbose, f.world == "", !f.compared && onTerminal():
		return tellSteps
	case f.world == "lab":
		return tellHandovers
	}
	return tellStatus
}

// live tells what happens while a run goes: moves and handover steps of the measured mobile nodes, and how far the run
// is. It passes everything on to the recorder behind it.
type live struct {
	scenario.Recorder
	out   io.Writer // nil: silent
	tty   bool
	tell  telling
	plan  *scenario.Plan
	quiet map[string]bool // mobile nodes that nothing is told of

	mu      sync.Mutex
	moved   map[string]move // handovers that have begun and are not registered, by mobile node
	status  string          // on the terminal's last line
	written time.Time       // when the status was,
	lined   bool            // if it was
	moves   map[int]bool    // handovers begun, by their number in the plan
	heard   time.Time       // when the run last told something of a time,
	at      time.Duration   // which was this one
}

// move is a handover under way.
type move struct {
	at time.Duration // when it began; 0 before the first
	to string        // the segment it goes to, as far as it is known
}

// newLive makes the teller of one run. Without a terminal, JSON output keeps standard error empty.
func newLive(f *runFlags, plan *scenario.Plan, behind scenario.Recorder) *live {
	l := &live{Recorder: behind, plan: plan, tell: f.telling(), quiet: map[string]bool{}, moved: map[string]move{}, moves: map[int]bool{}, written: time.Now()}
	for _, n := range plan.Nodes {
		if n.Userland {
			l.moved[n.Name] = move{} // the first registration is told as well
		}
	}
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
	l.begun(at, a)
	if !l.quiet[a.Node] && l.tell == tellSteps {
		l.line(at, a.Node, deed(a))
	}
}

// begun notes the handover that an action is part of.
func (l *live) begun(at time.Duration, a scenario.Action) {
	if a.Handover < 0 || a.Verb != scenario.Detach && a.Verb != scenario.Attach {
		return
	}
	l.mu.Lock() // the status is written by another goroutine in the lab
	defer l.mu.Unlock()
	l.moves[a.Handover] = true
	m, under := l.moved[a.Node]
	if !under || m.at == 0 {
		m = move{at: at}
	}
	if a.Segment != "" {
		m.to = a.Segment
	}
	l.moved[a.Node] = m
}

// arrived is the line of a handover that is done; "" for the refresh of a registration.
func (l *live) arrived(at time.Duration, node, coa string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, under := l.moved[node]
	delete(l.moved, node)
	text := strings.TrimSpace("registered at " + coa)
	switch {
	case !under && l.tell == tellSteps:
		return text
	case !under:
		return ""
	case m.at == 0:
		return text
	case m.to != "":
		text += " in " + m.to
	}
	return fmt.Sprintf("%s, %d ms after the move began", text, (at - m.at).Milliseconds())
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
		if l.tell != tellSteps {
			return
		}
		text := ev.Get("step")
		if ev.Reason != "" {
			text += "; now waiting for: " + ev.Reason
		}
		l.line(at, node, text)
	case engine.EventRegistered:
		if text := l.arrived(at, node, ev.Get("coa")); text != "" && l.tell >= tellHandovers {
			l.line(at, node, text)
		}
	case engine.EventFellBack, engine.EventFailed:
		if l.tell == tellStatus {
			return
		}
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
	switch {
	case l.tty:
		every = statusEvery
	case !l.lined:
		every = statusLineFirst
	}
	if l.out == nil || time.Since(l.written) < every {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written, l.lined = time.Now(), true
	l.wipe()
	l.status = fmt.Sprintf("%9.1f s of %v, %s begun", done.Seconds(), l.plan.Length, plural(len(l.moves), "handover"))
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
