package plane

import (
	"encoding/binary"
	"net/netip"
	"time"

	"roam6/wire/ip6"
)

// Limits of the ICMPv6 errors a plane sends, RFC 4443 §2.4 (f): a token bucket.
const (
	ICMPBurst    = 20                    // errors that may leave at once
	ICMPInterval = 10 * time.Millisecond // and then one an interval
)

// ICMPv6 errors, RFC 4443 §3, and the codes used here.
const (
	icmpUnreachable  = 1
	icmpTooBig       = 2
	icmpTimeExceeded = 3
	icmpParameter    = 4

	codeNoRoute    = 0 // of icmpUnreachable
	codeAddress    = 3
	codePort       = 4
	codeHops       = 0 // of icmpTimeExceeded
	codeReassembly = 1

	icmpInformational = 128 // types from here on are no errors
	icmpRedirect      = 137
	icmpHeader        = 8
	icmpAt            = ip6.HeaderLen // where the message begins in a packet made here
)

// icmpError is an error about a packet, to be told to its source.
type icmpError struct {
	kind, code uint8
	value      uint32     // MTU or pointer
	about      []byte     // the packet, perhaps cut short
	from       netip.Addr // source of the message; invalid: any address of this node
}

// bucket limits a rate.
type bucket struct {
	tokens int
	last   time.Duration // when tokens was right
}

// take takes one token, if there is one.
func (k *bucket) take(now time.Duration) bool {
	if grown := int64(now-k.last) / int64(ICMPInterval); grown > 0 {
		k.tokens = int(min(ICMPBurst, int64(k.tokens)+grown))
		k.last += time.Duration(grown) * ICMPInterval
	}
	if k.tokens == 0 {
		return false
	}
	k.tokens--
	return true
}

// report sends an ICMPv6 error to the source of the packet it is about, by the kernel: every packet that can fail on
// its way out came from there, or its source is represented here and the kernel brings the message back.
func (s *Soft) report(sink *Sink, e icmpError) {
	if !e.from.IsValid() {
		e.from = s.self
	}
	if s.handDown(sink, e) {
		return
	}
	if s.quiet || !e.from.IsValid() || !reportable(e) {
		return
	}
	if !s.icmp.take(s.now) {
		s.count.muted++
		return
	}
	s.count.errors++
	sink.Out = append(sink.Out, Out{Port: Kernel, Data: e.packet()})
}

// reportable says whether RFC 4443 §2.4 (e) lets a packet be answered with an error.
func reportable(e icmpError) bool {
	src, dst := sourceOf(e.about), destinationOf(e.about)
	if src.IsUnspecified() || src.IsMulticast() || dst.IsMulticast() && e.kind != icmpTooBig {
		return false
	}
	c, reason := walk(e.about)
	if reason != "" {
		return false // what it carries cannot be told, it may be an error
	}
	if c.proto != ip6.ProtoICMPv6 {
		return true
	}
	first := c.fragAt == 0 || binary.BigEndian.Uint16(e.about[c.fragAt+2:])&^7 == 0
	if !first || c.off >= len(e.about) {
		return false
	}
	kind := e.about[c.off]
	return kind >= icmpInformational && kind != icmpRedirect
}

// packet is the error as a whole packet: as much of the packet it is about as fits the minimum MTU.
func (e icmpError) packet() []byte {
	about := e.about[:min(len(e.about), ip6.MinMTU-ip6.HeaderLen-icmpHeader)]
	p := ip6.Packet{
		Header:  ip6.Header{Src: e.from, Dst: sourceOf(e.about), HopLimit: ip6.DefaultHopLimit},
		Proto:   ip6.ProtoICMPv6,
		Payload: make([]byte, icmpHeader, icmpHeader+len(about)),
	}
	m := append(p.Payload, about...)
	m[0], m[1] = e.kind, e.code
	binary.BigEndian.PutUint32(m[4:], e.value)
	binary.BigEndian.PutUint16(m[2:], ip6.Checksum(p.Src, p.Dst, ip6.ProtoICMPv6, m))
	p.Payload = m
	return p.Append(make([]byte, 0, ip6.HeaderLen+len(m)+Headroom))
}

// isError says whether an ICMPv6 message is an error.
func isError(m []byte) bool { return len(m) > 0 && m[0] < icmpInformational }
