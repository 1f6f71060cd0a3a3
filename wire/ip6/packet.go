package ip6

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire"
)

// Next Header values this project meets (IANA protocol numbers).
const (
	ProtoHopByHop uint8 = 0
	ProtoTCP      uint8 = 6
	ProtoUDP      uint8 = 17
	ProtoIPv6     uint8 = 41
	ProtoRouting  uint8 = 43
	ProtoFragment uint8 = 44
	ProtoESP      uint8 = 50
	ProtoAH       uint8 = 51
	ProtoICMPv6   uint8 = 58
	ProtoNone     uint8 = 59
	ProtoDestOpts uint8 = 60
	ProtoMH       uint8 = 135
)

// Sizes in octets.
const (
	HeaderLen = 40   // the fixed header, RFC 8200 §3
	MinMTU    = 1280 // RFC 8200 §5
)

// MaxExtensions is the number of extension headers Parse walks before it gives up with wire.ErrLimit.
const MaxExtensions = 8

// DefaultHopLimit is what Append writes for a zero HopLimit (RFC 8200 leaves it to the assigned-numbers list: 64).
const DefaultHopLimit = 64

// Header is the fixed IPv6 header (RFC 8200 §3) without the two fields that follow from the packet: Payload
// Length and the first Next Header.
type Header struct {
	TrafficClass uint8
	FlowLabel    uint32 // 20 bits
	HopLimit     uint8  // 0 is written as DefaultHopLimit
	Src, Dst     netip.Addr
}

// Fragment is the Fragment header, RFC 8200 §4.5.
type Fragment struct {
	Offset int // octets, a multiple of 8
	More   bool
	ID     uint32
}

// Packet is an IPv6 packet with the extension headers Mobile IPv6 uses taken apart.
//
// On the wire they stand in the order of RFC 6275 §6.3 and §6.4: routing header type 2, then the destination
// options with the home address, then the upper layer.
type Packet struct {
	Header
	// HomeAddress is the Home Address option (RFC 6275 §6.3): the sender's home address; Src is its care-of address.
	HomeAddress netip.Addr
	// Routing2 is the home address in a type 2 routing header (RFC 6275 §6.4) with segments left 1; Dst is the care-of address.
	Routing2 netip.Addr
	// EncapLimit is the Tunnel Encapsulation Limit option (RFC 2473 §4.1.1) plus one; 0 when absent.
	EncapLimit int
	// Fragment is set when the packet is a fragment; Payload then holds the fragment's part, headers after it included.
	Fragment *Fragment
	// Proto is the upper-layer protocol: the Next Header after the last extension header taken apart.
	Proto uint8
	// ProtoOffset is the offset of Payload in the parsed bytes; ProtoAt that of the Next Header octet that names it (for ICMP
	// Parameter Problem). Append ignores both.
	ProtoOffset, ProtoAt int
	// Payload is everything after those headers. Parse aliases the bytes given to it.
	Payload []byte
}

// EffectiveSrc is the address the upper layer and its checksum see: the home address if there is one (RFC 6275 §11.3.1).
func (p *Packet) EffectiveSrc() netip.Addr {
	if p.HomeAddress.IsValid() {
		return p.HomeAddress
	}
	return p.Src
}

// EffectiveDst is the final destination: the home address in the type 2 routing header if there is one.
func (p *Packet) EffectiveDst() netip.Addr {
	if p.Routing2.IsValid() {
		return p.Routing2
	}
	return p.Dst
}

// Append writes the packet: fixed header, routing header, destination options, payload. Fragment headers
// are written by the plane, which alone makes fragments.
func (p *Packet) Append(b []byte) []byte {
	start := len(b)
	b = append(b, make([]byte, HeaderLen)...)
	nextAt := start + 6
	if p.Routing2.IsValid() {
		b[nextAt] = ProtoRouting
		nextAt = len(b)
		b = append(b, 0, 2, 2, 1, 0, 0, 0, 0)
		b = append(b, p.Routing2.AsSlice()...)
	}
	if p.HomeAddress.IsValid() || p.EncapLimit > 0 {
		b[nextAt] = ProtoDestOpts
		nextAt = len(b)
		b = p.appendDestOpts(b)
	}
	b[nextAt] = p.Proto
	b = append(b, p.Payload...)

	h := b[start:]
	binary.BigEndian.PutUint32(h, 6<<28|uint32(p.TrafficClass)<<20|p.FlowLabel&0xfffff)
	binary.BigEndian.PutUint16(h[4:], uint16(len(h)-HeaderLen))
	h[7] = p.HopLimit
	if p.HopLimit == 0 {
		h[7] = DefaultHopLimit
	}
	src, dst := p.Src.As16(), p.Dst.As16()
	copy(h[8:], src[:])
	copy(h[24:], dst[:])
	return b
}

// Option types in destination options.
const (
	optPad1        = 0x00
	optPadN        = 0x01
	optEncapLimit  = 0x04 // RFC 2473 §4.1.1
	optHomeAddress = 0xc9 // RFC 6275 §6.3
)

