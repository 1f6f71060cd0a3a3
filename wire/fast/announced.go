package fast

import (
	"encoding/binary"
	"net/netip"
	"time"

	"roam6/wire"
	"roam6/wire/subopt"
)

// Announced is what the new router hears of a mobile node that comes, in one layout for three messages: draft-koodli-mobileip-fastv6-02 §6.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  Prefix Size  |M|                Reserved                     |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	~          Mobile Node's New Care-of Address (128 bits)         ~
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	+          Mobile Node MAC Address (64 bits) (if present)       +
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Options ...
type Announced struct {
	CareOf  netip.Prefix // the new care-of address, with the length of the new link's prefix
	HW      [6]byte      // M: the mobile node's link-layer address; zero when absent
	Options subopt.Handover
}

// Handover tells the new router of a mobile node that comes, with its lwkerb-ap-req in Options.Lightweight: §6.
type Handover struct{ Announced }

// SHIN is the mobile node's own word to the new router once it is there, §2, §3 and appendix B: link-layer address, authentication
// (Options.Lightweight) and a Binding Update to be sent on (Options.Embedded). draft-koodli-mobileip-smoothv6, which the name is from, made it
// a destination option; the layout here is that of Handover.
type SHIN struct{ Announced }

// SHREP is the unsolicited one of appendix B: what a Handover says, with control information and context in Options.
type SHREP struct{ Announced }

// Subtype is SubtypeHandover.
func (*Handover) Subtype() uint8 { return SubtypeHandover }

// Subtype is SubtypeSHIN.
func (*SHIN) Subtype() uint8 { return SubtypeSHIN }

// Subtype is SubtypeSHREP.
func (*SHREP) Subtype() uint8 { return SubtypeSHREP }

func (m *Announced) suboptions() *subopt.Handover { return &m.Options }

func (m *Announced) parse(f *fields) {
	bits, flags := f.start()
	m.CareOf = netip.PrefixFrom(f.addr("New Care-of Address"), bits)
	if flags&flagM != 0 {
		m.HW = f.mac("Mobile Node MAC Address")
	}
}

func (m *Announced) append(b []byte) []byte {
	var flags uint8
	if m.HW != [6]byte{} {
		flags = flagM
	}
	b = append(b, uint8(m.CareOf.Bits()), flags, 0, 0)
	return appendMAC(appendAddr(b, m.CareOf.Addr()), m.HW)
}

// MobileHW is the mobile node's link-layer address: the one given or, without M, that in the care-of address.
//
// spec FH-06
func (m *Announced) MobileHW() (hw [6]byte, ok bool) { return hardware(m.HW, m.CareOf) }

// HandoverError says to the old router that a handover will not do, §7. The suboptions are ours: the reason, and a lwkerb-error for the mobile
// node; the draft has none.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                           Reserved                            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	~          Mobile Node's New Care-of Address (128 bits)         ~
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Options ...
type HandoverError struct {
	CareOf  netip.Addr // that of the Handover
	Options subopt.Handover
}

// Subtype is SubtypeHandoverError.
func (*HandoverError) Subtype() uint8 { return SubtypeHandoverError }

func (m *HandoverError) suboptions() *subopt.Handover { return &m.Options }

func parseHandoverError(f *fields) Message {
	f.next("Reserved", 4)
	return &HandoverError{CareOf: f.addr("New Care-of Address")}
}

func (m *HandoverError) append(b []byte) []byte { return appendAddr(append(b, 0, 0, 0, 0), m.CareOf) }

// Notification is the Previous Router Notification: draft-blair-rt-mobileipv6-seamoby-00 appendix B.2, which tells what is in it and no
// layout. With a Lifetime of 0 it is the message of draft-koodli-mobileip-fastv6-02 appendix A: the mobile node is back.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|          Reserved             |     Lifetime (seconds)        |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	~                 New Care-of Address (128 bits)                ~
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	~               Previous Care-of Address (128 bits)             ~
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Options ...
type Notification struct {
	CareOf   netip.Addr    // the new care-of address
	Previous netip.Addr    // the one at the router this goes to; another than CareOf
	Lifetime time.Duration // of forwarding, whole seconds up to 65535 s; 0: end it
	Options  subopt.Handover
}

// Subtype is SubtypeNotification.
func (*Notification) Subtype() uint8 { return SubtypeNotification }

func (m *Notification) suboptions() *subopt.Handover { return &m.Options }

func parseNotification(f *fields) Message {
	m := new(Notification)
	f.next("Reserved", 2)
	if d := f.next("Lifetime", 2); d != nil {
		m.Lifetime = time.Duration(binary.BigEndian.Uint16(d)) * time.Second
	}
	m.CareOf = f.addr("New Care-of Address")
	m.Previous = f.addr("Previous Care-of Address")
	if f.err == nil && m.CareOf == m.Previous {
		f.fail("Previous Care-of Address", f.at-16, wire.ErrValue)
	}
	return m
}

func (m *Notification) append(b []byte) []byte {
	seconds := min(max(m.Lifetime/time.Second, 0), 1<<16-1)
	b = binary.BigEndian.AppendUint16(append(b, 0, 0), uint16(seconds))
	return appendAddr(appendAddr(b, m.CareOf), m.Previous)
}
