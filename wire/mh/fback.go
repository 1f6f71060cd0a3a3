package mh

import (
	"encoding/binary"
	"strconv"
	"time"
)

// FastStatus is the Status of a Fast Binding Acknowledgement, RFC 5568 §6.2.3. Values below 128 accept the update.
type FastStatus uint8

// Status codes, RFC 5568 §6.2.3.
const (
	FastAccepted        FastStatus = 0
	FastUseSupplied     FastStatus = 1 // the new care-of address is invalid: use the one in Options.AltCareOf
	FastUnspecified     FastStatus = 128
	FastProhibited      FastStatus = 129
	FastResources       FastStatus = 130
	FastInterfaceIDSize FastStatus = 131
)

// Accepted reports whether the Fast Binding Update was accepted.
func (s FastStatus) Accepted() bool { return s < 128 }

// String gives the document's words.
func (s FastStatus) String() string {
	switch s {
	case FastAccepted:
		return "Fast Binding Update accepted"
	case FastUseSupplied:
		return "Fast Binding Update accepted but NCoA is invalid, use NCoA supplied in alternate CoA"
	case FastUnspecified:
		return "Reason unspecified"
	case FastProhibited:
		return "Administratively prohibited"
	case FastResources:
		return "Insufficient resources"
	case FastInterfaceIDSize:
		return "Incorrect interface identifier length"
	}
	return "Status " + strconv.Itoa(int(s))
}

// FastBindingAck (FBack) answers a Fast Binding Update, RFC 5568 §6.2.3. With FastUseSupplied Options.AltCareOf must be
// there, and always Options.FastAuth.
type FastBindingAck struct {
	Status   FastStatus
	KeyMgmt  bool          // K: see BindingAck
	Seq      uint16        // that of the Fast Binding Update
	Lifetime time.Duration // granted; whole seconds
	Options  Options
}

// Type gives TypeFastBindingAck.
func (m *FastBindingAck) Type() uint8 { return TypeFastBindingAck }

// Opts gives the options.
func (m *FastBindingAck) Opts() *Options { return &m.Options }

func (m *FastBindingAck) fixedLen() int { return headerLen + 6 }

func (m *FastBindingAck) appendFixed(b []byte) []byte {
	var flags uint8
	if m.KeyMgmt {
		flags = baKeyMgmt
	}
	b = append(b, uint8(m.Status), flags)
	b = binary.BigEndian.AppendUint16(b, m.Seq)
	return binary.BigEndian.AppendUint16(b, units(m.Lifetime, time.Second))
}

func (m *FastBindingAck) parseFixed(d []byte) {
	m.Status = FastStatus(d[0])
	m.KeyMgmt = d[1]&baKeyMgmt != 0
	m.Seq = binary.BigEndian.Uint16(d[2:])
	m.Lifetime = time.Duration(binary.BigEndian.Uint16(d[4:])) * time.Second
}
