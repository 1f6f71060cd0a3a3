package aaa

import (
	"container/list"

	"roam6/engine"
	"roam6/store/subscriber/profile"
)

// profiles remembers what the database said of subscribers, the one not asked for longest forgotten first.
type profiles struct {
	by    map[string]*list.Element
	order list.List // of *kept; the front was asked for last
}

type kept struct {
	name string
	at   engine.Mono
	p    *profile.Profile
}

func (c *profiles) get(now engine.Mono, name string) *profile.Profile {
	e := c.by[name]
	if e == nil {
		return nil
	}
	k := e.Value.(*kept)
	if now.Sub(k.at) > MaxProfileAge {
		c.forget(e)
		return nil
	}
	c.order.MoveToFront(e)
	return k.p
}

func (c *profiles) put(now engine.Mono, name string, p *profile.Profile) {
	if e := c.by[name]; e != nil {
		c.forget(e)
	}
	if c.order.Len() >= MaxProfiles {
		c.forget(c.order.Back())
	}
	if c.by == nil {
		c.by = map[string]*list.Element{}
	}
	c.by[name] = c.order.PushFront(&kept{name, now, p})
}

// forget erases the key too. Who works with a profile has taken what it needs.
func (c *profiles) forget(e *list.Element) {
	k := e.Value.(*kept)
	clear(k.p.Key)
	c.order.Remove(e)
	delete(c.by, k.name)
}

// lookup is one under way, and who waits for it.
type lookup struct {
	name    string
	waiting []uint64 // transactions
}

// lookup asks the database for the subscriber of a transaction, or joins a look-up that is under way.
//
// spec DM-11
func (s *Server) lookup(now engine.Now, out *engine.Effects, t *registration) {
	name := t.sought()
	if p := s.profiles.get(now.Mono, name); p != nil {
		s.found(now, out, t, p, "")
		return
	}
	if id, ok := s.asking[name]; ok {
		l := s.lookups[id]
		if len(l.waiting) >= MaxPerLookup {
			s.refuse(now, out, t, tooBusy, "look-up-full", "too many requests in this name; try again")
			return
		}
		l.waiting = append(l.waiting, t.id)
		return
	}
	if len(s.lookups) >= MaxLookups {
		s.refuse(now, out, t, tooBusy, "lookups-full", "too many look-ups; try again")
		return
	}
	s.last++
	s.lookups[s.last] = &lookup{name, []uint64{t.id}}
	s.asking[name] = s.last
	s.timers.Set(timer{asked, s.last}, now.Mono.Add(LookupTime))
	out.Query(engine.Query{ID: s.last, Table: profile.TableSubscriber, Key: name})
}

// result takes the database's answer.
func (s *Server) result(now engine.Now, out *engine.Effects, r engine.Result) {
	if s.recorded(now, out, r.ID, r.Err) {
		return
	}
	l := s.lookups[r.ID]
	if l == nil {
		return // too late
	}
	var p *profile.Profile
	why := r.Err
	if why == "" {
		var err error
		if p, err = profile.Decode(r.Value); err != nil {
			out.Drop("profile-malformed", engine.S("user", l.name), engine.S("error", err.Error()))
			why = engine.ErrFailed
		}
	}
	s.looked(now, out, r.ID, p, why)
}

// looked ends a look-up for all who wait for it.
func (s *Server) looked(now engine.Now, out *engine.Effects, id uint64, p *profile.Profile, why string) {
	l := s.lookups[id]
	delete(s.lookups, id)
	delete(s.asking, l.name)
	s.timers.Stop(timer{asked, id})
	if p != nil {
		s.profiles.put(now.Mono, l.name, p)
	}
	for _, w := range l.waiting {
		if t := s.registrations[w]; t != nil { // else its time was over
			s.found(now, out, t, p, why)
		}
	}
}

// sought is whom a registration waits for: its subscriber, and then perhaps whoever has the home address that it proposes.
func (t *registration) sought() string {
	if t.proposed.IsValid() {
		return t.proposed.String()
	}
	return t.name
}

// found goes on with what a look-up gave; p is nil if nothing, and why says why.
func (s *Server) found(now engine.Now, out *engine.Effects, t *registration, p *profile.Profile, why string) {
	switch {
	case t.proposed.IsValid():
		s.proposes(now, out, t, p, why)
	case p != nil:
		s.known(now, out, t, p)
	case why == engine.ErrNotFound && t.req.Auth == nil:
		s.converse(now, out, t, nil)
	case why == engine.ErrNotFound:
		s.refuse(now, out, t, rejected, "user-unknown", rejectedText)
	default:
		s.refuse(now, out, t, tooBusy, "database-"+reason(why), "the subscribers cannot be looked up just now; try again")
	}
}

// reason keeps an error of a table to the words that are counted.
func reason(why string) string {
	switch why {
	case engine.ErrBusy, engine.ErrTimeout, engine.ErrNoQueries:
		return why
	}
	return engine.ErrFailed
}
