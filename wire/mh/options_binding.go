package mh

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire"
)

// OptBindingID is the type of the Binding Identifier option. One of a wrong length is kept in Options.Unknown with it, so
// that a home agent can answer with MCOAMalformed (RFC 5648 §4.4) instead of staying silent.
const OptBindingID uint8 = 35

// Limits of one message; more are refused with wire.ErrLimit.
const (
	MaxBindings = 16 // Binding Identifier options
	MaxNetworks = 16 // Mobile Network Prefix options
)

const (
	bidLen          = 4 // without a care-of address
	bidSimultaneous = 0x80
)

// BindingID is the Binding Identifier mobility option, RFC 5648 §4.3: one of several care-of addresses.
type BindingID struct {
	ID           uint16     // 1 to 65535; 0 should not be used
	Status       Status     // in a Binding Acknowledgement or Care-of Test, for this binding; 0: that of the message
	Simultaneous bool       // H: at home and away at once; only in a Binding Update to the home agent
	CareOf       netip.Addr // IPv6 or IPv4; unset when the option has none
}

func (o *Options) appendBindings(b []byte, start int) []byte {
	for _, p := range o.Networks {
		b = append(align(b, start, 8, 4), optNetwork, 18, 0, uint8(max(0, p.Bits())))
		b = appendAddr(b, p.Masked().Addr())
	}
	for i := range o.Bindings {
		b = o.Bindings[i].append(b, start)
	}
	return b
}

// append writes the option at 2n, with a care-of address at 8n+2.
func (i *BindingID) append(b []byte, start int) []byte {
	n, at, size := 2, 0, 0
	if i.CareOf.IsValid() {
		n, at, size = 8, 2, i.CareOf.BitLen()/8
	}
	var flags uint8
	if i.Simultaneous {
		flags = bidSimultaneous
	}
	b = append(align(b, start, n, at), OptBindingID, uint8(bidLen+size))
	b = append(binary.BigEndian.AppendUint16(b, i.ID), uint8(i.Status), flags)
	switch size {
	case 4:
		x := i.CareOf.As4()
		b = append(b, x[:]...)
	case 16:
		b = appendAddr(b, i.CareOf)
	}
	return b
}

func (o *Options) takeBindingID(data []byte, at int) error {
	i := BindingID{}
	switch len(data) {
	case bidLen:
	case bidLen + 4:
		i.CareOf = netip.AddrFrom4([4]byte(data[bidLen:]))
	case bidLen + 16:
		i.CareOf = addr(data[bidLen:])
	default:
		return o.takeUnknown(OptBindingID, data, at)
	}
	if len(o.Bindings) == MaxBindings {
		return wire.Fail("mh", "Binding Identifier", at, wire.ErrLimit)
	}
	i.ID, i.Status, i.Simultaneous = binary.BigEndian.Uint16(data), Status(data[2]), data[3]&bidSimultaneous != 0
	o.Bindings = append(o.Bindings, i)
	return nil
}

// takeNetwork reads a Mobile Network Prefix option, RFC 3963 §4.3: Reserved, Prefix Length, prefix.
func (o *Options) takeNetwork(data []byte, at int) error {
	p, err := prefixIn(data, at, "Mobile Network Prefix", len(o.Networks) == MaxNetworks)
	if err == nil {
		o.Networks = append(o.Networks, p.Masked())
	}
	return err
}

// prefixIn reads what options with a prefix have alike: an octet of their own, Prefix Length, address. full says that there is no
// room for another.
func prefixIn(data []byte, at int, field string, full bool) (netip.Prefix, error) {
	switch {
	case len(data) != 18:
		return netip.Prefix{}, wire.Fail("mh", field+" Length", at+1, wire.ErrLength)
	case data[1] > 128:
		return netip.Prefix{}, wire.Fail("mh", "Prefix Length", at+3, wire.ErrValue)
	case full:
		return netip.Prefix{}, wire.Fail("mh", field, at, wire.ErrLimit)
	}
	return netip.PrefixFrom(addr(data[2:]), int(data[1])), nil
}
