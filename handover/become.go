package handover

import (
	"slices"

	"roam6/engine"
)

// Become changes the state of a strategy's machine along one of its edges and tells of it. Any other change is a mistake of the
// program: it panics.
func Become[S ~string](machine string, edges map[S][]S, at *S, next S, why string, out *engine.Effects) {
	if *at == next {
		return
	}
	if !slices.Contains(edges[*at], next) {
		panic(machine + ": no edge from " + string(*at) + " to " + string(next) + " (" + why + ")")
	}
	out.List = append(out.List, engine.Event{
		Name: engine.EventState, Reason: why,
		Attrs: []engine.Attr{engine.S("machine", machine), engine.S("from", string(*at)), engine.S("to", string(next))},
	})
	*at = next
}
