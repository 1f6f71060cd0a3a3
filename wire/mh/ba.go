package mh

import (
	"encoding/binary"
	"time"
)

// BindingAck answers a Binding Update, RFC 6275 §6.1.8.
type BindingAck struct {
	Status       Status
	KeyMgmt      bool          // K: the key management protocol survives movement
	MobileRouter bool          // R: RFC 3963 §4.2
	Seq          uint16        // that of the Binding Update; after SequenceOutOfWindow the last one accepted
	Lifetime     time.Duration // granted; means nothing when the update was rejected
	Options      Options
}

const (
	baKeyMgmt      = 0x80
	baMobileRouter = 0x40
)

// Type gives TypeBindingAck.
func (m *BindingAck) Type() uint8 { return TypeBindingAck }

// Opts gives the options.
func (m *BindingAck) Opts() *Options { return &m.Options }

func (m *BindingAck) fixedLen() int { return headerLen + 6 }

func (m *BindingAck) appendFixed(b []byte) []byte {
	var flags uint8
	if m.KeyMgmt {
		flags |= baKeyMgmt
	}
	if m.MobileRouter {
		flags |= baMobileRouter
	}
	b = append(b, uint8(m.Status), flags)
	b = binary.BigEndian.AppendUint16(b, m.Seq)
	return binary.BigEndian.AppendUint16(b, units(m.Lifetime, Unit))
}

func (m *BindingAck) parseFixed(d []byte) {
	m.Status = Status(d[0])
	m.KeyMgmt = d[1]&baKeyMgmt != 0
	m.MobileRouter = d[1]&baMobileRouter != 0
	m.Seq = binary.BigEndian.Uint16(d[2:])
	m.Lifetime = time.Duration(binary.BigEndian.Uint16(d[4:])) * Unit
}
