package node_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/role/aaa"
	"roam6/role/ar"
	"roam6/scenario"
	"roam6/sim"
	"roam6/store/subscriber/profile"
)

// trouble is the world of two operators with AAA servers, three mobile nodes (mn, mn2, mn3) and something wrong with it.
type trouble struct {
	t       *testing.T
	plan    *scenario.Plan
	tables  *profile.Table
	table   func(q engine.Query) (engine.Result, bool)        // in place of tables, where a test says so
	scripts map[string]func(seed [32]byte) engine.Engine      // engines in place of roles, by node
	lose    func(at time.Duration, seg string, p []byte) bool // may be nil
	wrap    func(node string, e engine.Engine) engine.Engine  // may be nil
	replay  *sim.Replay                                       // may be nil
	step    func(at time.Duration)                            // every 100 ms; may be nil
	air     func(cell string, up bool, packet []byte)         // what begins to cross it; may be nil

	now     time.Duration
	engines map[string]engine.Engine
	told    []told
	got     map[way][]time.Duration // when packets came
}

// way is that of a mobile node's packets.
type way struct {
	mobile string
	down   bool
}

// quiet is the longest time in which nothing came, both ways together, from a time to another.
func (w *trouble) quiet(mobile string, from, until time.Duration) (most time.Duration) {
	for _, down := range []bool{false, true} {
		last := from
		for _, at := range append(slices.Clone(w.got[way{mobile, down}]), until) {
			if at = min(at, until); at > last {
				most, last = max(most, at-last), at
			}
		}
	}
	return most
}

type told struct {
	at         time.Duration
	node, name string
	engine.Event
}

// Event takes what engines tell; see scenario.Recorder.
func (w *trouble) Event(at time.Duration, node, _ string, ev engine.Event) {
	w.told = append(w.told, told{at, node, ev.Name, ev})
}
func (w *trouble) Did(time.Duration, int)                {}
func (w *trouble) Sent(time.Duration, int, bool, uint32) {}
func (w *trouble) Received(at time.Duration, flow int, down bool, _ uint32) {
	k := way{w.plan.Flows[flow].Mobile, down}
	w.got[k] = append(w.got[k], at)
}
func (w *trouble) Frame(_ time.Duration, cell, _ string, up bool, packet []byte) {
	if w.air != nil {
		w.air(cell, up, packet)
	}
}
func (w *trouble) Dropped(string, int) {}

// inTrouble makes a world: mn goes from cell to cell, one step each pace; the other two begin with it.
func inTrouble(t *testing.T, agent string, length time.Duration, moves string) *trouble {
	t.Helper()
	return inTroubleFrom(t, "ar1", agent, length, moves)
}

