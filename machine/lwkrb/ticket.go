package lwkrb

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"roam6/engine"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// MaxTickets is how many tickets a mobile node holds; with more, the one that ends first goes.
const MaxTickets = 64

// Ticket is a lightweight ticket with what its owner knows of it.
type Ticket struct {
	lw.Ticket
	Client     lw.Principal
	Start, End time.Time // of the ticket of Kerberos V5 issued beside it
	session    lk.Session
}

// NewTicket takes what a KDC's reply has: the sealed ticket (wire/lwkrb.ParseTicket), and of the ticket of Kerberos V5 beside it the session
// key, client and times. The octets of the key are not kept.
//
// spec FH-14 FH-16
func NewTicket(t lw.Ticket, v5 []byte, client lw.Principal, start, end time.Time) (Ticket, error) {
	if !client.Valid() || !end.After(start) {
		return Ticket{}, fmt.Errorf("lwkrb: a ticket for %q from %v to %v; use NAME@REALM, and an end behind the start", client, start, end)
	}
	key, err := lk.SessionKey(v5, string(client), string(t.Key.Principal))
	if err != nil {
		return Ticket{}, err
	}
	defer clear(key)
	s, err := lk.NewSession(key)
	if err != nil {
		return Ticket{}, err
	}
	t.Sealed = slices.Clone(t.Sealed)
	return Ticket{Ticket: t, Client: client, Start: start, End: end, session: s}, nil
}

// Put holds a ticket, in place of one that the same principal's key seals.
func (m *Mobile) Put(t Ticket) {
	m.Remove(t.Key.Principal)
	if len(m.tickets) >= MaxTickets {
		m.Remove(slices.MinFunc(m.tickets, sooner).Key.Principal)
	}
	m.tickets = append(m.tickets, t)
}

func sooner(a, b Ticket) int {
	return cmp.Or(a.End.Compare(b.End), cmp.Compare(a.Key.Principal, b.Key.Principal))
}

// Remove lets go of the ticket that a principal's key seals, if there is one. What was asked with it goes on.
func (m *Mobile) Remove(sealer lw.Principal) {
	i := slices.IndexFunc(m.tickets, func(t Ticket) bool { return t.Key.Principal == sealer })
	if i >= 0 {
		m.tickets[i].session.Erase()
		m.tickets = slices.Delete(m.tickets, i, i+1)
	}
}

// Choice is one ticket that can be used at an access router.
type Choice struct {
	Case   lw.Case
	Sealer lw.Principal
	End    time.Time
}

// Choices are the tickets that are good at an access router now, the best first: the lowest case, of those the router's own before its domain's, and
// what ends last.
//
// spec FH-13 FH-14 FH-15
func (m *Mobile) Choices(now engine.Now, router lw.Principal) (list []Choice) {
	wall := m.wall(now, router)
	for _, t := range m.tickets {
		body := lw.TicketBody{Start: t.Start, End: t.End}
		if c := lw.CaseOf(t.Key.Principal, router); c != lw.CaseNone && body.Check(wall) == nil {
			list = append(list, Choice{c, t.Key.Principal, t.End})
		}
	}
	slices.SortFunc(list, func(a, b Choice) int {
		return cmp.Or(cmp.Compare(a.Case, b.Case), -compareBool(a.Sealer == router, b.Sealer == router), b.End.Compare(a.End), cmp.Compare(a.Sealer, b.Sealer))
	})
	return list
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (m *Mobile) ticket(sealer lw.Principal) (Ticket, bool) {
	i := slices.IndexFunc(m.tickets, func(t Ticket) bool { return t.Key.Principal == sealer })
	if i < 0 {
		return Ticket{}, false
	}
	return m.tickets[i], true
}
