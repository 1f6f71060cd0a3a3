package lwkrb

import (
	"net/netip"
	"strings"
	"time"

	"roam6/engine"
	lw "roam6/wire/lwkrb"
)

// Rates, at once and a second in the long run, of ap-reqs before anything is done with them. Trusted is who has proved itself to be a router we
// share AH with; it has looked at nothing in an ap-req, but is one.
const (
	SourceBurst, SourceRate   = 16, 4      // from one address that is not trusted
	AllBurst, AllRate         = 512, 512   // from all that are not trusted
	TrustedBurst, TrustedRate = 2048, 2048 // from all that are trusted
	RefuseBurst, RefuseRate   = 64, 64     // errors without proof: whoever makes us send gains nothing by it
	// ClientBurst and ClientRate are what one subscriber may have taken, so that none fills the memory of identities with its own: with these it
	// has room for a hundred that try. Anonymous clients (RFC 8062) have one name, and no such limit.
	ClientBurst, ClientRate = 32, 1
)

// Limits of what is under way.
const (
	MaxUnderWay  = 256  // ap-reqs that wait for a KDC or for a judgement
	MaxStrangers = 128  // of them, from all that are not trusted
	MaxPerSource = 16   // of them, from one of these addresses
	MaxSources   = 4096 // rates are kept of twice as many at most, and of as many clients
	rateFor      = 5 * time.Minute
	anonymous    = "WELLKNOWN/"
)

// limits decides what is looked at.
type limits struct {
	sources recent[netip.Addr]
	clients recent[lw.Principal]

	all, trusted, refusals engine.Bucket
}

func newLimits() limits {
	return limits{sources: recent[netip.Addr]{}, clients: recent[lw.Principal]{}}
}

// allow spends one ap-req of a source; reason is empty, or why it is dropped.
func (l *limits) allow(now engine.Now, from netip.Addr, trusted bool) (reason string) {
	switch {
	case trusted && l.trusted.Take(now.Mono, TrustedBurst, TrustedRate):
		return ""
	case trusted:
		return "lwkrb-rate-trusted"
	case !l.sources.of(now, from).Take(now.Mono, SourceBurst, SourceRate):
		return "lwkrb-rate-source"
	case !l.all.Take(now.Mono, AllBurst, AllRate):
		return "lwkrb-rate"
	}
	return ""
}

// client spends one ap-req of a subscriber, which has proven that it is one.
func (l *limits) client(now engine.Now, p lw.Principal) bool {
	return strings.HasPrefix(string(p), anonymous) || l.clients.of(now, p).Take(now.Mono, ClientBurst, ClientRate)
}

// refuse spends one error without proof.
func (l *limits) refuse(now engine.Now) bool {
	return l.refusals.Take(now.Mono, RefuseBurst, RefuseRate)
}

// recent keeps a rate for each that came of late, in two maps, of which the older is thrown away when the younger is full or old: so it costs
// the same however many there are.
type recent[K comparable] struct {
	young, old map[K]*engine.Bucket
	since      engine.Mono // when young began
}

func (r *recent[K]) of(now engine.Now, k K) *engine.Bucket {
	if r.young == nil || len(r.young) >= MaxSources || now.Mono.Sub(r.since) >= rateFor {
		r.young, r.old, r.since = map[K]*engine.Bucket{}, r.young, now.Mono
	}
	b := r.young[k]
	if b == nil {
		if b = r.old[k]; b == nil {
			b = &engine.Bucket{}
		}
		r.young[k] = b
	}
	return b
}
