package ip6

import (
	"encoding/binary"
	"net/netip"
	"slices"
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

// maxExtensions is the most that the headers of a Packet take besides the fixed one: router alert, routing header, destination options.
const maxExtensions = 8 + 24 + 32

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
// On the wire they stand in the order of RFC 8200 §4.1 and RFC 6275 §6.3 and §6.4: hop-by-hop options, routing header
// type 2, then the destination options with the home address, then the upper layer.
type Packet struct {
	Header
	// HomeAddress is the Home Address option (RFC 6275 §6.3): the sender's home address; Src is its care-of address.
	HomeAddress netip.Addr
	// Routing2 is the home address in a type 2 routing header (RFC 6275 §6.4) with segments left 1; Dst is the care-of address.
	Routing2 netip.Addr
	// RouterAlert is the Router Alert option of the hop-by-hop header (RFC 2711) plus one; 0 when absent. Its value 0
	// says that the packet carries multicast listener discovery.
	RouterAlert int
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

	unassigned bool // being parsed by ParseUnassigned
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

// MaxPayload is the longest payload, extension headers included, that the Payload Length field can tell.
const MaxPayload = 0xffff

// Append writes the packet: fixed header, hop-by-hop options, routing header, destination options, payload; together at most MaxPayload
// octets behind the fixed header. Fragment headers are written by the plane, which alone makes fragments.
func (p *Packet) Append(b []byte) []byte {
	start := len(b)
	b = slices.Grow(b, HeaderLen+len(p.Payload)+maxExtensions)
	b = append(b, make([]byte, HeaderLen)...)
	nextAt := start + 6
	if p.RouterAlert > 0 {
		b[nextAt] = ProtoHopByHop
		nextAt = len(b)
		b = append(b, 0, 0, optRouterAlert, 2, uint8((p.RouterAlert-1)>>8), uint8(p.RouterAlert-1), optPadN, 0)
	}
	if p.Routing2.IsValid() {
		b[nextAt] = ProtoRouting
		nextAt = len(b)
		b = append(b, 0, 2, 2, 1, 0, 0, 0, 0)
		home := p.Routing2.As16()
		b = append(b, home[:]...)
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

// Option types in destination options and, the router alert, in hop-by-hop options.
const (
	optPad1        = 0x00
	optPadN        = 0x01
	optEncapLimit  = 0x04 // RFC 2473 §4.1.1
	optRouterAlert = 0x05 // RFC 2711 §2.1
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
		home := p.HomeAddress.As16()
		b = append(b, home[:]...)
	}
	b[start+1] = uint8((len(b)-start)/8 - 1)
	return b
}
