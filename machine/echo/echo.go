// Package echo answers pings to the addresses that engines hold, where no kernel does it (RFC 4443 §4.2).
//
// An answer is as long as its request, and requests come in fragments that the plane has put together. An engine keeps no path
// MTU, so an answer that is longer than every path carries goes out in pieces of that size (RFC 8200 §5): a few more packets
// than the path may need, and none that is lost for its size.
package echo

import (
	"encoding/binary"
	"net/netip"

	"roam6/engine"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// fragmentHeader is the length of a Fragment header, RFC 8200 §4.5.
const fragmentHeader = 8

// MaxPart is what one piece of a long answer carries: whole units of 8 octets, RFC 8200 §4.5.
const MaxPart = (ip6.MinMTU - ip6.HeaderLen - fragmentHeader) &^ 7

// Answer gives the whole packets that answer the echo request m, which came in p to self: one, or the fragments of one. It is
// nil for what is no request, or nobody's to answer: RFC 4443 §2.4 (e). A sender with a home address option has the answer at
// its home address; whether the option may be believed is the caller's to know. rand gives the fragments' identification,
// which a stranger must not guess (RFC 7739).
func Answer(rand *engine.Rand, self netip.Addr, p *ip6.Packet, m *icmp6.Echo) [][]byte {
	to := p.EffectiveSrc()
	if m.Reply || p.Dst != self || !p.Src.IsGlobalUnicast() || !to.IsGlobalUnicast() || to == self {
		return nil
	}
	r := ip6.Packet{Header: ip6.Header{Src: self, Dst: to}, Proto: ip6.ProtoICMPv6}
	r.Payload = icmp6.Append(nil, r.Src, r.Dst, &icmp6.Echo{Reply: true, ID: m.ID, Seq: m.Seq, Data: m.Data})
	if ip6.HeaderLen+len(r.Payload) <= ip6.MinMTU {
		return [][]byte{r.Append(nil)}
	}
	return fragments(r, uint32(rand.Uint64()))
}

// fragments takes a packet without extension headers apart.
func fragments(r ip6.Packet, id uint32) [][]byte {
	whole, proto := r.Payload, r.Proto
	r.Proto = ip6.ProtoFragment
	var list [][]byte
	for at := 0; at < len(whole); at += MaxPart {
		end, more := at+MaxPart, uint16(1)
		if end >= len(whole) {
			end, more = len(whole), 0
		}
		r.Payload = make([]byte, fragmentHeader, fragmentHeader+end-at)
		r.Payload[0] = proto
		binary.BigEndian.PutUint16(r.Payload[2:], uint16(at)|more)
		binary.BigEndian.PutUint32(r.Payload[4:], id)
		r.Payload = append(r.Payload, whole[at:end]...)
		list = append(list, r.Append(nil))
	}
	return list
}
