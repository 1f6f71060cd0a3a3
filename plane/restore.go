package plane

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire/ip6"
)

// restore tells an application of an ICMPv6 error about a packet that went straight, as if it had gone without headers:
// they are taken out of the quoted packet, home addresses stand in place of care-of addresses, and the path is smaller
// by them (RFC 6275 §9.3.4, §11.3.5). It is false if the error is about something else. off is where the message begins.
//
// spec MIP-04
func (s *Soft) restore(b []byte, off int, sink *Sink) bool {
	m := b[off:]
	if len(m) < icmpHeader+ip6.HeaderLen || m[icmpHeader]>>4 != 6 {
		return false
	}
	quoted := m[icmpHeader:]
	remote := destinationOf(quoted)
	if sourceOf(quoted) != destinationOf(b) {
		return false
	}
	about, removed := s.bare(quoted)
	if removed == 0 {
		return false
	}
	if ip6.Checksum(sourceOf(b), destinationOf(b), ip6.ProtoICMPv6, m) != 0 {
		s.drop(sink, DropICMPChecksum)
		return true
	}
	e := icmpError{kind: m[0], code: m[1], value: binary.BigEndian.Uint32(m[4:]), about: about, from: sourceOf(b)}
	if e.from == remote {
		e.from = destinationOf(about) // the peer itself says it
	}
	switch e.kind {
	case icmpUnreachable:
		if peer, mobile := about[8:24], about[24:40]; e.code != codePort { // a port is the application's, and the node was reached
			if route := s.pairs.find(mobile, peer, true); route != nil && netip.AddrFrom16(route.careOf) == remote {
				route.missed(s.now, mobile, peer, sink)
			}
		}
	case icmpTooBig:
		if !s.learn(remote, e.value, sink) {
			return true
		}
		left := max(int(e.value)-removed, ip6.MinMTU)
		if sizeOf(about) <= left {
			return true
		}
		e.value = uint32(left)
	case icmpParameter:
		switch pointer := int(e.value); {
		case pointer >= ip6.HeaderLen+removed:
			e.value -= uint32(removed)
		case pointer >= ip6.HeaderLen: // our own headers: the peer does not know them, which is news for the engines
			return false
		}
	}
	s.report(sink, e)
	return true
}

// learn remembers a path MTU that a Packet Too Big told, if it can be one.
func (s *Soft) learn(remote netip.Addr, mtu uint32, sink *Sink) bool {
	switch {
	case mtu < ip6.MinMTU:
		s.drop(sink, DropICMPMTU)
		return false
	case mtu > MaxMTU: // larger than any IPv6 packet: no news
		s.drop(sink, DropICMPIgnored)
		return false
	}
	s.pmtu.learn(remote, int(mtu), s.now)
	return true
}

// bare is a copy of a packet that went out, perhaps cut short, without the headers that optimise put into it; removed is
// their octets, 0 if there are none or no Route here put them.
func (s *Soft) bare(b []byte) (out []byte, removed int) {
	c, _ := walk(b)
	if c.type2.at == 0 && c.homeAt == 0 {
		return b, 0
	}
	home, final := [16]byte(b[8:24]), [16]byte(b[24:40])
	if c.homeAt > 0 {
		home = [16]byte(b[c.homeAt:])
	}
	if c.type2.at > 0 {
		final = [16]byte(b[c.type2.at+8:])
	}
	if c.homeAt > 0 {
		if e := s.pairs.find(home[:], final[:], false); e == nil || e.careOf != [16]byte(b[8:24]) {
			return b, 0
		}
	}
	if c.type2.at > 0 {
		if e := s.pairs.find(final[:], home[:], true); e == nil || e.careOf != [16]byte(b[24:40]) {
			return b, 0
		}
	}
	out = append(make([]byte, 0, len(b)), b...)
	if c.homeAt > 0 {
		size := 8 * (int(b[c.home.at+1]) + 1)
		out, removed = takeOut(out, c.home, size), size
	}
	if c.type2.at > 0 {
		out, removed = takeOut(out, c.type2, routingHeader), removed+routingHeader
	}
	copy(out[8:24], home[:])
	copy(out[24:40], final[:])
	return out, removed
}
