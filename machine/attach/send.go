package attach

import (
	"net/netip"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// solicitNow sends a router solicitation and arms the next (RFC 4861 §6.3.7).
func (l *Link) solicitNow(now engine.Now, out *engine.Effects) {
	rs := &nd.RouterSolicitation{}
	src := netip.IPv6Unspecified()
	if l.source.IsValid() {
		src = l.source
		rs.Options.SourceHW = l.hw
	}
	l.send(src, ip6.AllRouters, ip6.MulticastHW(ip6.AllRouters), rs, out)
	l.solicits++
	wait := SolicitInterval
	if l.solicits >= MaxSolicits {
		wait = SolicitIdle
	}
	l.timers.Set(solicit, now.Mono.Add(wait))
}

// startProbe begins unreachability detection of the current router (RFC 4861 §7.3.3, PROBE state).
func (l *Link) startProbe(now engine.Now, out *engine.Effects) {
	if l.current == nil {
		return
	}
	l.probes = 0
	l.sendProbe(now, out)
}

func (l *Link) sendProbe(now engine.Now, out *engine.Effects) {
	l.probes++
	wait := ProbeRetrans
	if l.current.Retrans > 0 {
		wait = l.current.Retrans
	}
	l.timers.Set(probe, now.Mono.Add(wait))
	if !l.source.IsValid() {
		return // no address to ask from yet; the attempt still counts, so that a dead link is noticed
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
