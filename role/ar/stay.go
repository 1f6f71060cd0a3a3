package ar

import (
	"encoding/json"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/plane"
)

// Who was let in stays in when the router is started again. That its gates are closed he would hear (epoch.go), but he and all others would have to
// authenticate anew for it. The key with the router is not kept: it belongs to a life of the router, as nothing is protected by it yet.

// stayBucket holds sessions by care-of address.
const stayBucket = "ar/session"

// stay is a session as it is stored.
type stay struct {
	Port    plane.Port `json:"port"`
	HW      plane.HW   `json:"hw"`
	Session string     `json:"session"`
	Name    string     `json:"name"`
	User    string     `json:"user,omitempty"`
	Home    netip.Addr `json:"home,omitzero"`
	Agent   netip.Addr `json:"agent,omitzero"`
	Ends    int64      `json:"ends"` // seconds since 1970
	Life    int64      `json:"life"` // seconds it had left when it was stored: a clock that was stepped back prolongs nothing
}

// keep stores a session. It comes behind the reply, which does not wait for it.
func (s *session) keep(now engine.Now, out *engine.Effects) {
	left := s.ends.Sub(now.Mono)
	value, _ := json.Marshal(stay{s.door.port, s.hw, s.id, s.name, s.user, s.home, s.agent, now.Wall.Add(left).Unix(), int64((left + time.Second - 1) / time.Second)})
	out.Persist(stayBucket, s.coa.String(), value)
}

// resume opens the gates for those who were in when an earlier life of the router ended, until their time is over. Their accounts have been
// closed with that life (books.restore), so that they have others from now on.
//
// spec DM-09
func (g *gatekeeper) resume(now engine.Now, records []engine.Record, out *engine.Effects) {
	for _, r := range records {
		if r.Bucket != stayBucket {
			continue
		}
		var x stay
		coa, err := netip.ParseAddr(r.Key)
		if err == nil {
			err = json.Unmarshal(r.Value, &x)
		}
		if err != nil || x.Session == "" {
			out.Drop("session-unreadable", engine.S("key", r.Key))
			out.Persist(stayBucket, r.Key, nil)
			for _, d := range g.doors { // whose it was nobody knows
				d.epoch = 0
			}
			continue
		}
		d, left := g.doorOf(x.Port), min(time.Unix(x.Ends, 0).Sub(now.Wall), time.Duration(x.Life)*time.Second)
		if d == nil || left <= 0 || g.sessions[coa] != nil || !g.room(coa) || !g.books.room(x.User) {
			out.Persist(stayBucket, r.Key, nil)
			if d != nil && left > 0 {
				d.epoch = 0
			}
			continue
		}
		s := &session{coa: coa, door: d, id: x.Session, user: x.User, home: x.Home, agent: x.Agent, ends: now.Mono.Add(left)}
		if g.books != nil {
			s.id = g.node.NewSessionID()
		}
		g.settle(now, s, x.Name, x.HW, out)
		g.become(now, s, admitted, "", out)
		g.timers.Set(coa, s.ends)
		out.Event("access.resumed", engine.A("coa", coa), engine.S("nai", s.user), engine.S("lifetime", left.String()))
		if g.books != nil {
			g.books.open(now, s, 0, out)
			s.keep(now, out)
		}
	}
}
