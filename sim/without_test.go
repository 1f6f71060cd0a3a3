package sim

import (
	"reflect"
	"testing"

	"roam6/engine"
)

// An engine that asks for what this world does not carry out is told so, once for each that has an answer, and after the
// effects of the same input.
func TestWithout(t *testing.T) {
	var got []engine.Input
	run(t, lone(true), map[string]handler{"n": func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
		switch in.(type) {
		case engine.Start:
			out.Listen(engine.Listen{Name: "peers"})
			out.Dial(engine.Dial{Conn: 1})
			out.Write(1, []byte("x"))
			out.Close(1)
			out.Query(engine.Query{ID: 7})
		case engine.Closed, engine.Result:
			got = append(got, in)
		}
	}})
	want := []engine.Input{
		engine.Closed{Listener: "peers", Reason: engine.ReasonNoStreams},
		engine.Closed{Conn: 1, Reason: engine.ReasonNoStreams},
		engine.Result{ID: 7, Err: engine.ErrNoQueries},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}
