// Package tell is what a node says to the sender of a packet that it refuses, where a document wants it said: a Binding
// Error (RFC 6275 §9.3.3) or an ICMPv6 Parameter Problem (RFC 8200 §4.2, RFC 6275 §9.2). The rules that keep such
// answers from becoming a weapon are here and nowhere else (RFC 4443 §2.4 e, f):
//
//   - never to an address that names nobody or many, never about an ICMPv6 error;
//   - at most one in Interval to one address, at most Burst at once and Rate a second to all together;
//   - each is no larger than the least MTU, and every one follows from exactly one packet.
//
// A refused packet changes nothing else.
package tell

import (
	"errors"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/wire"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Limits.
const (
	Interval = time.Second // between two answers to one address
	Burst    = 16          // answers at once to all addresses together
	Rate     = 100         // answers a second in the long run to all addresses together
	MaxPeers = 1024        // addresses remembered for Interval
)

// Teller limits the answers of one node. The zero Teller is ready.
type Teller struct {
	told map[netip.Addr]engine.Mono // when an address was last told something
	all  engine.Bucket              // of Burst and Rate
}

// BindingError is the packet that tells the sender of p that there is no binding for its home address (mh.UnknownBinding)
// or that its message is of an unknown type (mh.UnknownMHType); nil when it may not be told.
//
// spec MIP-01
func (t *Teller) BindingError(now engine.Now, self netip.Addr, p *ip6.Packet, status uint8) []byte {
	if !t.May(now, self, p) {
		return nil
	}
	r := ip6.Packet{Header: ip6.Header{Src: self, Dst: p.Src}, Proto: ip6.ProtoMH}
	r.Payload = mh.Append(nil, r.Src, r.Dst, &mh.BindingError{Status: status, HomeAddress: p.HomeAddress})
	return r.Append(nil)
}

// Problem is the Parameter Problem about a packet that ip6.Parse (which gave p and err) or mh.Parse (which gave err)
// refused; nil when the documents want silence or when it may not be told.
func (t *Teller) Problem(now engine.Now, self netip.Addr, p *ip6.Packet, data []byte, err error) []byte {
	e := icmp6.Error{Type: icmp6.TypeParameterProblem, Invoking: data}
	problem, field := new(ip6.Problem), new(wire.Error)
	switch {
	case errors.As(err, &problem):
		e.Code, e.Param = problem.Code, problem.Pointer
	case errors.As(err, &field) && field.Proto == "mh" && (field.Field == "Payload Proto" || field.Field == "Header Len" && errors.Is(err, wire.ErrLength)):
		e.Param = uint32(p.ProtoOffset + field.Offset) // RFC 6275 §9.2
	default:
		return nil
	}
	if aboutError(data) || !t.May(now, self, p) {
		return nil
	}
	r := ip6.Packet{Header: ip6.Header{Src: self, Dst: p.Src}, Proto: ip6.ProtoICMPv6}
	r.Payload = icmp6.Append(nil, r.Src, r.Dst, &e)
	return r.Append(nil)
}

// May spends one answer to the sender of p, for answers of the caller's own making.
func (t *Teller) May(now engine.Now, self netip.Addr, p *ip6.Packet) bool {
	if p.Dst != self || !p.Src.IsGlobalUnicast() || p.Src == self {
		return false
	}
	if last, ok := t.told[p.Src]; ok && now.Mono.Sub(last) < Interval {
		return false
	}
	if !t.all.Take(now.Mono, Burst, Rate) {
		return false
	}
	if t.told == nil || len(t.told) >= MaxPeers {
		t.told = make(map[netip.Addr]engine.Mono) // Burst and Rate still hold
	}
	t.told[p.Src] = now.Mono
	return true
}

// aboutError reports whether a packet carries an ICMPv6 error, or hides so well what it carries that it might.
func aboutError(b []byte) bool {
	if len(b) < ip6.HeaderLen {
		return true
	}
	proto, off := b[6], ip6.HeaderLen
	for range ip6.MaxExtensions + 1 {
		switch proto {
		case ip6.ProtoHopByHop, ip6.ProtoRouting, ip6.ProtoDestOpts:
			if len(b) < off+8 {
				return true
			}
			proto, off = b[off], off+8*(int(b[off+1])+1)
		case ip6.ProtoFragment:
			if len(b) < off+8 || b[off+2] != 0 || b[off+3]&^7 != 0 {
				return true // not the first fragment: RFC 4443 does not forbid it, but nobody could use it
			}
			proto, off = b[off], off+8
		case ip6.ProtoICMPv6:
			return len(b) <= off || b[off] < 128
		default:
			return false
		}
	}
	return true
}