// inTroubleFrom makes one that begins at another access router.
func inTroubleFrom(t *testing.T, start, agent string, length time.Duration, moves string) *trouble {
	t.Helper()
	s, err := scenario.Read("trouble.yaml", []byte(fmt.Sprintf(`name: trouble
title: what can be wrong with a request to be let in
length: %v
mn: {start: %s, dad: optimistic, aaa: on, home_agent: %s}
moves: %s
flows:
  - {name: probe, interval: 20ms, size: 64, start: 6s, probe: true}
`, length, start, agent, moves)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{Seed: 1, Nodes: 3})
	if err != nil {
		t.Fatal(err)
	}
	w := &trouble{t: t, plan: p, got: map[way][]time.Duration{}, engines: map[string]engine.Engine{}, scripts: map[string]func([32]byte) engine.Engine{}}
	for _, r := range []string{"ar1", "ar2", "ar3"} {
		w.edit(r, "        gate: on\n", "        gate: on\n        accounting: on\n        interim: 10s\n")
	}
	return w
}

func (w *trouble) node(name string) *scenario.Node {
	for i := range w.plan.Nodes {
		if w.plan.Nodes[i].Name == name {
			return &w.plan.Nodes[i]
		}
	}
	w.t.Fatalf("no node %s", name)
	return nil
}

// edit changes a node's configuration.
func (w *trouble) edit(node, old, with string) {
	w.t.Helper()
	n := w.node(node)
	if !bytes.Contains(n.Config, []byte(old)) {
		w.t.Fatalf("%s: no %q in\n%s", node, old, n.Config)
	}
	n.Config = bytes.Replace(n.Config, []byte(old), []byte(with), 1)
}

// subscriber changes what the home server knows of a user.
func (w *trouble) subscriber(nai, old, with string) {
	w.t.Helper()
	n := w.node("aaah")
	lines := strings.SplitAfter(string(n.Subscribers), "\n")
	for i, l := range lines {
		if strings.Contains(l, `"nai":"`+nai+`"`) && strings.Contains(l, old) {
			lines[i] = strings.Replace(l, old, with, 1)
			n.Subscribers = []byte(strings.Join(lines, ""))
			return
		}
	}
	w.t.Fatalf("no subscriber %s with %s in\n%s", nai, old, n.Subscribers)
}

func (w *trouble) act(list ...scenario.Action) {
	for i := range list {
		list[i].Handover = -1
	}
	w.plan.Actions = append(w.plan.Actions, list...)
	slices.SortStableFunc(w.plan.Actions, func(a, b scenario.Action) int { return cmp.Compare(a.At, b.At) })
}

// cut is a segment that nothing crosses for a while.
func (w *trouble) cut(segment string, from, until time.Duration) {
	for _, s := range w.plan.Segments {
		if s.Name == segment {
			dead := s.Link
			dead.Loss = 1
			w.act(scenario.Action{At: from, Verb: scenario.Degrade, Segment: segment, Link: dead}, scenario.Action{At: until, Verb: scenario.Degrade, Segment: segment, Link: s.Link})
			return
		}
	}
	w.t.Fatalf("no segment %s", segment)
}

// reborn has a node crash and start again.
func (w *trouble) reborn(node string, crash, start time.Duration) {
	w.act(scenario.Action{At: crash, Verb: scenario.Crash, Node: node}, scenario.Action{At: start, Verb: scenario.Restart, Node: node})
}

func (w *trouble) build(n scenario.Node, seed [32]byte) (scenario.Built, error) {
	if script := w.scripts[n.Name]; script != nil {
		e := script(seed)
		w.engines[n.Name] = e
		return scenario.Built{Engines: []scenario.NamedEngine{{Name: "script", Engine: e}}}, nil
	}
	b, err := build(n, seed)
	if err == nil {
		if w.wrap != nil {
			b.Engines[0].Engine = w.wrap(n.Name, b.Engines[0].Engine)
		}
		w.engines[n.Name] = b.Engines[0].Engine
	}
	return b, err
}

func (w *trouble) run() {
	w.t.Helper()
	var err error
	if w.tables, err = profile.NewTable(w.node("aaah").Subscribers); err != nil {
		w.t.Fatal(err)
	}
	ask := func(node string, q engine.Query) engine.Result {
		if node != "aaah" {
			return engine.Result{Err: engine.ErrNoQueries}
		}
		if w.table != nil {
			if r, done := w.table(q); done {
				return r
			}
		}
		return w.answer(q)
	}
	progress := func(at time.Duration) {
		if w.now = at; w.step != nil {
			w.step(at)
		}
	}
	if _, err := sim.Run(sim.Config{Plan: w.plan, Recorder: w, Build: w.build, Tables: ask, Lose: w.lose, Replay: w.replay, Progress: progress}); err != nil {
		w.t.Fatal(err)
	}
}

// answer is that of a database with nothing wrong.
func (w *trouble) answer(q engine.Query) engine.Result {
	value, found, err := w.tables.Ask(q.Table, q.Key, q.Put)
	switch {
	case err != nil:
		return engine.Result{Err: engine.ErrFailed}
	case !found:
		return engine.Result{Err: engine.ErrNotFound}
	}
	return engine.Result{Value: bytes.Clone(value)}
}

func (w *trouble) server(name string) aaa.View { return w.engines[name].View().(aaa.View) }
func (w *trouble) router(name string) *ar.AAAView {
	return w.engines[name].View().(ar.View).AAA
}

// saw counts what a node told of: an event by its name, one of drops or states by its reason, with every detail in details, from a time on.
func (w *trouble) saw(node, what string, from, until time.Duration, details ...string) (n int) {
	for _, e := range w.told {
		if e.node != node || e.at < from || e.at > until || e.Name != what && !((e.Name == engine.EventDrop || e.Name == engine.EventState) && e.Reason == what) {
			continue
		}
		all := true
		for _, d := range details {
			all = all && slices.ContainsFunc(e.Attrs, func(a engine.Attr) bool { return strings.Contains(a.Value, d) })
		}
		if all {
			n++
		}
	}
	return n
}

const always = time.Duration(1<<63 - 1)

// must says that there was at least one such event.
func (w *trouble) must(node, what string, from, until time.Duration, details ...string) {
	w.t.Helper()
	if w.saw(node, what, from, until, details...) == 0 {
		w.t.Errorf("%s: no %s %q from %v to %v\n%s", node, what, details, from, until, w.heard(node, from, until))
	}
}

func (w *trouble) heard(node string, from, until time.Duration) string {
	var b strings.Builder
	for _, e := range w.told {
		if e.node == node && e.at >= from && e.at <= until && b.Len() < 4000 {
			fmt.Fprintf(&b, "  %v %s %s %v\n", e.at, e.Name, e.Reason, e.Attrs)
		}
	}
	return b.String()
}

// in says when a node was let in first after a time; -1: never.
func (w *trouble) in(node string, from time.Duration) time.Duration {
	for _, e := range w.told {
		if e.node == node && e.at >= from && e.Name == scenario.EventAuthenticated {
			return e.at
		}
	}
	return -1
}

// soon says that a node was let in within a time of another.
func (w *trouble) soon(node string, from, within time.Duration) {
	w.t.Helper()
	if at := w.in(node, from); at < 0 || at > from+within {
		w.t.Errorf("%s: let in at %v, want %v after %v at most\n%s", node, at, within, from, w.heard(node, from, from+within))
	}
}

// record is what accounting keeps of one moment of a session.
type record struct {
	Session, Kind, Name string
	Number              uint32
}

// accounts says that of every session that an access router began the records are there, each once: a start and a stop, or a start alone
// of those that are still open; and nothing waits any more.
func (w *trouble) accounts() {
	w.t.Helper()
	seen, kinds := map[string]bool{}, map[string]map[string]int{}
	for _, raw := range w.tables.Records {
		var r record
		if err := json.Unmarshal(raw, &r); err != nil {
			w.t.Fatal(err)
		}
		if k := fmt.Sprint(r.Session, "/", r.Number); !seen[k] { // the database keeps one of each: docs/subscribers.md
			seen[k] = true
			if kinds[r.Session] == nil {
				kinds[r.Session] = map[string]int{}
			}
			kinds[r.Session][r.Kind]++
		}
	}
	open := map[string]bool{}
	for _, name := range []string{"ar1", "ar2", "ar3"} {
		v := w.router(name)
		if v.Books == nil || v.Books.Records != 0 {
			w.t.Errorf("%s: records that wait: %+v", name, v.Books)
		}
		for _, s := range v.Sessions {
			open[s.Session] = true
		}
	}
	ended, granted := 0, 0
	for _, e := range w.told {
		switch {
		case !strings.HasPrefix(e.node, "ar"):
		case e.Name == "access.granted", e.Name == "access.resumed":
			granted++
		case e.Name == "access.ended":
			ended++
		}
	}
	if granted == 0 || len(kinds) == 0 {
		w.t.Fatalf("%d sessions granted, %d accounted for", granted, len(kinds))
	}
	for s, k := range kinds { //order:any
		want := 1
		if open[s] {
			want = 0
		}
		if k["start"] != 1 || k["stop"] != want {
			w.t.Errorf("session %s: %v, open %v", s, k, open[s])
		}
		delete(open, s)
	}
	for s := range open { //order:any
		w.t.Errorf("session %s is open and not accounted for", s)
	}
}

// idle says that no server and no router has anything left of what went on.
func (w *trouble) idle(sessions int) {
	w.t.Helper()
	for _, n := range []string{"aaah", "aaav-a", "aaav-b"} {
		if v := w.server(n); v.Waiting != 0 || v.Conversations != 0 {
			w.t.Errorf("%s: %+v", n, v)
		}
	}
	if v := w.server("aaah"); v.Sessions != sessions || len(v.Home) > 0 && v.Home[0].Used != sessions {
		w.t.Errorf("%d sessions, want %d; %+v", v.Sessions, sessions, v.Home)
	}
	for _, n := range []string{"ar1", "ar2", "ar3"} {
		if v := w.router(n); v.Asking != 0 {
			w.t.Errorf("%s: %+v", n, v)
		}
	}
}

const round = "[{at: 8s, to: ar2}, {at: 14s, to: ar3}, {at: 20s, to: ar1}]"
