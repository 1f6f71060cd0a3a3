package mh

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Mobility option types.
const (
	optPad1          uint8 = 0  // RFC 6275 §6.2.2
	optPadN          uint8 = 1  // RFC 6275 §6.2.3
	optRefreshAdvice uint8 = 2  // RFC 6275 §6.2.4
	optAltCareOf     uint8 = 3  // RFC 6275 §6.2.5
	optNonces        uint8 = 4  // RFC 6275 §6.2.6
	optBindingAuth   uint8 = 5  // RFC 6275 §6.2.7
	optNetwork       uint8 = 6  // RFC 3963 §4.3
	optLLA           uint8 = 7  // RFC 5568 §6.4.4
	optMNID          uint8 = 8  // RFC 4283 §3
	optAuth          uint8 = 9  // RFC 4285 §5
	optMesgID        uint8 = 10 // RFC 4285 §6
	optFastAuth      uint8 = 21 // RFC 5568 §6.4.5
	optAddress       uint8 = 34 // RFC 5568 §6.4.2 says 17, which is the Neighbor Discovery option; §11 and IANA say 34
)

// Subtypes of Auth, RFC 4285 §5.1 and §5.2.
const (
	AuthMNHA  uint8 = 1
	AuthMNAAA uint8 = 2
)

// SPIHMACSHA1 is the well-known mobility SPI of MN-AAA authentication by HMAC_SHA1, RFC 4285 §8. SPIs 0 to 255 are reserved.
const SPIHMACSHA1 uint32 = 3

// Limits in octets or elements.
const (
	AuthLen     = 12  // the authenticator of RFC 6275 §6.2.7 and of RFC 4285 §5.1: First(96, HMAC_SHA1)
	AuthAAALen  = 20  // the authenticator of RFC 4285 §5.2: a whole HMAC_SHA1
	MaxAuth     = 250 // the longest authenticator an Auth option holds
	MaxNAI      = 253 // RFC 4282 §2.2; a longer identifier is cut by Append
	MaxUnknown  = 16  // options of unknown type in one message; more are refused with wire.ErrLimit
	maxRawData  = 255
	mnIDSubtype = 1 // NAI, RFC 4283 §3.1
)

// NonceIndices names the nonces that the keygen tokens were made from, RFC 6275 §6.2.6.
type NonceIndices struct {
	Home, CareOf uint16
}

// Auth is the mobility message authentication option, RFC 4285 §5.
type Auth struct {
	Subtype uint8  // AuthMNHA or AuthMNAAA
	SPI     uint32 // names the mobility security association
	Data    []byte // the authenticator
}

// RawOption is an option this codec does not know, kept as it came. Receivers skip it (RFC 6275 §6.2.1).
type RawOption struct {
	Type uint8
	Data []byte // at most 255 octets
}

// Options are the mobility options of a message. A zero field is an absent option. They are written in the order of the
// fields, each at its alignment, except that authenticators go last and Unknown before them.
type Options struct {
	RefreshAdvice time.Duration // RFC 6275 §6.2.4; units of 4 s on the wire
	AltCareOf     netip.Addr    // RFC 6275 §6.2.5
	Nonces        *NonceIndices // RFC 6275 §6.2.6
	BindingAuth   []byte        // RFC 6275 §6.2.7: the authenticator, AuthLen octets
	NAI           string        // RFC 4283 §3.1: the mobile node's user@realm
	Timestamp     uint64        // RFC 4285 §6: NTP format, seconds since 1900 in the high 32 bits, fraction in the low
	Auth          *Auth         // RFC 4285 §5: MN-HA, or MN-AAA when that is the only one
	AuthAAA       *Auth         // RFC 4285 §5.2: MN-AAA behind an MN-HA Auth; then it is the last option
	Unknown       []RawOption

	Networks  []netip.Prefix  // RFC 3963 §4.3: prefixes behind a mobile router, masked
	Bindings  []BindingID     // RFC 5648 §4.3
	LLA       [6]byte         // RFC 5568 §6.4.4: the mobile node's link-layer address
	Addresses []AddressPrefix // RFC 5568 §6.4.2
	FastAuth  *FastAuth       // RFC 5568 §6.4.5; the last option, and not beside another authenticator
}

