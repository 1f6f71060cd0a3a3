package ar

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/mip6aaa"
)

// Accounting, RFC 6733 §9 and draft-le §3.1: each session has a meter in the plane, and is told of when it begins, every interval, and when
// it ends. Counts are from the start of a session, so a later record says all that an earlier one said.
//
//	admitted ─▶ START ─ interval ─▶ Measure ─▶ Measured ─▶ INTERIM … ended ─▶ Measure ─▶ Measured ─▶ STOP
//
// What is open stands in the store with the counts that were last measured: a router that is started again ends with them what it was cut
// off from. Records are sent by books (books.go).
const (
	DefaultInterim = 5 * time.Minute
	MinInterim     = 10 * time.Second // whatever a home network asks for
)

// usage is what a record says of a session; it is stored as JSON.
type usage struct {
	Session string        `json:"session"`
	User    string        `json:"user,omitempty"`
	Home    netip.Addr    `json:"home,omitzero"`
	Agent   netip.Addr    `json:"agent,omitzero"`
	CareOf  netip.Addr    `json:"careof"`
	Kind    mip6aaa.Kind  `json:"kind"`
	Number  uint32        `json:"number"`
	At      int64         `json:"at"`    // seconds since 1970
	Spent   time.Duration `json:"spent"` // nanoseconds
	Up      plane.Count   `json:"up"`
	Down    plane.Count   `json:"down"`
}

// account is a session that is being counted.
type account struct {
	usage     // as last measured
	shelf     *shelf
	port      plane.Port
	began     engine.Mono
	interval  time.Duration
	measuring uint64 // the number of the Measure under way, 0: none
	closing   bool
	last      uint64 // the record with the latest interim counts, 0: none
}

func (a *account) meter() plane.MeterKey { return plane.MeterKey{Addr: a.CareOf, Port: a.port} }

// open begins to count a session, or goes on with what may have changed.
//
// spec DM-22
func (b *books) open(now engine.Now, s *session, interval time.Duration, out *engine.Effects) {
	if interval <= 0 {
		interval = b.interim
	}
	a := b.accounts[s.id]
	if a == nil {
		a = &account{usage: usage{Session: s.id, User: s.user, CareOf: s.coa, Kind: mip6aaa.Start}, shelf: b.shelf(s.user), port: s.door.port, began: now.Mono}
		b.accounts[s.id] = a
		a.shelf.accounts++
		out.Plane(plane.Op{Meter: &plane.MeterOp{Key: a.meter()}})
	}
	a.Home, a.Agent, a.interval = s.home, s.agent, max(interval, MinInterim)
	next := now.Mono.Add(a.interval)
	if at, armed := b.timers.Armed(chore{session: s.id}); !armed || next < at {
		b.timers.Set(chore{session: s.id}, next)
	}
	if a.Number == 0 {
		b.write(now, a, mip6aaa.Start, out)
	}
}

// close ends counting when the last counts are there.
//
// spec DM-22
func (b *books) close(now engine.Now, id string, out *engine.Effects) {
	a := b.accounts[id]
	if a == nil || a.closing {
		return
	}
	a.closing = true
	b.timers.Stop(chore{session: id})
	b.measure(a, out)
	out.Plane(plane.Op{Delete: true, Meter: &plane.MeterOp{Key: a.meter()}})
}

// measure asks the plane. One that is under way is forgotten: its answer says no more.
func (b *books) measure(a *account, out *engine.Effects) {
	delete(b.measures, a.measuring)
	b.number++
	a.measuring = b.number
	b.measures[b.number] = a
	out.Measure(b.number, a.meter())
}

// measured takes the counts of a session. Where the plane knows nothing those of before stand.
//
// spec DM-22
func (b *books) measured(now engine.Now, in engine.Measured, out *engine.Effects) {
	a := b.measures[in.ID]
	if a == nil {
		return
	}
	delete(b.measures, in.ID)
	a.measuring = 0
	a.Up, a.Down = most(a.Up, in.Up), most(a.Down, in.Down)
	if in.Err != "" {
		out.Drop("meter-unread", engine.A("coa", a.CareOf), engine.S("error", in.Err))
	}
	kind := mip6aaa.Interim
	if a.closing {
		kind = mip6aaa.Stop
	}
	b.write(now, a, kind, out)
}

func most(a, b plane.Count) plane.Count {
	return plane.Count{Packets: max(a.Packets, b.Packets), Octets: max(a.Octets, b.Octets)}
}

// write makes a record of an account. The interim record before is of no more use, unless it is on its way.
func (b *books) write(now engine.Now, a *account, kind mip6aaa.Kind, out *engine.Effects) {
	a.Kind, a.At, a.Spent = kind, now.Wall.Unix(), now.Mono.Sub(a.began)
	b.record(a.usage, a, out)
	a.Number++
	if kind == mip6aaa.Stop {
		delete(b.accounts, a.Session)
		a.shelf.accounts--
		b.tidy(a.shelf)
		out.Persist(bucket, openKey+a.Session, nil)
	} else {
		value, _ := json.Marshal(a.usage)
		out.Persist(bucket, openKey+a.Session, value)
	}
	b.pump(now, out)
}

// restore takes over what an earlier life left: records that were not acknowledged, and sessions that it did not see end. The gates are
// closed, so they have ended.
//
// spec DM-22
func (b *books) restore(now engine.Now, records []engine.Record, out *engine.Effects) {
	var open []usage
	for _, r := range records {
		if r.Bucket != bucket {
			continue
		}
		var u usage
		number, isRecord := numberOf(r.Key)
		if err := json.Unmarshal(r.Value, &u); err != nil || u.Session == "" || !isRecord && r.Key != openKey+u.Session {
			out.Drop("account-unreadable", engine.S("key", r.Key))
			continue
		}
		if isRecord {
			b.put(&record{number: number, usage: u})
			b.next = max(b.next, number)
		} else {
			open = append(open, u)
		}
	}
	for _, s := range b.shelves { //order:any — each by itself
		slices.Sort(s.ready)
	}
	slices.SortFunc(open, func(x, y usage) int { return strings.Compare(x.Session, y.Session) })
	for _, u := range open {
		u.Kind = mip6aaa.Stop
		b.record(u, nil, out)
		out.Persist(bucket, openKey+u.Session, nil)
	}
	b.pump(now, out)
}
