package diameter

import (
	"encoding/binary"
	"net/netip"
	"time"
	"unicode/utf8"
)

// The address families of the type Address, RFC 6733 §4.3.1.
const (
	familyIPv4 = 1
	familyIPv6 = 2
)

// MaxIdentity is the longest DiameterIdentity in octets: a domain name, RFC 1035 §2.3.4.
const MaxIdentity = 255

// to1970 is the seconds from 1900, where a Time begins, to 1970. What has its high bit clear is of the era that begins in 2036.
const to1970 = 2208988800

// length blames an AVP whose value is not as long as its type is.
func (a AVP) length(n int) error {
	return failAVP(InvalidAVPLength, a, "%s with %d octets of data; its type has %d", a.Name(), len(a.Data), n)
}

// Uint32 reads an Unsigned32, Integer32 or Enumerated.
func (a AVP) Uint32() (uint32, error) {
	if len(a.Data) != 4 {
		return 0, a.length(4)
	}
	return binary.BigEndian.Uint32(a.Data), nil
}

// Uint64 reads an Unsigned64 or Integer64.
func (a AVP) Uint64() (uint64, error) {
	if len(a.Data) != 8 {
		return 0, a.length(8)
	}
	return binary.BigEndian.Uint64(a.Data), nil
}

// Text reads a UTF8String. It copies.
func (a AVP) Text() (string, error) {
	if !utf8.Valid(a.Data) {
		return "", failAVP(InvalidAVPValue, a, "%s is not UTF-8", a.Name())
	}
	return string(a.Data), nil
}

// Identity reads a DiameterIdentity, a domain name in ASCII (RFC 6733 §4.3.1). It copies; an agent compares with IsIdentity instead.
func (a AVP) Identity() (string, error) {
	if !isIdentity(a.Data) {
		return "", failAVP(InvalidAVPValue, a, "%s is not a domain name of 1 to %d letters, digits, hyphens, dots", a.Name(), MaxIdentity)
	}
	return string(a.Data), nil
}

// IsIdentity compares a DiameterIdentity with one in lower case, as domain names are compared. It allocates nothing.
func (a AVP) IsIdentity(lower string) bool {
	if len(a.Data) != len(lower) {
		return false
	}
	for i, c := range a.Data {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func isIdentity(b []byte) bool {
	if len(b) == 0 || len(b) > MaxIdentity {
		return false
	}
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return true
}

// Addr reads an Address that is IPv4 or IPv6.
func (a AVP) Addr() (netip.Addr, error) {
	if len(a.Data) < 2 {
		return netip.Addr{}, a.length(6)
	}
	switch family, rest := binary.BigEndian.Uint16(a.Data), a.Data[2:]; {
	case family == familyIPv4 && len(rest) == 4:
		return netip.AddrFrom4([4]byte(rest)), nil
	case family == familyIPv6 && len(rest) == 16:
		return netip.AddrFrom16([16]byte(rest)), nil
	case family == familyIPv4 || family == familyIPv6:
		return netip.Addr{}, failAVP(InvalidAVPLength, a, "%s of family %d with %d octets", a.Name(), family, len(rest))
	default:
		return netip.Addr{}, failAVP(InvalidAVPValue, a, "%s of family %d; 1 (IPv4) and 2 (IPv6) are known", a.Name(), family)
	}
}

// Time reads a Time, in whole seconds from 1968 to 2104 (RFC 6733 §4.3.1).
func (a AVP) Time() (time.Time, error) {
	v, err := a.Uint32()
	if err != nil {
		return time.Time{}, err
	}
	sec := int64(v)
	if v < 1<<31 {
		sec += 1 << 32
	}
	return time.Unix(sec-to1970, 0).UTC(), nil
}

// Group reads a Grouped: the AVPs in it, their frame checked.
func (a AVP) Group() (List, error) {
	l := List(a.Data)
	_, err := l.check()
	if err != nil {
		return nil, err
	}
	return l, nil
}

// wrong finds what is not allowed in a value whose length fits its type. A value of an Enumerated that has no name is refused where the M flag
// says that it has to be understood (RFC 6733 §4.1).
func wrong(a AVP, d *Definition) *Error {
	switch d.Type {
	case UTF8String, DiameterURI:
		if !utf8.Valid(a.Data) {
			return &Error{Code: InvalidAVPValue, Text: "not UTF-8"}
		}
	case DiameterIdentity:
		if !isIdentity(a.Data) {
			return &Error{Code: InvalidAVPValue, Text: "not a domain name"}
		}
	case Enumerated:
		if v := binary.BigEndian.Uint32(a.Data); a.Flags&Mandatory != 0 && d.ValueName(v) == "" {
			return fail(InvalidAVPValue, "%d has no meaning", v)
		}
	case Address:
		family, n := int(a.Data[0])<<8|int(a.Data[1]), len(a.Data)-2
		if family == familyIPv4 && n != 4 || family == familyIPv6 && n != 16 {
			return fail(InvalidAVPLength, "an address of family %d with %d octets", family, n)
		}
	}
	return nil
}
