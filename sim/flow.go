package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"roam6/plane"
	"roam6/scenario"
	"roam6/wire/ip6"
)

// Sizes of a flow's packets (octets).
const (
	udpHeader = 8
	// MinPayload holds what a packet must say: which flow, which way, which sequence number. Behind the 12 octets of
	// an RTP header when the flow is Voice.
	MinPayload = 12
	rtpHeader  = 12
	rtpClock   = 8000 // samples per second
)

const payloadMagic = 0x72366631 // "r6f1"

// flow is one of the plan's flows and where its two directions stand.
type flow struct {
	plan         *scenario.Flow
	mobile, peer *node
	stop         time.Duration
	seq          [2]uint32 // next sequence number; index 1 is down
}

func (w *world) addFlow(k int) error {
	p := &w.plan.Flows[k]
	f := flow{plan: p, mobile: w.byName[p.Mobile], peer: w.byName[p.Peer], stop: p.Stop}
	switch {
	case f.mobile == nil:
		return fmt.Errorf("there is no node %q", p.Mobile)
	case f.peer == nil:
		return fmt.Errorf("there is no node %q", p.Peer)
	case p.Interval <= 0:
		return errors.New("the interval must be more than zero")
	case !p.MobileAddr.Is6() || !p.PeerAddr.Is6():
		return errors.New("both addresses must be IPv6 addresses")
	}
	if f.stop == 0 {
		f.stop = w.plan.Length
	}
	w.flows = append(w.flows, f)
	return nil
}

func (w *world) armFlow(k int) {
	for dir := uint32(0); dir < 2; dir++ {
		w.heap.push(event{at: w.flows[k].plan.Start, kind: evFlow, a: int32(k), b: dir})
	}
}

// sendFlow sends the next packet of one direction.
func (w *world) sendFlow(e event) {
	f := &w.flows[e.a]
	if w.now >= f.stop {
		return
	}
	w.heap.push(event{at: w.now + f.plan.Interval, kind: evFlow, a: e.a, b: e.b})
	down := e.b == 1
	seq := f.seq[e.b]
	f.seq[e.b]++
	w.rec.Sent(w.now, int(e.a), down, seq)
	if len(w.config.Checkers) > 0 {
		w.observe(Sent{At: w.now, Flow: int(e.a), Down: down, Seq: seq})
	}
	data := f.packet(int(e.a), down, seq)
	n := f.mobile
	if down {
		n = f.peer
	}
	switch {
	case !n.userland:
		n.output(data, nil)
	case n.soft != nil && !n.mirror.host(srcOf(data)):
		w.drop(dropNoHost)
	default:
		n.intoPlane(plane.Kernel, plane.HW{}, data)
	}
}

// packet builds the IPv6 and UDP packet with its sequence number.
func (f *flow) packet(k int, down bool, seq uint32) []byte {
	src, dst := f.plan.MobileAddr, f.plan.PeerAddr
	if down {
		src, dst = dst, src
	}
	head := 0
	if f.plan.Voice {
		head = rtpHeader
	}
	udp := make([]byte, udpHeader+max(f.plan.Size, head+MinPayload))
	binary.BigEndian.PutUint16(udp, f.plan.Port)
	binary.BigEndian.PutUint16(udp[2:], f.plan.Port)
	binary.BigEndian.PutUint16(udp[4:], uint16(len(udp)))
	id := uint32(k) << 1
	if down {
		id |= 1
	}
	body := udp[udpHeader:]
	if f.plan.Voice {
		body[0] = 0x80 // RTP version 2 (RFC 3550 §5.1), payload type 0
		binary.BigEndian.PutUint16(body[2:], uint16(seq))
		binary.BigEndian.PutUint32(body[4:], uint32(int64(seq)*int64(f.plan.Interval)*rtpClock/int64(time.Second)))
		binary.BigEndian.PutUint32(body[8:], id)
		body = body[rtpHeader:]
	}
	binary.BigEndian.PutUint32(body, payloadMagic)
	binary.BigEndian.PutUint32(body[4:], id)
	binary.BigEndian.PutUint32(body[8:], seq)
	sum := ip6.Checksum(src, dst, ip6.ProtoUDP, udp)
	if sum == 0 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(udp[6:], sum)
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoUDP, Payload: udp}
	return p.Append(make([]byte, 0, ip6.HeaderLen+len(udp)+plane.Headroom))
}

// deliver hands a UDP packet to the engine that has its port, or to the flow it belongs to, if this node is the flow's receiver.
func (n *node) deliver(p *ip6.Packet) {
	if n.datagramIn(p) {
		return
	}
	src, dst := p.EffectiveSrc(), p.EffectiveDst()
	udp := p.Payload
	switch {
	case p.Fragment != nil || len(udp) < udpHeader+MinPayload:
		n.w.drop(dropNoSocket)
		return
	case ip6.Checksum(src, dst, ip6.ProtoUDP, udp) != 0:
		n.w.drop(dropChecksum)
		return
	}
	k, down, seq, ok := n.w.flowOf(udp[udpHeader:])
	if !ok {
		n.w.drop(dropNoSocket)
		return
	}
	f := &n.w.flows[k]
	to, from, at := f.plan.PeerAddr, f.plan.MobileAddr, f.peer
	if down {
		to, from, at = from, to, f.mobile
	}
	if at != n || dst != to || src != from || binary.BigEndian.Uint16(udp[2:]) != f.plan.Port {
		n.w.drop(dropNoSocket)
		return
	}
	n.w.rec.Received(n.w.now, k, down, seq)
	if len(n.w.config.Checkers) > 0 {
		n.w.observe(Delivered{At: n.w.now, Flow: k, Down: down, Seq: seq})
	}
}

// flowOf reads what packet wrote.
func (w *world) flowOf(body []byte) (k int, down bool, seq uint32, ok bool) {
	if binary.BigEndian.Uint32(body) != payloadMagic {
		if len(body) < rtpHeader+MinPayload {
			return 0, false, 0, false
		}
		body = body[rtpHeader:]
	}
	id := binary.BigEndian.Uint32(body[4:])
	k = int(id >> 1)
	ok = binary.BigEndian.Uint32(body) == payloadMagic && k < len(w.flows)
	return k, id&1 == 1, binary.BigEndian.Uint32(body[8:]), ok
}