// appendDestOpts writes one destination options header. The home address option is aligned 8n+6, so PadN of two
// octets of data stands before it (RFC 6275 §6.3).
func (p *Packet) appendDestOpts(b []byte) []byte {
	start := len(b)
	b = append(b, 0, 0)
	if p.EncapLimit > 0 {
		b = append(b, optEncapLimit, 1, uint8(p.EncapLimit-1), optPadN, 1, 0)
	}
	if p.HomeAddress.IsValid() {
		for (len(b)-start)%8 != 6 {
			gap := (6 - (len(b)-start)%8 + 8) % 8
			if gap == 1 {
				b = append(b, optPad1)
				break
			}
			b = append(b, optPadN, uint8(gap-2))
			b = append(b, make([]byte, gap-2)...)
		}
		b = append(b, optHomeAddress, 16)
		b = append(b, p.HomeAddress.AsSlice()...)
	}
	b[start+1] = uint8((len(b)-start)/8 - 1)
	return b
}

// Parse takes an IPv6 packet apart. Payload aliases b. A packet longer than its Payload Length is cut to it (link padding).
func Parse(b []byte) (Packet, error) {
	var p Packet
	if len(b) < HeaderLen {
		return p, wire.Fail("ip6", "header", len(b), wire.ErrTruncated)
	}
	first := binary.BigEndian.Uint32(b)
	if first>>28 != 6 {
		return p, wire.Fail("ip6", "Version", 0, wire.ErrValue)
	}
	end := HeaderLen + int(binary.BigEndian.Uint16(b[4:]))
	if end > len(b) {
		return p, wire.Fail("ip6", "Payload Length", 4, wire.ErrTruncated)
	}
	b = b[:end]
	p.TrafficClass = uint8(first >> 20)
	p.FlowLabel = first & 0xfffff
	p.HopLimit = b[7]
	p.Src = netip.AddrFrom16([16]byte(b[8:24]))
	p.Dst = netip.AddrFrom16([16]byte(b[24:40]))
	err := p.walk(b)
	return p, err
}

// walk follows the chain of extension headers from the fixed header on.
func (p *Packet) walk(b []byte) error {
	next, nextAt, off := b[6], 6, HeaderLen
	for n := 0; ; n++ {
		switch next {
		case ProtoHopByHop, ProtoDestOpts, ProtoRouting, ProtoFragment:
		default:
			p.Proto, p.ProtoOffset, p.ProtoAt, p.Payload = next, off, nextAt, b[off:]
			return nil
		}
		if n == MaxExtensions {
			return wire.Fail("ip6", "Next Header", nextAt, wire.ErrLimit)
		}
		if len(b)-off < 8 {
			return wire.Fail("ip6", "extension header", off, wire.ErrTruncated)
		}
		size := 8
		if next != ProtoFragment {
			size = 8 * (int(b[off+1]) + 1)
		}
		if len(b)-off < size {
			return wire.Fail("ip6", "Hdr Ext Len", off+1, wire.ErrTruncated)
		}
		ext := b[off : off+size]
		switch next {
		case ProtoDestOpts:
			if err := p.parseDestOpts(ext, off); err != nil {
				return err
			}
		case ProtoRouting:
			if err := p.parseRouting(ext, off); err != nil {
				return err
			}
		case ProtoFragment:
			word := binary.BigEndian.Uint16(ext[2:])
			f := &Fragment{Offset: int(word &^ 7), More: word&1 == 1, ID: binary.BigEndian.Uint32(ext[4:])}
			if f.Offset > 0 || f.More {
				p.Fragment = f
				p.Proto, p.ProtoOffset, p.ProtoAt, p.Payload = ext[0], off+8, off, b[off+8:]
				return nil
			}
		}
		next, nextAt, off = ext[0], off, off+size
	}
}

// parseDestOpts reads the options this project knows and applies RFC 8200 §4.2 to the others: the two highest bits
// of an unknown type say whether the packet may go on (00) or not.
func (p *Packet) parseDestOpts(ext []byte, off int) error {
	for i := 2; i < len(ext); {
		if ext[i] == optPad1 {
			i++
			continue
		}
		if i+2 > len(ext) || i+2+int(ext[i+1]) > len(ext) {
			return wire.Fail("ip6", "Opt Data Len", off+i, wire.ErrTruncated)
		}
		data := ext[i+2 : i+2+int(ext[i+1])]
		switch ext[i] {
		case optPadN:
		case optHomeAddress:
			if len(data) != 16 {
				return wire.Fail("ip6", "Home Address Option Length", off+i+1, wire.ErrLength)
			}
			if p.HomeAddress.IsValid() {
				return wire.Fail("ip6", "Home Address", off+i, wire.ErrValue)
			}
			p.HomeAddress = netip.AddrFrom16([16]byte(data))
		case optEncapLimit:
			if len(data) != 1 {
				return wire.Fail("ip6", "Tunnel Encapsulation Limit Length", off+i+1, wire.ErrLength)
			}
			p.EncapLimit = int(data[0]) + 1
		default:
			if ext[i]>>6 != 0 {
				return wire.Fail("ip6", "Option Type", off+i, wire.ErrUnknown)
			}
		}
		i += 2 + len(data)
	}
	return nil
}

// parseRouting reads a type 2 routing header. Any other type with segments left is refused (RFC 8200 §4.4, RFC 5095).
func (p *Packet) parseRouting(ext []byte, off int) error {
	kind, left := ext[2], ext[3]
	if kind != 2 {
		if left == 0 {
			return nil
		}
		return wire.Fail("ip6", "Routing Type", off+2, wire.ErrUnknown)
	}
	if len(ext) != 24 {
		return wire.Fail("ip6", "Hdr Ext Len", off+1, wire.ErrLength)
	}
	if left != 1 {
		return wire.Fail("ip6", "Segments Left", off+3, wire.ErrValue)
	}
	p.Routing2 = netip.AddrFrom16([16]byte(ext[8:24]))
	return nil
}
