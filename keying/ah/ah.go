package ah

import (
	"crypto/hmac"
	"encoding/binary"
	"slices"

	"roam6/keying/replay"
)

// Fields of the Authentication Header, RFC 4302 §2.
const (
	fixedLen = 12
	word     = 4
	// HeaderLen is how many octets Seal adds: with an ICV of 16 octets, 4 of padding make it a multiple of 8 (§2.2, §3.3.3.2.1).
	HeaderLen = 32
)

// Inbound is the receiving end of an association, but for its window.
type Inbound struct {
	SPI      uint32
	Key      Key
	Extended bool // 64-bit sequence numbers, §2.5.1
}

// Outbound is the sending end of an association, but for its counter.
type Outbound struct {
	SPI      uint32 // at least 256, §2.4
	Key      Key
	Extended bool
}

// Seal gives a whole IPv6 packet with an Authentication Header put in; packet is not changed. seq is 1 for the first packet of an association
// and must never be used twice.
//
// spec FH-05 RT-32
func (o Outbound) Seal(packet []byte, seq uint64) ([]byte, error) {
	if seq == 0 || !o.Extended && seq > 1<<32-1 {
		return nil, ErrExhausted
	}
	l, err := lay(packet)
	if err != nil {
		return nil, err
	}
	if len(l.packet)-ipLen+HeaderLen > maxPayload {
		return nil, ErrTooLong
	}
	head := make([]byte, 0, HeaderLen)
	head = append(head, l.next, HeaderLen/word-2, 0, 0)
	head = binary.BigEndian.AppendUint32(head, o.SPI)
	head = binary.BigEndian.AppendUint32(head, uint32(seq))
	head = append(head, make([]byte, HeaderLen-fixedLen)...)
	out := slices.Concat(l.packet[:l.end], head, l.packet[l.end:])
	out[l.nextAt] = protoAH
	binary.BigEndian.PutUint16(out[lengthAt:], uint16(len(out)-ipLen))

	sealed := l // the same headers, in the packet as it will be
	sealed.packet = out
	covered, err := sealed.covered()
	if err != nil {
		return nil, err
	}
	icv := o.Key.sum(covered, out[l.end:], high(o.Extended, seq))
	copy(out[l.end+fixedLen:], icv[:])
	return out, nil
}

// high is the half of an extended sequence number that is covered behind the packet, §3.3.3.2.2.
func high(extended bool, seq uint64) []byte {
	if !extended {
		return nil
	}
	return binary.BigEndian.AppendUint32(nil, uint32(seq>>32))
}

// Find gives the SPI of a packet's Authentication Header, by which the receiver looks for the association. It is a claim until Open. ok is
// false when there is no such header, or none can be found.
func Find(packet []byte) (spi uint32, ok bool) {
	l, err := lay(packet)
	if err != nil || l.next != protoAH || len(l.packet)-l.end < fixedLen {
		return 0, false
	}
	return binary.BigEndian.Uint32(l.packet[l.end+4:]), true
}

// Open checks a whole IPv6 packet and gives it without its Authentication Header, in memory of its own. A number that is new and authentic is
// marked in the window; after an error the window is as it was. The errors are the reasons above, bare.
//
// What the ICV does not cover is as it arrived: traffic class, flow label, hop limit, and data of options that may change.
//
// spec FH-05 FH-06 FH-18 RT-32
func (in Inbound) Open(packet []byte, w *replay.Window) ([]byte, error) {
	l, err := lay(packet)
	if err != nil {
		return nil, err
	}
	head := l.packet[l.end:]
	switch {
	case l.next != protoAH:
		return nil, ErrUnprotected
	case len(head) < HeaderLen || head[1] != HeaderLen/word-2:
		return nil, ErrMalformed
	case binary.BigEndian.Uint32(head[4:]) != in.SPI:
		return nil, ErrSPI
	}
	low := binary.BigEndian.Uint32(head[8:])
	seq := uint64(low)
	if in.Extended {
		seq = w.Infer(low)
	}
	if w.Seen(seq) { // first, so that copies cost little: §3.4.3
		return nil, ErrReplay
	}
	covered, err := l.covered()
	if err != nil {
		return nil, err
	}
	if !in.authentic(covered, head, seq) {
		return nil, in.blame(covered, head, seq, w)
	}
	w.Mark(seq)
	return l.without(), nil
}

// authentic holds the ICV in an Authentication Header and what follows it against the one that there should be.
func (in Inbound) authentic(covered, head []byte, seq uint64) bool {
	icv := in.Key.sum(covered, head[:fixedLen], make([]byte, ICVLen), head[fixedLen+ICVLen:], high(in.Extended, seq))
	return hmac.Equal(icv[:], head[fixedLen:fixedLen+ICVLen])
}

// blame tells a forged packet from one that is merely too old. A number left of the window is inferred to be one of the next run of 2^32,
// which its integrity check contradicts; in its own run the packet is authentic, and a replay.
func (in Inbound) blame(covered, head []byte, inferred uint64, w *replay.Window) error {
	if inferred > w.Top() && inferred >= 1<<32 && in.authentic(covered, head, inferred-1<<32) {
		return ErrReplay
	}
	return ErrAuth
}

// without is the packet without the Authentication Header at the end of its headers.
func (l *layout) without() []byte {
	out := slices.Concat(l.packet[:l.end], l.packet[l.end+HeaderLen:])
	out[l.nextAt] = l.packet[l.end]
	binary.BigEndian.PutUint16(out[lengthAt:], uint16(len(out)-ipLen))
	return out
}
