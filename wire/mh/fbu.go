package mh

import (
	"encoding/binary"
	"time"
)

// MaxFastLifetime is the longest lifetime of a Fast Binding Update or Acknowledgement; longer ones are written as this.
const MaxFastLifetime = 0xffff * time.Second

// FastBindingUpdate (FBU) asks the previous access router to send on what comes for the previous care-of address (the
// home address of this binding, in the Home Address option) to the new one, RFC 5568 §6.2.2.
//
// From the previous link Options.AltCareOf must hold the new care-of address; from the new link it is the source
// address. Options.FastAuth must be there. A receiver checks these with the packet at hand, and answers.
//
// Its lifetime counts seconds (RFC 5568 §6.2.2), not the units of 4 s of the Binding Update it looks like.
type FastBindingUpdate struct {
	Seq       uint16
	Ack       bool          // A: must be set; an FBack is wanted
	Home      bool          // H: must be set
	LinkLocal bool          // L: see BindingUpdate
	KeyMgmt   bool          // K: see BindingUpdate
	Lifetime  time.Duration // whole seconds; 0 ends the forwarding: the mobile node is back
	Options   Options
}

// Type gives TypeFastBindingUpdate.
func (m *FastBindingUpdate) Type() uint8 { return TypeFastBindingUpdate }

// Opts gives the options.
func (m *FastBindingUpdate) Opts() *Options { return &m.Options }

func (m *FastBindingUpdate) fixedLen() int { return headerLen + 6 }

func (m *FastBindingUpdate) appendFixed(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, m.Seq)
	b = binary.BigEndian.AppendUint16(b, flags(flag{m.Ack, buAck}, flag{m.Home, buHome}, flag{m.LinkLocal, buLinkLocal}, flag{m.KeyMgmt, buKeyMgmt}))
	return binary.BigEndian.AppendUint16(b, units(m.Lifetime, time.Second))
}

func (m *FastBindingUpdate) parseFixed(d []byte) {
	flags := binary.BigEndian.Uint16(d[2:])
	m.Seq = binary.BigEndian.Uint16(d)
	m.Ack = flags&buAck != 0
	m.Home = flags&buHome != 0
	m.LinkLocal = flags&buLinkLocal != 0
	m.KeyMgmt = flags&buKeyMgmt != 0
	m.Lifetime = time.Duration(binary.BigEndian.Uint16(d[4:])) * time.Second
}
