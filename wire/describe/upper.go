package describe

import (
	"fmt"
	"net/netip"

	"roam6/wire/ah"
	"roam6/wire/ip6"
)

// upper shows the upper layer, which begins at offset at.
func (c *chain) upper(proto uint8, at int) {
	b := c.b[min(at, len(c.b)):]
	base := c.base + at
	switch proto {
	case ip6.ProtoMH:
		c.mobility(b, base)
	case ip6.ProtoICMPv6:
		c.icmp(b, base)
	case ip6.ProtoIPv6, 4:
		if c.depth+1 >= MaxDepth {
			c.add(Tree{Name: "IPv6", Offset: base, Len: len(b), Value: "not shown: too deep"})
			return
		}
		c.add(packet(b, c.in(base)))
	case ip6.ProtoESP:
		c.esp(b, base)
	case ip6.ProtoAH:
		c.ah(b, base)
	case ip6.ProtoUDP:
		c.ports(b, base, "UDP", "RFC 768", udp, proto)
	case ip6.ProtoTCP:
		c.ports(b, base, "TCP", "RFC 9293 §3.1", tcp, proto)
	case ip6.ProtoNone:
		c.add(Tree{Name: "No Next Header", Ref: "RFC 8200 §4.7", Offset: base, Len: len(b)})
	default:
		c.data(at, or(protocol(proto), "protocol", proto))
	}
}

var espFields = []field{
	{"Security Parameters Index", 0, 4, hex},
	{"Sequence Number", 4, 4, dec},
	{"encrypted", 8, toEnd, octets},
}

var ahFields = []field{
	{"Next Header", 0, 1, named(protocol)},
	{"Payload Len", 1, 1, func(b []byte) string { return fmt.Sprintf("%d (%s)", b[0], count(4*(int(b[0])+2))) }},
	{"Security Parameters Index", 4, 4, hex},
	{"Sequence Number", 8, 4, dec},
}

// ah shows an Authentication Header and what it protects.
func (c *chain) ah(b []byte, base int) {
	t := Tree{Name: "AH", Ref: "RFC 4302 §2", Layer: "ah", Offset: base, Len: len(b), Brief: "AH"}
	size := 12
	if len(b) >= 2 {
		size = max(12, 4*(int(b[1])+2))
	}
	t.Len = min(size, len(b))
	t.Kids = rows(b[:t.Len], base, ahFields, c.cut)
	if len(b) < size {
		c.add(t)
		return
	}
	t.Kids = append(t.Kids, Tree{Name: "Integrity Check Value", Offset: base + 12, Len: size - 12, Value: octets(b[12:size])})
	t.Brief = fmt.Sprintf("AH SPI 0x%08x seq %d", number(b[4:8]), number(b[8:12]))
	if _, _, err := ah.Parse(b); !c.cut {
		t.blame(err, base)
	}
	c.add(t)
	if b[0] == ip6.ProtoAH { // AH behind AH has no meaning and could be long
		c.data(base-c.base+size, "AH")
		return
	}
	c.upper(b[0], base-c.base+size)
}

var udp = []field{
	{"Source Port", 0, 2, dec},
	{"Destination Port", 2, 2, dec},
	{"Length", 4, 2, sized},
	{"Checksum", 6, 2, hex},
	{"Data", 8, toEnd, octets},
}

var tcp = []field{
	{"Source Port", 0, 2, dec},
	{"Destination Port", 2, 2, dec},
	{"Sequence Number", 4, 4, dec},
	{"Acknowledgment Number", 8, 4, dec},
	{"Flags", 13, 1, flags("CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN")},
	{"Window", 14, 2, dec},
	{"Checksum", 16, 2, hex},
}

// ports shows UDP or TCP.
func (c *chain) ports(b []byte, base int, name, ref string, fields []field, proto uint8) {
	t := Tree{Name: name, Ref: ref, Layer: map[bool]string{true: "udp", false: "tcp"}[proto == ip6.ProtoUDP], Offset: base, Len: len(b), Brief: name}
	t.Kids = rows(b, base, fields, c.cut)
	if len(b) >= 4 {
		t.Brief = fmt.Sprintf("%s %d → %d, %s", name, number(b[:2]), number(b[2:4]), count(len(b)))
	}
	if proto == ip6.ProtoUDP {
		if len(b) >= 6 && int(number(b[4:6])) != len(b) && !c.cut {
			t.find(base + 4).fail("length field lies: " + count(len(b)) + " there")
		}
		c.sumUDP(&t, b)
	} else {
		c.sum(&t, proto, b, 16)
	}
	c.add(t)
	if data, at := diameterIn(b); proto == ip6.ProtoTCP && data != nil {
		c.t.Kids = append(c.t.Kids, diameterStream(data, base+at, true)...)
	}
	if data, at, cut := krbIn(b, proto == ip6.ProtoTCP); data != nil {
		c.add(krbMessage(data, base+at, cut || c.cut))
	}
	if data := lwkrbIn(b); proto == ip6.ProtoUDP && data != nil && !c.cut {
		c.add(lwkrbMessage(data, base+len(b)-len(data)))
	}
}

// sumUDP judges the checksum of UDP, where a sum of 0 is sent as ffff and 0 is refused but in tunnels (RFC 8200 §8.1).
func (c *chain) sumUDP(t *Tree, b []byte) {
	if len(b) >= 8 && !c.cut && number(b[6:8]) == 0 {
		t.find(t.Offset + 6).Value += " (none; RFC 6935 tunnels only)"
		return
	}
	c.sum(t, ip6.ProtoUDP, b, 6)
}

var header4 = []field{
	{"Total Length", 2, 2, sized},
	{"Time to Live", 8, 1, dec},
	{"Protocol", 9, 1, named(protocol)},
	{"Source Address", 12, 4, address4},
	{"Destination Address", 16, 4, address4},
	{"Data", 20, toEnd, octets},
}

func address4(b []byte) string { return netip.AddrFrom4([4]byte(b)).String() }

// packet4 shows an IPv4 packet by its header.
func packet4(b []byte, s scope) Tree {
	t := Tree{Name: "IPv4", Ref: "RFC 791 §3.1", Layer: "ip4", Offset: s.base, Len: len(b), Brief: "IPv4", Kids: rows(b, s.base, header4, s.cut)}
	if len(b) >= 20 {
		t.Brief = fmt.Sprintf("%s → %s %s, %s", address4(b[12:16]), address4(b[16:20]), or(protocol(b[9]), "protocol", b[9]), count(len(b)))
	}
	return t
}
