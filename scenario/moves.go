package scenario

import "time"

// act adds an action.
func (b *builder) act(a Action) { b.plan.Actions = append(b.plan.Actions, a) }

// moves turns the file's moves into actions. Moves of mn are made by its replicas too, each as much later as its start
// was. A move's actions carry its number for now: see number.
func (b *builder) moves() {
	n := 0
	for _, m := range b.s.Moves {
		node := or(m.Node, "mn")
		replicas := 1
		if node == "mn" && b.s.Topology == TwoOperators {
			replicas = b.o.Nodes
		}
		for i := range replicas {
			later := time.Duration(0)
			if replicas > 1 {
				node, later = mobileName(i), b.later(i)
			}
			b.move(m, node, m.At+later, n)
			n++
		}
	}
}

func (b *builder) move(m Move, node string, at time.Duration, number int) {
	switch {
	case m.Lose != "":
		b.act(Action{At: at, Verb: Detach, Node: node, Iface: m.Lose, Handover: number})
	case m.Regain != "":
		b.act(Action{At: at, Verb: Attach, Node: node, Iface: m.Regain, Segment: m.To, Handover: number})
	default:
		blackout := b.s.Radio.Blackout
		if m.Blackout != nil {
			blackout = *m.Blackout
		}
		iface := or(m.Iface, "wlan0")
		if m.Notice > 0 {
			b.act(Action{At: at - m.Notice, Verb: Hint, Node: node, Iface: iface, Segment: or(m.Hint, m.To), Handover: number, Notice: m.Notice})
		}
		b.act(Action{At: at, Verb: Detach, Node: node, Iface: iface, Handover: number})
		b.act(Action{At: at + blackout, Verb: Attach, Node: node, Iface: iface, Segment: m.To, Handover: number})
	}
}

// number counts the handovers again, in order of time.
func (b *builder) number() {
	order := map[int]int{}
	for i := range b.plan.Actions {
		a := &b.plan.Actions[i]
		if a.Verb == Hint {
			continue
		}
		if (a.Verb != Detach && a.Verb != Attach) || a.Handover < 0 {
			a.Handover = -1
			continue
		}
		n, ok := order[a.Handover]
		if !ok {
			n = len(order)
			order[a.Handover] = n
		}
		a.Handover = n
	}
	for i := range b.plan.Actions {
		if a := &b.plan.Actions[i]; a.Verb == Hint { // it comes before what it is about
			a.Handover = order[a.Handover]
		}
	}
}

// faults turns the file's actions into the plan's.
func (b *builder) faults() {
	for i, f := range b.s.Actions {
		a := Action{At: f.At, Handover: -1, Note: f.Mark}
		switch {
		case f.Crash != "":
			a.Verb, a.Node = Crash, f.Crash
		case f.Restart != "":
			a.Verb, a.Node = Restart, f.Restart
		case f.Degrade != "":
			a.Verb, a.Segment, a.Link = Degrade, f.Degrade, f.Link.model()
		case f.Command != nil:
			a.Verb, a.Node = Command, f.Command.Node
			a.Command.ID, a.Command.Verb, a.Command.Args = uint64(i+1), f.Command.Verb, f.Command.Args
		default:
			a.Verb = Mark
		}
		b.act(a)
	}
}
