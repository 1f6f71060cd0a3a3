package describe

import (
	"fmt"
	"net/netip"

	"roam6/wire/mh"
	"roam6/wire/nd"
)

// Layouts of fast handovers (RFC 5568), several care-of addresses (RFC 5648) and mobile networks (RFC 3963).

var fastBindingUpdate = layout{"Fast Binding Update", "RFC 5568 §6.2.2", []field{
	{"Sequence #", 6, 2, dec},
	{"Flags", 8, 2, flags("Acknowledge (A)", "Home Registration (H)", "Link-Local Address Compatibility (L)",
		"Key Management Mobility Capability (K)")},
	{"Lifetime", 10, 2, optional(seconds, "end the forwarding")},
}}

var fastBindingAck = layout{"Fast Binding Acknowledgment", "RFC 5568 §6.2.3", []field{
	{"Status", 6, 1, named(func(s uint8) string { return mh.FastStatus(s).String() })},
	{"Flags", 7, 1, flags("Key Management Mobility Capability (K)")},
	{"Sequence #", 8, 2, dec},
	{"Lifetime", 10, 2, seconds},
}}

var handoverInitiate = layout{"Handover Initiate", "RFC 5568 §6.2.1.1", []field{
	{"Sequence #", 6, 2, dec},
	{"Flags", 8, 1, flags("Assigned address configuration (S)", "Buffer (U)")},
	{"Code", 9, 1, named(mh.HICodeWords)},
}}

var handoverAck = layout{"Handover Acknowledge", "RFC 5568 §6.2.1.2", []field{
	{"Sequence #", 6, 2, dec},
	{"Code", 9, 1, named(func(c uint8) string { return mh.HAckCode(c).String() })},
}}

// addressCodes are the Option-Codes of an address, RFC 5568 §6.4.1 and §6.4.2.
var addressCodes = named(func(c uint8) string {
	return map[uint8]string{mh.OldCareOf: "Old Care-of Address", mh.NewCareOf: "New Care-of Address",
		mh.RouterAddr: "NAR's IP address", mh.RouterPrefix: "NAR's prefix"}[c]
})

// llaCodes are the Option-Codes of a link-layer address, RFC 5568 §6.4.3.
var llaCodes = named(func(c uint8) string {
	words := [...]string{"wildcard", "new access point", "mobile node", "new access router", "source of the message",
		"access point of the current router", "access point without prefix information", "access point without fast handover"}
	if int(c) < len(words) {
		return words[c]
	}
	return ""
})

func bits(b []byte) string { return dec(b) + " bits" }

var networkPrefix = layout{"Mobile Network Prefix", "RFC 3963 §4.3", []field{
	{"Prefix Length", 3, 1, bits}, {"Mobile Network Prefix", 4, 16, address}}}

var mhLLA = layout{"Mobility Header Link-Layer Address", "RFC 5568 §6.4.4", []field{
	{"Option-Code", 2, 1, llaCodes}, {"Link-Layer Address", 3, toEnd, hardware}}}

var fastAuthorization = layout{"Binding Authorization Data for FMIPv6", "RFC 5568 §6.4.5", []field{
	{"SPI", 2, 4, dec}, {"Authenticator", 6, toEnd, octets}}}

var mhAddress = layout{"IPv6 Address/Prefix", "RFC 5568 §6.4.2", []field{
	{"Option-Code", 2, 1, addressCodes}, {"Prefix Length", 3, 1, bits}, {"IPv6 Address/Prefix", 4, 16, address}}}

var bindingIdentifier = layout{"Binding Identifier", "RFC 5648 §4.3", []field{
	{"Binding ID", 2, 2, dec},
	{"Status", 4, 1, optional(named(func(s uint8) string { return mh.Status(s).String() }), "that of the message")},
	{"Flags", 5, 1, flags("Simultaneous Home and Foreign Binding (H)")},
	{"Care-of Address", 6, toEnd, careOf},
}}

// careOf shows the address of a Binding Identifier: IPv6, IPv4 or none.
func careOf(b []byte) string {
	if a, ok := netip.AddrFromSlice(b); ok {
		return a.String()
	}
	return octets(b)
}

// fastMessages are the layouts of ICMPv6 type 154 by subtype.
var fastMessages = map[uint8]layout{
	nd.SubtypeRtSolPr: {"Router Solicitation for Proxy Advertisement", "RFC 5568 §6.1.1", []field{
		{"Subtype", 4, 1, named(fastSubtype)}, {"Identifier", 6, 2, dec}}},
	nd.SubtypePrRtAdv: {"Proxy Router Advertisement", "RFC 5568 §6.1.2", []field{
		{"Subtype", 4, 1, named(fastSubtype)}, {"Identifier", 6, 2, dec}}},
}

// fastMessage gives the layout of a message of ICMPv6 type 154, and puts words to the Code in the rows of its header.
func fastMessage(b []byte, header []Tree) icmpMessage {
	if len(b) < 5 {
		return icmpMessages[nd.TypeFast]
	}
	l, known := fastMessages[b[4]]
	if !known {
		return icmpMessages[nd.TypeFast]
	}
	if b[4] == nd.SubtypePrRtAdv {
		header[1].Value += " (" + nd.ProxyWords(b[1]) + ")"
	}
	return icmpMessage{l, 8}
}

