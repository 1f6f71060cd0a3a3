package describe

import "fmt"

// EtherTypes.
const (
	etherIPv6 = 0x86dd // RFC 2464 §3
	etherIPv4 = 0x0800
	etherVLAN = 0x8100 // IEEE 802.1Q
	etherQinQ = 0x88a8
)

// Ethernet describes an Ethernet frame.
func Ethernet(b []byte) Tree {
	t := Tree{Name: "Ethernet", Ref: "RFC 2464 §3", Layer: "ether", Len: len(b)}
	t.Kids = rows(b, 0, []field{{"Destination", 0, 6, hardware}, {"Source", 6, 6, hardware}}, false)
	at := 12
	for {
		t.Kids = append(t.Kids, rows(b, 0, []field{{"EtherType", at, 2, hex}}, false)...)
		if len(b) < at+2 {
			return t
		}
		kind := number(b[at : at+2])
		at += 2
		switch {
		case (kind == etherVLAN || kind == etherQinQ) && len(b) >= at+2:
			t.Kids = append(t.Kids, Tree{Name: "VLAN", Offset: at, Len: 2, Value: fmt.Sprint(number(b[at:at+2]) & 0xfff)})
			at += 2
		case kind == etherIPv6 || kind == etherIPv4:
			t.Kids = append(t.Kids, packet(b[at:], scope{base: at}))
			return t
		default:
			t.Brief = fmt.Sprintf("EtherType 0x%04x, %d octets", kind, len(b))
			t.Kids = append(t.Kids, Tree{Name: "Data", Layer: "data", Offset: at, Len: len(b) - at, Value: octets(b[at:])})
			return t
		}
	}
}

// Bytes describes what the octets look like: an IP packet, an Ethernet frame with one, a Mobility Header or an ICMPv6
// message. It is for dumps that come without a word about themselves; ask for the kind where it is known.
func Bytes(b []byte) Tree {
	switch {
	case len(b) == 0 || b[0]>>4 == 6 && !framed(b):
		return Packet(b)
	case framed(b):
		return Ethernet(b)
	case len(b) >= 8 && b[0] == 59 && 8*(int(b[1])+1) <= len(b):
		return MH(b)
	case b[0]>>4 == 4 && len(b) >= 20:
		return Packet(b)
	case icmpMessages[b[0]].name != "" && len(b) >= 8:
		return ICMP(b)
	}
	return Packet(b)
}

// framed tells an Ethernet frame with IPv6 from an IPv6 packet that happens to have 86dd in its source address: the
// former has a 6 behind it and, as a packet, an impossible length.
func framed(b []byte) bool {
	return len(b) > 14 && number(b[12:14]) == etherIPv6 && b[14]>>4 == 6 &&
		(b[0]>>4 != 6 || int(number(b[4:6]))+40 > len(b))
}
