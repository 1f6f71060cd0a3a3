package attach

import (
	"net/netip"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// solicitNow sends a router solicitation and arms the next: without end, at waits that double up to an hour, each a tenth
// longer or shorter by chance (RFC 7559 §2).
func (l *Link) solicitNow(now engine.Now, out *engine.Effects) {
	rs := &nd.RouterSolicitation{}
	src := netip.IPv6Unspecified()
	if l.source.IsValid() {
		src = l.source
		rs.Options.SourceHW = l.hw
	}
	l.send(src, ip6.AllRouters, ip6.MulticastHW(ip6.AllRouters), rs, out)
	base := min(2*l.wait, MaxSolicitInterval)
	if l.wait == 0 {
		base = SolicitInterval
	}
	l.wait = base + l.rand.Between(0, base/5) - base/10
	l.timers.Set(solicit, now.Mono.Add(l.wait))
}

// startProbe begins unreachability detection of the current router (RFC 4861 §7.3.3, PROBE state).
func (l *Link) startProbe(now engine.Now, out *engine.Effects) {
	if l.current == nil {
		return
	}
	l.probes, l.asked = 0, false
	l.sendProbe(now, out)
}

// sendProbe asks the current router and waits. Without an address to ask from the wait alone counts, and that only on a link
// that came back: there the router has until the last probe to be heard; a router heard before is not given up for our lack.
func (l *Link) sendProbe(now engine.Now, out *engine.Effects) {
	wait := ProbeRetrans
	if l.current.Retrans > 0 {
		wait = min(max(l.current.Retrans, MinRetrans), MaxRetrans)
	}
	l.timers.Set(probe, now.Mono.Add(wait))
	if l.source.IsValid() || l.suspect {
		l.probes++
	}
	if !l.source.IsValid() {
		return
	}
	if !l.asked {
		l.asked, l.askedAt = true, now.Mono
	}
	ns := &nd.NeighborSolicitation{Target: l.current.Addr, Options: nd.Options{SourceHW: l.hw}}
	l.send(l.source, l.current.Addr, l.current.HW, ns, out)
}

func (l *Link) send(src, dst netip.Addr, to plane.HW, m nd.Message, out *engine.Effects) {
	p := ip6.Packet{
		Header:  ip6.Header{HopLimit: 255, Src: src, Dst: dst},
		Proto:   ip6.ProtoICMPv6,
		Payload: nd.Append(nil, src, dst, m),
	}
	out.Send(l.Port, to, p.Append(nil))
}
