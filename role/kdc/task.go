package kdc

import (
	"net/netip"
	"slices"

	"roam6/engine"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// origin is where an answer goes.
type origin struct {
	conn  engine.Conn // 0: by datagram
	name  string      // of the Bind
	peer  netip.AddrPort
	local netip.Addr
	what  digest // of the request
}

// task is one request from its first look-up to its answer. Between look-ups nothing is kept but this.
type task struct {
	id   uint64
	from origin
	what digest
	kind string // for people and counts: as, tgs, open
	raw  []byte
	req  *krb5.KDCReq // nil for an open-req; with FAST, what is inside
	fast *fast        // nil: without FAST

	have    map[string]*account // looked up; nil: the database has none
	waiting int                 // look-ups under way
	then    func(engine.Now, *engine.Effects)
	fail    func(engine.Now, *engine.Effects, string) // when the database cannot be asked
}

// lookup is one under way, and who waits for it.
type lookup struct {
	name    string
	waiting []uint64
}

// begin makes a task of a request; why says why not.
func (s *Server) begin(now engine.Now, from origin, kind string, raw []byte) (t *task, why string) {
	what := from.what
	if _, there := s.working[what]; there {
		return nil, "under-way"
	}
	if len(s.tasks) >= MaxTasks {
		return nil, "tasks-full"
	}
	s.last++
	t = &task{id: s.last, from: from, what: what, kind: kind, raw: raw, have: map[string]*account{}}
	s.tasks[t.id], s.working[what] = t, t.id
	s.timers.Set(timer{working, t.id}, now.Mono.Add(TaskTime))
	if c := s.conns[from.conn]; c != nil {
		c.tasks++
	}
	return t, ""
}

// end forgets a task. Its look-ups go on without it.
func (s *Server) end(t *task) {
	if s.tasks[t.id] == nil {
		return
	}
	delete(s.tasks, t.id)
	delete(s.working, t.what)
	s.timers.Stop(timer{working, t.id})
	if c := s.conns[t.from.conn]; c != nil {
		c.tasks--
	}
}

// want looks principals up and goes on with then. Those that are remembered are not asked for, and those that others wait for only once.
func (s *Server) want(now engine.Now, out *engine.Effects, t *task, then func(engine.Now, *engine.Effects), names ...string) {
	t.then = then
	for _, name := range names {
		if _, done := t.have[name]; done {
			continue
		}
		if len(t.have) >= MaxNames {
			t.fail(now, out, "names-full")
			return
		}
		a := s.accounts.get(now.Mono, name)
		t.have[name] = a
		if a != nil {
			continue
		}
		if why := s.ask(now, out, t, name); why != "" {
			t.fail(now, out, why)
			return
		}
		t.waiting++
	}
	if t.waiting == 0 {
		then(now, out)
	}
}

// ask asks the database, or joins those who have.
func (s *Server) ask(now engine.Now, out *engine.Effects, t *task, name string) (why string) {
	id, ok := s.asking[name]
	if !ok {
		if len(s.lookups) >= MaxLookups {
			return "lookups-full"
		}
		s.last++
		id = s.last
		s.lookups[id], s.asking[name] = &lookup{name: name}, id
		s.timers.Set(timer{asked, id}, now.Mono.Add(LookupTime))
		out.Query(engine.Query{ID: id, Table: principal.Table, Key: name})
	}
	l := s.lookups[id]
	if len(l.waiting) >= MaxPerLookup {
		return "lookup-full"
	}
	if !slices.Contains(l.waiting, t.id) {
		l.waiting = append(l.waiting, t.id)
	}
	return ""
}

// result takes the database's answer.
func (s *Server) result(now engine.Now, out *engine.Effects, r engine.Result) {
	l := s.lookups[r.ID]
	if l == nil {
		return // too late
	}
	why := r.Err
	var a *account
	if why == "" {
		p, err := principal.Decode(r.Value)
		if err != nil {
			s.drop(out, "principal-malformed", engine.S("principal", l.name), engine.S("error", err.Error()))
			why = engine.ErrFailed
		} else {
			a = newAccount(l.name, p)
		}
	}
	s.looked(now, out, r.ID, a, why)
}

// looked ends a look-up for all who wait for it.
func (s *Server) looked(now engine.Now, out *engine.Effects, id uint64, a *account, why string) {
	l := s.lookups[id]
	delete(s.lookups, id)
	delete(s.asking, l.name)
	s.timers.Stop(timer{asked, id})
	if a != nil {
		s.accounts.put(now.Mono, a)
	}
	for _, w := range l.waiting {
		t := s.tasks[w]
		if t == nil {
			continue // its time was over, or another of its look-ups failed
		}
		if a == nil && why != engine.ErrNotFound {
			t.fail(now, out, "database-"+reason(why))
			continue
		}
		t.have[l.name] = a
		if t.waiting--; t.waiting == 0 {
			t.then(now, out)
		}
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
