package scenario

// Moves are the numbers of the actions that are about handovers of an interface, in order.
func (p *Plan) Moves(node, iface string) []int {
	var list []int
	for k, a := range p.Actions {
		if a.Handover >= 0 && a.Node == node && a.Iface == iface && (a.Verb == Hint || a.Verb == Detach || a.Verb == Attach) {
			list = append(list, k)
		}
	}
	return list
}

// Announced finds the two actions of the move that was announced and has not begun, among those of Moves; -1 if there is none.
// done says which actions have been carried out. A world does both ahead of their times when an engine is ready for the segment
// they lead to (engine.Attach); for another segment it does nothing: the radio could not reach it.
func (p *Plan) Announced(moves []int, done []bool) (leave, join int) {
	handover, leave := -1, -1
	for _, k := range moves {
		switch a := &p.Actions[k]; {
		case a.Verb == Hint && done[k]:
			handover, leave = a.Handover, -1
		case a.Verb == Detach && a.Handover == handover && !done[k]:
			leave = k
		case a.Verb == Attach && a.Handover == handover && leave >= 0:
			return leave, k
		}
	}
	return -1, -1
}
