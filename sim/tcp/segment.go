package tcp

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire"
	"roam6/wire/ip6"
)

// HeaderLen is the header without options, octets (RFC 9293 §3.1).
const HeaderLen = 20

// Flags of a segment, RFC 9293 §3.1.
const (
	FIN uint8 = 1 << iota
	SYN
	RST
	PSH
	ACK
)

// Kinds of options, RFC 9293 §3.2 and RFC 7323 §2.2.
const (
	optEnd, optNop       = 0, 1
	optMSS, optMSSLen    = 2, 4
	optScale, optScaleLn = 3, 3
)

// maxScale is the largest shift of a window (RFC 7323 §2.3).
const maxScale = 14

const proto = "tcp" // of wire.Error

// Segment is a TCP segment.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|          Source Port          |       Destination Port        |
//	|                        Sequence Number                        |
//	|                    Acknowledgment Number                      |
//	| Offset| Rsrvd |C|E|U|A|P|R|S|F|            Window             |
//	|           Checksum            |         Urgent Pointer        |
//	|                           [Options]                           |
type Segment struct {
	From, To uint16 // ports
	Seq, Ack uint32
	Flags    uint8
	Window   uint16 // as it is on the wire
	MSS      uint16 // option of a SYN; 0: none
	Scale    int    // option of a SYN, the shift plus one; 0: none
	Data     []byte // Parse aliases the octets given to it
}

// length is how far a segment moves the sequence number.
func (s *Segment) length() uint32 {
	n := uint32(len(s.Data))
	if s.Flags&SYN != 0 {
		n++
	}
	if s.Flags&FIN != 0 {
		n++
	}
	return n
}

// Append writes the segment between two addresses, which its checksum covers.
func (s *Segment) Append(b []byte, src, dst netip.Addr) []byte {
	start, head := len(b), HeaderLen
	if s.MSS > 0 {
		head += optMSSLen
	}
	if s.Scale > 0 {
		head += optScaleLn + 1
	}
	be := binary.BigEndian
	b = be.AppendUint16(b, s.From)
	b = be.AppendUint16(b, s.To)
	b = be.AppendUint32(b, s.Seq)
	b = be.AppendUint32(b, s.Ack)
	b = append(b, uint8(head/4)<<4, s.Flags)
	b = be.AppendUint16(b, s.Window)
	b = append(b, 0, 0, 0, 0)
	if s.MSS > 0 {
		b = be.AppendUint16(append(b, optMSS, optMSSLen), s.MSS)
	}
	if s.Scale > 0 {
		b = append(b, optNop, optScale, optScaleLn, uint8(s.Scale-1))
	}
	b = append(b, s.Data...)
	be.PutUint16(b[start+16:], ip6.Checksum(src, dst, ip6.ProtoTCP, b[start:]))
	return b
}

// Parse reads a segment between two addresses. Options that it does not know are passed over.
func Parse(b []byte, src, dst netip.Addr) (Segment, error) {
	if len(b) < HeaderLen {
		return Segment{}, wire.Fail(proto, "Header", len(b), wire.ErrTruncated)
	}
	head := int(b[12]>>4) * 4
	switch {
	case head < HeaderLen || head > len(b):
		return Segment{}, wire.Fail(proto, "Data Offset", 12, wire.ErrLength)
	case ip6.Checksum(src, dst, ip6.ProtoTCP, b) != 0:
		return Segment{}, wire.Fail(proto, "Checksum", 16, wire.ErrChecksum)
	}
	be := binary.BigEndian
	s := Segment{From: be.Uint16(b), To: be.Uint16(b[2:]), Seq: be.Uint32(b[4:]), Ack: be.Uint32(b[8:]), Flags: b[13],
		Window: be.Uint16(b[14:]), Data: b[head:]}
	return s, s.options(b[HeaderLen:head])
}

func (s *Segment) options(b []byte) error {
	for len(b) > 0 && b[0] != optEnd {
		if b[0] == optNop {
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return wire.Fail(proto, "Options", HeaderLen, wire.ErrLength)
		}
		switch {
		case b[0] == optMSS && b[1] == optMSSLen:
			s.MSS = binary.BigEndian.Uint16(b[2:])
		case b[0] == optScale && b[1] == optScaleLn:
			s.Scale = min(int(b[2]), maxScale) + 1
		}
		b = b[b[1]:]
	}
	return nil
}

// Refusal is the reset that answers a segment for which there is no connection (RFC 9293 §3.5.2); false for a reset, which none answers.
func Refusal(s *Segment) (Segment, bool) {
	if s.Flags&RST != 0 {
		return Segment{}, false
	}
	if s.Flags&ACK != 0 {
		return Segment{From: s.To, To: s.From, Seq: s.Ack, Flags: RST}, true
	}
	return Segment{From: s.To, To: s.From, Ack: s.Seq + s.length(), Flags: RST | ACK}, true
}
