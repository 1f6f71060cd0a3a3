package icmp6

import (
	"encoding/binary"

	"roam6/wire/nd"
)

// PrefixSolicitation is the Mobile Prefix Solicitation: a mobile node away from home asks for the prefixes of its home
// link, RFC 6275 §6.7. Options are checked for their lengths and skipped: none is defined.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|          Identifier           |            Reserved           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
type PrefixSolicitation struct { //spec MIP-05
	ID uint16
}

// PrefixAdvertisement is the Mobile Prefix Advertisement, RFC 6275 §6.8. Its options have the form of Neighbor
// Discovery; only Prefix Information is defined, every other one is checked for its length and skipped.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|          Identifier           |M|O|        Reserved           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|           Options ...
//	+-+-+-+-+-+-+-+-+-+-+-+-
type PrefixAdvertisement struct { //spec MIP-05
	ID       uint16      // of the solicitation, if there was one
	Managed  bool        // M: addresses by DHCPv6
	Other    bool        // O: other configuration by DHCPv6
	Prefixes []nd.Prefix // at most nd.MaxPrefixes
}

const (
	mpaManaged = 0x80
	mpaOther   = 0x40
)

func parsePrefixSolicitation(b []byte) (Message, error) {
	if _, err := nd.ParsePrefixes(b[headerLen:], headerLen); err != nil {
		return nil, err
	}
	return &PrefixSolicitation{ID: identifier(b)}, nil
}

func (m *PrefixSolicitation) kind() (uint8, uint8) { return TypePrefixSolicitation, 0 }

func (m *PrefixSolicitation) append(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, m.ID), 0, 0)
}

func parsePrefixAdvertisement(b []byte) (Message, error) {
	prefixes, err := nd.ParsePrefixes(b[headerLen:], headerLen)
	if err != nil {
		return nil, err
	}
	return &PrefixAdvertisement{
		ID:       identifier(b),
		Managed:  b[6]&mpaManaged != 0,
		Other:    b[6]&mpaOther != 0,
		Prefixes: prefixes,
	}, nil
}

func (m *PrefixAdvertisement) kind() (uint8, uint8) { return TypePrefixAdvertisement, 0 }

func (m *PrefixAdvertisement) append(b []byte) []byte {
	var flags uint8
	if m.Managed {
		flags |= mpaManaged
	}
	if m.Other {
		flags |= mpaOther
	}
	b = append(binary.BigEndian.AppendUint16(b, m.ID), flags, 0)
	return nd.AppendPrefixes(b, m.Prefixes)
}
