package admit

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
)

// Rates, in packets: at once, and a second in the long run. A message has up to access.MaxParts of them, and EAP may take a dozen messages.
const (
	SourceBurst, SourceRate   = 32, 8      // from one address, of one station: anybody can send from another's
	StationBurst, StationRate = 64, 16     // from one link-layer address
	AllBurst, AllRate         = 1024, 1024 // from all strangers
	FailedBurst, FailedRate   = 128, 64    // from all stations that were refused before
	KnownBurst, KnownRate     = 1024, 1024 // from all stations that were let in before
	RefuseBurst, RefuseRate   = 64, 64     // refusals of this end: whoever makes us send gains nothing by it
)

// A station whose request was refused by the home server is not heard for PenaltyFirst, doubled with each refusal up to PenaltyMost.
const (
	PenaltyFirst = time.Second
	PenaltyMost  = 64 * time.Second
	rateFor      = 5 * time.Minute // how long a rate is kept: one to two of it; more than any penalty or bucket needs
)

// Kinds of stations.
const (
	stranger = 0
	known    = 1
)

// rates limits what comes, before anything else is done about it.
type rates struct {
	stations recent[plane.HW, *limit]
	sources  recent[origin, *limit]
	known    recent[plane.HW, struct{}]

	strangers, failed, friends, refusals engine.Bucket
}

type limit struct {
	bucket  engine.Bucket
	refused int
	until   engine.Mono // not heard before
}

func newRates() rates {
	return rates{
		stations: newRecent[plane.HW, *limit](MaxStations, rateFor),
		sources:  newRecent[origin, *limit](MaxSources, rateFor),
		known:    newRecent[plane.HW, struct{}](MaxKnown, KnownFor),
	}
}

// allow spends one packet of a station. reason is empty, or why it is dropped.
//
// spec DM-09
func (r *rates) allow(now engine.Now, hw plane.HW, src netip.Addr) (kind int, reason string) {
	if _, ok := r.known.find(now, hw); ok {
		kind = known
	}
	s := limitOf(&r.stations, now, hw)
	switch {
	case now.Mono < s.until:
		return kind, "access-penalty"
	case !s.bucket.Take(now.Mono, StationBurst, StationRate):
		return kind, "access-rate-station"
	case !limitOf(&r.sources, now, origin{src, hw}).bucket.Take(now.Mono, SourceBurst, SourceRate):
		return kind, "access-rate-source"
	case kind == known && !r.friends.Take(now.Mono, KnownBurst, KnownRate):
		return kind, "access-rate-known"
	case kind == stranger && s.refused > 0 && !r.failed.Take(now.Mono, FailedBurst, FailedRate):
		return kind, "access-rate-failed"
	case kind == stranger && s.refused == 0 && !r.strangers.Take(now.Mono, AllBurst, AllRate):
		return kind, "access-rate"
	}
	return kind, ""
}

func limitOf[K comparable](r *recent[K, *limit], now engine.Now, k K) *limit {
	l, ok := r.find(now, k)
	if !ok {
		l = &limit{}
		r.put(now, k, l)
	}
	return l
}

// learn draws the conclusion of a reply. Only what was not vouched for by the home server can be a stranger's fault, and only codes from
// 4000 on are: those below tell of the servers.
func (r *rates) learn(now engine.Now, hw plane.HW, m *access.Reply) {
	_, ours := r.known.find(now, hw)
	s := limitOf(&r.stations, now, hw)
	switch {
	case m.Result == uint32(diameter.Success):
		r.known.put(now, hw, struct{}{})
		s.refused, s.until = 0, 0
	case m.Result >= 4000 && m.Auth == nil && !ours:
		s.until = now.Mono.Add(min(PenaltyFirst<<min(s.refused, 16), PenaltyMost))
		s.refused++
	}
}

// recent remembers by key what was used of late: in two maps, of which the older is thrown away when the younger is full or old. So it
// costs the same however many keys there are, and nobody has to be told which one goes.
type recent[K comparable, V any] struct {
	most       int           // keys of the younger map, and as many of before
	age        time.Duration // a key is remembered for one to two of it
	young, old map[K]V
	since      engine.Mono // when young began
}

func newRecent[K comparable, V any](most int, age time.Duration) recent[K, V] {
	return recent[K, V]{most: most, age: age}
}

func (r *recent[K, V]) turn(now engine.Now) {
	switch past := now.Mono.Sub(r.since); {
	case r.young == nil || past >= 2*r.age:
		r.young, r.old, r.since = map[K]V{}, nil, now.Mono
	case past >= r.age || len(r.young) >= r.most:
		r.young, r.old, r.since = map[K]V{}, r.young, now.Mono
	}
}

// find gives the value of a key, if it is remembered.
func (r *recent[K, V]) find(now engine.Now, k K) (V, bool) {
	r.turn(now)
	if v, ok := r.young[k]; ok {
		return v, true
	}
	v, ok := r.old[k]
	return v, ok
}

// put remembers a value.
func (r *recent[K, V]) put(now engine.Now, k K, v V) {
	r.turn(now)
	r.young[k] = v
	delete(r.old, k)
}

func (r *recent[K, V]) len() int { return len(r.young) + len(r.old) }
