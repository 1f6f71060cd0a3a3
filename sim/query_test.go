package sim

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"roam6/engine"
	"roam6/scenario"
)

// asks runs one node whose engine does on each Command what it is told, and gives its results.
func asks(t *testing.T, c Config, on func(n int, out *engine.Effects), commands ...time.Duration) (l log) {
	t.Helper()
	c.Plan = lone(true)
	c.Plan.Length = 20 * time.Second
	for _, at := range commands {
		c.Plan.Actions = append(c.Plan.Actions, scenario.Action{At: at, Verb: scenario.Command, Node: "n"})
	}
	n := 0
	c.Recorder = newTape()
	c.Build = scripts(map[string]handler{"n": func(_ *script, now engine.Now, in engine.Input, out *engine.Effects) {
		l.note(now, in)
		if _, ok := in.(engine.Command); ok {
			on(n, out)
			n++
		}
	}})
	if _, err := Run(c); err != nil {
		t.Fatal(err)
	}
	return l
}

// What was put is read, in the order of asking; each answer comes when the table's time is over.
func TestQuery(t *testing.T) {
	var rows Rows
	rows.Set("n", "subscriber", "alice", []byte("profile"))
	rows.Set("m", "subscriber", "bob", []byte("another node's"))
	value := []byte("v")
	l := asks(t, Config{Tables: rows.Ask}, func(_ int, out *engine.Effects) {
		out.Query(engine.Query{ID: 7, Table: "subscriber", Key: "alice"})
		out.Query(engine.Query{ID: 8, Table: "subscriber", Key: "bob"})
		out.Query(engine.Query{ID: 9, Table: "accounting", Key: "s;1", Put: value})
		out.Query(engine.Query{ID: 7, Table: "accounting", Key: "s;1"})
	}, time.Second)
	value[0] = 'x' // the engine's again
	at := time.Second + DefaultQueryDelay
	want := log{{at, engine.Result{ID: 7, Value: []byte("profile")}}, {at, engine.Result{ID: 8, Err: engine.ErrNotFound}},
		{at, engine.Result{ID: 9}}, {at, engine.Result{ID: 7, Value: []byte("v")}}}
	if !reflect.DeepEqual(l, want) {
		t.Errorf("got %+v", l)
	}
	if !reflect.DeepEqual(rows.Puts, []Put{{"n", "accounting", "s;1", []byte("v")}}) {
		t.Errorf("puts %+v", rows.Puts)
	}
}

func TestQueryLimits(t *testing.T) {
	one := func(_ int, out *engine.Effects) { out.Query(engine.Query{ID: 1, Table: "t", Key: "k", Put: []byte{}}) }
	if l := asks(t, Config{}, one, time.Second); len(l) != 1 || l[0].at != time.Second || l[0].in.(engine.Result).Err != engine.ErrNoQueries {
		t.Errorf("no tables: %+v", l)
	}
	var rows Rows
	l := asks(t, Config{Tables: rows.Ask, QueryDelay: time.Minute}, one, time.Second)
	if len(l) != 1 || l[0].at != time.Second+QueryTimeout || l[0].in.(engine.Result).Err != engine.ErrTimeout || len(rows.Puts) != 1 {
		t.Errorf("slow: %+v, %d puts", l, len(rows.Puts))
	}
	for _, c := range []struct {
		put, other []byte
		most       int
	}{{nil, []byte{}, MaxQueries}, {[]byte{}, nil, MaxPuts}} {
		l = asks(t, Config{Tables: rows.Ask}, func(_ int, out *engine.Effects) {
			for k := range c.most + 3 {
				out.Query(engine.Query{ID: uint64(k), Table: "t", Key: "k", Put: c.put})
			}
			out.Query(engine.Query{Table: "t", Key: "k", Put: c.other})
		}, time.Second, 2*time.Second)
		words := map[string]int{}
		for _, n := range l {
			words[n.in.(engine.Result).Err]++
		}
		if words[engine.ErrBusy] != 6 || words[""] != 2*c.most+2 {
			t.Errorf("%v", words)
		}
	}
}

// A crash forgets who asked, not what was put.
func TestQueryCrash(t *testing.T) {
	var rows Rows
	p := lone(true)
	p.Actions = []scenario.Action{{At: time.Second, Verb: scenario.Command, Node: "n"}, {At: time.Second, Verb: scenario.Restart, Node: "n"}}
	lives := 0
	_, err := Run(Config{Plan: p, Recorder: newTape(), Tables: rows.Ask, Build: scripts(map[string]handler{"n": func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
		switch in.(type) {
		case engine.Start:
			lives++
		case engine.Command:
			out.Query(engine.Query{ID: 1, Table: "t", Key: fmt.Sprint(lives), Put: []byte("v")})
		case engine.Result:
			t.Error("an answer for the dead")
		}
	}})})
	if err != nil || lives != 2 || len(rows.Puts) != 1 {
		t.Errorf("%v, %d lives, puts %+v", err, lives, rows.Puts)
	}
}

// Subscribers of the plan are asked for where nobody gives other tables, each node's by itself, and what is read is the engine's.
func TestSubscribers(t *testing.T) {
	p := lone(true)
	p.Nodes[0].Subscribers = []byte(`{"nai":"mn@home.example","key":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}` + "\n")
	p.Nodes[0].Principals = []byte(`{"name":"krbtgt/HOME.EXAMPLE@HOME.EXAMPLE","kind":"service","enabled":true,"flags":["server"],` +
		`"keys":[{"kvno":1,"etype":17,"key":"AAAAAAAAAAAAAAAAAAAAAA=="}]}` + "\n")
	ask, err := subscribers(p)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r := ask("n", engine.Query{Table: "subscriber", Key: "mn@HOME.example"})
		if r.Err != "" || len(r.Value) == 0 || r.Value[0] != '{' {
			t.Fatalf("%+v", r)
		}
		r.Value[0] = 'x'
	}
	for _, x := range []struct {
		node string
		q    engine.Query
		want string
	}{
		{"n", engine.Query{Table: "subscriber", Key: "nobody@home.example"}, engine.ErrNotFound},
		{"n", engine.Query{Table: "weather", Key: "x"}, engine.ErrFailed},
		{"n", engine.Query{Table: "principal", Key: "mn@HOME.EXAMPLE"}, ""},
		{"n", engine.Query{Table: "principal", Key: "krbtgt/HOME.EXAMPLE@HOME.EXAMPLE"}, ""},
		{"n", engine.Query{Table: "principal", Key: "host/x@HOME.EXAMPLE"}, engine.ErrNotFound},
		{"n", engine.Query{Table: "principal", Key: "mn@HOME.EXAMPLE", Put: []byte("{}")}, engine.ErrFailed},
		{"n", engine.Query{Table: "accounting", Key: "s", Put: []byte("{}")}, ""},
		{"m", engine.Query{Table: "subscriber", Key: "mn@home.example"}, engine.ErrNoQueries},
	} {
		if r := ask(x.node, x.q); r.Err != x.want {
			t.Errorf("%s, %+v: %q, want %q", x.node, x.q, r.Err, x.want)
		}
	}
	if ask, err := subscribers(lone(true)); ask != nil || err != nil {
		t.Errorf("a plan without subscribers has tables: %v", err)
	}
	p.Nodes[0].Subscribers = []byte(`{"colour":1}`)
	if _, err := Run(Config{Plan: p, Recorder: newTape(), Build: scripts(nil)}); err == nil {
		t.Error("what is no subscriber was taken")
	}
}
