package describe

import (
	"errors"
	"fmt"

	"roam6/wire"
	"roam6/wire/access"
	"roam6/wire/fast"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// ICMP describes an ICMPv6 message alone. What needs the packet it came in (checksum, hop limit, addresses) is not judged.
func ICMP(b []byte) Tree {
	c := chain{b: b}
	c.icmp(b, 0)
	return c.t.Kids[0]
}

var icmpHeader = []field{
	{"Type", 0, 1, named(func(t uint8) string { return icmpMessages[t].name })},
	{"Code", 1, 1, dec},
	{"Checksum", 2, 2, hex},
}

// invoking marks the field that holds a packet; it is shown by the packet's own layout.
const invoking = "Invoking Packet"

// icmpMessage is the layout of a message and where its options begin; 0 without options.
type icmpMessage struct {
	layout
	options int
}

var icmpMessages = map[uint8]icmpMessage{
	1: {layout{"Destination Unreachable", "RFC 4443 §3.1", []field{{invoking, 8, toEnd, octets}}}, 0},
	2: {layout{"Packet Too Big", "RFC 4443 §3.2", []field{
		{"MTU", 4, 4, sized}, {invoking, 8, toEnd, octets}}}, 0},
	3: {layout{"Time Exceeded", "RFC 4443 §3.3", []field{{invoking, 8, toEnd, octets}}}, 0},
	4: {layout{"Parameter Problem", "RFC 4443 §3.4", []field{
		{"Pointer", 4, 4, func(b []byte) string { return "octet " + dec(b) }}, {invoking, 8, toEnd, octets}}}, 0},
	128: {layout{"Echo Request", "RFC 4443 §4.1", echo}, 0},
	129: {layout{"Echo Reply", "RFC 4443 §4.2", echo}, 0},
	130: {layout{"Multicast Listener Query", "RFC 3810 §5.1", nil}, 0},
	131: {layout{"Multicast Listener Report", "RFC 2710 §3", nil}, 0},
	132: {layout{"Multicast Listener Done", "RFC 2710 §3", nil}, 0},
	143: {layout{"Version 2 Multicast Listener Report", "RFC 3810 §5.2", nil}, 0},
	133: {layout{"Router Solicitation", "RFC 4861 §4.1", []field{}}, 8},
	134: {layout{"Router Advertisement", "RFC 4861 §4.2", []field{
		{"Cur Hop Limit", 4, 1, optional(dec, "unspecified")},
		{"Flags", 5, 1, flags("Managed address configuration (M)", "Other configuration (O)", "Home Agent (H)", "", "", "Proxy (P)")},
		{"Default Router Preference", 5, 1, preference},
		{"Router Lifetime", 6, 2, optional(seconds, "not a default router")},
		{"Reachable Time", 8, 4, optional(millis, "unspecified")},
		{"Retrans Timer", 12, 4, optional(millis, "unspecified")},
	}}, 16},
	135: {layout{"Neighbor Solicitation", "RFC 4861 §4.3", []field{{"Target Address", 8, 16, address}}}, 24},
	136: {layout{"Neighbor Advertisement", "RFC 4861 §4.4", []field{
		{"Flags", 4, 1, flags("Router (R)", "Solicited (S)", "Override (O)")},
		{"Target Address", 8, 16, address},
	}}, 24},
	137: {layout{"Redirect", "RFC 4861 §4.5", []field{{"Target Address", 8, 16, address}, {"Destination Address", 24, 16, address}}}, 40},
	144: {layout{"Home Agent Address Discovery Request", "RFC 6275 §6.5", discovery}, 0},
	145: {layout{"Home Agent Address Discovery Reply", "RFC 6275 §6.6", discovery}, 0},
	146: {layout{"Mobile Prefix Solicitation", "RFC 6275 §6.7", identified}, 8},
	147: {layout{"Mobile Prefix Advertisement", "RFC 6275 §6.8", []field{
		{"Identifier", 4, 2, dec},
		{"Flags", 6, 1, flags("Managed address configuration (M)", "Other configuration (O)")},
	}}, 8},
	150: {layout{"Experimental Mobility Message", "RFC 4065 §8", nil}, 0},
	154: {layout{"FMIPv6 Message", "RFC 5568 §6.1", nil}, 0},
}

// preference shows the two bits of RFC 4191 §2.2.
func preference(b []byte) string {
	n := b[0] >> 3 & 3
	return fmt.Sprintf("%d (%s)", n, []string{"medium", "high", "reserved", "low"}[n])
}

var discovery = append(identified[:1:1], field{"Flags", 6, 1, flags("Mobile Router Support (R)")}) // RFC 3963 §7.1, §7.2

var identified = []field{{"Identifier", 4, 2, dec}}

var echo = []field{{"Identifier", 4, 2, hex}, {"Sequence Number", 6, 2, dec}, {"Data", 8, toEnd, octets}}

var ndOptions = options{title: "Options", unit: 8, layouts: map[uint8]layout{
	nd.OptSourceHW: {"Source Link-Layer Address", "RFC 4861 §4.6.1", []field{{"Link-Layer Address", 2, toEnd, hardware}}},
	nd.OptTargetHW: {"Target Link-Layer Address", "RFC 4861 §4.6.1", []field{{"Link-Layer Address", 2, toEnd, hardware}}},
	nd.OptPrefix: {"Prefix Information", "RFC 4861 §4.6.2", []field{
		{"Prefix Length", 2, 1, func(b []byte) string { return dec(b) + " bits" }},
		{"Flags", 3, 1, flags("On-Link (L)", "Autonomous address-configuration (A)", "Router Address (R)")},
		{"Valid Lifetime", 4, 4, seconds},
		{"Preferred Lifetime", 8, 4, seconds},
		{"Prefix", 16, 16, address},
	}},
	nd.OptRedirectedHeader: {"Redirected Header", "RFC 4861 §4.6.3", []field{{"IP header and data", 8, toEnd, octets}}},
	nd.OptMTU:              {"MTU", "RFC 4861 §4.6.4", []field{{"MTU", 4, 4, sized}}},
	nd.OptAdvInterval:      {"Advertisement Interval", "RFC 6275 §7.3", []field{{"Advertisement Interval", 4, 4, millis}}},
	nd.OptHomeAgent: {"Home Agent Information", "RFC 6275 §7.4", []field{
		{"Flags", 2, 1, flags("Mobile Router Support (R)")}, // RFC 3963 §7.3
		{"Home Agent Preference", 4, 2, dec}, {"Home Agent Lifetime", 6, 2, seconds}}},
	nd.OptNonce:   {"Nonce", "RFC 3971 §5.3.2", []field{{"Nonce", 2, toEnd, octets}}},
	nd.OptAddress: ndAddress, nd.OptLLA: ndLLA, nd.OptNAAck: ndNAAck,
}}

// icmp shows an ICMPv6 message at offset base.
func (c *chain) icmp(b []byte, base int) {
	t := Tree{Name: "ICMPv6", Ref: "RFC 4443 §2.1", Layer: "icmp6", Offset: base, Len: len(b)}
	t.Kids = rows(b, base, icmpHeader, c.cut)
	if len(b) >= 4 {
		l, known := icmpMessages[b[0]]
		if b[0] == nd.TypeFast {
			l = fastMessage(b, t.Kids)
		}
		if access.IsAccess(b) {
			l = accessMessages[b[4]]
		}
		if fast.IsFast(b) {
			l = handoverMessage(b)
		}
		t.Name = or(l.name, "ICMPv6 type", b[0])
		if nd.IsND(b[0]) {
			t.Layer = "nd"
		}
		if icmp6.IsListener(b[0]) {
			t.Ref = l.ref
			c.listener(&t, b, base)
		} else if !known || l.fields == nil {
			t.Kids = append(t.Kids, Tree{Name: "Message Body", Offset: base + 4, Len: len(b) - 4, Value: octets(b[4:])})
		} else {
			t.Ref = l.ref
			t.Kids = append(t.Kids, c.icmpBody(l, b, base)...)
		}
		t.Brief = t.Name + icmpBrief(b)
	}
	c.judgeICMP(&t, b)
	c.add(t)
}

// icmpBody shows the fields behind the header, the options, addresses or packet that follow them.
func (c *chain) icmpBody(l icmpMessage, b []byte, base int) []Tree {
	out := rows(b, base, l.fields, c.cut)
	if n := len(out); n > 0 && out[n-1].Name == invoking && out[n-1].Len > 0 {
		if c.depth+1 < MaxDepth {
			inner := c.in(base + 8)
			inner.cut = true
			p := packet(b[8:], inner)
			p.Name = invoking + ": " + p.Name
			p.Brief = "about " + p.Brief
			out[n-1] = p
		}
	}
	switch {
	case l.options == 0 || l.options >= len(b):
	case b[0] == access.Type:
		out = append(out, c.accessBody(b, base, l.options))
	default:
		list := ndOptions.show(b, base, l.options, c.cut)
		for i := range list.Kids {
			k := &list.Kids[i]
			o := b[k.Offset-base : k.Offset-base+k.Len]
			accessOption(k, o, k.Offset)
			handoverOption(k, o, k.Offset)
		}
		out = append(out, list)
	}
	if b[0] == icmp6.TypeHomeAgentsReply {
		for at := 8; at+16 <= len(b); at += 16 {
			out = append(out, Tree{Name: "Home Agent Address", Offset: base + at, Len: 16, Value: address(b[at : at+16])})
		}
	}
	return out
}

// judgeICMP asks the codec what it thinks of the message.
func (c *chain) judgeICMP(t *Tree, b []byte) {
	if c.cut {
		return
	}
	if len(b) >= 4 && !c.src.IsValid() {
		t.find(t.Offset + 2).Value += " (not checked: addresses unknown)"
		return
	}
	c.sum(t, ip6.ProtoICMPv6, b, 2)
	if len(b) < 4 {
		return
	}
	// A wrong checksum is on its field by now; the codec would stop at it and say nothing of the rest.
	right := append([]byte(nil), b...)
	sum := checksum(c.src, c.dst, ip6.ProtoICMPv6, b, 2)
	right[2], right[3] = byte(sum>>8), byte(sum)
	var err error
	from := t.Offset
	switch {
	case nd.IsND(b[0]):
		_, err = nd.Parse(c.src, c.dst, c.hopLimit, right)
	case access.IsAccess(b):
		from, err = judgeAccess(c, right)
		from += t.Offset
	case fast.IsFast(b):
		_, err = fast.Parse(c.src, c.dst, right)
	default:
		_, err = icmp6.Parse(c.src, c.dst, right)
	}
	var at *wire.Error
	if errors.As(err, &at) && at.Field == "Hop Limit" { // the rule is ND's, the field the IPv6 header's
		c.t.find(c.base + 7).fail(fmt.Sprintf("%v in %s: must be %d", at.Err, t.Name, nd.HopLimit))
		return
	}
	if !errors.Is(err, wire.ErrUnknown) {
		t.blame(err, from)
	}
	if icmp6.IsListener(b[0]) {
		c.judgeListener(t, b[0])
	}
}
