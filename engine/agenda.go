package engine

// Agenda holds one deadline for each of many things that have numbers: a million of them cost 24 octets each. Timers is for
// the few, whose keys say what they are for.
//
// To move a deadline later, which is what most updates of a binding do, costs no more than writing it down: the heap keeps the
// earlier time until that comes up, and looks then. Equal deadlines fire in the order of their numbers. The zero Agenda is ready.
type Agenda struct {
	due   []Mono   // by number; Never: none
	place []uint32 // by number: where in the heap, plus one; 0: not in it
	at    []Mono   // the heap, four children each: when to look, not after the deadline
	who   []uint32 // the heap: whose
}

// agendaFan is the children of a place in the heap: with four, half as many places on the way down as with two.
const agendaFan = 4

// Grow makes room for numbers below n, so that a world that knows them all pays for no more.
func (a *Agenda) Grow(n int) {
	for len(a.due) < n {
		if a.due == nil {
			a.due, a.place = make([]Mono, 0, n), make([]uint32, 0, n)
		}
		a.due, a.place = append(a.due, Never), append(a.place, 0)
	}
}

// Set gives a number a deadline in place of the one it had. Never takes it away.
func (a *Agenda) Set(number uint32, at Mono) {
	if at == Never {
		a.Stop(number)
		return
	}
	a.Grow(int(number) + 1)
	a.due[number] = at
	switch i := int(a.place[number]) - 1; {
	case i < 0:
		a.at, a.who = append(a.at, at), append(a.who, number)
		a.up(len(a.at)-1, at, number)
	case at < a.at[i]:
		a.up(i, at, number)
	}
}

// Stop takes the deadline of a number away, if it has one.
func (a *Agenda) Stop(number uint32) {
	if int(number) >= len(a.due) || a.place[number] == 0 {
		return
	}
	i, last := int(a.place[number])-1, len(a.at)-1
	a.due[number], a.place[number] = Never, 0
	at, who := a.at[last], a.who[last]
	a.at, a.who = a.at[:last], a.who[:last]
	if i < last {
		a.up(a.down(i, at, who), at, who)
	}
}

// Armed is the deadline of a number, and whether it has one.
func (a *Agenda) Armed(number uint32) (Mono, bool) {
	if int(number) >= len(a.due) {
		return Never, false
	}
	return a.due[number], a.due[number] != Never
}

// Next is the earliest deadline and whose it is; Never if there is none.
func (a *Agenda) Next() (Mono, uint32) {
	for len(a.at) > 0 {
		who := a.who[0]
		if a.at[0] == a.due[who] {
			return a.at[0], who
		}
		a.down(0, a.due[who], who) // it was moved later
	}
	return Never, 0
}

// Pop takes the earliest deadline that is due at now or before away, and gives its number.
func (a *Agenda) Pop(now Mono) (uint32, bool) {
	at, who := a.Next()
	if at > now || at == Never {
		return 0, false
	}
	a.Stop(who)
	return who, true
}

// Len is the number of deadlines.
func (a *Agenda) Len() int { return len(a.at) }

// before is the order of the heap.
func (a *Agenda) before(i int, at Mono, who uint32) bool {
	return a.at[i] < at || a.at[i] == at && a.who[i] < who
}

// up puts something at a place or above it.
func (a *Agenda) up(i int, at Mono, who uint32) {
	for i > 0 {
		parent := (i - 1) / agendaFan
		if a.before(parent, at, who) {
			break
		}
		a.put(i, a.at[parent], a.who[parent])
		i = parent
	}
	a.put(i, at, who)
}

// down puts something at a place or below it, and says where.
func (a *Agenda) down(i int, at Mono, who uint32) int {
	for {
		least := i
		leastAt, leastWho := at, who
		for c := agendaFan*i + 1; c <= agendaFan*i+agendaFan && c < len(a.at); c++ {
			if a.before(c, leastAt, leastWho) {
				least, leastAt, leastWho = c, a.at[c], a.who[c]
			}
		}
		a.put(i, leastAt, leastWho)
		if least == i {
			return i
		}
		i = least
	}
}

func (a *Agenda) put(i int, at Mono, who uint32) {
	a.at[i], a.who[i] = at, who
	a.place[who] = uint32(i + 1)
}
