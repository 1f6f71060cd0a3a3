package aaa

import (
	"encoding/json"
	"net/netip"
	"time"

	"roam6/engine"
)

// bucketSession holds sessions whose home agent is another network's. Nobody but this server knows where it is: without the record, a mobile
// node would lose its home address when the server is started again.
const bucketSession = "aaa.session"

// sessionRecord is a session on disk.
type sessionRecord struct {
	User    string     `json:"user"`
	ID      string     `json:"id"`
	Seen    string     `json:"seen"`
	Home    netip.Addr `json:"home"`
	Agent   netip.Addr `json:"agent"`
	Network string     `json:"network"`
	Until   time.Time  `json:"until"`
}

// abroad says whether the session is one that is kept.
func (s *session) abroad() bool { return s.network != "" && s.home.IsValid() }

func (s *session) record() string { return s.user + " " + s.home.String() }

// keep makes the session last through restarts, if it is one of those.
func (s *session) keep(until time.Time, out *engine.Effects) {
	if s.abroad() {
		value, _ := json.Marshal(sessionRecord{s.user, s.id, s.seen, s.home, s.agent, s.network, until.UTC()})
		out.Persist(bucketSession, s.record(), value)
	}
}

// release takes its record away.
func (s *session) release(out *engine.Effects) {
	if s.abroad() {
		out.Persist(bucketSession, s.record(), nil)
	}
}

// resume takes a session up again; one whose time is over, or whose record is not ours, goes. A clock that was stepped back prolongs none
// beyond the longest session there is.
func (s *Server) resume(now engine.Now, r engine.Record, out *engine.Effects) {
	var v sessionRecord
	err := json.Unmarshal(r.Value, &v)
	x := session{user: v.User, id: v.ID, seen: v.Seen, home: v.Home, agent: v.Agent, at: none, network: v.Network}
	left := v.Until.Sub(now.Wall)
	if err != nil || s.cfg.Home == nil || !x.abroad() || x.record() != r.Key || left <= 0 || len(s.sessions.byKey) >= MaxSessions {
		out.Persist(bucketSession, r.Key, nil)
		return
	}
	s.sessions.enter(x, now.Mono.Add(min(left, MaxSessionTime)))
}
