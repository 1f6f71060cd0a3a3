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
func Ethernet(b []byte) Tree { return ethernet(b, scope{}) }

func ethernet(b []byte, s scope) Tree {
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
			t.Kids = append(t.Kids, packet(b[at:], scope{base: at, open: s.open}))
			return t
		default:
			t.Brief = fmt.Sprintf("EtherType 0x%04x, %s", kind, count(len(b)))
			t.Kids = append(t.Kids, Tree{Name: "Data", Layer: "data", Offset: at, Len: len(b) - at, Value: octets(b[at:])})
			return t
		}
	}
}
