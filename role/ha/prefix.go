package ha

import (
	"net/netip"

	"roam6/engine"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// prefixSolicitation takes a mobile prefix solicitation that came under ESP: RFC 6275 §10.6.2.
//
// spec MIP-05
func (a *Agent) prefixSolicitation(m *mobile, by *sa.SA, p *ip6.Packet, icmp []byte, out *engine.Effects) {
	msg, err := icmp6.Parse(p.EffectiveSrc(), p.EffectiveDst(), icmp)
	if err != nil {
		out.Drop("icmp6-malformed", engine.S("error", err.Error()))
		return
	}
	mps, ok := msg.(*icmp6.PrefixSolicitation)
	if !ok || !a.holds(m.hoa, p.Src) {
		out.Drop("mps-without-binding", engine.A("hoa", m.hoa), engine.A("from", p.Src))
		return
	}
	by.Commit(out)
	a.sendPrefixes(m, mps, out)
}

// sendPrefixes answers with the home link's prefix as it is advertised: RFC 6275 §10.6.1.
func (a *Agent) sendPrefixes(m *mobile, mps *icmp6.PrefixSolicitation, out *engine.Effects) {
	if m.binding == nil {
		return
	}
	mpa := &icmp6.PrefixAdvertisement{ID: mps.ID, Prefixes: []nd.Prefix{{
		Prefix: a.cfg.Prefix, Addr: a.cfg.Address, RouterAddr: true, OnLink: true, Autonomous: true,
		Valid: a.cfg.Advertise.Valid, Preferred: a.cfg.Advertise.Preferred,
	}}}
	p := ip6.Packet{
		Header:   ip6.Header{Src: a.cfg.Address, Dst: m.binding.CoA()},
		Routing2: netip.AddrFrom16(m.hoa.As16()),
		Proto:    ip6.ProtoICMPv6,
		Payload:  icmp6.Append(nil, a.cfg.Address, m.hoa, mpa),
	}
	out.Send(plane.Kernel, plane.HW{}, m.sa.Seal(p, out))
}
