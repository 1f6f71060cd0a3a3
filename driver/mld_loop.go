package driver

import (
	"crypto/rand"
	"fmt"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// EventMLD tells that a link's querier speaks version 1 of multicast listener discovery; Reason says what follows from it.
const EventMLD = "driver.mld"

// Reasons for which a query of multicast listener discovery is refused, RFC 3810 §6.2.
const (
	DropMLDMalformed   = "mld-malformed"   // the packet or the message in it
	DropMLDOffLink     = "mld-off-link"    // hop limit not 1, source not link-local, no Router Alert: it may come from elsewhere
	DropMLDDestination = "mld-destination" // to a unicast address that is not a Local of that link
)

// openMLD gives the loop its listener.
func openMLD(h Host) *mld {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails
	return newMLD(engine.NewRand(seed), h.LinkLocal)
}

// report sends what the listener has to say, its changes first.
func (l *loop) report(now engine.Mono) {
	l.mld.flush(now)
	for _, p := range l.mld.out {
		l.send(p.port, p.to, p.data)
	}
	clear(l.mld.out)
	l.mld.out = l.mld.out[:0]
}

// tickMLD does what the listener has waited for.
func (l *loop) tickMLD() {
	if now := l.now().Mono; l.mld.deadline() <= now {
		l.mld.tick(now)
		l.report(now)
	}
}

// heard takes a packet if it is a query of multicast listener discovery: neither the plane nor an engine has a use for it.
func (l *loop) heard(a *Arrival) bool {
	if a.Port == plane.Kernel || !isQuery(a.Data) {
		return false
	}
	now := l.now().Mono
	q, reason, err := l.readQuery(a)
	if err != nil {
		l.event(now, ownName, engine.Event{Name: engine.EventDrop, Reason: reason, Attrs: []engine.Attr{engine.S("error", err.Error())}})
		return true
	}
	if l.mld.query(now, a.Port, q) {
		name := fmt.Sprint("port ", a.Port)
		if known, ok := l.n.host.Link(a.Port); ok {
			name = known.Name
		}
		l.event(now, ownName, engine.Event{Name: EventMLD, Reason: fmt.Sprintf("the querier on %s speaks version 1 of "+
			"multicast listener discovery only; so do this node's reports there, until none of it was heard for %v", name, MLDOlderQuerier)})
	}
	l.report(now)
	return true
}

// isQuery tells a Multicast Listener Query behind a hop-by-hop header, as each has one, from all else by a few octets.
func isQuery(b []byte) bool {
	const at = ip6.HeaderLen
	if len(b) < at+16 || b[0]>>4 != 6 || b[6] != ip6.ProtoHopByHop || b[at] != ip6.ProtoICMPv6 {
		return false
	}
	icmp := at + 8*(int(b[at+1])+1)
	return icmp < len(b) && b[icmp] == icmp6.TypeListenerQuery
}

// readQuery parses a query and judges it; the reason goes with an error.
func (l *loop) readQuery(a *Arrival) (q *icmp6.ListenerQuery, reason string, err error) {
	p, err := ip6.Parse(a.Data)
	if err != nil {
		return nil, DropMLDMalformed, err
	}
	if err := icmp6.CheckListener(icmp6.TypeListenerQuery, &p); err != nil {
		return nil, DropMLDOffLink, err
	}
	if own, ours := l.mld.locals[p.Dst]; !p.Dst.IsMulticast() && !(ours && own.Port == a.Port) {
		return nil, DropMLDDestination, fmt.Errorf("a query to %v", p.Dst)
	}
	m, err := icmp6.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if err != nil {
		return nil, DropMLDMalformed, err
	}
	q, ok := m.(*icmp6.ListenerQuery)
	if !ok {
		return nil, DropMLDMalformed, fmt.Errorf("%T behind headers that hide it", m)
	}
	return q, "", nil
}
