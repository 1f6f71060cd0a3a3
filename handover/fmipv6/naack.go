package fmipv6

import (
	"net/netip"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// Neighbor Advertisement Acknowledgment, RFC 5568 §4 and §6.4.6: what the next router says of an address that a node announced on arrival
// (UNA) and cannot have. Both ends; no word of it is ever needed for an address that was confirmed.

// isUNA tells the announcement of an arrival from other neighbour advertisements, RFC 5568 §6.3.
func isUNA(in engine.Packet, p *ip6.Packet, na *nd.NeighborAdvertisement) bool {
	return p.Dst == ip6.AllNodes && p.Src == na.Target && !na.Solicited && !na.Override && !na.Router &&
		in.From != plane.HW{} && na.Options.TargetHW == in.From
}

// misplaced answers a node that announces an address which is this router's, or not the one that its previous router was told.
//
// spec MIP-09
func (r *Router) misplaced(now engine.Now, in engine.Packet, p *ip6.Packet, na *nd.NeighborAdvertisement, out *engine.Effects) {
	l := r.linkOf(na.Target)
	if l == nil || l.Port != in.Port || !l.up || !isUNA(in, p, na) {
		return
	}
	if na.Target == r.c.Address {
		r.deny(now, l, in.From, p.Src, nd.NAAck{Status: nd.NAAckInvalid}, out)
		return
	}
	x := r.expected[ip6.FromEUI64(l.Prefix, in.From)]
	if x != nil && !x.here && x.hw == in.From {
		r.deny(now, l, in.From, p.Src, nd.NAAck{Status: nd.NAAckUseSupplied, CareOf: x.coa}, out)
	}
}

// deny sends the acknowledgement to the source and the station of an announcement. It says all that any advertisement does, so that no
// host believes that something else of the router has changed.
func (r *Router) deny(now engine.Now, l *link, to plane.HW, dst netip.Addr, a nd.NAAck, out *engine.Effects) {
	if !r.answers.take(now, MaxAnswers) {
		out.Drop("naack-rate", engine.A("to", dst))
		return
	}
	ra := l.Advertisement()
	ra.Options.NAAck = &a
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: ip6.LinkLocal(l.hw), Dst: dst}, Proto: ip6.ProtoICMPv6}
	p.Payload = nd.Append(nil, p.Src, p.Dst, ra)
	out.Send(l.Port, to, p.Append(nil))
	out.Event("handover.denied", engine.A("ncoa", dst), engine.S("status", a.Status.String()))
}

// Denied takes the next router's acknowledgement: an address that it supplies is taken, and the previous router told of it; otherwise the
// node forms one of its own. Nothing proves it, so it counts once in a handover, while the home agent may not know the address yet,
// and for an address of the router's network alone; whether anybody has that is detected as ever. See handover.Anticipator.
//
// spec MIP-09
func (m *Mobile) Denied(now engine.Now, port plane.Port, dst netip.Addr, a *nd.NAAck, out *engine.Effects) (netip.Addr, bool) {
	if m.state != arrived || port != m.port || dst != m.next.CoA || m.denied {
		out.Drop("naack-unexpected", engine.A("coa", dst))
		return netip.Addr{}, false
	}
	switch a.Status {
	case nd.NAAckUseSupplied:
		if c := a.CareOf; !m.next.Prefix.Contains(c) || c == dst || c == m.next.Router || c == m.next.Prefix.Masked().Addr() {
			out.Drop("naack-bad-address", engine.A("coa", dst), engine.A("supplied", c))
			return netip.Addr{}, false
		}
		m.next.CoA, m.acked, m.first = a.CareOf, false, m.seq+1
	case nd.NAAckInvalid, nd.NAAckUseRouter, nd.NAAckUnknownLLA:
		m.core.Unforwarded(now, m.prev.CoA, out)
		m.sites[port] = m.prev // the previous router is asked again, from the address that comes
		m.fellBack("the next router: "+a.Status.String(), out)
	case nd.NAAckUsePCoA: // "do not send FBU"
		m.core.Unforwarded(now, m.prev.CoA, out)
		m.fellBack("the next router: "+a.Status.String(), out)
	default:
		out.Drop("naack-unexpected", engine.A("coa", dst))
		return netip.Addr{}, false
	}
	m.denied = true
	out.Event("fast.denied", engine.A("coa", dst), engine.S("status", a.Status.String()))
	if a.Status == nd.NAAckUseSupplied {
		return a.CareOf, true
	}
	return netip.Addr{}, true
}
