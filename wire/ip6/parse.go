package ip6

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire"
)

// MaxExtensions is the number of extension headers Parse walks before it gives up with wire.ErrLimit.
const MaxExtensions = 8

// Codes of the ICMPv6 Parameter Problem, RFC 4443 §3.4. (Package icmp6, which stands on this one, exports them.)
const (
	codeHeaderField uint8 = 0
	codeNextHeader  uint8 = 1
	codeOption      uint8 = 2
)

// Problem is in the chain of Parse's error when RFC 8200 wants the packet's sender told by an ICMPv6 Parameter Problem:
//
//	if problem := new(ip6.Problem); errors.As(err, &problem) { … problem.Code, problem.Pointer … }
//
// Without it the packet is dropped in silence. The rules of RFC 4443 §2.4 (e) on the sender's address, of multicast
// destinations and of unknown options are taken into account; those on errors about errors and the rate are the caller's.
type Problem struct {
	Code    uint8
	Pointer uint32 // octets from the start of the packet
	Cause   error  // one of package wire
}

// Error gives the cause.
func (p *Problem) Error() string { return p.Cause.Error() }

// Unwrap gives the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// Parse takes an IPv6 packet apart. Payload aliases b. A packet longer than its Payload Length is cut to it (link padding).
// After an error the fields read so far are set, the addresses from the moment the fixed header is whole.
//
// spec MIP-01
func Parse(b []byte) (Packet, error) { return parse(b, Packet{}) }

// ParseUnassigned is Parse for a packet whose home address option may be unspecified (::). AAA servers make such Binding Updates where
// the home agent is to assign the address (draft-le-aaa-diameter-mobileipv6-04 §9.5.2); none comes by a link.
//
// spec DM-17
func ParseUnassigned(b []byte) (Packet, error) {
	p, err := parse(b, Packet{unassigned: true})
	p.unassigned = false
	return p, err
}

func parse(b []byte, p Packet) (Packet, error) {
	if len(b) < HeaderLen {
		return p, wire.Fail("ip6", "header", len(b), wire.ErrTruncated)
	}
	first := binary.BigEndian.Uint32(b)
	if first>>28 != 6 {
		return p, wire.Fail("ip6", "Version", 0, wire.ErrValue)
	}
	end := HeaderLen + int(binary.BigEndian.Uint16(b[4:]))
	p.TrafficClass = uint8(first >> 20)
	p.FlowLabel = first & 0xfffff
	p.HopLimit = b[7]
	p.Src = netip.AddrFrom16([16]byte(b[8:24]))
	p.Dst = netip.AddrFrom16([16]byte(b[24:40]))
	if end > len(b) {
		return p, wire.Fail("ip6", "Payload Length", 4, wire.ErrTruncated)
	}
	err := p.walk(b[:end])
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
		if next == ProtoHopByHop && n > 0 {
			// RFC 8200 §4: anywhere but first it is an unrecognised Next Header.
			return p.refuse("Next Header", nextAt, codeNextHeader, wire.ErrValue)
		}
		size, err := extensionLen(b, next, off)
		if err != nil {
			return err
		}
		ext := b[off : off+size]
		switch next {
		case ProtoHopByHop, ProtoDestOpts:
			err = p.parseOptions(next, ext, off)
		case ProtoRouting:
			err = p.parseRouting(ext, off)
		case ProtoFragment:
			p.Fragment = parseFragment(ext)
		}
		if err != nil {
			return err
		}
		next, nextAt, off = ext[0], off, off+size
		if p.Fragment != nil {
			p.Proto, p.ProtoOffset, p.ProtoAt, p.Payload = next, off, nextAt, b[off:]
			return nil
		}
	}
}

// extensionLen is the length of the extension header at off.
func extensionLen(b []byte, kind uint8, off int) (int, error) {
	if len(b)-off < 8 {
		return 0, wire.Fail("ip6", "extension header", off, wire.ErrTruncated)
	}
	size := 8
	if kind != ProtoFragment {
		size = 8 * (int(b[off+1]) + 1)
	}
	if len(b)-off < size {
		return 0, wire.Fail("ip6", "Hdr Ext Len", off+1, wire.ErrTruncated)
	}
	return size, nil
}

// parseFragment reads a Fragment header; nil if the packet is whole all the same (RFC 6946).
func parseFragment(ext []byte) *Fragment {
	word := binary.BigEndian.Uint16(ext[2:])
	f := &Fragment{Offset: int(word &^ 7), More: word&1 == 1, ID: binary.BigEndian.Uint32(ext[4:])}
	if f.Offset == 0 && !f.More {
		return nil
	}
	return f
}

