package lab

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"roam6/driver"
	"roam6/engine"
	"roam6/scenario"
)

// What the lab itself tells of, beside a node's engines, as the engine ownName.
const (
	EventDetached = "lab.detached" // an interface left its segment by hand; attrs iface, segment
	EventAttached = "lab.attached" // it joined one; attrs iface, segment
	ownName       = "lab"
)

// Told is an event as those see it who follow a lab: when, from the zero of the lab's clock, at which node, of which engine.
type Told struct {
	Node string `json:"node"`
	driver.Told
}

// ErrEnded says that a lab ended, or was killed, before it answered.
var ErrEnded = errors.New("the lab ended before it answered")

// Move is a change of attachment by hand.
type Move struct {
	Node     string        `json:"node"`
	Iface    string        `json:"iface"` // "": the node's first
	Segment  string        `json:"segment"`
	Notice   time.Duration `json:"notice"`   // how long before leaving the node is told of it at most; 0: not at all
	Blackout time.Duration `json:"blackout"` // from leaving to joining
	Limit    time.Duration `json:"limit"`    // how long after joining the node may take to register; 0: nobody waits

	ready chan struct{} // one of its engines has prepared it
}

// MaxMove bounds the times of a Move: longer ones are a mistake, and a node off its segment is not to be forgotten.
const MaxMove = 10 * time.Minute

// Moved is what came of a Move.
type Moved struct {
	Node    string `json:"node"`
	Iface   string `json:"iface"`
	Segment string `json:"segment"`
	// Handover is nil when nobody waited, or the node is none that registers anywhere.
	Handover *scenario.Handover `json:"handover"`
}

// check finds what is wrong with a move in a lab of this status, and fills in the interface.
func (m *Move) check(s Status) error {
	var mobiles []string
	var node *NodeStatus
	for k := range s.Nodes {
		if n := &s.Nodes[k]; n.Mobile {
			mobiles = append(mobiles, n.Name)
			if n.Name == m.Node {
				node = n
			}
		}
	}
	switch {
	case node == nil:
		return fmt.Errorf("there is no mobile node %q; there are: %s", m.Node, strings.Join(mobiles, ", "))
	case !slices.Contains(s.Cells, m.Segment) && slices.Contains(s.Segments, m.Segment):
		return fmt.Errorf("%q is a wire between routers, where no mobile node finds one; the cells are: %s", m.Segment, strings.Join(s.Cells, ", "))
	case !slices.Contains(s.Cells, m.Segment):
		return fmt.Errorf("there is no cell %q; there are: %s", m.Segment, strings.Join(s.Cells, ", "))
	case m.Notice < 0 || m.Notice > MaxMove:
		return fmt.Errorf("a notice of %v: 0 to %v is allowed", m.Notice, MaxMove)
	case m.Blackout < 0 || m.Blackout > MaxMove:
		return fmt.Errorf("a blackout of %v: 0 to %v is allowed", m.Blackout, MaxMove)
	case m.Limit < 0 || m.Limit > MaxMove:
		return fmt.Errorf("a wait of %v: 0 to %v is allowed", m.Limit, MaxMove)
	}
	var names []string
	for _, i := range node.Ifaces {
		names = append(names, i.Name)
	}
	if m.Iface == "" && len(names) > 0 {
		m.Iface = names[0]
	}
	if !slices.Contains(names, m.Iface) {
		return fmt.Errorf("node %s has no interface %q; it has: %s", m.Node, m.Iface, strings.Join(names, ", "))
	}
	return nil
}

// Cells are the segments of a plan that its mobile nodes can be moved to: radio cells, home links (where a single router waits), and
// what a mobile node is on at the start; all where none is a radio cell. The rest are wires between routers and hosts.
func Cells(p *scenario.Plan) []string {
	wired := !slices.ContainsFunc(p.Segments, func(s scenario.Segment) bool { return s.Air })
	guests, others := map[string]int{}, map[string]int{}
	for k := range p.Nodes {
		count := others
		if mobile(p, &p.Nodes[k]) {
			count = guests
		}
		for _, i := range p.Nodes[k].Ifaces {
			count[i.Segment]++
		}
	}
	var names []string
	for _, s := range p.Segments {
		if s.Air || wired || guests[s.Name] > 0 || others[s.Name] == 1 {
			names = append(names, s.Name)
		}
	}
	return names
}

// mobile tells the nodes that move: those whose engines own their links, and plain hosts on a radio cell without an
// address of the plan, in which somebody will run a node by hand.
func mobile(p *scenario.Plan, n *scenario.Node) bool {
	if n.Userland || n.Forward || n.Config != nil {
		return n.Userland
	}
	return slices.ContainsFunc(n.Ifaces, func(i scenario.Iface) bool {
		return len(i.Addrs) == 0 && slices.ContainsFunc(p.Segments, func(s scenario.Segment) bool { return s.Air && s.Name == i.Segment })
	})
}

// handEvent tells of an action done by hand.
func handEvent(verb scenario.Verb, iface, segment string) engine.Event {
	name := EventDetached
	if verb == scenario.Attach {
		name = EventAttached
	}
	return engine.Event{Name: name, Attrs: []engine.Attr{engine.S("iface", iface), engine.S("segment", segment)}}
}
