package plane

import (
	"net/netip"
	"time"
)

// Limits of hints.
const (
	HintInterval      = time.Second     // between two hints of one peer's packets through a tunnel
	RouteHintInterval = 5 * time.Second // between two hints that a Route is used
	ErrorHintInterval = time.Second     // between two hints that the care-of address of a Route is not reached
	HintSlots         = 256             // peers remembered for HintInterval; two that share a slot only cause more hints
)

// Hint tells the engines of user packets that they do not see themselves: what came through the tunnel of a path with Hints
// (Straight is false), or went or came by a Route. It says no more than that there are some.
//
// With Unreachable, an ICMPv6 Destination Unreachable told that packets by a Route of the Peer side do not reach its care-of
// address, which this is. Anybody on the way can say so.
type Hint struct {
	Pair        Pair
	Straight    bool
	Unreachable netip.Addr
}

// hints remembers which peers were told of lately. Strangers fill it with forged sources, so a bucket bounds what they cause.
type hints struct {
	slots  *[HintSlots]hinted
	bucket bucket
}

type hinted struct {
	hash uint64
	at   time.Duration
}

// heardFrom tells of a packet that came to a mobile address of this node through a tunnel.
func (s *Soft) heardFrom(b []byte, sink *Sink) {
	h := &s.hints
	if h.slots == nil {
		h.slots, h.bucket = new([HintSlots]hinted), bucket{tokens: ICMPBurst, last: s.now}
	}
	hash := s.seed.sum(b[8:40])
	slot := &h.slots[hash%HintSlots]
	if slot.hash == hash && slot.at > 0 && s.now-slot.at < HintInterval || !h.bucket.take(s.now) {
		return
	}
	*slot = hinted{hash, max(s.now, 1)}
	sink.Hints = append(sink.Hints, Hint{Pair: Pair{Mobile: destinationOf(b), Peer: sourceOf(b)}})
}

// missed tells that packets by this Route, whose peer this node is, do not reach its care-of address.
func (e *straight) missed(now time.Duration, mobile, peer []byte, sink *Sink) {
	second := uint32(now/time.Second) + 1
	if e.erred != 0 && second-e.erred < uint32(ErrorHintInterval/time.Second) {
		return
	}
	e.erred = second
	p := Pair{netip.AddrFrom16([16]byte(mobile)), netip.AddrFrom16([16]byte(peer))}
	sink.Hints = append(sink.Hints, Hint{Pair: p, Straight: true, Unreachable: netip.AddrFrom16(e.careOf)})
}

// use notes a packet that went or came by a Route. mobile and peer are the addresses of its pair.
func (e *straight) use(now time.Duration, mobile, peer []byte, sink *Sink) {
	second := uint32(now/time.Second) + 1
	if e.hinted != 0 && second-e.hinted < uint32(RouteHintInterval/time.Second) {
		return
	}
	e.hinted = second
	p := Pair{netip.AddrFrom16([16]byte(mobile)), netip.AddrFrom16([16]byte(peer))}
	sink.Hints = append(sink.Hints, Hint{Pair: p, Straight: true})
}
