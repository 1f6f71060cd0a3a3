package describe

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"roam6/wire"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// MH describes a Mobility Header alone. Its checksum cannot be judged without the addresses.
func MH(b []byte) Tree {
	c := chain{b: b, scope: scope{}}
	c.mobility(b, 0)
	return c.t.Kids[0]
}

var mobility = []field{
	{"Payload Proto", 0, 1, named(protocol)},
	{"Header Len", 1, 1, func(b []byte) string { return fmt.Sprintf("%d (%s)", b[0], count(8*(int(b[0])+1))) }},
	{"MH Type", 2, 1, named(func(t uint8) string { return messages[t].name })},
	{"Checksum", 4, 2, hex},
}

var messages = map[uint8]layout{
	mh.TypeBindingRefreshRequest: {"Binding Refresh Request", "RFC 6275 §6.1.2", []field{}},
	mh.TypeHomeTestInit: {"Home Test Init", "RFC 6275 §6.1.3", []field{
		{"Home Init Cookie", 8, 8, hex},
	}},
	mh.TypeCareOfTestInit: {"Care-of Test Init", "RFC 6275 §6.1.4", []field{
		{"Care-of Init Cookie", 8, 8, hex},
	}},
	mh.TypeHomeTest: {"Home Test", "RFC 6275 §6.1.5", []field{
		{"Home Nonce Index", 6, 2, dec},
		{"Home Init Cookie", 8, 8, hex},
		{"Home Keygen Token", 16, 8, hex},
	}},
	mh.TypeCareOfTest: {"Care-of Test", "RFC 6275 §6.1.6", []field{
		{"Care-of Nonce Index", 6, 2, dec},
		{"Care-of Init Cookie", 8, 8, hex},
		{"Care-of Keygen Token", 16, 8, hex},
	}},
	mh.TypeBindingUpdate: {"Binding Update", "RFC 6275 §6.1.7", []field{
		{"Sequence #", 6, 2, dec},
		{"Flags", 8, 2, flags("Acknowledge (A)", "Home Registration (H)", "Link-Local Address Compatibility (L)",
			"Key Management Mobility Capability (K)", "MAP Registration (M)", "Mobile Router (R)", "Proxy Registration (P)",
			"Forcing UDP Encapsulation (F)", "TLV-Header Format (T)", "Overwrite (O) or Bulk Binding Update (B)")},
		{"Lifetime", 10, 2, optional(unit4, "delete the binding")},
	}},
	mh.TypeBindingAck: {"Binding Acknowledgement", "RFC 6275 §6.1.8", []field{
		{"Status", 6, 1, named(func(s uint8) string { return mh.Status(s).String() })},
		{"Flags", 7, 1, flags("Key Management Mobility Capability (K)", "Mobile Router (R)", "Proxy Registration (P)",
			"TLV-Header Format (T)", "Bulk Binding Update (B)")},
		{"Sequence #", 8, 2, dec},
		{"Lifetime", 10, 2, unit4},
	}},
	mh.TypeBindingError: {"Binding Error", "RFC 6275 §6.1.9", []field{
		{"Status", 6, 1, named(mh.ErrorWords)},
		{"Home Address", 8, 16, address},
	}},
	mh.TypeFastBindingUpdate: fastBindingUpdate, mh.TypeFastBindingAck: fastBindingAck,
	mh.TypeHandoverInitiate: handoverInitiate, mh.TypeHandoverAck: handoverAck,
}

// optionsAt is where the options of a message begin.
var optionsAt = map[uint8]int{
	mh.TypeBindingRefreshRequest: 8, mh.TypeHomeTestInit: 16, mh.TypeCareOfTestInit: 16, mh.TypeHomeTest: 24,
	mh.TypeCareOfTest: 24, mh.TypeBindingUpdate: 12, mh.TypeBindingAck: 12, mh.TypeBindingError: 24,
	mh.TypeFastBindingUpdate: 12, mh.TypeFastBindingAck: 12, mh.TypeHandoverInitiate: 10, mh.TypeHandoverAck: 10,
}

var mobilityOptions = options{title: "Mobility Options", pad: true, unit: 1, layouts: map[uint8]layout{
	2: {"Binding Refresh Advice", "RFC 6275 §6.2.4", []field{{"Refresh Interval", 2, 2, unit4}}},
	3: {"Alternate Care-of Address", "RFC 6275 §6.2.5", []field{{"Alternate Care-of Address", 2, 16, address}}},
	4: {"Nonce Indices", "RFC 6275 §6.2.6", []field{{"Home Nonce Index", 2, 2, dec}, {"Care-of Nonce Index", 4, 2, dec}}},
	5: {"Binding Authorization Data", "RFC 6275 §6.2.7", []field{{"Authenticator", 2, toEnd, octets}}},
	8: {"Mobile Node Identifier", "RFC 4283 §3", []field{
		{"Subtype", 2, 1, named(func(s uint8) string { return map[uint8]string{1: "NAI"}[s] })},
		{"Identifier", 3, toEnd, text},
	}},
	9: {"Mobility Message Authentication", "RFC 4285 §5", []field{
		{"Subtype", 2, 1, named(func(s uint8) string {
			return map[uint8]string{mh.AuthMNHA: "MN-HA", mh.AuthMNAAA: "MN-AAA"}[s]
		})},
		{"Mobility SPI", 3, 4, dec},
		{"Authentication Data", 7, toEnd, octets},
	}},
	10: {"Mobility Message Replay Protection", "RFC 4285 §6", []field{{"Timestamp", 2, 8, ntp}}},
	6:  networkPrefix, 7: mhLLA, 21: fastAuthorization, 34: mhAddress, mh.OptBindingID: bindingIdentifier,
}}

