package main

import (
	"errors"
	"strings"
	"testing"

	"roam6/driver"
	"roam6/engine"
)

// ctlStatus is what a command ends with that ends with this error.
func ctlStatus(err error) int {
	var f *failure
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &f):
		return f.status
	}
	return exitFailed // as work makes it
}

// Where no node answers is one cause and one status, named or not; a name is no path.
func TestControlPath(t *testing.T) {
	for _, c := range []struct {
		name string
		want string
		says string
	}{
		{"mn", controlDir + "/mn.sock", ""},
		{"..", controlDir + "/...sock", ""},
		{"../x", "", "without slashes"},
		{"/tmp/x", "", "without slashes"},
	} {
		path, err := (&ctlFlags{name: c.name}).path()
		if path != c.want || (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), c.says) || ctlStatus(err) != exitUsage) {
			t.Errorf("-n %s: %q, %v", c.name, path, err)
		}
	}
	f := &ctlFlags{}
	if path, err := f.path(); err != nil && strings.Contains(err.Error(), "no node") && ctlStatus(err) != exitFailed {
		t.Errorf("without a node: %q, %v", path, err)
	}
}

// Steps are told in the words of timelines, other events as they are.
func TestEventText(t *testing.T) {
	step := func(reason string) engine.Event {
		return engine.Event{Name: engine.EventStep, Reason: reason, Attrs: []engine.Attr{{Key: "step", Value: "link up"}, {Key: "port", Value: "1"}}}
	}
	for _, c := range []struct {
		event engine.Event
		want  string
	}{
		{step("router advertisement"), "step                 link up; waits for: router advertisement port=1"},
		{step(""), "step                 link up port=1"},
		{engine.Event{Name: engine.EventStep, Reason: "r"}, "step                 r"},
		{engine.Event{Name: "router.lost", Reason: "moved", Attrs: []engine.Attr{{Key: "port", Value: "1"}}}, "router.lost          moved port=1"},
		{engine.Event{Name: driver.EventStream, Reason: "dial: certificate is valid for \x1b]0;x\a\x1b[2J\nfake", Attrs: []engine.Attr{{Key: "says", Value: "\u202e\u009bé"}, {Key: "nai", Value: "zoë@x\xff"}}},
			driver.EventStream + `        "dial: certificate is valid for \x1b]0;x\a\x1b[2J\nfake" "says=\u202e\u009bé" "nai=zoë@x\xff"`},
	} {
		if got := eventText(driver.Told{Event: c.event}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// A verb of a role, asked of a node with several, says which flag is missing.
func TestVerbOfSeveralRoles(t *testing.T) {
	const answer = `driver: node ha has no engine ""; it has: ar, ha; without an engine: views, stats, table`
	for _, c := range []struct{ engine, verb, why, want string }{
		{"", "bindings", answer, "--engine ha"},
		{"", "fly", answer, "several roles: ar, ha;"},
		{"xx", "bindings", `driver: node ha has no engine "xx"; it has: ar, ha`, `has no engine "xx"; it has: ar, ha`},
		{"", "fly", "unknown verb fly; a home agent takes: view, bindings", "unknown verb fly; a home agent takes: view, bindings; every node takes: stats, table, events,"},
	} {
		err := (&ctlFlags{engine: c.engine}).refused(c.verb, c.why)
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "views") || ctlStatus(err) != exitUsage {
			t.Errorf("%s: %v", c.verb, err)
		}
	}
}
