package sim

import (
	"errors"
	"fmt"

	"roam6/engine"
	"roam6/scenario"
)

func (w *world) checkAction(a scenario.Action) error {
	n := w.byName[a.Node]
	switch a.Verb {
	case scenario.Detach, scenario.Attach, scenario.Hint:
		if n == nil {
			return fmt.Errorf("there is no node %q", a.Node)
		}
		if n.byIface(a.Iface) == nil {
			return fmt.Errorf("node %q has no interface %q", a.Node, a.Iface)
		}
		if a.Verb != scenario.Detach && w.segByName[a.Segment] == nil {
			return fmt.Errorf("there is no segment %q", a.Segment)
		}
	case scenario.Crash, scenario.Restart, scenario.Command:
		if n == nil {
			return fmt.Errorf("there is no node %q", a.Node)
		}
		if n.plan.Config == nil {
			return fmt.Errorf("node %q runs no engine", a.Node)
		}
	case scenario.Degrade:
		if w.segByName[a.Segment] == nil {
			return fmt.Errorf("there is no segment %q", a.Segment)
		}
	case scenario.Mark:
	default:
		return errors.New("the verb is not one of detach, attach, hint, crash, restart, degrade, command, mark")
	}
	return nil
}

// act carries out Plan.Actions[k], if it was not done ahead of its time. It is told before what follows from it.
func (w *world) act(k int) {
	if w.done[k] {
		return
	}
	w.done[k] = true
	a := w.plan.Actions[k]
	w.rec.Did(w.now, k)
	n := w.byName[a.Node]
	switch a.Verb {
	case scenario.Detach:
		if i := n.byIface(a.Iface); i.seg != nil {
			i.unplug(w.now)
		}
	case scenario.Attach:
		i := n.byIface(a.Iface)
		if i.seg != nil {
			i.unplug(w.now)
		}
		i.plug(w.segByName[a.Segment])
		if a.Handover >= 0 {
			w.stats.Handovers++
		}
	case scenario.Hint:
		if i := n.byIface(a.Iface); i.port > 0 && i.seg != nil {
			s := w.segByName[a.Segment]
			n.offer(engine.LinkHint{Port: i.port, Attachment: s.name, HW: s.hw, In: a.Notice})
		}
	case scenario.Crash:
		n.crash()
	case scenario.Restart:
		n.crash()
		n.start()
	case scenario.Degrade:
		w.segByName[a.Segment].degrade(a.Link)
	case scenario.Command:
		n.offer(a.Command)
	}
}

// commanded makes the announced move of an interface to a cell happen now: an engine says that it is ready for it. A cell
// that the plan does not take the interface to next is none that the radio could reach: nothing happens.
func (w *world) commanded(n *node, e engine.Attach) {
	i := n.byPort(e.Port)
	if i == nil || i.seg == nil {
		return
	}
	leave, join := w.plan.Announced(w.moves[i.id], w.done)
	if join < 0 || w.plan.Actions[join].Segment != e.Attachment {
		return
	}
	blackout := w.plan.Actions[join].At - w.plan.Actions[leave].At
	w.heap.push(event{at: w.now, kind: evAction, a: int32(leave)})
	w.heap.push(event{at: w.now + blackout, kind: evAction, a: int32(join)})
}

// indexMoves notes which actions are about the handovers of which interface.
func (w *world) indexMoves() {
	for k, a := range w.plan.Actions {
		if a.Handover >= 0 && (a.Verb == scenario.Hint || a.Verb == scenario.Detach || a.Verb == scenario.Attach) {
			i := w.byName[a.Node].byIface(a.Iface)
			put(&w.moves, i.id, append(w.moves[i.id], k))
		}
	}
}
