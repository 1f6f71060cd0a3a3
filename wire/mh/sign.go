package mh

import (
	"bytes"
	"fmt"
	"net/netip"

	"roam6/wire"
)

// AppendSigned appends m with its authenticator computed, then its checksum.
//
// m's Options.FastAuth has its SPI set (RFC 5568 §6.4.5), or Options.Auth has Subtype and SPI set (RFC 4285 §5), or else
// Options.BindingAuth is not nil (RFC 6275 §6.2.7). mac is called once with the covered octets: the Mobility Header from its start up to the authenticator, checksum zero. The
// caller puts the addresses before them:
//
//	MN-HA (RFC 4285 §5.1)   First(96, HMAC_SHA1(key, care-of address | home address | covered))
//	MN-AAA (RFC 4285 §5.2)  HMAC_SHA1(key, SHA1(care-of address | home address | covered))
//	RFC 6275 §6.2.7         First(96, HMAC_SHA1(Kbm, care-of address | correspondent | covered))
//	BADF (RFC 5568 §6.4.5)  First(96, HMAC_SHA1(key, new care-of address | previous access router | covered))
//
// The authenticator is as long as the Data given in the option; when that is empty, AuthAAALen octets for MN-AAA and
// AuthLen octets for all others. Of a longer MAC the first octets are taken; a shorter one is a mistake of the caller
// and panics. m is not changed. A message with both an MN-HA and an MN-AAA option gets the MN-HA one computed.
func AppendSigned(b []byte, src, dst netip.Addr, m Message, mac func(covered []byte) []byte) []byte {
	o := *m.Opts()
	var size int
	switch {
	case o.FastAuth != nil:
		a := *o.FastAuth
		if len(a.Data) == 0 {
			a.Data = make([]byte, AuthLen)
		}
		o.FastAuth, size = &a, min(len(a.Data), MaxFastAuth)
	case o.Auth != nil:
		a := *o.Auth
		if len(a.Data) == 0 {
			a.Data = make([]byte, authLen(a.Subtype))
		}
		o.Auth, size = &a, len(a.Data)
	case o.BindingAuth != nil:
		if len(o.BindingAuth) == 0 {
			o.BindingAuth = make([]byte, AuthLen)
		}
		size = len(o.BindingAuth)
	default:
		panic("mh: AppendSigned of a message without Auth, BindingAuth or FastAuth")
	}
	b, start, at := build(b, m, &o)
	sum := mac(b[start:at:at])
	if len(sum) < size {
		panic(fmt.Sprintf("mh: MAC of %d octets where the option holds %d", len(sum), size))
	}
	copy(b[at:at+size], sum)
	return seal(b, start, src, dst)
}

func authLen(subtype uint8) int {
	if subtype == AuthMNAAA {
		return AuthAAALen
	}
	return AuthLen
}

// Covered gives what the first authenticator of a received Mobility Header covers (a copy, its checksum zero) and that
// authenticator, which aliases b. It does not check the checksum: Parse does. Without an authenticating option
// the cause of the error is ErrNoAuth.
func Covered(b []byte) (covered, authenticator []byte, err error) { return covering(b, 0) }

// CoveredAAA is Covered for the MN-AAA authentication option of a message (RFC 4285 §5.2), whether or not an MN-HA one
// stands before it.
func CoveredAAA(b []byte) (covered, authenticator []byte, err error) { return covering(b, AuthMNAAA) }

// covering looks for an authentication option of a subtype, for any authenticator when subtype is 0.
func covering(b []byte, subtype uint8) (covered, authenticator []byte, err error) {
	b, err = frame(b)
	if err != nil {
		return nil, nil, err
	}
	m := blank(b[2])
	if m == nil {
		return nil, nil, wire.Fail("mh", "MH Type", 2, wire.ErrUnknown)
	}
	if len(b) < m.fixedLen() {
		return nil, nil, wire.Fail("mh", "Header Len", 1, wire.ErrLength)
	}
	for at := m.fixedLen(); at < len(b); {
		kind, data, next, err := option(b, at)
		if err != nil {
			return nil, nil, err
		}
		from := at + 2
		switch {
		case kind == optAuth && len(data) >= 6 && (subtype == 0 || data[0] == subtype):
			from += 5
		case kind == optFastAuth && len(data) > spiLen && subtype == 0:
			from += spiLen
		case kind == optBindingAuth && subtype == 0:
		default:
			at = next
			continue
		}
		covered = bytes.Clone(b[:from])
		covered[4], covered[5] = 0, 0
		return covered, b[from:next], nil
	}
	return nil, nil, wire.Fail("mh", "mobility options", len(b), ErrNoAuth)
}
