package describe

import (
	"fmt"
	"net/netip"

	"roam6/wire"
	"roam6/wire/ip6"
)

// Packet describes an IPv6 packet (or, briefly, an IPv4 one).
func Packet(b []byte) Tree { return packet(b, scope{}) }

// scope is what a packet is read in.
type scope struct {
	base  int  // its offset in the described bytes
	depth int  // how many packets it is inside of
	cut   bool // it is known to be incomplete, as the invoking packet of an ICMPv6 error is
	open  Opener
}

func (s scope) in(offset int) scope {
	return scope{base: offset, depth: s.depth + 1, cut: s.cut, open: s.open}
}

var header = layout{"IPv6", "RFC 8200 §3", []field{
	{"Version, Traffic Class, Flow Label", 0, 4, func(b []byte) string {
		v := number(b)
		return fmt.Sprintf("%d, 0x%02x, 0x%05x", v>>28, v>>20&0xff, v&0xfffff)
	}},
	{"Payload Length", 4, 2, sized},
	{"Next Header", 6, 1, named(protocol)},
	{"Hop Limit", 7, 1, dec},
	{"Source Address", 8, 16, address},
	{"Destination Address", 24, 16, address},
}}

// chain is a packet while its headers are read.
type chain struct {
	scope
	t        Tree
	b        []byte     // the packet, cut to its Payload Length
	src, dst netip.Addr // as the upper layer and its checksum see them
	hopLimit uint8
	opened   bool // what is read now was inside of ESP
}

func packet(b []byte, s scope) Tree {
	if len(b) > 0 && b[0]>>4 == 4 {
		return packet4(b, s)
	}
	c := chain{scope: s, b: b}
	c.t = Tree{Name: header.name, Ref: header.ref, Layer: "ip6", Offset: s.base, Len: len(b)}
	c.t.Kids = rows(b, s.base, header.fields, s.cut)
	if len(b) < ip6.HeaderLen {
		c.t.Brief = "IPv6 (cut)"
		c.t.Value = count(len(b))
		return c.t
	}
	c.src, c.dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	c.hopLimit = b[7]
	c.t.Brief = fmt.Sprintf("%v → %v", c.src, c.dst)
	c.t.Value = fmt.Sprintf("%v → %v, %s", c.src, c.dst, count(len(b)))
	switch end := ip6.HeaderLen + int(number(b[4:6])); {
	case end < len(b):
		c.b = b[:end]
	case end > len(b): // said once, on Payload Length, and not again for every field that is missing
		c.cut = true
	}
	c.headers(b[6], ip6.HeaderLen)
	if len(c.b) < len(b) {
		c.add(Tree{Name: "trailing octets", Offset: s.base + len(c.b), Len: len(b) - len(c.b), Value: octets(b[len(c.b):])})
	}
	if _, err := ip6.Parse(b); !s.cut {
		c.t.blame(err, s.base)
	}
	return c.t
}

func (c *chain) add(t Tree) { c.t.Kids = append(c.t.Kids, t) }

// headers shows the extension headers from offset at on, then the upper layer.
func (c *chain) headers(next uint8, at int) {
	for range ip6.MaxExtensions + 1 {
		size, l := 8, layout{}
		switch next {
		case ip6.ProtoHopByHop:
			l = layout{"Hop-by-Hop Options", "RFC 8200 §4.3", extension}
		case ip6.ProtoDestOpts:
			l = layout{"Destination Options", "RFC 8200 §4.6", extension}
		case ip6.ProtoRouting:
			l = layout{"Routing", "RFC 8200 §4.4", routing}
		case ip6.ProtoFragment:
			l = layout{"Fragment", "RFC 8200 §4.5", fragment}
		default:
			c.upper(next, at)
			return
		}
		if next != ip6.ProtoFragment && len(c.b)-at >= 2 {
			size = 8 * (int(c.b[at+1]) + 1)
		}
		if len(c.b)-at < size {
			t := Tree{Name: l.name, Ref: l.ref, Offset: c.base + at, Len: len(c.b) - at}
			t.Kids = rows(c.b[at:], c.base+at, l.fields, c.cut)
			if !c.cut {
				t.fail(fmt.Sprintf("needs %s, %d are there", count(size), t.Len))
			}
			c.add(t)
			return
		}
		if c.extension(next, l, c.b[at:at+size], at) {
			return
		}
		next, at = c.b[at], at+size
	}
	c.upper(next, at)
}

var extension = []field{
	{"Next Header", 0, 1, named(protocol)},
	{"Hdr Ext Len", 1, 1, func(b []byte) string { return fmt.Sprintf("%d (%s)", b[0], count(8*(int(b[0])+1))) }},
}

