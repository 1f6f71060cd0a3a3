package mh

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"

	"roam6/wire"
)

// Option-Codes of AddressPrefix, RFC 5568 §6.4.2.
const (
	OldCareOf    uint8 = 1
	NewCareOf    uint8 = 2
	RouterAddr   uint8 = 3 // the new access router's address
	RouterPrefix uint8 = 4 // the new access router's prefix
)

// MaxAddresses is the most AddressPrefix options in one message; more are refused with wire.ErrLimit.
const MaxAddresses = 8

// MaxFastAuth is the longest authenticator a FastAuth holds, in octets.
const MaxFastAuth = maxRawData - spiLen

const (
	llaCodeMN = 2 // the only Option-Code of RFC 5568 §6.4.4: the link-layer address of the mobile node
	llaLen    = 1 + 6
	spiLen    = 4
)

// AddressPrefix is the Mobility Header IPv6 Address/Prefix option, RFC 5568 §6.4.2, of Handover Initiate and Handover
// Acknowledge. One of each Code may stand in a message.
type AddressPrefix struct {
	Code   uint8        // OldCareOf, NewCareOf, RouterAddr, RouterPrefix
	Prefix netip.Prefix // masked for RouterPrefix; an address otherwise, with whatever Prefix Length it came with
}

// OptExperimental is the type of the Experimental Mobility option, RFC 5096 §4: receivers that do not know it skip it.
const OptExperimental uint8 = 18

// closed is what ours holds: that the handover is accepted, and that the next router lets the mobile node send nothing before it has
// authenticated itself there. No code of RFC 5568 says so (docs/deviations.md).
const closed = "roam6\x01"

// SetClosed puts it into a Handover Acknowledge or Fast Binding Acknowledgement.
func (o *Options) SetClosed() {
	o.Unknown = append(o.Unknown, RawOption{OptExperimental, []byte(closed)})
}

// Closed reports whether it is there.
func (o *Options) Closed() bool {
	return slices.ContainsFunc(o.Unknown, func(r RawOption) bool { return r.Type == OptExperimental && string(r.Data) == closed })
}

// Host makes an option that holds an address.
func Host(code uint8, a netip.Addr) AddressPrefix {
	return AddressPrefix{code, netip.PrefixFrom(a, a.BitLen())}
}

// Address gives the address of the option with a code, the zero Addr when there is none.
func (o *Options) Address(code uint8) netip.Addr {
	for i := range o.Addresses {
		if o.Addresses[i].Code == code {
			return o.Addresses[i].Prefix.Addr()
		}
	}
	return netip.Addr{}
}

// FastAuth is the Binding Authorization Data for FMIPv6 option (BADF), RFC 5568 §6.4.5, of Fast Binding Update and
// Acknowledgement.
//
// The RFC calls its Option Length "the length of the Authenticator", as RFC 6275 §6.2.7 does of an option without SPI. It
// counts the SPI here as well, since RFC 6275 §6.2.1 wants that of every option, or nobody could skip it.
type FastAuth struct {
	SPI  uint32 // names the security association; 0 for handover keys by SEND (RFC 5269)
	Data []byte // the authenticator
}

func (o *Options) appendFast(b []byte, start int) []byte {
	if o.LLA != [6]byte{} {
		b = append(append(b, optLLA, llaLen, llaCodeMN), o.LLA[:]...)
	}
	for _, a := range o.Addresses {
		p := a.Prefix
		if a.Code == RouterPrefix {
			p = p.Masked()
		}
		b = append(align(b, start, 8, 4), optAddress, 18, a.Code, uint8(max(0, p.Bits())))
		b = appendAddr(b, p.Addr())
	}
	return b
}

// append writes the option where it ends the message, as RFC 6275 §6.2.7 does with the one it is made after.
func (a *FastAuth) append(b []byte, start int) (out []byte, auth int) {
	data := a.Data[:min(len(a.Data), MaxFastAuth)]
	b = append(align(b, start, 8, (264-2-spiLen-len(data))%8), optFastAuth, uint8(spiLen+len(data)))
	b = binary.BigEndian.AppendUint32(b, a.SPI)
	return append(b, data...), len(b)
}

// takeLLA reads the mobile node's address where it has the 6 octets of the link layers this project knows; others are kept
// as they came.
func (o *Options) takeLLA(data []byte, at int) error {
	if len(data) < 2 {
		return wire.Fail("mh", "Mobility Header Link-Layer Address Length", at+1, wire.ErrLength)
	}
	if data[0] != llaCodeMN || len(data) != llaLen || [6]byte(data[1:]) == [6]byte{} {
		return o.takeUnknown(optLLA, data, at)
	}
	if o.LLA != [6]byte{} {
		return twice("Mobility Header Link-Layer Address", at)
	}
	o.LLA = [6]byte(data[1:])
	return nil
}

func (o *Options) takeAddress(data []byte, at int) error {
	p, err := prefixIn(data, at, "IPv6 Address/Prefix", len(o.Addresses) == MaxAddresses)
	if err != nil {
		return err
	}
	a := AddressPrefix{Code: data[0], Prefix: p}
	if a.Code == RouterPrefix {
		a.Prefix = a.Prefix.Masked()
	}
	for i := range o.Addresses {
		if o.Addresses[i].Code == a.Code {
			return twice("IPv6 Address/Prefix", at)
		}
	}
	if o.Addresses == nil {
		o.Addresses = make([]AddressPrefix, 0, 2) // previous and new care-of address
	}
	o.Addresses = append(o.Addresses, a)
	return nil
}

func (o *Options) takeFastAuth(data []byte, at int) error {
	if len(data) <= spiLen {
		return wire.Fail("mh", "Binding Authorization Data for FMIPv6 Length", at+1, wire.ErrLength)
	}
	o.FastAuth = &FastAuth{SPI: binary.BigEndian.Uint32(data), Data: bytes.Clone(data[spiLen:])}
	return nil
}
