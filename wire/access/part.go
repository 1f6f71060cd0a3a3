package access

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"roam6/wire"
	"roam6/wire/ip6"
	"roam6/wire/subopt"
)

// Numbers on the wire. RFC 4065 §8 assigned Type, with subtypes 0 and 1; ours are of no registry.
const (
	Type           uint8 = 150
	SubtypeRequest uint8 = 22
	SubtypeReply   uint8 = 23
)

// Limits.
const (
	// HeaderLen is what stands before the suboptions of a part.
	HeaderLen = 16
	// MaxPart is the most octets of suboptions in one part: no path is too narrow for it (RFC 8200 §5).
	MaxPart = ip6.MinMTU - ip6.HeaderLen - HeaderLen
	// MaxParts is the most parts of one message. The largest message there can be, with every field at its limit, takes fewer.
	MaxParts = 8
)

// The option that holds everything behind RFC 4065's header.
const (
	option     = 253
	optionAt   = 8
	optionUnit = 8
)

// HopLimit is what a message is sent with and must arrive with: mobile node and AAA client share a link.
const HopLimit uint8 = 255

// Part is one ICMPv6 message: a whole message of this protocol when Parts is 1.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Type 150    |    Code 0     |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|    Subtype    |                   Reserved                    |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Option 253  |    Length     |     Part      |     Parts     |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                          Identifier                           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Suboptions, padded with zeros to 8 octets ...
//
// What stands behind Reserved has the form of one option of neighbour discovery (RFC 4861 §4.6; 253: RFC 4727), Length in units of 8
// octets: others that read type 150, tshark among them, look for such options there. It also tells a whole message from one cut short.
type Part struct {
	Subtype     uint8
	ID          uint32 // Identifier: chosen by the mobile node; the reply and every repetition of the request have it too
	Part, Parts uint8  // which one, from 0, and of how many, 1 to MaxParts
	Body        []byte // whole suboptions, 2 to MaxPart octets
}

// IsAccess says whether an ICMPv6 message, from its type octet on, is one of this package.
func IsAccess(icmp []byte) bool {
	return len(icmp) > 4 && icmp[0] == Type && (icmp[4] == SubtypeRequest || icmp[4] == SubtypeReply)
}

// Parse reads an ICMPv6 message from its type octet on and verifies its checksum over src and dst. Every suboption is whole; what they
// hold is looked at by Join. Another type or subtype is wire.ErrUnknown. The result shares nothing with icmp.
//
// spec DM-04
func Parse(src, dst netip.Addr, icmp []byte) (Part, error) {
	if len(icmp) < HeaderLen {
		return Part{}, fail("header", len(icmp), wire.ErrTruncated)
	}
	if icmp[0] != Type {
		return Part{}, fail("Type", 0, wire.ErrUnknown)
	}
	if ip6.Checksum(src, dst, ip6.ProtoICMPv6, icmp) != 0 {
		return Part{}, fail("Checksum", 2, wire.ErrChecksum)
	}
	if icmp[4] != SubtypeRequest && icmp[4] != SubtypeReply {
		return Part{}, fail("Subtype", 4, wire.ErrUnknown)
	}
	if icmp[1] != 0 {
		return Part{}, fail("Code", 1, wire.ErrValue)
	}
	p := Part{Subtype: icmp[4], ID: binary.BigEndian.Uint32(icmp[12:]), Part: icmp[10], Parts: icmp[11]}
	size := optionAt + optionUnit*int(icmp[9])
	switch {
	case icmp[8] != option:
		return Part{}, fail("Option", 8, wire.ErrValue)
	case size > len(icmp):
		return Part{}, fail("Length", 9, wire.ErrTruncated)
	case size < len(icmp):
		return Part{}, fail("Length", 9, wire.ErrLength)
	case p.Parts > MaxParts:
		return Part{}, fail("Parts", 11, wire.ErrLimit)
	case p.Part >= p.Parts:
		return Part{}, fail("Part", 10, wire.ErrValue)
	case len(icmp) > HeaderLen+MaxPart:
		return Part{}, fail("Suboptions", HeaderLen, wire.ErrLimit)
	}
	end, err := endOf(icmp)
	if err != nil {
		return Part{}, err
	}
	if end == HeaderLen {
		return Part{}, fail("Suboptions", HeaderLen, wire.ErrTruncated)
	}
	p.Body = bytes.Clone(icmp[HeaderLen:end])
	return p, nil
}

// endOf is where the last suboption ends and padding begins.
func endOf(icmp []byte) (end int, err error) {
	end = HeaderLen
	for at := HeaderLen; at < len(icmp); {
		size := 1
		if icmp[at] != subopt.Pad {
			if size, err = subopt.Size(proto, icmp[at:], at); err != nil {
				return 0, err
			}
			end = at + size
		}
		at += size
	}
	return end, nil
}

// Append writes the part with its checksum for an IPv6 packet from src to dst, which must be sent with HopLimit.
func (p Part) Append(b []byte, src, dst netip.Addr) []byte {
	start := len(b)
	b = append(b, Type, 0, 0, 0, p.Subtype, 0, 0, 0)
	pad := (optionUnit - len(p.Body)%optionUnit) % optionUnit
	b = append(b, option, uint8((HeaderLen-optionAt+len(p.Body)+pad)/optionUnit), p.Part, p.Parts)
	b = binary.BigEndian.AppendUint32(b, p.ID)
	b = append(b, p.Body...)
	b = append(b, make([]byte, pad)...)
	binary.BigEndian.PutUint16(b[start+2:], ip6.Checksum(src, dst, ip6.ProtoICMPv6, b[start:]))
	return b
}

const proto = "access"

func fail(field string, offset int, cause error) error { return wire.Fail(proto, field, offset, cause) }
