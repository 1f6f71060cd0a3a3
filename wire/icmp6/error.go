package icmp6

import (
	"bytes"
	"encoding/binary"

	"roam6/wire/ip6"
)

// Codes of TypeUnreachable, RFC 4443 §3.1.
const (
	CodeNoRoute         uint8 = 0
	CodeProhibited      uint8 = 1 // administratively
	CodeBeyondScope     uint8 = 2 // of the source address
	CodeAddrUnreachable uint8 = 3
	CodePortUnreachable uint8 = 4
	CodePolicyFailed    uint8 = 5 // ingress or egress policy refused the source address
	CodeRejectRoute     uint8 = 6
)

// Codes of TypeTimeExceeded, RFC 4443 §3.3.
const (
	CodeHopLimit   uint8 = 0
	CodeReassembly uint8 = 1
)

// Codes of TypeParameterProblem, RFC 4443 §3.4: what Param points at.
const (
	CodeHeaderField uint8 = 0 // erroneous
	CodeNextHeader  uint8 = 1 // unrecognised
	CodeOption      uint8 = 2 // unrecognised IPv6 option
)

// MaxInvoking is how much of the invoking packet an error carries: the whole error may not exceed the least MTU of IPv6
// (RFC 4443 §2.4 c). A sender that puts extension headers before the error shortens Invoking by their length itself.
const MaxInvoking = ip6.MinMTU - ip6.HeaderLen - headerLen

// Error is an ICMPv6 error, RFC 4443 §3.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                    Unused, MTU or Pointer                     |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                    As much of invoking packet                 |
//	+                as possible without the ICMPv6 packet          +
//	|               exceeding the minimum IPv6 MTU                  |
type Error struct {
	Type, Code uint8
	Param      uint32 // TypePacketTooBig: MTU in octets; TypeParameterProblem: offset of the fault in Invoking; else 0
	Invoking   []byte // from its IPv6 header on; Parse and Append cut it to MaxInvoking
}

func parseError(b []byte) *Error {
	m := &Error{Type: b[0], Code: b[1], Param: binary.BigEndian.Uint32(b[4:])}
	if rest := b[headerLen:]; len(rest) > 0 {
		m.Invoking = bytes.Clone(rest[:min(len(rest), MaxInvoking)])
	}
	return m
}

func (m *Error) kind() (uint8, uint8) { return m.Type, m.Code }

func (m *Error) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, m.Param)
	return append(b, m.Invoking[:min(len(m.Invoking), MaxInvoking)]...)
}
