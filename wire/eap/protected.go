package eap

import (
	"encoding/binary"

	"roam6/wire"
)

// MaxPayloads is how many protected data payloads one block may have.
const MaxPayloads = 32

// Payload is a protected data payload, RFC 5433 §9.4. No specifier is assigned to vendor 0.
type Payload struct {
	Vendor    uint32
	Specifier uint16
	Data      []byte
}

const payloadLen = 8 // before the data

// AppendPayloads writes payloads one behind the other, as they stand in a block before it is encrypted.
func AppendPayloads(b []byte, list ...Payload) []byte {
	for _, p := range list {
		b = Suite{p.Vendor, p.Specifier}.Append(b)
		b = appendCounted(b, p.Data)
	}
	return b
}

// ParsePayloads reads payloads out of a block that was decrypted and freed of its padding.
func ParsePayloads(b []byte) ([]Payload, error) {
	var list []Payload
	for at := 0; at < len(b); {
		rest := b[at:]
		if len(rest) < payloadLen {
			return nil, fail("PData/Length", len(b), wire.ErrTruncated)
		}
		n := int(binary.BigEndian.Uint16(rest[6:]))
		switch {
		case len(list) == MaxPayloads:
			return nil, fail("PData/Vendor", at, wire.ErrLimit)
		case n > len(rest)-payloadLen:
			return nil, fail("PData/Value", at+payloadLen, wire.ErrTruncated)
		}
		id := suite(rest)
		if id == (Suite{}) { // reserved
			return nil, fail("PData/Specifier", at+4, wire.ErrValue)
		}
		list = append(list, Payload{id.Vendor, id.Specifier, kept(rest[payloadLen : payloadLen+n])})
		at += payloadLen + n
	}
	return list, nil
}