// parseOptions reads the options of a hop-by-hop or destination options header (RFC 8200 §4.2). Of the former this
// project knows the router alert; the latter holds the home address and the encapsulation limit.
func (p *Packet) parseOptions(header uint8, ext []byte, off int) error {
	for i := 2; i < len(ext); {
		if ext[i] == optPad1 {
			i++
			continue
		}
		if i+2 > len(ext) || i+2+int(ext[i+1]) > len(ext) {
			return wire.Fail("ip6", "Opt Data Len", off+i, wire.ErrTruncated)
		}
		kind, data := ext[i], ext[i+2:i+2+int(ext[i+1])]
		var err error
		switch {
		case kind == optPadN:
		case header == ProtoHopByHop && kind == optRouterAlert:
			err = p.parseRouterAlert(data, off+i)
		case header == ProtoDestOpts && kind == optHomeAddress:
			err = p.parseHomeAddress(data, off+i)
		case header == ProtoDestOpts && kind == optEncapLimit:
			if len(data) != 1 {
				return wire.Fail("ip6", "Tunnel Encapsulation Limit Length", off+i+1, wire.ErrLength)
			}
			p.EncapLimit = int(data[0]) + 1
		default:
			err = p.unknownOption(kind, off+i)
		}
		if err != nil {
			return err
		}
		i += 2 + len(data)
	}
	return nil
}

// parseRouterAlert reads a router alert, of which there must be one only (RFC 2711 §2.1).
func (p *Packet) parseRouterAlert(data []byte, off int) error {
	if len(data) != 2 {
		return wire.Fail("ip6", "Router Alert Length", off+1, wire.ErrLength)
	}
	if p.RouterAlert > 0 {
		return wire.Fail("ip6", "Router Alert", off, wire.ErrValue)
	}
	p.RouterAlert = int(binary.BigEndian.Uint16(data)) + 1
	return nil
}

func (p *Packet) parseHomeAddress(data []byte, off int) error {
	if len(data) != 16 {
		return wire.Fail("ip6", "Home Address Option Length", off+1, wire.ErrLength)
	}
	a := netip.AddrFrom16([16]byte(data))
	if p.HomeAddress.IsValid() || !Routable(a) && !(p.unassigned && a.IsUnspecified()) {
		return wire.Fail("ip6", "Home Address", off, wire.ErrValue)
	}
	p.HomeAddress = a
	return nil
}

// unknownOption does what the two highest bits of an unknown option's type say, RFC 8200 §4.2: 00 skip it, 01 discard
// the packet, 10 and tell the sender, 11 tell it unless the packet was multicast.
func (p *Packet) unknownOption(kind uint8, off int) error {
	switch kind >> 6 {
	case 0:
		return nil
	case 1:
		return wire.Fail("ip6", "Option Type", off, wire.ErrUnknown)
	case 3:
		if p.Dst.IsMulticast() {
			return wire.Fail("ip6", "Option Type", off, wire.ErrUnknown)
		}
	}
	return p.refuseAny("Option Type", off, codeOption, wire.ErrUnknown)
}

// parseRouting reads a type 2 routing header; a bad one is dropped in silence (RFC 6275 §11.3.3). Any other type with
// segments left is refused (RFC 8200 §4.4, RFC 5095).
func (p *Packet) parseRouting(ext []byte, off int) error {
	kind, left := ext[2], ext[3]
	if kind != 2 {
		if left == 0 {
			return nil
		}
		return p.refuse("Routing Type", off+2, codeHeaderField, wire.ErrUnknown)
	}
	if len(ext) != 24 {
		return wire.Fail("ip6", "Hdr Ext Len", off+1, wire.ErrLength)
	}
	if left != 1 {
		return wire.Fail("ip6", "Segments Left", off+3, wire.ErrValue)
	}
	a := netip.AddrFrom16([16]byte(ext[8:24]))
	if p.Routing2.IsValid() || !Routable(a) {
		return wire.Fail("ip6", "Home Address", off+8, wire.ErrValue)
	}
	p.Routing2 = a
	return nil
}

// refuse is refuseAny for problems that are not told about multicast packets (RFC 4443 §2.4 e.3).
func (p *Packet) refuse(field string, off int, code uint8, cause error) error {
	if p.Dst.IsMulticast() {
		return wire.Fail("ip6", field, off, cause)
	}
	return p.refuseAny(field, off, code, cause)
}

// refuseAny makes the error of a problem that the sender is told of, if the source address names one node (§2.4 e.6).
func (p *Packet) refuseAny(field string, off int, code uint8, cause error) error {
	if !p.Src.IsMulticast() && !p.Src.IsUnspecified() {
		cause = &Problem{Code: code, Pointer: uint32(off), Cause: cause}
	}
	return wire.Fail("ip6", field, off, cause)
}
