package admit

import (
	"fmt"
	"slices"

	"roam6/plane"
	"roam6/wire/access"
)

// state is where an exchange stands.
type state uint8

const (
	fresh    state = iota // taken
	checking              // duplicate detection of the care-of address is under way
	waiting               // the role has the request
	answered              // the reply is kept, to be given again
	gone
)

func (s state) String() string {
	return [...]string{"fresh", "checking", "waiting", "answered", "gone"}[s]
}

// edges are the steps there are.
var edges = map[state][]state{
	fresh:    {checking, waiting},
	checking: {waiting, answered, gone},
	waiting:  {answered, gone},
	answered: {gone},
}

// exchange is one request and what became of it.
type exchange struct {
	key
	state  state
	handle Handle
	kind   int
	hw     plane.HW
	digest digest
	ask    *access.Request // while checking
	reply  [][]byte        // answered: whole packets
}

// become takes a step. What an exchange holds of what is limited follows from its state alone.
func (c *Client) become(e *exchange, to state) {
	if !slices.Contains(edges[e.state], to) {
		panic(fmt.Sprintf("admit: no step from %v to %v", e.state, to))
	}
	was := e.state
	e.state = to
	if was == fresh {
		c.exchanges[e.key], c.handles[e.handle] = e, e
		c.used[e.kind]++
		l := c.loadOf(e.src)
		l.waiting = append(l.waiting, e)
	}
	if to != answered && to != gone {
		return
	}
	e.ask = nil
	if was == answered {
		c.answered.Stop(e.key)
	} else {
		delete(c.handles, e.handle)
		c.pending.Stop(e.key)
		c.used[e.kind]--
		l := c.sources[e.src]
		l.waiting = slices.DeleteFunc(l.waiting, func(x *exchange) bool { return x == e })
		c.unload(e.src)
	}
	if to == gone {
		delete(c.exchanges, e.key)
	}
}
