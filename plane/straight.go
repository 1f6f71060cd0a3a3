package plane

import (
	"net/netip"

	"roam6/wire/ip6"
)

// trip is how a packet goes straight to its peer.
type trip struct {
	mine, theirs *straight // the Routes of this node's mobile address and of the peer's; one may be nil
	added        int       // octets of headers
	tunnel       *route    // the path whose tunnel the packet takes with its routing header; nil for none
	remote       netip.Addr
	mtu          int // largest packet with the headers, before a tunnel's
	out          Port
	to           HW
}

// optimise sends a packet straight to its peer if a Route says so: with a Home Address option if this node is the mobile
// one, with a type 2 routing header if the other is, with both if both are. r is the path of its source, nil for none.
// done is false, and nothing has happened, if the packet must go as it is.
//
// The checksum of the upper layer is over the addresses that applications see (RFC 6275 §6.3, §6.4), so it stays.
//
// spec MIP-04
func (s *Soft) optimise(r *route, b []byte, sink *Sink) (done, sent bool) {
	mine, theirs := s.pairs.find(b[8:24], b[24:40], false), s.pairs.find(b[24:40], b[8:24], true)
	if mine == nil && theirs == nil {
		return false, false
	}
	at, fragAt, ok := insertion(b)
	if !ok {
		return false, false
	}
	t, size, pair := s.plan(r, b, mine, theirs), len(b), [32]byte(b[8:40]) // the headers will be written over it
	if !s.fits(r, &t, b, sink) {
		return true, false
	}
	out, c := t.insert(b, at, fragAt)
	switch {
	case t.tunnel != nil && t.tunnel != r: // of the care-of address
		sent = s.copied(t.tunnel, out, 0, sink)
	case t.tunnel != nil:
		sent = s.encapsulate(t.tunnel, out, t.added, sink)
	case len(out) > t.mtu:
		sent = s.fragment(nil, t.out, out, c, t.mtu, sink)
	default:
		sent = s.sendTo(t.out, t.to, out, sink)
	}
	if sent && mine != nil {
		mine.sent.add(size)
		mine.use(s.now, pair[:16], pair[16:], sink)
	}
	if sent && theirs != nil {
		theirs.sent.add(size)
		theirs.use(s.now, pair[16:], pair[:16], sink)
	}
	return true, sent
}

// plan finds the way: from a care-of address by its link, else as the path of the source goes. A mobile node that the
// peer knows no binding of sends through its home agent, with the peer's routing header inside.
func (s *Soft) plan(r *route, b []byte, mine, theirs *straight) trip {
	t := trip{mine: mine, theirs: theirs, remote: destinationOf(b)}
	told := 0
	if theirs != nil {
		t.added += routingHeader
		t.remote, told = netip.AddrFrom16(theirs.careOf), int(theirs.mtu)
	}
	switch {
	case mine != nil:
		t.added += homeHeader
		t.out = Port(mine.out)
		t.tunnel = s.beneath(netip.AddrFrom16(mine.careOf))
		if mine.mtu != 0 && (told == 0 || int(mine.mtu) < told) {
			told = int(mine.mtu)
		}
	case r == nil:
		t.out = Port(theirs.out)
	case r.Mode == Tunnel:
		t.tunnel = r
	default:
		t.out, t.to = r.Out, r.To
	}
	if t.tunnel != nil {
		t.mtu = min(s.mtuTo(t.remote, Kernel, told), s.pathMTU(t.tunnel)-tunnelHeader)
		return t
	}
	t.mtu = s.mtuTo(t.remote, t.out, told)
	return t
}

// fits drops what cannot go: a way that leads back, and packets too big for it with their headers, whose source is told.
// What is no larger than the minimum MTU is cut later.
func (s *Soft) fits(r *route, t *trip, b []byte, sink *Sink) bool {
	src := sourceOf(b)
	switch {
	case t.mine == nil && r != nil && r.Mode == Direct && r.Out == Kernel:
		s.drop(sink, DropPathInvalid)
	case t.theirs != nil && t.remote == src:
		s.drop(sink, DropEncapLoop)
	case len(b)+t.added > t.mtu && len(b) > ip6.MinMTU:
		s.drop(sink, DropTooBig)
		s.report(sink, icmpError{kind: icmpTooBig, value: uint32(max(t.mtu-t.added, ip6.MinMTU)), about: b, from: s.teller(r, t, b)})
	default:
		return true
	}
	return false
}

// teller is the source of an error about a packet that was to go straight. A host may have no address of the engines': then
// the destination seems to say it.
func (s *Soft) teller(r *route, t *trip, b []byte) netip.Addr {
	switch {
	case t.mine != nil:
		return netip.AddrFrom16(t.mine.careOf)
	case r != nil && r.Local.IsValid():
		return r.Local
	case s.self.IsValid():
		return s.self
	}
	return destinationOf(b)
}

// insert writes the headers of route optimisation and says where the packet may be cut.
func (t *trip) insert(b []byte, at place, fragAt int) ([]byte, cut) {
	out := open(b, at.at, t.added)
	src, dst := [16]byte(out[8:24]), [16]byte(out[24:40])
	from, next := at.from, out[at.from]
	h := out[at.at:]
	if t.theirs != nil {
		out[from] = ip6.ProtoRouting
		copy(h, []byte{next, 2, 2, 1, 0, 0, 0, 0})
		copy(h[8:], dst[:])
		copy(out[24:40], t.theirs.careOf[:])
		from, h = at.at, h[routingHeader:]
	}
	if t.mine != nil {
		out[from] = ip6.ProtoDestOpts
		copy(h, []byte{next, 2, optPadN, 2, 0, 0, optHome, 16}) // aligned 8n+6
		copy(h[8:], src[:])
		copy(out[8:24], t.mine.careOf[:])
		from = len(out) - len(h)
	}
	size := len(out) - ip6.HeaderLen
	out[4], out[5] = byte(size>>8), byte(size)
	c := cut{head: at.at + t.added, nextAt: from}
	if fragAt > 0 {
		c = cut{head: fragAt + t.added, fragment: true}
	}
	return out, c
}

// insertion is where the headers of route optimisation belong in a packet: behind a hop-by-hop header, before all else
// (RFC 8200 §4.1, RFC 6275 §6.3). ok is false for packets that must not carry them: mobility headers have rules of
// their own (RFC 6275 §6.1), neighbour discovery never does (§9.3.2, §11.3.1), a second routing header or home address
// would be one too many, and tunnel packets in packets end at one level.
func insertion(b []byte) (at place, fragAt int, ok bool) {
	at = place{ip6.HeaderLen, 6}
	switch b[6] {
	case ip6.ProtoTCP, ip6.ProtoUDP, ip6.ProtoESP:
		return at, 0, true
	}
	c, reason := walk(b)
	if reason != "" || !c.plain || c.proto == ip6.ProtoMH || c.proto == ip6.ProtoIPv6 || isND(b) {
		return at, 0, false
	}
	if b[6] == ip6.ProtoHopByHop {
		at = place{ip6.HeaderLen + 8*(int(b[41])+1), ip6.HeaderLen}
	}
	return at, c.fragAt, true
}

// open makes room for size octets in a packet: in its buffer if that has the capacity, else in a new one.
func open(b []byte, at, size int) []byte {
	n := len(b)
	if cap(b)-n < size {
		out := make([]byte, n+size, n+size+Headroom)
		copy(out, b[:at])
		copy(out[at+size:], b[at:])
		return out
	}
	out := b[:n+size]
	copy(out[at+size:], b[at:n])
	return out
}
