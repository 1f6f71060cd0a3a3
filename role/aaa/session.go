package aaa

import (
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
)

// session is one that has been granted. Its end comes by its time or by the AAA client's last accounting record.
type session struct {
	user    string
	id      string     // Session-Id of the request that granted it last
	seen    string     // the visited network that it came from
	home    netip.Addr // unset: no mobility
	agent   netip.Addr
	at      int    // the agent's place in the pool, or none
	network string // the visited network whose home agent it has; empty: at home
	records engine.Bucket
}

// sessions of a home realm. A user's session is named by its home address, or its Session-Id if it has none.
type sessions struct {
	byKey  map[sessionKey]*session
	byID   map[sessionKey]*session // by user and the last Session-Id of each: no Session-Id reaches another user's session
	byUser map[string][]*session
	named  map[string][]*session // by Session-Id, whoever the user is
	held   map[string]int        // of them with a home agent of a pool, by the user's realm
	end    engine.Timers[*session]
}

type sessionKey struct {
	user string
	home netip.Addr
	id   string
}

func (s *session) key() sessionKey {
	if s.home.IsValid() {
		return sessionKey{user: s.user, home: s.home}
	}
	return sessionKey{user: s.user, id: s.id}
}

func newSessions() sessions {
	return sessions{byKey: map[sessionKey]*session{}, byID: map[sessionKey]*session{}, byUser: map[string][]*session{}, named: map[string][]*session{}, held: map[string]int{}}
}

// find gives a user's session with a home address.
func (l *sessions) find(user string, home netip.Addr) *session {
	return l.byKey[sessionKey{user: user, home: home}]
}

// room says whether a user may have one more, where one with this home address would be replaced.
func (l *sessions) room(user string, home netip.Addr, id string, limit int) bool {
	if _, again := l.byID[sessionKey{user: user, id: id}]; again || home.IsValid() && l.find(user, home) != nil {
		return true
	}
	if limit == 0 {
		limit = MaxSessionsOfUser
	}
	return len(l.byKey) < MaxSessions && len(l.byUser[user]) < limit
}

// put enters a session, in place of the user's with the same home address, home agent or Session-Id, and gives the pool's room back that those had.
func (l *sessions) put(now engine.Now, x session, lifetime time.Duration, p *pool, out *engine.Effects) {
	if before := l.byID[sessionKey{user: x.user, id: x.id}]; before != nil {
		l.drop(before, p, out)
	}
	if before := l.byKey[x.key()]; before != nil {
		l.drop(before, p, out)
	}
	for _, other := range slices.Clone(l.byUser[x.user]) { // a home agent keeps one home address of a user: it has left the one before
		if x.agent.IsValid() && other.agent == x.agent {
			l.drop(other, p, out)
		}
	}
	x.keep(now.Wall.Add(lifetime), out)
	l.enter(x, now.Mono.Add(lifetime))
}

func (l *sessions) enter(x session, end engine.Mono) {
	l.byKey[x.key()], l.byID[sessionKey{user: x.user, id: x.id}] = &x, &x
	l.byUser[x.user] = append(l.byUser[x.user], &x)
	l.named[x.id] = append(l.named[x.id], &x)
	if x.at != none {
		l.held[realmOf(x.user)]++
	}
	l.end.Set(&x, end)
}

// drop forgets a session.
func (l *sessions) drop(x *session, p *pool, out *engine.Effects) {
	x.release(out)
	p.give(x.at)
	delete(l.byKey, x.key())
	delete(l.byID, sessionKey{user: x.user, id: x.id})
	l.end.Stop(x)
	leave(l.byUser, x.user, x)
	leave(l.named, x.id, x)
	if r := realmOf(x.user); x.at != none {
		if l.held[r]--; l.held[r] == 0 {
			delete(l.held, r)
		}
	}
}

// leave takes a session out of the list of a key, where it is.
func leave(lists map[string][]*session, key string, x *session) {
	list := lists[key]
	if i := slices.Index(list, x); len(list) > 1 {
		lists[key] = slices.Delete(list, i, i+1)
	} else {
		delete(lists, key)
	}
}

// replays remembers pairs of challenges that were answered rightly, so that nobody uses an answer again.
type replays struct {
	seen  map[[32]byte]struct{}
	order []replay // as they came; a ring of at most MaxReplays
	first int
}

type replay struct {
	mark [32]byte
	at   engine.Mono
}

// fresh enters a pair, unless it is there. Beyond MaxReplays the oldest are forgotten.
func (r *replays) fresh(now engine.Mono, mark [32]byte) bool {
	for r.first < len(r.order) && (now.Sub(r.order[r.first].at) > ReplayTime || len(r.order)-r.first >= MaxReplays) {
		delete(r.seen, r.order[r.first].mark)
		r.first++
	}
	if r.first > len(r.order)/2 && r.first > 64 {
		r.order = append(r.order[:0], r.order[r.first:]...)
		r.first = 0
	}
	if _, ok := r.seen[mark]; ok {
		return false
	}
	if r.seen == nil {
		r.seen = map[[32]byte]struct{}{}
	}
	r.seen[mark] = struct{}{}
	r.order = append(r.order, replay{mark, now})
	return true
}
