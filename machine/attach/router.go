package attach

import (
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// Router is a default router as its advertisements describe it.
type Router struct {
	Addr     netip.Addr // link-local
	HW       plane.HW
	Global   netip.Addr   // from the R bit of its prefix, RFC 6275 §7.2; invalid if it gave none
	Prefix   netip.Prefix // to form an address in
	Agent    bool         // advertises itself as a home agent, RFC 6275 §7.1
	MTU      int
	Interval time.Duration // promised between advertisements; 0 if it promised none
	Retrans  time.Duration // RetransTimer it asked for; 0 if none

	expires    engine.Mono
	prefixEnds engine.Mono
	multicast  bool // its last advertisement was not for us alone
}

// Multicast reports whether the router was learnt from a multicast advertisement (RFC 4862 §5.4.2 then wants a random delay).
func (r Router) Multicast() bool { return r.multicast }

// NextHop is the router as the plane's next hop on a link of an MTU. It may ask for a smaller one, but for none that no IPv6 packet
// fits (RFC 4861 §6.3.4).
func (r Router) NextHop(mtu int) plane.Link {
	if r.MTU >= ip6.MinMTU && r.MTU < mtu {
		mtu = r.MTU
	}
	return plane.Link{Gateway: r.HW, MTU: mtu}
}

// PrefixLeft is how long addresses of its prefix are valid yet.
func (r Router) PrefixLeft(now engine.Now) time.Duration { return max(0, r.prefixEnds.Sub(now.Mono)) }

// patience is how long a router that promised an interval may be silent.
func (r *Router) patience() time.Duration {
	return MissedAdvertisements * max(r.Interval, MinAdvInterval)
}

func (r *Router) same(o *Router) bool { return r.Addr == o.Addr && r.HW == o.HW }

func (l *Link) routerOf(now engine.Now, from plane.HW, p *ip6.Packet, ra *nd.RouterAdvertisement) Router {
	r := Router{
		Addr: p.Src, HW: ra.Options.SourceHW, Agent: ra.HomeAgent, MTU: int(ra.Options.MTU),
		Interval: ra.Options.AdvInterval, Retrans: ra.Retrans,
		expires: now.Mono.Add(ra.Lifetime), multicast: p.Dst.IsMulticast(),
	}
	if r.HW == (plane.HW{}) {
		r.HW = from // without the option the frame itself tells
	}
	if pfx := l.choose(ra); pfx != nil {
		r.Prefix, r.prefixEnds = pfx.Prefix, now.Mono.Add(pfx.Valid)
		if pfx.RouterAddr {
			r.Global = pfx.Addr
		}
	}
	return r
}

// choose finds the prefix to form an address in: the home prefix before all, then the one in use, then the first; those
// that are deprecated only when there is no other (RFC 6275 §11.5.2, §11.5.3).
func (l *Link) choose(ra *nd.RouterAdvertisement) *nd.Prefix {
	var best *nd.Prefix
	rank := func(p *nd.Prefix) int {
		score := 0
		if p.Preferred > 0 {
			score += 4
		}
		if p.Prefix == l.home {
			score += 8
		}
		if l.current != nil && p.Prefix == l.current.Prefix {
			score++
		}
		return score
	}
	for i := range ra.Options.Prefixes {
		p := &ra.Options.Prefixes[i]
		if l.usable(p) && p.Valid > 0 && (best == nil || rank(p) > rank(best)) {
			best = p
		}
	}
	return best
}

// usable applies RFC 4862 §5.5.3 (a) to (d). At home no address is formed, so the home prefix need only be on the link.
func (l *Link) usable(p *nd.Prefix) bool {
	return (p.Autonomous || p.OnLink && p.Prefix == l.home) && p.Prefix.Bits() == 64 && p.Prefix.Addr().IsGlobalUnicast() && p.Preferred <= p.Valid
}

// renew takes the valid lifetime of the prefix in use from an advertisement, RFC 4862 §5.5.3 (e): nobody can end a prefix at
// once by a forged advertisement. It reports whether the advertisement names the prefix.
func (l *Link) renew(now engine.Now, cur *Router, ra *nd.RouterAdvertisement) bool {
	i := slices.IndexFunc(ra.Options.Prefixes, func(p nd.Prefix) bool { return p.Prefix == cur.Prefix && l.usable(&p) })
	if i < 0 {
		return false
	}
	p := &ra.Options.Prefixes[i]
	left := cur.prefixEnds.Sub(now.Mono)
	switch {
	case p.Valid > TwoHours || p.Valid > left:
		cur.prefixEnds = now.Mono.Add(p.Valid)
	case left > TwoHours:
		cur.prefixEnds = now.Mono.Add(TwoHours)
	}
	if p.RouterAddr {
		cur.Global = p.Addr
	}
	return true
}

func (l *Link) knows(r *Router) bool {
	return slices.ContainsFunc(l.others, func(o Router) bool { return o.same(r) })
}

func (l *Link) forget(r *Router) {
	l.others = slices.DeleteFunc(l.others, func(o Router) bool { return o.same(r) })
}

// remember keeps a router for the day the current one is lost. It reports whether it was not known before.
func (l *Link) remember(now engine.Now, r Router) bool {
	l.others = slices.DeleteFunc(l.others, func(o Router) bool { return o.expires <= now.Mono })
	if i := slices.IndexFunc(l.others, func(o Router) bool { return o.same(&r) }); i >= 0 {
		l.others[i] = r
		return false
	}
	if len(l.others) >= MaxRouters {
		return false
	}
	l.others = append(l.others, r)
	return true
}
