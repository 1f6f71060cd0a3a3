package lwkrb

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/netip"
	"time"

	"roam6/wire"
	"roam6/wire/ip6"
)

// SecretLen is the size of every key that travels.
const SecretLen = 32

// Secret is a key of SecretLen octets inside something sealed. It does not print. nil is written as zeros.
type Secret []byte

// Erase overwrites the key, and with it the octets it was parsed from.
func (s Secret) Erase() { clear(s) }

func (s Secret) append(b []byte) []byte {
	var k [SecretLen]byte
	copy(k[:], s)
	b = append(b, k[:]...)
	clear(k[:])
	return b
}

// Format says "[key]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, "[key]") }

// MarshalText says "[key]"; JSON and YAML use it.
func (Secret) MarshalText() ([]byte, error) { return []byte("[key]"), nil }

// FlagInvalid is the one of the TicketFlags that means something here, RFC 4120 §5.3. The others are told as they are.
const FlagInvalid uint32 = 1 << (31 - 7)

// MaxAttributes is the most octets of attributes.
const MaxAttributes = 512

// TicketBody is what a ticket seals: of the ticket of Kerberos V5 issued beside it (RFC 4120 §5.3) what those who open it need, and a session key
// derived from that one's.
type TicketBody struct {
	Flags      uint32
	Start, End time.Time
	Session    Secret
	Client     Principal
	Transited  []string
	Attributes []byte // Diameter AVPs
}

// ParseTicketBody reads it. Session and Attributes share memory with b.
//
// spec FH-14, FH-16
func ParseTicketBody(b []byte) (TicketBody, error) {
	r := reader{b: b}
	m := TicketBody{Flags: r.word("Flags"), Start: r.time("Start time"), End: r.time("End time")}
	if r.err == nil && !m.End.After(m.Start) {
		r.fail("End time", 8, wire.ErrValue)
	}
	m.Session = r.take("Session key", SecretLen)
	m.Client, m.Transited = r.principal("Client"), r.realms("Transited")
	m.Attributes = r.rest("Attributes", 0, MaxAttributes)
	return done(&r, m)
}

// Append writes it.
func (m *TicketBody) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, m.Flags)
	b = appendTime(appendTime(b, m.Start), m.End)
	b = appendRealms(appendCounted(m.Session.append(b), m.Client), m.Transited)
	return append(b, m.Attributes...)
}

// Want are the flags of an authenticator, and of an ap-rep.
type Want uint16

// The flags. All others are refused.
const (
	WantAH     Want = 1 << 15 // AH with HMAC-SHA-256-128 between mobile node and access router
	WantESP    Want = 1 << 14 // ESP with AES-256-GCM between them
	WantBuffer Want = 1 << 13 // keep what comes for the new care-of address until its node is there

	protection = WantAH | WantESP
	known      = protection | WantBuffer
)

// MinSPI is the lowest SPI that can be chosen, RFC 4303 §2.1.
const MinSPI = 256

// MaxLinkLayer is the most octets of a link-layer address: the 64 bits of draft-koodli-mobileip-fastv6-02 §6.
const MaxLinkLayer = 8

// Sizes of an Authenticator in octets.
const (
	MinAuthenticator = 43 + 1 + MinPrincipal
	MaxAuthenticator = 43 + MaxLinkLayer + 1 + MaxPrincipal
)

// Authenticator is what the mobile node seals in an ap-req, behind its ticket.
type Authenticator struct {
	Time      time.Time
	Want      Want
	SPI       uint32     // the mobile node is to be sent to; 0 if Want has neither WantAH nor WantESP
	CareOf    netip.Addr // the new one
	Address   netip.Addr // of the new access router
	LinkLayer []byte     // of the mobile node, 0 to MaxLinkLayer octets
	Router    Principal  // the new access router
}

// ParseAuthenticator reads it. LinkLayer shares memory with b.
//
// spec FH-04
func ParseAuthenticator(b []byte) (Authenticator, error) {
	r := reader{b: b}
	m := Authenticator{Time: r.time("Time")}
	m.Want, m.SPI = r.protection()
	m.CareOf, m.Address = r.address("Care-of address", ip6.Routable), r.address("Router address", unicast)
	m.LinkLayer = r.counted("Link-layer address", 0, MaxLinkLayer)
	at := r.at + 1
	m.Router = r.principal("Router")
	if r.err == nil && !m.Router.Router() {
		r.fail("Router", at, wire.ErrValue)
	}
	return done(&r, m)
}

// unicast also takes addresses that reach no further than the link: a router may be known by nothing else.
func unicast(a netip.Addr) bool { return ip6.Routable(a) || a.IsLinkLocalUnicast() && a.Is6() }

// protection reads flags and the SPI that goes with them.
func (r *reader) protection() (Want, uint32) {
	at := r.at
	w, spi := Want(r.half("Flags")), r.word("SPI")
	switch {
	case r.err != nil:
		return 0, 0
	case w&^known != 0:
		r.fail("Flags", at, wire.ErrValue)
	case spi < MinSPI && (spi != 0 || w&protection != 0), spi != 0 && w&protection == 0:
		r.fail("SPI", at+2, wire.ErrValue)
	}
	return w, spi
}

// Append writes it.
func (m *Authenticator) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(appendTime(b, m.Time), uint16(m.Want))
	b = binary.BigEndian.AppendUint32(b, m.SPI)
	c, a := m.CareOf.As16(), m.Address.As16()
	b = append(append(b, c[:]...), a[:]...)
	return appendCounted(appendCounted(b, m.LinkLayer), m.Router)
}

// ReplyBodyLen is the size of a ReplyBody.
const ReplyBodyLen = 14

// ReplyBody is what the access router seals in an ap-rep.
type ReplyBody struct {
	Time     time.Time
	Lifetime time.Duration // of the session, whole seconds, not 0
	Granted  Want
	SPI      uint32 // the access router is to be sent to; 0 if Granted has neither WantAH nor WantESP
}

// ParseReplyBody reads it.
//
// spec FH-10, FH-16
func ParseReplyBody(b []byte) (ReplyBody, error) {
	r := reader{b: b}
	m := ReplyBody{Time: r.time("Time")}
	n := r.word("Lifetime")
	if r.err == nil && n == 0 {
		r.fail("Lifetime", 4, wire.ErrValue)
	}
	m.Lifetime = time.Duration(n) * time.Second
	m.Granted, m.SPI = r.protection()
	return done(&r, m)
}

// Append writes it.
func (m *ReplyBody) Append(b []byte) []byte {
	b = appendTime(b, m.Time)
	b = binary.BigEndian.AppendUint32(b, uint32(min(max(m.Lifetime/time.Second, 1), math.MaxUint32)))
	b = binary.BigEndian.AppendUint16(b, uint16(m.Granted))
	return binary.BigEndian.AppendUint32(b, m.SPI)
}