// append writes the options of the message that begins at start, with the padding that makes it a multiple of 8
// octets. auth is the offset in b of the first authenticator, 0 without one.
func (o *Options) append(b []byte, start int) (out []byte, auth int) {
	if n := units(o.RefreshAdvice, Unit); n > 0 {
		b = append(align(b, start, 2, 0), optRefreshAdvice, 2)
		b = binary.BigEndian.AppendUint16(b, n)
	}
	if o.AltCareOf.IsValid() {
		b = append(align(b, start, 8, 6), optAltCareOf, 16)
		b = appendAddr(b, o.AltCareOf)
	}
	if o.Nonces != nil {
		b = append(align(b, start, 2, 0), optNonces, 4)
		b = binary.BigEndian.AppendUint16(b, o.Nonces.Home)
		b = binary.BigEndian.AppendUint16(b, o.Nonces.CareOf)
	}
	if o.NAI != "" {
		id := o.NAI[:min(len(o.NAI), MaxNAI)]
		b = append(b, optMNID, uint8(1+len(id)), mnIDSubtype)
		b = append(b, id...)
	}
	if o.Timestamp != 0 {
		b = append(align(b, start, 8, 2), optMesgID, 8)
		b = binary.BigEndian.AppendUint64(b, o.Timestamp)
	}
	b = o.appendFast(o.appendBindings(b, start), start)
	for _, raw := range o.Unknown {
		data := raw.Data[:min(len(raw.Data), maxRawData)]
		b = append(b, raw.Type, uint8(len(data)))
		b = append(b, data...)
	}
	return o.appendAuth(b, start)
}

// appendAuth writes the authenticators and the padding.
func (o *Options) appendAuth(b []byte, start int) (out []byte, auth int) {
	if o.FastAuth != nil {
		b, auth = o.FastAuth.append(b, start)
		return align(b, start, 8, 0), auth
	}
	if o.Auth != nil {
		b, auth = o.Auth.append(b, start, o.AuthAAA == nil && len(o.BindingAuth) == 0)
	}
	if o.AuthAAA != nil {
		b, _ = o.AuthAAA.append(b, start, len(o.BindingAuth) == 0)
	}
	if n := len(o.BindingAuth); n > 0 {
		// The last option must end the message without padding (RFC 6275 §6.2), so what is missing stands before it.
		data := o.BindingAuth[:min(n, maxRawData)]
		b = append(align(b, start, 8, (264-2-len(data))%8), optBindingAuth, uint8(len(data)))
		if auth == 0 {
			auth = len(b)
		}
		b = append(b, data...)
	}
	return align(b, start, 8, 0), auth
}

// append writes the option at 4n+1. As the last option it is put where it ends the message, if its length allows.
func (a *Auth) append(b []byte, start int, last bool) (out []byte, auth int) {
	data := a.Data[:min(len(a.Data), MaxAuth)]
	n, at := 4, 1
	if end := 7 + len(data); last && end%4 == 3 {
		n, at = 8, (8-end%8)%8
	}
	b = append(align(b, start, n, at), optAuth, uint8(5+len(data)), a.Subtype)
	b = binary.BigEndian.AppendUint32(b, a.SPI)
	return append(b, data...), len(b)
}

// align pads until the next octet stands at a multiple of n plus at, counted from start.
func align(b []byte, start, n, at int) []byte {
	gap := ((at-(len(b)-start))%n + n) % n
	switch gap {
	case 0:
		return b
	case 1:
		return append(b, optPad1)
	}
	b = append(b, optPadN, uint8(gap-2))
	return append(b, make([]byte, gap-2)...)
}
