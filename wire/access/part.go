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
//	|                          Identifier                           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Part      |     Parts     |           Reserved            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Suboptions ...
//	+-+-+-+-+-+-+-+-+-+-+-+-+-
type Part struct {
	Subtype     uint8
	ID          uint32 // chosen by the mobile node; the reply and every repetition of the request have it too
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
	p := Part{Subtype: icmp[4], ID: binary.BigEndian.Uint32(icmp[8:]), Part: icmp[12], Parts: icmp[13]}
	switch {
	case p.Parts > MaxParts:
		return Part{}, fail("Parts", 13, wire.ErrLimit)
	case p.Part >= p.Parts:
		return Part{}, fail("Part", 12, wire.ErrValue)
	case len(icmp) == HeaderLen:
		return Part{}, fail("Suboptions", HeaderLen, wire.ErrTruncated)
	case len(icmp) > HeaderLen+MaxPart:
		return Part{}, fail("Suboptions", HeaderLen, wire.ErrLimit)
	}
	if _, err := subopt.Parse(proto, icmp[HeaderLen:], HeaderLen); err != nil {
		return Part{}, err
	}
	p.Body = bytes.Clone(icmp[HeaderLen:])
	return p, nil
}

// Append writes the part with its checksum for an IPv6 packet from src to dst, which must be sent with HopLimit.
func (p Part) Append(b []byte, src, dst netip.Addr) []byte {
	start := len(b)
	b = append(b, Type, 0, 0, 0, p.Subtype, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, p.ID)
	b = append(b, p.Part, p.Parts, 0, 0)
	b = append(b, p.Body...)
	binary.BigEndian.PutUint16(b[start+2:], ip6.Checksum(src, dst, ip6.ProtoICMPv6, b[start:]))
	return b
}

const proto = "access"

func fail(field string, offset int, cause error) error { return wire.Fail(proto, field, offset, cause) }
