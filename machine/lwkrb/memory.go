package lwkrb

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"roam6/engine"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// Bucket holds the durable records of a Router: identities by slot, so that none has to be deleted and there are never more than
// MaxIdentities.
const Bucket = "lwkrb"

// MaxIdentities is how many ap-reqs are remembered. With more, new ones are refused until the oldest are old enough.
const MaxIdentities = 65_536

// recordLen is the size of a record: the identity, and the second on the wall clock until which it counts (8).
const recordLen = lk.IDLen + 8

// memory is what was taken.
type memory struct {
	known map[[lk.IDLen]byte]struct{}
	queue []identity // the oldest first, from head on
	head  int
	free  []uint16 // slots that are empty again
	fresh int      // slots below were used

	damaged []string    // records that could not be read
	shut    engine.Mono // nothing is taken before, because of them
}

type identity struct {
	id    [lk.IDLen]byte
	slot  uint16
	until engine.Mono // and no sooner than
	wall  int64       // seconds since 1970
}

// forget drops what no clock finds fresh any more.
func (m *memory) forget(now engine.Now) {
	for m.head < len(m.queue) {
		e := &m.queue[m.head]
		if now.Mono < e.until || now.Wall.Unix() < e.wall {
			break
		}
		delete(m.known, e.id)
		m.free = append(m.free, e.slot)
		m.head++
	}
	if m.head > len(m.queue)/2 {
		m.queue = m.queue[:copy(m.queue, m.queue[m.head:])]
		m.head = 0
	}
}

// check says whether an identity may be taken: lw.None, Repeat, or Unavailable.
func (m *memory) check(now engine.Now, id [lk.IDLen]byte) lw.Code {
	m.forget(now)
	switch _, seen := m.known[id]; {
	case seen:
		return lw.Repeat
	case now.Mono < m.shut, len(m.queue)-m.head >= MaxIdentities:
		return lw.Unavailable
	}
	return lw.None
}

// add remembers an identity that check lets pass.
//
// spec FH-18
func (m *memory) add(now engine.Now, id [lk.IDLen]byte, out *engine.Effects) {
	slot := uint16(m.fresh)
	if n := len(m.free); n > 0 {
		slot, m.free = m.free[n-1], m.free[:n-1]
	} else {
		m.fresh++
	}
	for _, key := range m.damaged { // what they may have held is too old by now
		out.Persist(Bucket, key, nil)
	}
	m.damaged = nil
	e := identity{id, slot, now.Mono.Add(lw.Remember), now.Wall.Add(lw.Remember).Unix() + 1}
	m.put(e)
	out.Persist(Bucket, recordKey(slot), binary.BigEndian.AppendUint64(slices.Clone(id[:]), uint64(e.wall)))
}

func (m *memory) put(e identity) {
	if m.known == nil {
		m.known = map[[lk.IDLen]byte]struct{}{}
	}
	m.known[e.id] = struct{}{}
	m.queue = append(m.queue, e)
}

func recordKey(slot uint16) string { return fmt.Sprintf("%04x", slot) }

// restore takes the records of an earlier life; it is false if one cannot be read.
func (m *memory) restore(now engine.Now, records []engine.Record) (whole bool) {
	used := make([]bool, MaxIdentities)
	var list []identity
	for _, r := range records {
		if r.Bucket != Bucket {
			continue
		}
		var slot uint16
		if _, err := fmt.Sscanf(r.Key, "%04x", &slot); err != nil || r.Key != recordKey(slot) || len(r.Value) != recordLen {
			m.damaged = append(m.damaged, r.Key)
			continue
		}
		m.fresh = max(m.fresh, int(slot)+1)
		wall := int64(binary.BigEndian.Uint64(r.Value[lk.IDLen:]))
		if used[slot] || now.Wall.Unix() >= wall {
			continue
		}
		used[slot] = true
		list = append(list, identity{[lk.IDLen]byte(r.Value), slot, now.Mono.Add(lw.Remember), wall})
	}
	slices.SortFunc(list, func(a, b identity) int { return cmp.Or(cmp.Compare(a.wall, b.wall), cmp.Compare(a.slot, b.slot)) })
	for _, e := range list {
		m.put(e)
	}
	for slot := m.fresh - 1; slot >= 0; slot-- { // the lowest is taken first
		if !used[slot] {
			m.free = append(m.free, uint16(slot))
		}
	}
	if len(m.damaged) > 0 {
		m.shut = now.Mono.Add(lw.Remember)
	}
	return len(m.damaged) == 0
}

func (m *memory) len() int { return len(m.queue) - m.head }
