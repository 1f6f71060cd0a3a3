// Package neighbor speaks for addresses: it answers neighbour solicitations for the addresses a node owns or
// represents (RFC 4861 §7.2.4; proxy: RFC 6275 §10.4.1), and announces them when they move (RFC 4861 §7.2.6).
//
// The mobile node uses it for its link-local and care-of addresses, the home agent for its own address and for the
// home addresses of mobile nodes that are away. Solicitations are believed as they come: without SEND (RFC 3971) nobody can
// tell a neighbour from another; an answer tells only what the link knows anyway.
package neighbor

import (
	"net/netip"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// Key is one address on one link.
type Key struct {
	Port plane.Port
	Addr netip.Addr
}

// Stance says how an address is answered for.
type Stance struct {
	HW     plane.HW   // link-layer address in the answers
	Source netip.Addr // the answers' source; invalid: the address itself
	Router bool       // R flag: this node routes
	// Soft answers leave caches alone that know another link-layer address (Override 0): the way of proxies, of
	// anycast addresses (RFC 4861 §7.2.4) and of optimistic ones (RFC 4429 §3.3). An announcement overrides nevertheless.
	Soft bool
	// Shy addresses are answered for to their solicitor alone; a probe from the unspecified address is not answered: an
	// optimistic address (RFC 4429 §3.3), a home address that its home agent may still defend (RFC 6275 §11.5.5).
	Shy bool
}

// Speaker answers for a set of addresses. The zero value is ready.
type Speaker struct {
	stances map[Key]Stance
}

// Own begins to answer for an address, or changes how.
func (s *Speaker) Own(key Key, st Stance) {
	if s.stances == nil {
		s.stances = make(map[Key]Stance)
	}
	s.stances[key] = st
}

// Disown stops answering for an address.
func (s *Speaker) Disown(key Key) { delete(s.stances, key) }

// DisownPort stops answering for all addresses on a link.
func (s *Speaker) DisownPort(port plane.Port) {
	for key := range s.stances { //order:any — deletion has no effects
		if key.Port == port {
			delete(s.stances, key)
		}
	}
}

// Owns reports whether the address is answered for.
func (s *Speaker) Owns(key Key) bool { _, ok := s.stances[key]; return ok }

// Heard answers a neighbour solicitation that asks for one of the addresses. A probe (from the unspecified address) is
// answered to all nodes, so that whoever tries to take the address learns that it is taken.
//
// spec MIP-06
func (s *Speaker) Heard(port plane.Port, from plane.HW, p *ip6.Packet, ns *nd.NeighborSolicitation, out *engine.Effects) bool {
	st, ok := s.stances[Key{port, ns.Target}]
	if !ok {
		return false
	}
	dst, to, solicited := p.Src, from, true
	switch {
	case p.Src.IsUnspecified() && st.Shy:
		return false
	case p.Src.IsUnspecified():
		dst, to, solicited = ip6.AllNodes, ip6.MulticastHW(ip6.AllNodes), false
	case ns.Options.SourceHW != plane.HW{}:
		to = ns.Options.SourceHW
	}
	s.advertise(port, to, dst, ns.Target, st, solicited, !st.Soft, out)
	return true
}

// Announce tells every node on the link that the address is here now, overriding what they knew.
func (s *Speaker) Announce(key Key, out *engine.Effects) {
	st, ok := s.stances[key]
	if !ok {
		return
	}
	s.advertise(key.Port, ip6.MulticastHW(ip6.AllNodes), ip6.AllNodes, key.Addr, st, false, true, out)
}

func (s *Speaker) advertise(port plane.Port, to plane.HW, dst, target netip.Addr, st Stance, solicited, override bool, out *engine.Effects) {
	na := &nd.NeighborAdvertisement{
		Router: st.Router, Solicited: solicited, Override: override,
		Target: target, Options: nd.Options{TargetHW: st.HW},
	}
	src := target
	if st.Source.IsValid() {
		src = st.Source
	}
	p := ip6.Packet{
		Header:  ip6.Header{HopLimit: 255, Src: src, Dst: dst},
		Proto:   ip6.ProtoICMPv6,
		Payload: nd.Append(nil, src, dst, na),
	}
	out.Send(port, to, p.Append(nil))
}
