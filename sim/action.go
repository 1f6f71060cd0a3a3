package sim

import (
	"errors"
	"fmt"

	"roam6/scenario"
)

func (w *world) checkAction(a scenario.Action) error {
	n := w.byName[a.Node]
	switch a.Verb {
	case scenario.Detach, scenario.Attach:
		if n == nil {
			return fmt.Errorf("there is no node %q", a.Node)
		}
		if n.byIface(a.Iface) == nil {
			return fmt.Errorf("node %q has no interface %q", a.Node, a.Iface)
		}
		if a.Verb == scenario.Attach && w.segByName[a.Segment] == nil {
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
		return errors.New("the verb is not one of detach, attach, crash, restart, degrade, command, mark")
	}
	return nil
}

// act carries out Plan.Actions[k]. It is told before what follows from it.
func (w *world) act(k int) {
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
