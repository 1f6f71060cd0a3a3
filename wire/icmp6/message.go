package icmp6

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire"
	"roam6/wire/ip6"
)

// ICMPv6 types: RFC 4443 §2.1, RFC 2710 §3, RFC 3810 §4, RFC 6275 §6.5-6.8. Types up to 127 are errors.
const (
	TypeUnreachable         uint8 = 1
	TypePacketTooBig        uint8 = 2
	TypeTimeExceeded        uint8 = 3
	TypeParameterProblem    uint8 = 4
	TypeEchoRequest         uint8 = 128
	TypeEchoReply           uint8 = 129
	TypeListenerQuery       uint8 = 130
	TypeListenerReport1     uint8 = 131
	TypeListenerDone        uint8 = 132
	TypeListenerReport      uint8 = 143
	TypeHomeAgentsRequest   uint8 = 144
	TypeHomeAgentsReply     uint8 = 145
	TypePrefixSolicitation  uint8 = 146
	TypePrefixAdvertisement uint8 = 147
)

// maxErrorType is the last type of an error, RFC 4443 §2.1: the high bit tells errors from information.
const maxErrorType uint8 = 127

// headerLen is what every message here begins with: type, code, checksum and one word.
const headerLen = 8

// Message is one of *Echo, *Error, *ListenerQuery, *ListenerReport, *ListenerReport1, *HomeAgentsRequest,
// *HomeAgentsReply, *PrefixSolicitation and *PrefixAdvertisement.
type Message interface {
	// kind is the type and the code.
	kind() (icmpType, code uint8)
	// append writes what follows the checksum.
	append(b []byte) []byte
}

// Parse reads an ICMPv6 message from its type octet on and verifies its checksum. The result shares nothing with icmp.
// A type that is none of the above is wire.ErrUnknown; an unknown error type is an *Error (RFC 4443 §2.4 a).
func Parse(src, dst netip.Addr, icmp []byte) (Message, error) {
	if len(icmp) < headerLen {
		return nil, fail("header", len(icmp), wire.ErrTruncated)
	}
	if ip6.Checksum(src, dst, ip6.ProtoICMPv6, icmp) != 0 {
		return nil, fail("Checksum", 2, wire.ErrChecksum)
	}
	if kind := icmp[0]; kind > 0 && kind <= maxErrorType {
		return parseError(icmp), nil
	}
	var parse func([]byte) (Message, error)
	switch icmp[0] {
	// The code of these is no code: receivers ignore it (RFC 2710 §3.2, RFC 3810 §5.1.1 and §5.2.1).
	case TypeListenerQuery:
		return parseListenerQuery(icmp)
	case TypeListenerReport1, TypeListenerDone:
		return parseListenerReport1(icmp)
	case TypeListenerReport:
		return parseListenerReport(icmp)
	case TypeEchoRequest, TypeEchoReply:
		parse = parseEcho
	case TypeHomeAgentsRequest:
		parse = parseHomeAgentsRequest
	case TypeHomeAgentsReply:
		parse = parseHomeAgentsReply
	case TypePrefixSolicitation:
		parse = parsePrefixSolicitation
	case TypePrefixAdvertisement:
		parse = parsePrefixAdvertisement
	default:
		return nil, fail("Type", 0, wire.ErrUnknown)
	}
	if icmp[1] != 0 {
		return nil, fail("Code", 1, wire.ErrValue)
	}
	return parse(icmp)
}

// Append writes m with its checksum. src and dst are those of the pseudo-header, see the package comment.
func Append(b []byte, src, dst netip.Addr, m Message) []byte {
	start := len(b)
	icmpType, code := m.kind()
	b = append(b, icmpType, code, 0, 0)
	b = m.append(b)
	binary.BigEndian.PutUint16(b[start+2:], ip6.Checksum(src, dst, ip6.ProtoICMPv6, b[start:]))
	return b
}

func fail(field string, offset int, cause error) error {
	return wire.Fail("icmp6", field, offset, cause)
}

// identifier is the field at offset 4 of echo and of the messages of RFC 6275.
func identifier(b []byte) uint16 { return binary.BigEndian.Uint16(b[4:]) }
