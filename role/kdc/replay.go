package kdc

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"roam6/engine"
	lw "roam6/wire/lwkrb"
)

// bucketReplay holds, by digest, until when an authenticator is remembered: 8 octets, seconds since 1970.
const bucketReplay = "kdc.replay"

// Skew is how far the clock of another may be from ours, RFC 4120 §1.6.
const Skew = lw.MaxSkew

// ReplayTime is how long an authenticator is remembered: as long as any clock in the skew finds it fresh.
const ReplayTime = lw.Remember

// digest names a request, or an authenticator.
type digest [16]byte

func digestOf(b []byte) digest {
	sum := sha256.Sum256(b)
	return digest(sum[:16])
}

// replays are the authenticators of TGS-REQs that were answered with a ticket, RFC 4120 §3.2.3. They outlive a restart.
type replays struct {
	seen  map[digest]bool
	order []replay // the earliest end first
}

type replay struct {
	what digest
	end  engine.Mono
}

// has says whether an authenticator was seen.
//
// spec FH-18
func (r *replays) has(what digest) bool { return r.seen[what] }

// full says whether there is no room for one more.
func (r *replays) full() bool { return len(r.order) >= MaxReplays }

// mark remembers an authenticator, durably before what is told next.
func (r *replays) mark(now engine.Now, out *engine.Effects, what digest) {
	r.put(what, now.Mono.Add(ReplayTime))
	end := uint64(now.Wall.Add(ReplayTime).Unix()) + 1
	out.Persist(bucketReplay, hex.EncodeToString(what[:]), binary.BigEndian.AppendUint64(nil, end))
}

func (r *replays) put(what digest, end engine.Mono) {
	if r.seen == nil {
		r.seen = map[digest]bool{}
	}
	r.seen[what] = true
	r.order = append(r.order, replay{what, end})
}

// restore takes what was persisted. All of it is remembered for as long as the longest may need: what a clock that was set meanwhile makes of
// the times that were written matters to no one then.
func (r *replays) restore(now engine.Now, out *engine.Effects, records []engine.Record) {
	for _, x := range records {
		if x.Bucket != bucketReplay {
			continue
		}
		b, err := hex.DecodeString(x.Key)
		if err != nil || len(b) != len(digest{}) || len(x.Value) != 8 || r.full() {
			out.Persist(bucketReplay, x.Key, nil)
			continue
		}
		end := time.Unix(int64(binary.BigEndian.Uint64(x.Value)), 0)
		if left := end.Sub(now.Wall); left < 0 {
			out.Persist(bucketReplay, x.Key, nil) // its clock was ours: no one finds it fresh
			continue
		}
		r.put(digest(b), now.Mono.Add(ReplayTime))
	}
}

// over forgets those whose time it is.
func (r *replays) over(now engine.Mono, out *engine.Effects) {
	n := 0
	for ; n < len(r.order) && r.order[n].end <= now; n++ {
		what := r.order[n].what
		delete(r.seen, what)
		out.Persist(bucketReplay, hex.EncodeToString(what[:]), nil)
	}
	r.order = r.order[n:]
}

func (r *replays) next() engine.Mono {
	if len(r.order) == 0 {
		return engine.Never
	}
	return r.order[0].end
}

// answers are what was told lately, for a request that comes again octet by octet: who repeats one whose answer was lost gets it, instead of
// a word about replays. Nobody but who asked can read it. Errors are not kept: they cost nothing to make.
type answers struct {
	by     map[digest][]byte
	order  []told // as they were told
	octets int
}

type told struct {
	what digest
	at   engine.Mono
}

func (a *answers) keep(now engine.Mono, what digest, octets []byte) {
	a.over(now)
	if a.by[what] != nil {
		return // it was there while this was worked on
	}
	for len(a.order) > 0 && (len(a.order) >= MaxAnswers || a.octets+len(octets) > MaxKept) {
		a.drop()
	}
	if a.by == nil {
		a.by = map[digest][]byte{}
	}
	a.by[what], a.order, a.octets = octets, append(a.order, told{what, now}), a.octets+len(octets)
}

// drop lets go of the oldest.
func (a *answers) drop() {
	what := a.order[0].what
	a.octets -= len(a.by[what])
	delete(a.by, what)
	a.order = a.order[1:]
}

// get gives the answer to a request that was answered within AnswerTime.
func (a *answers) get(now engine.Mono, what digest) []byte {
	a.over(now)
	return a.by[what]
}

func (a *answers) over(now engine.Mono) {
	for len(a.order) > 0 && now.Sub(a.order[0].at) > AnswerTime {
		a.drop()
	}
}
