package main

import (
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/scenario"
)

// TestTelling runs one node's first registration, a move, a refresh and a failed move past tellers of each kind.
func TestTelling(t *testing.T) {
	plan := &scenario.Plan{Length: 20 * time.Second, Nodes: []scenario.Node{{Name: "mn", Userland: true}}, Actions: []scenario.Action{
		{Verb: scenario.Detach, Node: "mn", Iface: "wlan0"},
		{Verb: scenario.Attach, Node: "mn", Iface: "wlan0", Segment: "ar2"},
		{Verb: scenario.Detach, Node: "mn", Iface: "wlan0", Handover: 1},
	}}
	step := engine.Event{Name: engine.EventStep, Attrs: []engine.Attr{engine.S("step", "router found")}, Reason: "a check"}
	done := engine.Event{Name: engine.EventRegistered, Attrs: []engine.Attr{engine.S("coa", "2001:db8::1")}}
	for _, c := range []struct {
		tell telling
		want string
	}{
		{tellStatus, ""},
		{tellHandovers, "    1.000 s  mn   registered at 2001:db8::1\n" +
			"    9.200 s  mn   registered at 2001:db8::1 in ar2, 2200 ms after the move began\n" +
			"   19.000 s  mn   failed: no router\n"},
		{tellSteps, "    1.000 s  mn   registered at 2001:db8::1\n" +
			"    7.000 s  mn   wlan0 loses its link\n" +
			"    7.020 s  mn   wlan0 attached to ar2\n" +
			"    8.000 s  mn   router found; now waiting for: a check\n" +
			"    9.200 s  mn   registered at 2001:db8::1 in ar2, 2200 ms after the move began\n" +
			"   12.000 s  mn   registered at 2001:db8::1\n" +
			"   15.000 s  mn   wlan0 loses its link\n" +
			"   19.000 s  mn   failed: no router\n"},
	} {
		var b strings.Builder
		l := newLive(&runFlags{quiet: true}, plan, nobody{})
		l.out, l.tty, l.tell = &b, false, c.tell
		l.Event(time.Second, "mn", "mn", done)
		l.Did(7*time.Second, 0)
		l.Did(7020*time.Millisecond, 1)
		l.Event(8*time.Second, "mn", "mn", step)
		l.Event(9200*time.Millisecond, "mn", "mn", done)
		l.Event(12*time.Second, "mn", "mn", done) // a refresh
		l.Did(15*time.Second, 2)
		l.Event(19*time.Second, "mn", "mn", engine.Event{Name: engine.EventFailed, Reason: "no router"})
		if b.String() != c.want {
			t.Errorf("telling %d: got\n%swant\n%s", c.tell, &b, c.want)
		}
		l.written = time.Now().Add(-2 * statusLineFirst)
		l.progress(15 * time.Second)
		if !strings.HasSuffix(b.String(), "15.0 s of 20s, 2 handovers begun\n") {
			t.Errorf("telling %d: no status in %s", c.tell, &b)
		}
		had := b.Len()
		l.written = time.Now().Add(-2 * statusLineFirst)
		l.progress(16 * time.Second)
		if b.Len() != had {
			t.Errorf("telling %d: the second line of status comes after %v already", c.tell, 2*statusLineFirst)
		}
	}
}

// Without a terminal, as in this test, only the laboratory tells a line a handover, and --verbose all.
func TestTellingByWorld(t *testing.T) {
	if onTerminal() {
		t.Skip("this test runs at a terminal")
	}
	for _, c := range []struct {
		flags runFlags
		want  telling
	}{
		{runFlags{world: "sim"}, tellStatus}, {runFlags{world: "lab"}, tellHandovers}, {runFlags{}, tellSteps},
		{runFlags{world: "sim", verbose: true}, tellSteps}, {runFlags{world: "lab", compared: true}, tellHandovers},
	} {
		if got := c.flags.telling(); got != c.want {
			t.Errorf("%+v: telling %d, want %d", c.flags, got, c.want)
		}
	}
}
