package access

import (
	"bytes"
	"encoding/binary"
	"time"

	"roam6/wire"
)

// Use says whom the mobile node shares a key with: draft-le-aaa-diameter-mobileipv6-04 §10.
type Use uint8

// The uses.
const (
	HomeAgent    Use = 1 // protects binding updates and acknowledgements
	AccessRouter Use = 2 // protects what crosses the access link
)

// Methods are ways to come to a key, a set of bits.
type Methods uint8

// The methods.
const (
	Random        Methods = 1 // §10.1: of a random number and the long-term key
	DiffieHellman Methods = 2 // §10.2: X25519, the public values authenticated by the home AAA server
)

// Algorithm says what the keys are for.
type Algorithm uint8

// AESGCM is the only one: ESP with AES-GCM, keys of 256 bits and an ICV of 16 octets (RFC 4106).
const AESGCM Algorithm = 1

// Sizes in octets.
const (
	ValueLen = 32 // a random number, or a public value of X25519 (RFC 7748 §5)
	AuthLen  = 16 // authentication data, and the MAC of a public value: HMAC-SHA-256, its first half
)

// MinSPI is the lowest SPI in use; RFC 4303 §2.1 reserves 0 to 255.
const MinSPI = 256

const (
	keyRequestLen = 8
	keyDataLen    = 12 + ValueLen
)

// KeyRequest asks for a key. In Diameter it is a Key-Request AVP, or two when both methods will do.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|    Length     |      Use      |    Methods    |   Reserved    |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                              SPI                              |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|          Public value (32 octets, with Diffie-Hellman)        |
type KeyRequest struct {
	Use     Use
	Methods Methods // those the mobile node can do
	SPI     uint32  // the one the mobile node wants to be sent to, at least MinSPI
	Public  []byte  // ValueLen octets with DiffieHellman among the methods, else nil
}

// Append writes the request, 8 or 40 octets.
func (k KeyRequest) Append(b []byte) []byte {
	b = append(b, uint8(keyRequestLen+len(k.Public)), uint8(k.Use), uint8(k.Methods), 0)
	return append(binary.BigEndian.AppendUint32(b, k.SPI), k.Public...)
}

// ParseKeyRequests reads one request after the other: the whole of b. Not more than one for each use.
//
// spec DM-04
func ParseKeyRequests(b []byte) ([]KeyRequest, error) { return parseKeyRequests(b, 0) }

func parseKeyRequests(b []byte, at int) (list []KeyRequest, err error) {
	err = entries("Key Request", b, at, keyRequestLen, func(e []byte, at int) error {
		k := KeyRequest{Use: Use(e[1]), Methods: Methods(e[2]), SPI: binary.BigEndian.Uint32(e[4:])}
		if k.Methods == 0 || k.Methods&^(Random|DiffieHellman) != 0 {
			return fail("Methods", at+2, wire.ErrValue)
		}
		want := keyRequestLen
		if k.Methods&DiffieHellman != 0 {
			want += ValueLen
			k.Public = bytes.Clone(e[keyRequestLen:])
		}
		if len(e) != want {
			return fail("Length", at, wire.ErrLength)
		}
		list = append(list, k)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// KeyData is what a mobile node makes a key of. In Diameter it is an MN-Key-Distribution AVP.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|    Length     |      Use      |    Method     |   Algorithm   |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                              SPI                              |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                       Lifetime (seconds)                      |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|           Random number or public value (32 octets)           |
//	|               MAC (16 octets, with Diffie-Hellman)            |
type KeyData struct {
	Use       Use
	Method    Methods // exactly one
	Algorithm Algorithm
	SPI       uint32        // the one the peer wants to be sent to, at least MinSPI
	Lifetime  time.Duration // of the key, whole seconds, at least 1
	Value     []byte        // ValueLen octets: the random number, or the peer's public value
	MAC       []byte        // with DiffieHellman AuthLen octets, by which the home AAA server vouches for Value; else nil
}

// Append writes the key data, 44 or 60 octets.
func (k KeyData) Append(b []byte) []byte {
	b = append(b, uint8(keyDataLen+len(k.MAC)), uint8(k.Use), uint8(k.Method), uint8(k.Algorithm))
	b = binary.BigEndian.AppendUint32(b, k.SPI)
	b = binary.BigEndian.AppendUint32(b, seconds(k.Lifetime))
	return append(append(b, k.Value...), k.MAC...)
}

// ParseKeyData reads one piece of key data after the other: the whole of b. Not more than one for each use.
//
// spec DM-04
func ParseKeyData(b []byte) ([]KeyData, error) { return parseKeyData(b, 0) }

func parseKeyData(b []byte, at int) (list []KeyData, err error) {
	err = entries("Key Data", b, at, keyDataLen, func(e []byte, at int) (err error) {
		k := KeyData{Use: Use(e[1]), Method: Methods(e[2]), Algorithm: Algorithm(e[3]), SPI: binary.BigEndian.Uint32(e[4:]), Value: bytes.Clone(e[12:keyDataLen])}
		if k.Algorithm != AESGCM {
			return fail("Algorithm", at+3, wire.ErrValue)
		}
		want := keyDataLen
		switch k.Method {
		case Random:
		case DiffieHellman:
			want += AuthLen
			k.MAC = bytes.Clone(e[keyDataLen:])
		default:
			return fail("Method", at+2, wire.ErrValue)
		}
		if len(e) != want {
			return fail("Length", at, wire.ErrLength)
		}
		k.Lifetime, err = lifetime("Lifetime", e[8:12], at+8)
		list = append(list, k)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// entries calls take with every entry of a list, each of which begins with its length, and checks what requests and data have in common:
// at least least octets, a known use that no other entry has, an SPI that is not reserved.
func entries(field string, b []byte, at, least int, take func(e []byte, at int) error) error {
	if len(b) == 0 {
		return fail(field, at, wire.ErrTruncated)
	}
	var seen [AccessRouter + 1]bool
	for len(b) > 0 {
		n := int(b[0])
		if n < least {
			return fail("Length", at, wire.ErrLength)
		}
		if n > len(b) {
			return fail("Length", at, wire.ErrTruncated)
		}
		use := Use(b[1])
		if use != HomeAgent && use != AccessRouter || seen[use] {
			return fail("Use", at+1, wire.ErrValue)
		}
		seen[use] = true
		if binary.BigEndian.Uint32(b[4:]) < MinSPI {
			return fail("SPI", at+4, wire.ErrValue)
		}
		if err := take(b[:n:n], at); err != nil {
			return err
		}
		b, at = b[n:], at+n
	}
	return nil
}
