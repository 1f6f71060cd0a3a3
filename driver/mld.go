package driver

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/icmp6"
)

// Timers and limits of multicast listener discovery, RFC 3810 §9, as the RFC has them.
const (
	// MLDRobustness is how often a change is reported, so that one may be lost (§9.1).
	MLDRobustness = 2
	// MLDUnsolicited is the longest time between those reports (§9.11); MLDUnsolicited1 is that of version 1 (RFC 2710 §7.10).
	MLDUnsolicited  = time.Second
	MLDUnsolicited1 = 10 * time.Second
	// MLDOlderQuerier is how long version 1 is spoken after a query of version 1: robustness times the Query Interval, which
	// that query does not tell and is 125 s by default, and the Query Response Interval of 10 s (§9.12).
	MLDOlderQuerier = MLDRobustness*125*time.Second + 10*time.Second
	// MLDPace is the least time for one report of an answer: a query that allows no time is not answered at once (§6.3), and
	// one that a stranger sends cannot make a home agent with many groups flood the link.
	MLDPace = 10 * time.Millisecond
)

// mld reports which multicast groups the Locals of a plane need, to the routers and to the switches that snoop:
// the host part of MLDv2, RFC 3810 §6, with version 1 where a querier speaks only that (§8). A node's groups are joined on
// packet sockets, of which nobody else hears; behind a switch that snoops, neighbour discovery would not reach them.
//
// It is a value without clock or socket: told what happens and when, it appends what is to be sent to out. Changes
// of the table are kept until flush, which makes one report of those that belong together; it is called before anything
// else is sent, so that a report precedes the probe of duplicate detection (RFC 4862 §5.4.2).
//
// What the kernel itself listens to is the kernel's to report. ff02::1 is never reported (§6); neither is ff02::2, which
// only routers listen to, and their kernels report.
type mld struct {
	members
	rand *engine.Rand
	// lent gives the kernel's link-local address on a port that the kernel shares, invalid if there is none.
	lent   func(plane.Port) netip.Addr
	ports  map[plane.Port]*mldPort
	timers engine.Timers[mldTimer]
	fresh  bool // some port has a change that was not reported yet
	out    []mldPacket
	stats  MLDStats
}

// mldPacket is a packet to be sent.
type mldPacket struct {
	port plane.Port
	to   plane.HW
	data []byte
}

// MLDStats counts multicast listener discovery.
type MLDStats struct {
	Reports uint64 `json:"reports"` // sent, of either version, Done included
	Queries uint64 `json:"queries"` // heard and valid
}

// mldPort is one link.
type mldPort struct {
	up       bool
	version1 bool                    // Host Compatibility Mode, RFC 3810 §8.2.1
	groups   map[netip.Addr]struct{} // listened to
	changes  map[netip.Addr]*change
	fresh    []netip.Addr            // keys of changes that were not reported yet
	sources  map[netip.Addr]struct{} // link-local addresses that may be used
	answer   answer
}

// change is a group joined or left, and in how many reports that is still to be told.
type change struct {
	joined  bool
	reports int
}

// mldTimer is what a timer is for, on a port, and perhaps for one group.
type mldTimer struct {
	port  plane.Port
	what  mldWork
	group netip.Addr
}

type mldWork uint8

const (
	mldRepeat   mldWork = iota // the changes again
	mldAnswer                  // the next report of the answer to a General Query
	mldSpecific                // the answer to a query about one group
	mldOlder                   // no querier of version 1 was heard for long enough
)

func newMLD(rand *engine.Rand, lent func(plane.Port) netip.Addr) *mld {
	return &mld{members: newMembers(), rand: rand, lent: lent, ports: map[plane.Port]*mldPort{}}
}

func (m *mld) port(p plane.Port) *mldPort {
	x := m.ports[p]
	if x == nil {
		x = &mldPort{groups: map[netip.Addr]struct{}{}, changes: map[netip.Addr]*change{}, sources: map[netip.Addr]struct{}{}}
		m.ports[p] = x
	}
	return x
}

// local takes a change of a Local in.
func (m *mld) local(a netip.Addr, l plane.Local, gone bool) {
	old := m.locals[a]
	joined, left := m.take(a, l, gone)
	for _, g := range joined {
		p := m.port(g.port)
		p.groups[g.addr] = struct{}{}
		m.changed(p, g.addr, true)
	}
	for _, g := range left {
		p := m.port(g.port)
		delete(p.groups, g.addr)
		m.timers.Stop(mldTimer{g.port, mldSpecific, g.addr})
		m.changed(p, g.addr, false)
	}
	if a.IsLinkLocalUnicast() {
		if old.Port != plane.Kernel {
			delete(m.port(old.Port).sources, a)
		}
		if !gone && l.Port != plane.Kernel && !l.Proxy && !l.Tentative {
			m.sourced(l.Port, a)
		}
	}
}

