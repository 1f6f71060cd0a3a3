package driver

import (
	"bytes"
	"fmt"
	"net/netip"

	"roam6/engine"
)

// A home agent persists with every binding update, and a disk takes some hundred to some thousand writes a second. So the packets
// that are read together share one write: what follows a Persist is parked until the records of all of them are durable, and
// carried out then, in the order of the inputs (decision 15). Engines do not notice, since they see inputs only; a crash
// forgets all that was parked, of which nobody had heard.

// MaxParked bounds the inputs whose effects wait for one write.
const MaxParked = 256

// GroupStore is a Store that writes many records at once.
type GroupStore interface {
	Store
	// PutAll returns when all records are durable; a nil Value deletes one. After an error nobody knows which are.
	PutAll(records []engine.Record) error
}

// parked is effects of one input that wait for records.
type parked struct {
	slot *slot
	now  engine.Now
	list []engine.Effect
}

// commits is what waits for the next write.
type commits struct {
	group   bool // packets are being read: more may come that shares the write
	records []engine.Record
	parked  []parked
}

// park keeps effects that may not happen yet: those from the first Persist on, or all while others wait. It gives those that may.
func (l *loop) park(s *slot, now engine.Now, list []engine.Effect) (free []engine.Effect) {
	n := len(list)
	if len(l.commits.parked) > 0 {
		n = 0
	}
	for i, e := range list {
		p, ok := e.(engine.Persist)
		if !ok || l.n.c.Store == nil {
			continue
		}
		n = min(n, i)
		l.commits.records = append(l.commits.records, engine.Record{Bucket: s.Name + "/" + p.Bucket, Key: p.Key, Value: p.Value})
	}
	if n < len(list) {
		l.commits.parked = append(l.commits.parked, parked{s, now, lasting(list[n:])})
	}
	return list[:n]
}

// opens says whether something parked may make a way known by which a packet came, which is one of a user.
func (c *commits) opens(b []byte) bool {
	src := netip.AddrFrom16([16]byte(b[8:24]))
	for _, p := range c.parked {
		for _, e := range p.list {
			e, ok := e.(engine.Plane)
			switch op := e.Op; {
			case !ok || op.Delete:
			case op.Path != nil && op.Path.Path.Remote == src, op.Way != nil && op.Way.Way.Remote == src, op.Route != nil && op.Route.Route.CareOf == src:
				return true
			}
		}
	}
	return false
}

// lasting are effects that do not share memory with the packets that are being read.
func lasting(list []engine.Effect) []engine.Effect {
	own := make([]engine.Effect, len(list))
	for i, e := range list {
		switch x := e.(type) {
		case engine.Send:
			x.Data = bytes.Clone(x.Data)
			e = x
		case engine.Write:
			x.Data = bytes.Clone(x.Data)
			e = x
		case engine.Datagram:
			x.Data = bytes.Clone(x.Data)
			e = x
		case engine.Query:
			x.Put = bytes.Clone(x.Put)
			e = x
		}
		own[i] = e
	}
	return own
}

// commit waits until the records are durable, then carries out what waited for them. A store that fails ends the node: going on
// would break the promise that a crash forgets no sequence number.
func (l *loop) commit() {
	records, list := l.commits.records, l.commits.parked
	if len(list) == 0 || l.fatal != nil {
		return
	}
	if err := l.store(records); err != nil {
		l.fail(err)
		return
	}
	l.commits.records, l.commits.parked = nil, nil
	for _, p := range list {
		l.carryOutAll(p.slot, p.now, p.list)
	}
	clear(records)
	clear(list)
	if l.commits.parked == nil { // else carrying out brought about more; then these are the garbage collector's
		l.commits.records, l.commits.parked = records[:0], list[:0]
	}
}

func (l *loop) store(records []engine.Record) error {
	if g, ok := l.n.c.Store.(GroupStore); ok && len(records) > 1 {
		if err := g.PutAll(records); err != nil {
			return fmt.Errorf("storing %d records, the first %s/%s: %w", len(records), records[0].Bucket, records[0].Key, err)
		}
		return nil
	}
	for _, r := range records {
		if err := l.n.c.Store.Put(r.Bucket, r.Key, r.Value); err != nil {
			return fmt.Errorf("storing %s/%s: %w", r.Bucket, r.Key, err)
		}
	}
	return nil
}

// carryOutAll does effects in order, until one fails the node.
func (l *loop) carryOutAll(s *slot, now engine.Now, list []engine.Effect) {
	for _, e := range list {
		if l.fatal != nil {
			return
		}
		l.carryOut(s, now, e)
		l.stats.Effects++
	}
	l.report(now.Mono)
}
