package ar

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/handover/fmipv6"
	"roam6/keying/aaa"
	"roam6/plane"
)

// standing is what a mobile node on a link may do.
type standing uint8

const (
	unknown     standing = iota
	provisional          // a neighbouring router announced it: Grace, until it has authenticated itself
	spent                // it has not; what is left of MaxGrace counts for GraceRest
	admitted             // the home network vouches for it
	ended
)

func (s standing) String() string {
	return [...]string{"unknown", "provisional", "spent", "admitted", "ended"}[s]
}

// guest reports whether who stands so is here on another's word.
func (s standing) guest() bool { return s == provisional || s == spent }

// open reports whether who stands so may send.
func (s standing) open() bool { return s == provisional || s == admitted }

// steps are the changes there are. Who authenticates again is admitted anew.
var steps = map[standing][]standing{
	unknown:     {provisional, admitted},
	provisional: {admitted, spent, ended},
	spent:       {admitted, provisional, ended},
	admitted:    {admitted, ended},
}

// session is a mobile node that may send.
type session struct {
	standing standing
	coa      netip.Addr
	door     *door
	hw       plane.HW
	id       string // Session-Id
	name     string // aaa.Identity
	user     string // NAI
	home     netip.Addr
	agent    netip.Addr
	by       netip.Addr    // the neighbouring router that announced it
	begun    engine.Mono   // when it was let in provisionally, the last time
	used     time.Duration // of MaxGrace, before that
	ends     engine.Mono
	key      *sharedKey // of mobile node and access router; nil: none was asked for
}

// station is a mobile node at one of its interfaces. It has one session at this router: whoever has authenticated itself from another address is
// not to be found at the one before, on whichever link that was. Another interface of the mobile node may have a session beside it.
type station struct {
	name string // aaa.Identity
	hw   plane.HW
}

// settle makes a session the one of its station, and ends the one before.
//
// spec DM-09 DM-22
func (g *gatekeeper) settle(now engine.Now, s *session, name string, hw plane.HW, out *engine.Effects) {
	g.unsettle(s)
	s.name, s.hw = name, hw
	at := station{name, hw}
	if old := g.stations[at]; old != nil {
		g.become(now, old, ended, "another address", out)
	}
	g.stations[at] = s
}

func (g *gatekeeper) unsettle(s *session) {
	if at := (station{s.name, s.hw}); g.stations[at] == s {
		delete(g.stations, at)
	}
}

// sharedKey is what a mobile node and this router share, for what crosses the link (draft-le §10).
type sharedKey struct {
	session          aaa.Session
	mnSPI, routerSPI uint32
	lifetime         time.Duration
}

// become takes a step. The gate follows from the standing alone.
func (g *gatekeeper) become(now engine.Now, s *session, to standing, why string, out *engine.Effects) {
	if !slices.Contains(steps[s.standing], to) {
		panic(fmt.Sprintf("ar: no step from %v to %v", s.standing, to))
	}
	was := s.standing
	s.standing = to
	g.sessions[s.coa] = s
	g.countGuest(s, was, to)
	if was.open() != to.open() {
		g.gate(s, !to.open(), out)
	}
	if to != ended {
		return
	}
	delete(g.sessions, s.coa)
	g.unsettle(s)
	g.timers.Stop(s.coa)
	if s.key != nil {
		s.key.session.Erase()
		s.key = nil
	}
	if was == admitted {
		out.Persist(stayBucket, s.coa.String(), nil)
	}
	if g.books != nil && was == admitted {
		g.books.close(now, s.id, out)
	}
	if was != spent {
		out.Event("access.ended", engine.A("coa", s.coa), engine.S("nai", s.user), engine.S("why", why))
	}
}

// gate opens the gate of a mobile node, or leaves it to that of the whole link, which is closed.
func (g *gatekeeper) gate(s *session, gone bool, out *engine.Effects) {
	if g.cfg.Gate {
		key := plane.GateKey{From: netip.PrefixFrom(s.coa, s.coa.BitLen()), Port: s.door.port}
		out.Plane(plane.Op{Delete: gone, Gate: &plane.GateOp{Key: key, Gate: plane.Gate{Open: !gone}}})
	}
}

// countGuest keeps account of those that are here on others' words.
func (g *gatekeeper) countGuest(s *session, was, to standing) {
	switch {
	case !was.guest() && to.guest():
		g.guests++
		g.wordsOf[s.by]++
	case was.guest() && !to.guest():
		g.guests--
		if g.wordsOf[s.by]--; g.wordsOf[s.by] == 0 {
			delete(g.wordsOf, s.by)
		}
	}
}

