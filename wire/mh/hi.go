package mh

import (
	"encoding/binary"
	"strconv"
)

// Codes of a Handover Initiate, RFC 5568 §6.2.1.1: where the Fast Binding Update came from.
const (
	HIPredictive uint8 = 0 // from the previous care-of address: the mobile node is still there
	HIReactive   uint8 = 1 // from another one: it has arrived already
)

// HandoverInitiate (HI) tells the new access router of a mobile node that comes, RFC 5568 §6.2.1.1. Options.LLA must hold
// the mobile node's link-layer address; Options.Addresses should hold its previous care-of address (OldCareOf) and the one
// it wishes (NewCareOf). A receiver that misses something answers with a Code of 128 or more.
type HandoverInitiate struct {
	Seq     uint16
	Assign  bool  // S: assign a new care-of address; never with HIReactive
	Buffer  bool  // U: buffer packets for the mobile node
	Code    uint8 // HIPredictive or HIReactive
	Options Options
}

const (
	hiAssign = 0x80
	hiBuffer = 0x40
)

// HICodeWords says what the Code of a Handover Initiate means.
func HICodeWords(code uint8) string {
	switch code {
	case HIPredictive:
		return "FBU from the previous care-of address"
	case HIReactive:
		return "FBU from another address"
	}
	return "Code " + strconv.Itoa(int(code))
}

// Type gives TypeHandoverInitiate.
func (m *HandoverInitiate) Type() uint8 { return TypeHandoverInitiate }

// Opts gives the options.
func (m *HandoverInitiate) Opts() *Options { return &m.Options }

func (m *HandoverInitiate) fixedLen() int { return headerLen + 4 }

func (m *HandoverInitiate) appendFixed(b []byte) []byte {
	var flags uint8
	if m.Assign {
		flags |= hiAssign
	}
	if m.Buffer {
		flags |= hiBuffer
	}
	return append(binary.BigEndian.AppendUint16(b, m.Seq), flags, m.Code)
}

func (m *HandoverInitiate) parseFixed(d []byte) {
	m.Seq = binary.BigEndian.Uint16(d)
	m.Assign = d[2]&hiAssign != 0
	m.Buffer = d[2]&hiBuffer != 0
	m.Code = d[3]
}