func fastSubtype(s uint8) string {
	return map[uint8]string{nd.SubtypeRtSolPr: "RtSolPr", nd.SubtypePrRtAdv: "PrRtAdv"}[s]
}

var ndAddress = layout{"IP Address/Prefix", "RFC 5568 §6.4.1", []field{
	{"Option-Code", 2, 1, addressCodes}, {"Prefix Length", 3, 1, bits}, {"IPv6 Address", 8, 16, address}}}

var ndLLA = layout{"Link-Layer Address", "RFC 5568 §6.4.3", []field{
	{"Option-Code", 2, 1, llaCodes}, {"Link-Layer Address", 3, toEnd, paddedHardware}}}

var ndNAAck = layout{"Neighbor Advertisement Acknowledgment", "RFC 5568 §6.4.6", []field{
	{"Option-Code", 2, 1, dec},
	{"Status", 3, 1, named(func(s uint8) string { return nd.NAAckStatus(s).String() })},
	{"New Care-of Address", 8, toEnd, careOf},
}}

// paddedHardware shows an address in an option that does not tell its length: 6 octets if there is room for them and only
// padding behind.
func paddedHardware(b []byte) string {
	const ethernet = 6
	if len(b) > ethernet && number(b[ethernet:]) == 0 {
		return hardware(b[:ethernet])
	}
	return octets(b)
}

// fastBrief is a Mobility Header message of fast handovers in one line, without its options.
func fastBrief(m mh.Message) string {
	switch m := m.(type) {
	case *mh.FastBindingUpdate:
		return fmt.Sprintf("Fast Binding Update seq %d%s lifetime %v", m.Seq, letters("AHLK", m.Ack, m.Home, m.LinkLocal, m.KeyMgmt), m.Lifetime)
	case *mh.FastBindingAck:
		return fmt.Sprintf("Fast Binding Acknowledgment seq %d%s status %d (%v) lifetime %v", m.Seq, letters("K", m.KeyMgmt), uint8(m.Status), m.Status, m.Lifetime)
	case *mh.HandoverInitiate:
		return fmt.Sprintf("Handover Initiate seq %d%s code %d (%s)", m.Seq, letters("SU", m.Assign, m.Buffer), m.Code, mh.HICodeWords(m.Code))
	case *mh.HandoverAck:
		return fmt.Sprintf("Handover Acknowledge seq %d code %d (%v)", m.Seq, uint8(m.Code), m.Code)
	}
	return fmt.Sprintf("MH type %d", m.Type())
}

// fastOptionsBrief is what the options of this file say in one line.
func fastOptionsBrief(o *mh.Options) string {
	s := ""
	for i, p := range o.Networks {
		if i == maxBrief {
			break
		}
		s += fmt.Sprintf(" network %v", p)
	}
	s += andMore(len(o.Networks))
	for i, b := range o.Bindings {
		if i == maxBrief {
			break
		}
		s += fmt.Sprintf(" bid %d", b.ID)
		if b.CareOf.IsValid() {
			s += fmt.Sprintf(" at %v", b.CareOf)
		}
		if b.Status != 0 {
			s += fmt.Sprintf(" status %d (%v)", uint8(b.Status), b.Status)
		}
	}
	s += andMore(len(o.Bindings))
	for _, x := range []struct {
		name string
		a    netip.Addr
	}{{"pcoa", o.Address(mh.OldCareOf)}, {"ncoa", o.Address(mh.NewCareOf)}} {
		if x.a.IsValid() {
			s += fmt.Sprintf(" %s %v", x.name, x.a)
		}
	}
	if o.LLA != [6]byte{} {
		s += " mn " + hardware(o.LLA[:])
	}
	if o.FastAuth != nil {
		s += fmt.Sprintf(" auth spi %d", o.FastAuth.SPI)
	}
	return s
}

// proxyBrief is a message of ICMPv6 type 154 in words, behind its name.
func proxyBrief(b []byte) string {
	s := fmt.Sprintf(" id %d", number(b[6:8]))
	if b[4] == nd.SubtypePrRtAdv {
		s += fmt.Sprintf(" code %d (%s)", b[1], nd.ProxyWords(b[1]))
	}
	points := 0
	for at, n := 8, 0; at+8 <= len(b) && n < MaxOptions; n++ {
		size := 8 * int(b[at+1])
		if size == 0 || at+size > len(b) {
			break
		}
		switch o := b[at : at+size]; {
		case o[0] == nd.OptLLA && o[2] == 0:
			s += " all access points"
		case o[0] == nd.OptLLA && (o[2] == nd.APFound || o[2] >= nd.APSameRouter && o[2] <= nd.APNotSupported):
			if points++; points <= maxBrief {
				s += " ap " + paddedHardware(o[3:])
			}
		case o[0] == nd.OptAddress && size == 24 && points <= maxBrief:
			word := map[uint8]string{mh.NewCareOf: "ncoa", mh.RouterAddr: "router", mh.RouterPrefix: "prefix"}[o[2]]
			if word != "" {
				s += " " + word + " " + address(o[8:24])
			}
		}
		at += size
	}
	return s + andMore(points)
}