// room says whether an address may have a session. Those that are here on others' words take nobody's room.
func (g *gatekeeper) room(coa netip.Addr) bool {
	s := g.sessions[coa]
	return s != nil && !s.standing.guest() || len(g.sessions)-g.guests < MaxSessions
}

// announced lets a node in provisionally that a neighbouring router has announced under ESP, or that came after it was: on that router's
// word alone, so for MaxGrace at most until it has been quiet for GraceRest. What a word did not use is left for the next one. It reports whether
// the node can count on Grace from now on.
//
// spec DM-09
func (g *gatekeeper) announced(now engine.Now, w fmipv6.Word, out *engine.Effects) bool {
	d, s := g.doorOf(w.Port), g.sessions[w.CoA]
	switch {
	case d == nil || !g.cfg.Gate || s != nil && s.standing == admitted:
		return true
	case s == nil && (g.guests >= MaxGuests || g.wordsOf[w.By] >= MaxWords):
		out.Drop("announced-full", engine.A("coa", w.CoA), engine.A("by", w.By))
		return false
	case s != nil && s.standing == spent && s.used+Grace > MaxGrace:
		out.Drop("announced-again", engine.A("coa", w.CoA), engine.A("by", w.By))
		return false
	}
	if s == nil {
		s = &session{coa: w.CoA, door: d, hw: w.HW, by: w.By}
	}
	if s.standing != provisional {
		s.begun = now.Mono
		g.become(now, s, provisional, "", out)
		out.Event("access.provisional", engine.A("coa", w.CoA), engine.S("for", Grace.String()))
	}
	s.ends = min(now.Mono.Add(Grace), s.begun.Add(MaxGrace-s.used))
	g.timers.Set(w.CoA, s.ends)
	return s.ends.Sub(now.Mono) >= Grace
}

// mayAnnounce says whether this router gives its word for a node to its neighbours: if the home network vouches for the node here. So words
// are no chain, and a handover key alone opens no gate.
//
// spec DM-09
func (g *gatekeeper) mayAnnounce(coa netip.Addr, hw plane.HW) bool {
	if !slices.ContainsFunc(g.doors, func(d *door) bool { return d.prefix.Contains(coa) }) {
		return true // nobody is asked there
	}
	s := g.sessions[coa]
	return s != nil && s.standing == admitted && s.hw == hw
}

// sessionDue ends a session whose time is over. One that was provisional is remembered for a while.
func (g *gatekeeper) sessionDue(now engine.Now, coa netip.Addr, out *engine.Effects) {
	s := g.sessions[coa]
	switch {
	case s == nil:
	case s.standing == provisional:
		g.become(now, s, spent, "", out)
		s.used += s.ends.Sub(s.begun) // a timer comes up a little late
		s.ends = now.Mono.Add(GraceRest)
		g.timers.Set(coa, s.ends)
		out.Event("access.ended", engine.A("coa", coa), engine.S("nai", s.user), engine.S("why", "not authenticated"))
	default:
		g.become(now, s, ended, "lifetime", out)
	}
}

// list gives the sessions in the order of their addresses.
func (g *gatekeeper) list() []*session {
	all := make([]*session, 0, len(g.sessions))
	for _, s := range g.sessions { //order:any — sorted below
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *session) int { return a.coa.Compare(b.coa) })
	return all
}

// AAAView is what the AAA client of a router shows.
type AAAView struct {
	Network  string        `json:"network"`
	Clients  []any         `json:"clients"`
	Asking   int           `json:"asking"` // requests on their way to the AAA servers
	Sessions []SessionView `json:"sessions"`
	Books    *BooksView    `json:"accounting,omitempty"`
	Peers    any           `json:"peers"`
}

// SessionView is one session.
type SessionView struct {
	CoA      string      `json:"coa"`
	Standing string      `json:"standing"` // "provisional", "spent" or "admitted"
	User     string      `json:"user,omitempty"`
	Home     string      `json:"home,omitempty"`
	Agent    string      `json:"agent,omitempty"`
	Session  string      `json:"session,omitempty"`
	Ends     engine.Mono `json:"ends"`
	Keyed    bool        `json:"keyed"` // mobile node and router share a key
}

func (g *gatekeeper) view() *AAAView {
	v := &AAAView{Network: g.cfg.Network, Asking: len(g.asks), Peers: g.node.View(), Books: g.books.view(), Sessions: []SessionView{}}
	for _, d := range g.doors {
		v.Clients = append(v.Clients, d.client.View())
	}
	for _, s := range g.list() {
		v.Sessions = append(v.Sessions, SessionView{s.coa.String(), s.standing.String(), s.user, text(s.home), text(s.agent), s.id, s.ends, s.key != nil})
	}
	return v
}

func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
