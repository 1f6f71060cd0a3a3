package mh

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"time"

	"roam6/wire"
	"roam6/wire/ip6"
)

// MH Type values, RFC 6275 §6.1.2 to §6.1.9 and RFC 5568 §11.
const (
	TypeBindingRefreshRequest uint8 = 0
	TypeHomeTestInit          uint8 = 1
	TypeCareOfTestInit        uint8 = 2
	TypeHomeTest              uint8 = 3
	TypeCareOfTest            uint8 = 4
	TypeBindingUpdate         uint8 = 5
	TypeBindingAck            uint8 = 6
	TypeBindingError          uint8 = 7
	TypeFastBindingUpdate     uint8 = 8
	TypeFastBindingAck        uint8 = 9
	TypeHandoverInitiate      uint8 = 14
	TypeHandoverAck           uint8 = 15
)

// Sizes in octets.
const (
	headerLen = 6    // up to and with the Checksum; the Message Data follows
	minLen    = 8    // Header Len 0
	MaxLen    = 2048 // Header Len 255, RFC 6275 §6.1.1
)

// Unit is the time unit of lifetimes and refresh intervals on the wire, RFC 6275 §6.1.7.
const Unit = 4 * time.Second

// MaxLifetime is the longest lifetime the 16-bit field holds; longer ones are written as this.
const MaxLifetime = 0xffff * Unit

// Message is a Mobility Header message. Pointers to the message types of this package implement it.
type Message interface {
	// Type is the MH Type.
	Type() uint8
	// Opts gives the message's options, to be read or changed in place.
	Opts() *Options

	// fixedLen is the number of octets before the options, counted from Payload Proto.
	fixedLen() int
	// appendFixed writes the Message Data before the options: fixedLen()-headerLen octets.
	appendFixed(b []byte) []byte
	// parseFixed reads what appendFixed writes.
	parseFixed(d []byte)
}

// blank makes an empty message of a type, nil for a type this codec does not know.
func blank(kind uint8) Message {
	switch kind {
	case TypeBindingRefreshRequest:
		return new(BindingRefreshRequest)
	case TypeHomeTestInit:
		return new(HomeTestInit)
	case TypeCareOfTestInit:
		return new(CareOfTestInit)
	case TypeHomeTest:
		return new(HomeTest)
	case TypeCareOfTest:
		return new(CareOfTest)
	case TypeBindingUpdate:
		return new(BindingUpdate)
	case TypeBindingAck:
		return new(BindingAck)
	case TypeBindingError:
		return new(BindingError)
	case TypeFastBindingUpdate:
		return new(FastBindingUpdate)
	case TypeFastBindingAck:
		return new(FastBindingAck)
	case TypeHandoverInitiate:
		return new(HandoverInitiate)
	case TypeHandoverAck:
		return new(HandoverAck)
	}
	return nil
}

// Parse reads a Mobility Header with the checks of RFC 6275 §9.2. src and dst are the addresses the checksum covers:
// the home address stands for the care-of address on either side (ip6.Packet.EffectiveSrc and EffectiveDst).
//
// An unknown MH Type gives an error wrapping wire.ErrUnknown (to be answered with a Binding Error, status 2), a Payload
// Proto other than 59 one with Field "Payload Proto" and a Header Len too short for the type one with Field "Header
// Len" and cause wire.ErrLength (to be answered with an ICMP Parameter Problem pointing at Offset). Octets behind the
// Mobility Header are ignored, since Payload Proto says that nothing follows.
func Parse(src, dst netip.Addr, b []byte) (Message, error) {
	b, err := frame(b)
	if err != nil {
		return nil, err
	}
	if ip6.Checksum(src, dst, ip6.ProtoMH, b) != 0 {
		return nil, wire.Fail("mh", "Checksum", 4, wire.ErrChecksum)
	}
	return parseBody(b)
}

// ParseUnchecked reads a Mobility Header without its checksum: for printing packets whose addresses are not known.
func ParseUnchecked(b []byte) (Message, error) {
	b, err := frame(b)
	if err != nil {
		return nil, err
	}
	return parseBody(b)
}

// frame cuts b to the size its Header Len says.
func frame(b []byte) ([]byte, error) {
	if len(b) < minLen {
		return nil, wire.Fail("mh", "header", len(b), wire.ErrTruncated)
	}
	size := 8 * (int(b[1]) + 1)
	if size > len(b) {
		return nil, wire.Fail("mh", "Header Len", 1, wire.ErrTruncated)
	}
	return b[:size], nil
}

func parseBody(b []byte) (Message, error) {
	m := blank(b[2])
	if m == nil {
		return nil, wire.Fail("mh", "MH Type", 2, wire.ErrUnknown)
	}
	if b[0] != ip6.ProtoNone {
		return nil, wire.Fail("mh", "Payload Proto", 0, wire.ErrValue)
	}
	n := m.fixedLen()
	if len(b) < n {
		return nil, wire.Fail("mh", "Header Len", 1, wire.ErrLength)
	}
	m.parseFixed(b[headerLen:n])
	if err := m.Opts().parse(b, n); err != nil {
		return nil, err
	}
	return m, nil
}

// Append writes a message with its checksum; src and dst as for Parse. An Auth or BindingAuth in the options is written
// as it stands: AppendSigned computes it.
func Append(b []byte, src, dst netip.Addr, m Message) []byte {
	b, start, _ := build(b, m, m.Opts())
	return seal(b, start, src, dst)
}

// ErrNoAuth is the cause when a message has no option that authenticates it.
var ErrNoAuth = errors.New("no authentication option")

// usualSize is the octets of most messages, so that memory is asked for once.
const usualSize = 64

// build writes m with the options o and a checksum of zero. It gives the offset of the message and that of its
// authenticator in b; the latter is 0 without one.
func build(b []byte, m Message, o *Options) (out []byte, start, auth int) {
	start = len(b)
	b = slices.Grow(b, usualSize)
	b = append(b, ip6.ProtoNone, 0, m.Type(), 0, 0, 0)
	b = m.appendFixed(b)
	b, auth = o.append(b, start)
	b[start+1] = uint8((len(b)-start)/8 - 1)
	return b, start, auth
}

// seal writes the checksum of the message that begins at start.
func seal(b []byte, start int, src, dst netip.Addr) []byte {
	binary.BigEndian.PutUint16(b[start+4:], ip6.Checksum(src, dst, ip6.ProtoMH, b[start:]))
	return b
}

// units turns a duration into whole units, rounded down and kept inside 16 bits.
func units(d, unit time.Duration) uint16 {
	return uint16(max(0, min(d, 0xffff*unit)) / unit)
}

// flag is one bit of a flags field.
type flag struct {
	on  bool
	bit uint16
}

// flags is a flags field with the bits that are on.
func flags(list ...flag) (field uint16) {
	for _, f := range list {
		if f.on {
			field |= f.bit
		}
	}
	return field
}

func addr(b []byte) netip.Addr { return netip.AddrFrom16([16]byte(b)) }

// appendAddr writes 16 octets; an unset address is written as "::".
func appendAddr(b []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		a = netip.IPv6Unspecified()
	}
	x := a.As16()
	return append(b, x[:]...)
}
