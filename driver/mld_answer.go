package driver

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// answer is one to a General Query: the groups still to be told, and when. A node with more groups than one report holds
// spreads the reports over the time that the querier allows (RFC 3810 §6.3).
type answer struct {
	todo  []netip.Addr
	began engine.Mono
	pace  time.Duration // the share of each report
	sent  int
}

// query takes a valid query in. version1 is true when it brought the port to version 1.
func (m *mld) query(now engine.Mono, port plane.Port, q *icmp6.ListenerQuery) (version1 bool) {
	p := m.port(port)
	if !p.up {
		return false
	}
	m.stats.Queries++
	if q.Version1 {
		if version1 = !p.version1; version1 {
			m.flush(now)
			m.silence(port, p) // RFC 3810 §8.2.1
			p.version1 = true
		}
		m.timers.Set(mldTimer{port: port, what: mldOlder}, now.Add(MLDOlderQuerier))
	}
	if !q.Group.IsValid() {
		m.general(now, port, p, q.MaxResponse)
		return version1
	}
	if _, ours := p.groups[q.Group]; ours {
		// A query about sources too is answered with all that there is to tell: every source is welcome. So none needs to be
		// remembered, which a stranger could have us do without end (§10.1).
		m.sooner(mldTimer{port, mldSpecific, q.Group}, m.soon(now, max(q.MaxResponse, MLDPace)))
	}
	return version1
}

// sooner arms a timer, or leaves it as it is when it comes earlier anyway.
func (m *mld) sooner(t mldTimer, at engine.Mono) {
	if before, armed := m.timers.Armed(t); !armed || at < before {
		m.timers.Set(t, at)
	}
}

// general begins an answer to a General Query. One that is under way goes on, no slower than before, and tells those
// again that it has told already: a querier that keeps asking must not keep the last ones from their turn.
func (m *mld) general(now engine.Mono, port plane.Port, p *mldPort, within time.Duration) {
	if len(p.groups) == 0 {
		return
	}
	pace := max(within/time.Duration(m.packets(p, len(p.groups))), MLDPace)
	if len(p.answer.todo) > 0 {
		pace = min(pace, p.answer.pace)
	}
	if len(p.answer.todo) > 0 && p.answer.sent == 0 { // what has been joined since is told as a change
		p.answer.pace = pace
	} else {
		all := slices.SortedFunc(maps.Keys(p.groups), netip.Addr.Compare)
		if p.answer.sent > 0 {
			from, _ := slices.BinarySearchFunc(all, p.answer.todo[0], netip.Addr.Compare)
			all = slices.Concat(all[from:], all[:from])
		}
		p.answer = answer{todo: all, began: now, pace: pace}
	}
	m.sooner(mldTimer{port: port, what: mldAnswer}, m.soon(now, pace))
}

// packets is how many packets tell of so many groups.
func (m *mld) packets(p *mldPort, groups int) int {
	if p.version1 {
		return groups
	}
	return (groups + icmp6.MaxListenerRecords - 1) / icmp6.MaxListenerRecords
}

// next sends one report of an answer.
func (m *mld) next(now engine.Mono, port plane.Port, p *mldPort) {
	a := &p.answer
	n := icmp6.MaxListenerRecords
	if p.version1 {
		n = 1
	}
	var records []icmp6.ListenerRecord
	for len(a.todo) > 0 && len(records) < n {
		if _, still := p.groups[a.todo[0]]; still {
			records = append(records, icmp6.ListenerRecord{Type: icmp6.ModeIsExclude, Group: a.todo[0]})
		}
		a.todo = a.todo[1:]
	}
	m.send(port, records)
	if len(a.todo) == 0 {
		p.answer = answer{}
		return
	}
	a.sent++
	slot := a.began.Add(time.Duration(a.sent) * a.pace)
	m.timers.Set(mldTimer{port: port, what: mldAnswer}, max(m.soon(slot, a.pace), now.Add(MLDPace)))
}

// specific answers the queries about single groups that are due.
func (m *mld) specific(due []mldTimer) {
	records := map[plane.Port][]icmp6.ListenerRecord{}
	for _, t := range due {
		if _, still := m.ports[t.port].groups[t.group]; still {
			records[t.port] = append(records[t.port], icmp6.ListenerRecord{Type: icmp6.ModeIsExclude, Group: t.group})
		}
	}
	for _, port := range slices.Sorted(maps.Keys(records)) {
		m.send(port, records[port])
	}
}

// send puts records into reports: as many to a report as fit, or, in version 1, each into one of its own.
func (m *mld) send(port plane.Port, records []icmp6.ListenerRecord) {
	if m.ports[port].version1 {
		for _, r := range records {
			if r.Type == icmp6.ChangeToInclude {
				m.packet(port, ip6.AllRouters, &icmp6.ListenerReport1{Done: true, Group: r.Group})
			} else {
				m.packet(port, r.Group, &icmp6.ListenerReport1{Group: r.Group})
			}
		}
		return
	}
	for part := range slices.Chunk(records, icmp6.MaxListenerRecords) {
		m.packet(port, ip6.AllMLDRouters, &icmp6.ListenerReport{Records: part})
	}
}

// packet appends a message to out: RFC 3810 §5, from an address of §5.2.13.
func (m *mld) packet(port plane.Port, dst netip.Addr, msg icmp6.Message) {
	src := m.source(port)
	p := ip6.Packet{
		Header:      ip6.Header{HopLimit: icmp6.ListenerHopLimit, Src: src, Dst: dst},
		RouterAlert: 1, // value 0, multicast listener discovery
		Proto:       ip6.ProtoICMPv6,
		Payload:     icmp6.Append(nil, src, dst, msg),
	}
	m.out = append(m.out, mldPacket{port, ip6.MulticastHW(dst), p.Append(nil)})
	m.stats.Reports++
}

// source is the lowest link-local address that may be used on a port, else the kernel's there, else the unspecified one.
func (m *mld) source(port plane.Port) netip.Addr {
	src := netip.IPv6Unspecified()
	for a := range m.ports[port].sources { //order:any — the lowest
		if src.IsUnspecified() || a.Less(src) {
			src = a
		}
	}
	if src.IsUnspecified() {
		if a := m.lent(port); a.IsValid() {
			src = a
		}
	}
	return src
}
