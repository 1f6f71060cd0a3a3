package mh

import (
	"encoding/binary"
	"strconv"
)

// HAckCode is the Code of a Handover Acknowledge, RFC 5568 §6.2.1.2. Values below 128 accept the handover.
type HAckCode uint8

// Codes of a Handover Acknowledge, RFC 5568 §6.2.1.2.
const (
	HAckAccepted    HAckCode = 0
	HAckInvalidNCoA HAckCode = 1 // accepted, but the new care-of address is not valid or in use
	HAckAssigned    HAckCode = 2 // accepted, with the new care-of address in Options.Addresses
	HAckUsePCoA     HAckCode = 3 // accepted, keep the previous care-of address
	HAckUnsolicited HAckCode = 4 // no answer: asks for a Handover Initiate
	HAckUnspecified HAckCode = 128
	HAckProhibited  HAckCode = 129
	HAckResources   HAckCode = 130
)

// Accepted reports whether the handover was accepted. HAckUnsolicited accepts nothing: there was no request.
func (c HAckCode) Accepted() bool { return c < 128 && c != HAckUnsolicited }

// String gives the document's words.
func (c HAckCode) String() string {
	switch c {
	case HAckAccepted:
		return "Handover Accepted, NCoA valid"
	case HAckInvalidNCoA:
		return "Handover Accepted, NCoA not valid or in use"
	case HAckAssigned:
		return "Handover Accepted, NCoA assigned"
	case HAckUsePCoA:
		return "Handover Accepted, use PCoA"
	case HAckUnsolicited:
		return "Message sent unsolicited"
	case HAckUnspecified:
		return "Handover Not Accepted, reason unspecified"
	case HAckProhibited:
		return "Administratively prohibited"
	case HAckResources:
		return "Insufficient resources"
	}
	return "Code " + strconv.Itoa(int(c))
}

// HandoverAck (HAck) answers a Handover Initiate, RFC 5568 §6.2.1.2.
type HandoverAck struct {
	Seq     uint16 // that of the Handover Initiate
	Code    HAckCode
	Options Options
}

// Type gives TypeHandoverAck.
func (m *HandoverAck) Type() uint8 { return TypeHandoverAck }

// Opts gives the options.
func (m *HandoverAck) Opts() *Options { return &m.Options }

func (m *HandoverAck) fixedLen() int { return headerLen + 4 }

func (m *HandoverAck) appendFixed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, m.Seq), 0, uint8(m.Code))
}

func (m *HandoverAck) parseFixed(d []byte) {
	m.Seq = binary.BigEndian.Uint16(d)
	m.Code = HAckCode(d[3])
}