// sourced notes a link-local address that may be used from now on. What was reported from the unspecified address, routers
// have thrown away: with the first address everything is reported again (RFC 3810 §5.2.13, RFC 3590 §4).
func (m *mld) sourced(port plane.Port, a netip.Addr) {
	p := m.port(port)
	first := len(p.sources) == 0
	p.sources[a] = struct{}{}
	if first && p.up && !m.lent(port).IsValid() {
		m.all(p)
	}
}

// changed notes a change that flush reports.
func (m *mld) changed(p *mldPort, g netip.Addr, joined bool) {
	if !p.up {
		return // up reports everything
	}
	p.changes[g] = &change{joined: joined, reports: MLDRobustness}
	p.fresh = append(p.fresh, g)
	m.fresh = true
}

// all notes every group of a port as just joined.
func (m *mld) all(p *mldPort) {
	for g := range p.groups { //order:any — flush sorts
		m.changed(p, g, true)
	}
}

// up begins on a link, perhaps another network than before: whoever snoops there knows nothing of this node.
func (m *mld) up(port plane.Port) {
	m.down(port)
	p := m.port(port)
	p.up = true
	m.all(p)
}

// down forgets what was going on on a link.
func (m *mld) down(port plane.Port) {
	p := m.port(port)
	p.up = false
	m.silence(port, p)
	if p.version1 {
		p.version1 = false
		m.timers.Stop(mldTimer{port: port, what: mldOlder})
	}
}

// silence cancels answers and repetitions.
func (m *mld) silence(port plane.Port, p *mldPort) {
	clear(p.changes)
	p.fresh = nil
	p.answer = answer{}
	m.timers.Stop(mldTimer{port: port, what: mldRepeat})
	m.timers.Stop(mldTimer{port: port, what: mldAnswer})
	for g := range p.groups { //order:any — stopping has no effects
		m.timers.Stop(mldTimer{port, mldSpecific, g})
	}
}

// flush reports what has changed since it was called last.
func (m *mld) flush(now engine.Mono) {
	if !m.fresh {
		return
	}
	m.fresh = false
	for _, port := range slices.Sorted(maps.Keys(m.ports)) {
		p := m.ports[port]
		due := p.fresh
		p.fresh = nil
		m.report(now, port, due)
	}
}

// report sends the changes of groups, and sees to it that they are sent again.
func (m *mld) report(now engine.Mono, port plane.Port, due []netip.Addr) {
	if len(due) == 0 {
		return
	}
	p := m.ports[port]
	slices.SortFunc(due, netip.Addr.Compare)
	var records []icmp6.ListenerRecord
	for _, g := range slices.Compact(due) {
		c := p.changes[g]
		r := icmp6.ListenerRecord{Type: icmp6.ChangeToExclude, Group: g}
		if !c.joined {
			r.Type = icmp6.ChangeToInclude
		}
		records = append(records, r)
		c.reports--
		if c.reports == 0 || p.version1 && !c.joined { // Done is said once, RFC 2710 §4
			delete(p.changes, g)
		}
	}
	m.send(port, records)
	again := mldTimer{port: port, what: mldRepeat}
	if _, armed := m.timers.Armed(again); len(p.changes) > 0 && !armed {
		longest := MLDUnsolicited
		if p.version1 {
			longest = MLDUnsolicited1
		}
		m.timers.Set(again, m.soon(now, longest))
	}
}

// soon is a random time from now on and within longest, RFC 3810 §6.1, §6.2.
func (m *mld) soon(now engine.Mono, longest time.Duration) engine.Mono {
	return now.Add(m.rand.Between(min(time.Millisecond, longest), longest))
}

// deadline is when tick has something to do.
func (m *mld) deadline() engine.Mono {
	at, _ := m.timers.Next()
	return at
}

// tick does what is due.
func (m *mld) tick(now engine.Mono) {
	var specific []mldTimer
	for t, ok := m.timers.Pop(now); ok; t, ok = m.timers.Pop(now) {
		p := m.ports[t.port]
		switch t.what {
		case mldRepeat:
			m.report(now, t.port, slices.Collect(maps.Keys(p.changes)))
		case mldAnswer:
			m.next(now, t.port, p)
		case mldSpecific:
			specific = append(specific, t)
		case mldOlder:
			p.version1 = false
			m.silence(t.port, p)
		}
	}
	m.specific(specific)
}