var routing = append(extension[:2:2],
	field{"Routing Type", 2, 1, dec},
	field{"Segments Left", 3, 1, dec})

var routing2 = append(routing[:4:4], field{"Home Address", 8, 16, address})

var fragment = []field{
	{"Next Header", 0, 1, named(protocol)},
	{"Fragment Offset", 2, 2, func(b []byte) string { return count(int(number(b) &^ 7)) }},
	{"M flag", 3, 1, func(b []byte) string {
		if b[0]&1 == 1 {
			return "1 (more fragments)"
		}
		return "0 (last fragment)"
	}},
	{"Identification", 4, 4, hex},
}

var headerOptions = options{title: "Options", pad: true, unit: 1, layouts: map[uint8]layout{
	4:    {"Tunnel Encapsulation Limit", "RFC 2473 §4.1.1", []field{{"Limit", 2, 1, dec}}},
	5:    {"Router Alert", "RFC 2711 §2.1", []field{{"Value", 2, 2, alert}}},
	0xc9: {"Home Address", "RFC 6275 §6.3", []field{{"Home Address", 2, 16, address}}},
}}

// extension shows a whole extension header and says whether the chain ends with it.
func (c *chain) extension(kind uint8, l layout, ext []byte, at int) (last bool) {
	base := c.base + at
	t := Tree{Name: l.name, Ref: l.ref, Offset: base, Len: len(ext)}
	switch kind {
	case ip6.ProtoRouting:
		if ext[2] == 2 && len(ext) == 24 {
			t.Name, t.Ref, l.fields = "Type 2 Routing Header", "RFC 6275 §6.4", routing2
			home := netip.AddrFrom16([16]byte(ext[8:]))
			if ext[3] > 0 {
				c.dst = home
			}
			c.t.Brief += fmt.Sprintf(" (routed to home address %v)", home)
		}
		t.Kids = rows(ext, base, l.fields, c.cut)
	case ip6.ProtoFragment:
		t.Kids = rows(ext, base, l.fields, c.cut)
		word := number(ext[2:4])
		if word&^6 != 0 { // neither whole nor first and last at once
			t.Layer, t.Brief = "fragment", fmt.Sprintf("fragment of %s at %d, id 0x%x", or(protocol(ext[0]), "protocol", ext[0]), word&^7, ext[4:8])
			c.add(t)
			c.data(at+len(ext), "Fragment data")
			return true
		}
	default:
		t.Kids = append(rows(ext, base, l.fields, c.cut), headerOptions.show(ext, base, 2, c.cut).Kids...)
		if home, ok := homeAddress(ext); ok && kind == ip6.ProtoDestOpts {
			c.src = home
			c.t.Brief += fmt.Sprintf(" (home address %v)", home)
		}
	}
	c.add(t)
	return false
}

// homeAddress looks for the Home Address option in a destination options header.
func homeAddress(ext []byte) (netip.Addr, bool) {
	for i := 2; i < len(ext); {
		if ext[i] == 0 {
			i++
			continue
		}
		if i+2 > len(ext) || i+2+int(ext[i+1]) > len(ext) {
			break
		}
		if ext[i] == 0xc9 && ext[i+1] == 16 {
			return netip.AddrFrom16([16]byte(ext[i+2:])), true
		}
		i += 2 + int(ext[i+1])
	}
	return netip.Addr{}, false
}

// data shows what follows from offset at on without taking it apart.
func (c *chain) data(at int, name string) {
	b := c.b[min(at, len(c.b)):]
	c.add(Tree{Name: name, Layer: "data", Offset: c.base + at, Len: len(b), Value: octets(b), Brief: count(len(b))})
}

// sum judges the checksum of an upper layer: octets n and n+1 of b. A sum of zero has two forms in ones' complement, and
// kernels send either.
func (c *chain) sum(t *Tree, proto uint8, b []byte, n int) {
	if c.cut || len(b) < n+2 {
		return
	}
	row := t.find(t.Offset + n)
	got := uint16(number(b[n : n+2]))
	want := checksum(c.src, c.dst, proto, b, n)
	if got == want || want == 0 && got == 0xffff {
		row.Value += " (right)"
		return
	}
	row.fail(fmt.Sprintf("%v: the packet sums to 0x%04x", wire.ErrChecksum, want))
}

// checksum is what the checksum at octet n of b should be.
func checksum(src, dst netip.Addr, proto uint8, b []byte, n int) uint16 {
	zero := append([]byte(nil), b...)
	zero[n], zero[n+1] = 0, 0
	return ip6.Checksum(src, dst, proto, zero)
}