// mobility shows a Mobility Header at offset base.
func (c *chain) mobility(b []byte, base int) {
	if len(b) >= 2 {
		b = b[:min(len(b), 8*(int(b[1])+1))]
	}
	t := Tree{Name: "Mobility Header", Ref: "RFC 6275 §6.1", Layer: "mh", Offset: base, Len: len(b)}
	t.Kids = rows(b, base, mobility, c.cut)
	if len(b) >= 8 {
		kind := b[2]
		if l, known := messages[kind]; known {
			t.Name, t.Ref = l.name, l.ref
			t.Kids = append(t.Kids, rows(b, base, l.fields, c.cut)...)
			if at := optionsAt[kind]; at < len(b) {
				t.Kids = append(t.Kids, mobilityOptions.show(b, base, at, c.cut))
			}
		} else {
			t.Kids = append(t.Kids, Tree{Name: "Message Data", Offset: base + 6, Len: len(b) - 6, Value: octets(b[6:])})
		}
	}
	c.judgeMobility(&t, b)
	c.add(t)
}

func (c *chain) judgeMobility(t *Tree, b []byte) {
	m, err := mh.ParseUnchecked(b)
	t.Brief = t.Name
	if err == nil {
		t.Brief = mobilityBrief(m)
	} else if len(b) >= 8 && errors.Is(err, wire.ErrUnknown) {
		t.Brief = fmt.Sprintf("MH type %d", b[2])
	}
	if c.cut {
		return
	}
	if len(b) >= 8 {
		if c.src.IsValid() {
			c.sum(t, ip6.ProtoMH, b, 4)
		} else {
			t.find(t.Offset + 4).Value += " (not checked: addresses unknown)"
		}
	}
	t.blame(err, t.Offset)
}

// mobilityBrief is a message in one line.
func mobilityBrief(m mh.Message) string {
	var s string
	switch m := m.(type) {
	case *mh.BindingRefreshRequest:
		s = "Binding Refresh Request"
	case *mh.HomeTestInit:
		s = fmt.Sprintf("Home Test Init cookie %x", m.Cookie)
	case *mh.CareOfTestInit:
		s = fmt.Sprintf("Care-of Test Init cookie %x", m.Cookie)
	case *mh.HomeTest:
		s = fmt.Sprintf("Home Test cookie %x nonce %d", m.Cookie, m.NonceIndex)
	case *mh.CareOfTest:
		s = fmt.Sprintf("Care-of Test cookie %x nonce %d", m.Cookie, m.NonceIndex)
	case *mh.BindingUpdate:
		s = fmt.Sprintf("Binding Update seq %d%s lifetime %v", m.Seq, letters("AHLKRO", m.Ack, m.Home, m.LinkLocal, m.KeyMgmt, m.MobileRouter, m.Overwrite), m.Lifetime)
	case *mh.BindingAck:
		s = fmt.Sprintf("Binding Acknowledgement seq %d%s status %d (%v) lifetime %v", m.Seq, letters("KR", m.KeyMgmt, m.MobileRouter), uint8(m.Status), m.Status, m.Lifetime)
	case *mh.BindingError:
		s = fmt.Sprintf("Binding Error %d (%s) home address %v", m.Status, mh.ErrorWords(m.Status), m.HomeAddress)
	default:
		s = fastBrief(m)
	}
	return s + optionsBrief(m.Opts())
}

func optionsBrief(o *mh.Options) string {
	var s strings.Builder
	if o.AltCareOf.IsValid() {
		fmt.Fprintf(&s, " care-of %v", o.AltCareOf)
	}
	if o.RefreshAdvice > 0 {
		fmt.Fprintf(&s, " refresh in %v", o.RefreshAdvice.Round(time.Second))
	}
	s.WriteString(fastOptionsBrief(o))
	if o.NAI != "" {
		fmt.Fprintf(&s, " nai %q", o.NAI)
	}
	if o.Auth != nil {
		fmt.Fprintf(&s, " auth spi %d", o.Auth.SPI)
	}
	return s.String()
}

// letters gives the letters whose condition holds, behind a space.
func letters(names string, on ...bool) string {
	s := " "
	for i, x := range on {
		if x {
			s += names[i : i+1]
		}
	}
	return strings.TrimRight(s, " ")
}
