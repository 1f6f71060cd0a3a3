package fast

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire"
	"roam6/wire/subopt"
)

// Flags of the octet behind Prefix Size.
const (
	flagM = 0x80 // a link-layer address is there
	flagC = 0x40 // a new care-of address is there
	flagS = 0x20 // the suboption with the principal is there
)

// Redirect is the Handover Redirect: the old router sends a mobile node to another access router, draft-koodli-mobileip-fastv6-02 §5.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  Prefix Size  |M|C|S|             Reserved                    |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	~             Access Router IPv6 Address (128 bits)             ~
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	+        Access Router MAC Address (64 bits) (if present)       +
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	~          New Care-of Address (128 bits) (if present)          ~
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	~          Options                                              ~
type Redirect struct {
	Router  netip.Prefix    // the new access router's address, with the length of its link's prefix
	HW      [6]byte         // M: its link-layer address; zero when absent
	CareOf  netip.Addr      // C: the new care-of address; unset when absent
	Options subopt.Handover // S: with a Principal, the new router's
}

// Subtype is SubtypeRedirect.
func (*Redirect) Subtype() uint8 { return SubtypeRedirect }

func (m *Redirect) suboptions() *subopt.Handover { return &m.Options }

func parseRedirect(f *fields) Message {
	m := new(Redirect)
	bits, flags := f.start()
	m.Router = netip.PrefixFrom(f.addr("Access Router IPv6 Address"), bits)
	if flags&flagM != 0 {
		m.HW = f.mac("Access Router MAC Address")
	}
	if flags&flagC != 0 {
		m.CareOf = f.addr("New Care-of Address")
	}
	return m
}

func (m *Redirect) append(b []byte) []byte {
	var flags uint8
	if m.HW != [6]byte{} {
		flags |= flagM
	}
	if m.CareOf.IsValid() {
		flags |= flagC
	}
	if m.Options.Principal != (subopt.Principal{}) {
		flags |= flagS
	}
	b = append(b, uint8(m.Router.Bits()), flags, 0, 0)
	b = appendAddr(b, m.Router.Addr())
	b = appendMAC(b, m.HW)
	if m.CareOf.IsValid() {
		b = appendAddr(b, m.CareOf)
	}
	return b
}

// RouterHW is the new router's link-layer address: the one given or, without M, that in its address.
//
// spec FH-02
func (m *Redirect) RouterHW() (hw [6]byte, ok bool) { return hardware(m.HW, m.Router) }

// RouterLinkLocal is the new router's link-local address.
//
// spec FH-02
func (m *Redirect) RouterLinkLocal() netip.Addr { return LinkLocal(m.Router) }

// NewCareOf is the new care-of address of the mobile node that has the given one now: the one given or, without C, one made of it.
//
// spec FH-02
func (m *Redirect) NewCareOf(now netip.Addr) netip.Addr {
	if m.CareOf.IsValid() {
		return m.CareOf
	}
	return Rebase(m.Router, now)
}

// RedirectAck is the Handover Redirect Ack, with the lwkerb-ap-req for the new router in Options.Lightweight: §3, §6.1.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                           Reserved                            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|          Length               | Options                       /
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// Length counts the octets of the whole ICMPv6 message, padding too.
type RedirectAck struct{ Sized }

// AuthenticatedMN tells the mobile node that the new router knows it, with the lwkerb-ap-rep in Options.Lightweight: §3, §6.1. Its layout is
// that of RedirectAck.
type AuthenticatedMN struct{ Sized }

// Subtype is SubtypeRedirectAck.
func (*RedirectAck) Subtype() uint8 { return SubtypeRedirectAck }

// Subtype is SubtypeAuthenticatedMN.
func (*AuthenticatedMN) Subtype() uint8 { return SubtypeAuthenticatedMN }

// Sized is the layout with a Length.
type Sized struct{ Options subopt.Handover }

const lengthAt = bodyAt + 4

func (m *Sized) suboptions() *subopt.Handover { return &m.Options }

func (*Sized) append(b []byte) []byte { return append(b, 0, 0, 0, 0, 0, 0) }

func (*Sized) setLength(icmp []byte) {
	binary.BigEndian.PutUint16(icmp[lengthAt:], uint16(len(icmp)))
}

// parseSized reads Reserved and Length.
func parseSized(f *fields) {
	f.next("Reserved", 4)
	if d := f.next("Length", 2); d != nil && int(binary.BigEndian.Uint16(d)) != len(f.b) {
		f.fail("Length", lengthAt, wire.ErrLength)
	}
}
