package mh

import (
	"encoding/binary"
	"time"
)

// BindingUpdate tells a home agent or correspondent node a care-of address, RFC 6275 §6.1.7. The care-of address is the
// packet's source address unless Options.AltCareOf is set.
type BindingUpdate struct {
	Seq          uint16
	Ack          bool          // A: an acknowledgement is wanted
	Home         bool          // H: home registration
	LinkLocal    bool          // L: the home address has the interface identifier of the link-local address
	KeyMgmt      bool          // K: the key management protocol survives movement
	MobileRouter bool          // R: RFC 3963 §4.1
	Overwrite    bool          // O: RFC 5648 §4.2, the bindings told replace all others; only with Options.Bindings
	Lifetime     time.Duration // 0 asks to delete the binding
	Options      Options
}

// Flags of the Binding Update: A, H, L, K from the left; M is RFC 4140's; R is RFC 3963's; O is RFC 5648's.
const (
	buAck          = 0x8000
	buHome         = 0x4000
	buLinkLocal    = 0x2000
	buKeyMgmt      = 0x1000
	buMobileRouter = 0x0400
	buOverwrite    = 0x0040
)

// After reports whether a sequence number is newer than another, modulo 2^16: RFC 6275 §9.5.1.
func After(seq, last uint16) bool { return int16(seq-last) > 0 }

// Type gives TypeBindingUpdate.
func (m *BindingUpdate) Type() uint8 { return TypeBindingUpdate }

// Opts gives the options.
func (m *BindingUpdate) Opts() *Options { return &m.Options }

func (m *BindingUpdate) fixedLen() int { return headerLen + 6 }

func (m *BindingUpdate) appendFixed(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, m.Seq)
	b = binary.BigEndian.AppendUint16(b, flags(flag{m.Ack, buAck}, flag{m.Home, buHome}, flag{m.LinkLocal, buLinkLocal}, flag{m.KeyMgmt, buKeyMgmt},
		flag{m.MobileRouter, buMobileRouter}, flag{m.Overwrite, buOverwrite}))
	return binary.BigEndian.AppendUint16(b, units(m.Lifetime, Unit))
}

func (m *BindingUpdate) parseFixed(d []byte) {
	flags := binary.BigEndian.Uint16(d[2:])
	m.Seq = binary.BigEndian.Uint16(d)
	m.Ack = flags&buAck != 0
	m.Home = flags&buHome != 0
	m.LinkLocal = flags&buLinkLocal != 0
	m.KeyMgmt = flags&buKeyMgmt != 0
	m.MobileRouter = flags&buMobileRouter != 0
	m.Overwrite = flags&buOverwrite != 0
	m.Lifetime = time.Duration(binary.BigEndian.Uint16(d[4:])) * Unit
}
