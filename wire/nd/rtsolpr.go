package nd

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"roam6/wire"
)

// MaxAccessPoints is the most access points in one RtSolPr or PrRtAdv; more are refused with wire.ErrLimit.
const MaxAccessPoints = 16

// RtSolPr is the Router Solicitation for Proxy Advertisement: a mobile node asks its access router what stands behind
// access points it hears, RFC 5568 §6.1.1.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|      Type     |      Code     |             Checksum          |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|    Subtype    |    Reserved   |            Identifier         |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|    Options ...
//	+-+-+-+-+-+-+-+-+-+-+-+-
//
// A message names one access point at least, or asks for all by Wildcard alone.
type RtSolPr struct {
	ID           uint16      // comes back in the PrRtAdv
	SourceHW     [6]byte     // the sender's link-layer address; zero when absent
	Wildcard     bool        // all access points nearby; AccessPoints is not sent then
	AccessPoints [][6]byte   // link-layer addresses or identifiers of 6 octets
	Unknown      []RawOption // everything else, in order
}

func (*RtSolPr) icmpType() uint8 { return TypeFast }

// parseRtSolPr applies RFC 5568 §6.1.1.
func parseRtSolPr(src netip.Addr, b []byte) (*RtSolPr, error) {
	if src.IsUnspecified() || src.IsMulticast() {
		return nil, fail("Source Address", 0, wire.ErrValue)
	}
	if b[1] != 0 {
		return nil, fail("Code", 1, wire.ErrValue)
	}
	m := &RtSolPr{ID: binary.BigEndian.Uint16(b[6:])}
	err := eachOption(b[fastHeaderLen:], fastHeaderLen, func(opt []byte, at int) error { return m.take(opt, at) })
	if err != nil {
		return nil, err
	}
	if !m.Wildcard && len(m.AccessPoints) == 0 {
		return nil, fail("New Access Point Link-Layer Address", len(b), wire.ErrTruncated)
	}
	return m, nil
}

func (m *RtSolPr) take(opt []byte, at int) error {
	if opt[0] == OptLLA {
		switch opt[2] {
		case llaWildcard:
			// "no other New Access Point LLA options must be present"; its address means nothing, whatever its length.
			if m.Wildcard || len(m.AccessPoints) > 0 {
				return fail("Wildcard", at, wire.ErrValue)
			}
			m.Wildcard = true
			return nil
		case APFound:
			hw, err := hwOf(opt, at)
			switch {
			case err != nil:
				return err
			case m.Wildcard:
				return fail("New Access Point Link-Layer Address", at, wire.ErrValue)
			case len(m.AccessPoints) == MaxAccessPoints:
				return fail("New Access Point Link-Layer Address", at, wire.ErrLimit)
			}
			m.AccessPoints = append(m.AccessPoints, hw)
			return nil
		case llaSource:
			hw, err := hwOf(opt, at)
			if err != nil {
				return err
			}
			if m.SourceHW == [6]byte{} && hw != [6]byte{} {
				m.SourceHW = hw
				return nil
			}
		}
	}
	m.Unknown = append(m.Unknown, RawOption{Type: opt[0], Data: bytes.Clone(opt[2:])})
	return nil
}

func (m *RtSolPr) append(b []byte, _ netip.Addr) []byte {
	b = binary.BigEndian.AppendUint16(append(b, SubtypeRtSolPr, 0), m.ID)
	if m.SourceHW != [6]byte{} {
		b = appendLLA(b, llaSource, m.SourceHW)
	}
	if m.Wildcard {
		b = appendLLA(b, llaWildcard, [6]byte{})
	} else {
		for _, hw := range m.AccessPoints {
			b = appendLLA(b, APFound, hw)
		}
	}
	for _, r := range m.Unknown {
		b = r.append(b)
	}
	return b
}
