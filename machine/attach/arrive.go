package attach

import (
	"time"

	"roam6/engine"
	"roam6/wire/ip6"
)

const (
	// ToldLifetime is how long a router and its prefix that another router told of are believed without a word of their own.
	// Their first advertisement brings the true lifetimes.
	ToldLifetime = 30 * time.Minute
	// ToldPatience is how long such a router may be silent before it is asked.
	ToldPatience = time.Second
)

// Arrive handles a link that can carry packets at a place that was known before: another router told of r (HW, Prefix and
// Global are set). Nothing is solicited. That r is really there is asked after soon.
//
// spec MIP-09
func (l *Link) Arrive(now engine.Now, in engine.LinkUp, r Router) {
	l.up, l.hw, l.others = true, in.HW, nil
	l.wait, l.probes, l.asked = 0, 0, false
	l.timers = engine.Timers[what]{}
	r.Addr = ip6.LinkLocal(r.HW) // told by nobody; the first advertisement says what it really is
	r.expires, r.prefixEnds = now.Mono.Add(ToldLifetime), now.Mono.Add(ToldLifetime)
	l.use(now, r, nil)
	l.told = true
	l.timers.Set(quiet, now.Mono.Add(ToldPatience))
}

// confirms says whether an advertisement is the first word of the router that another told of.
func (l *Link) confirms(r *Router) bool {
	return l.told && r.HW == l.current.HW && r.Prefix == l.current.Prefix
}
