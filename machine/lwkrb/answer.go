package lwkrb

import (
	"slices"
	"strconv"

	"roam6/engine"
	lw "roam6/wire/lwkrb"
)

// Heard takes what an access router says: an ap-rep or an error. The facts are a *Session and the exchange is over; or another *Request, with
// Renew before it, or a Hint; or Failed; or none.
//
// spec FH-10 FH-18
func (m *Mobile) Heard(now engine.Now, octets []byte, out *engine.Effects) []Fact {
	msg, err := lw.Parse(octets)
	if err != nil {
		return m.drop("lwkrb-malformed", out)
	}
	switch msg := msg.(type) {
	case *lw.Reply:
		if i := m.find(msg.ID); i >= 0 {
			return m.reply(now, i, octets, msg, out)
		}
	case *lw.Error:
		if i := m.find(msg.ID); i >= 0 {
			return m.refused(now, i, msg, out)
		}
	default:
		return m.drop("lwkrb-unexpected", out)
	}
	return m.drop("lwkrb-unasked", out)
}

func (m *Mobile) drop(reason string, out *engine.Effects) []Fact {
	m.count.Dropped++
	out.Drop(reason)
	return nil
}

func (m *Mobile) find(id uint32) int {
	return slices.IndexFunc(m.attempts, func(a attempt) bool { return a.id == id })
}

// reply takes an ap-rep for an attempt.
//
// spec FH-10 FH-16
func (m *Mobile) reply(now engine.Now, i int, octets []byte, msg *lw.Reply, out *engine.Effects) []Fact {
	a := m.attempts[i]
	plain, err := a.access.OpenReply(octets[:lw.HeaderLen], msg.Sealed)
	if err != nil {
		return m.drop("lwkrb-reply-forged", out)
	}
	body, err := lw.ParseReplyBody(plain)
	if err != nil {
		return m.drop("lwkrb-malformed", out)
	}
	m.correct(now, body.Time)
	if err := body.CheckGrant(m.wish.Want, a.End); err != nil {
		m.forget(i)
		out.Drop("lwkrb-grant", engine.S("router", string(m.wish.Router)))
		return m.fail(lw.Policy, true, out)
	}
	s := &Session{Case: a.Case, Router: m.wish.Router, Client: a.client, CareOf: m.wish.CareOf, LinkLayer: m.wish.LinkLayer, Granted: body.Granted,
		SPIToRouter: body.SPI, SPIToMobile: m.wish.SPI, Until: a.since.Add(body.Lifetime), TicketEnd: a.End}
	s.keys(a.access, msg.Sealed)
	m.attempts = slices.Delete(m.attempts, i, i+1)
	m.Stop() // the others: who answers them later finds nobody
	m.count.Agreed++
	out.Event("lwkrb.agreed", engine.S("router", string(s.Router)), engine.S("ticket", string(a.Sealer)), engine.S("case", caseName(a.Case)),
		engine.S("for", body.Lifetime.String()))
	return []Fact{s}
}

// refused takes an error for an attempt. Only one that is proven ends it or sets a clock.
//
// spec FH-18
func (m *Mobile) refused(now engine.Now, i int, msg *lw.Error, out *engine.Effects) []Fact {
	a := &m.attempts[i]
	if msg.MAC == nil {
		if a.doubted { // one hint for each ap-req: more cost nothing
			return m.drop("lwkrb-hint-again", out)
		}
		a.doubted, m.hint, m.proven = true, msg.Code, false
		m.count.Hints++
		out.Event("lwkrb.hint", engine.S("router", string(m.wish.Router)), engine.A("code", msg.Code))
		return m.next(now, out)
	}
	key := a.access.ErrorKey()
	defer key.Erase()
	if !key.Verify(msg.Covered(), msg.MAC) {
		return m.drop("lwkrb-error-forged", out)
	}
	c := a.Choice
	m.forget(i)
	m.hint, m.proven = msg.Code, true
	out.Event("lwkrb.refused", engine.S("router", string(m.wish.Router)), engine.S("ticket", string(c.Sealer)), engine.A("code", msg.Code))
	if msg.Code == lw.Skew {
		m.correct(now, msg.Time)
	}
	return m.after(now, c, msg.Code, out)
}

// after does what docs/lwkrb.md says of a proven error.
func (m *Mobile) after(now engine.Now, c Choice, code lw.Code, out *engine.Effects) (facts []Fact) {
	switch code {
	case lw.Repeat, lw.Skew:
		if f := m.attempt(now, c, out); f != nil {
			return []Fact{f}
		}
	case lw.Expired, lw.NotYetValid:
		facts = []Fact{Renew{c.Sealer}}
	case lw.UnknownRouter, lw.BadMatch, lw.NoKey, lw.BadKeyVersion, lw.BadIntegrity, lw.Unavailable, lw.NoKDC, lw.SilentKDC:
	default: // not this router, address or realm; policy, and what nobody knows: another ticket of the same user will not help
		return m.fail(code, true, out)
	}
	return append(facts, m.next(now, out)...)
}

// forget ends one attempt.
func (m *Mobile) forget(i int) {
	m.attempts[i].access.Erase()
	m.attempts = slices.Delete(m.attempts, i, i+1)
}

// MobileView is what a Mobile shows.
type MobileView struct {
	Tickets []TicketView     `json:"tickets"`
	Clocks  map[string]int64 `json:"clocks_s"` // seconds that a realm is ahead of us
	Router  string           `json:"router,omitempty"`
	Waiting []string         `json:"waiting,omitempty"` // tickets of the ap-reqs under way
	Counts  Counts           `json:"counts"`
}

// TicketView is one ticket.
type TicketView struct {
	Sealer string `json:"sealer"`
	Client string `json:"client"`
	Start  int64  `json:"start"` // seconds since 1970
	End    int64  `json:"end"`
}

// View shows the mobile node's end.
func (m *Mobile) View() MobileView {
	v := MobileView{Clocks: map[string]int64{}, Counts: m.count}
	for _, t := range m.tickets {
		v.Tickets = append(v.Tickets, TicketView{string(t.Key.Principal), string(t.Client), t.Start.Unix(), t.End.Unix()})
	}
	for _, c := range m.clocks {
		v.Clocks[c.realm] = int64(c.ahead.Seconds())
	}
	for _, a := range m.attempts {
		v.Router = string(m.wish.Router)
		v.Waiting = append(v.Waiting, string(a.Sealer))
	}
	return v
}

func caseName(c lw.Case) string { return strconv.Itoa(int(c)) }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
