package describe

import (
	"fmt"

	"roam6/wire/eap"
)

// Layouts of EAP and of EAP-GPSK. Nonces and MACs are shown: they cross the air in clear. Keys are in no packet.

var eapHeader = []field{
	{"Code", 0, 1, named(func(c uint8) string { return eap.Code(c).String() })},
	{"Identifier", 1, 1, dec},
	{"Length", 2, 2, sized},
}

// eapPacket shows one EAP packet.
func eapPacket(b []byte, base int) Tree {
	t := Tree{Name: "EAP", Ref: "RFC 3748 §4", Layer: "eap", Offset: base, Len: len(b), Brief: "EAP", Kids: rows(b, base, eapHeader, false)}
	p, err := eap.Parse(b)
	if err != nil {
		t.blame(err, base)
		return t
	}
	t.Brief = eapBrief(p)
	if p.Code != eap.Request && p.Code != eap.Response {
		return t
	}
	at := eap.HeaderLen + 1
	if p.Expanded {
		at += 7
	}
	t.Kids = append(t.Kids, Tree{Name: "Type", Offset: base + eap.HeaderLen, Len: at - eap.HeaderLen, Value: p.Method.String()})
	data := b[at : at+len(p.Data)]
	t.Kids = append(t.Kids, eapData(p, data, base+at)...)
	switch p.Method {
	case eap.GPSK:
		_, err = eap.ParseGPSK(data)
		t.blame(err, base+at)
	case eap.Nak:
		_, err = eap.ParseNak(p)
		t.blame(err, base)
	}
	return t
}

// eapBrief is a packet in words.
func eapBrief(p eap.Packet) string {
	s := "EAP " + p.Code.String()
	if p.Code == eap.Request || p.Code == eap.Response {
		s += "/" + p.Method.String()
		if m, err := eap.ParseGPSK(p.Data); err == nil && p.Method == eap.GPSK {
			s = "EAP " + p.Code.String() + "/" + m.Op().String()
		}
	}
	return fmt.Sprintf("%s id %d", s, p.ID)
}

// eapData shows what stands behind the type, at base.
func eapData(p eap.Packet, b []byte, base int) []Tree {
	t := Tree{Name: "Type-Data", Offset: base, Len: len(b), Value: octets(b)}
	switch p.Method {
	case eap.GPSK:
		return gpskFields(b, base)
	case eap.Identity:
		t.Name, t.Value = "Identity", text(b)
	case eap.Notification:
		t.Name, t.Value = "Message", text(b)
	case eap.Nak:
		list, err := eap.ParseNak(p)
		if err != nil {
			break
		}
		t.Name, t.Value = "Desired types", ""
		for i, m := range list {
			if i > 0 {
				t.Value += ", "
			}
			t.Value += desired(m)
		}
	}
	return []Tree{t}
}

// desired is a type that a Nak asks for.
func desired(m eap.Method) string {
	if m == eap.None {
		return "none"
	}
	return m.String()
}

// gpskRow is a field of an EAP-GPSK message: of n octets, or of as many as the two octets before it say, or of the rest.
type gpskRow struct {
	name string
	n    int
	show func([]byte) string
}

const counted = -2

// gpskLayouts are the messages of RFC 5433 §9.3, behind the OP-Code.
var gpskLayouts = map[eap.Op][]gpskRow{
	eap.OpGPSK1: {{"ID_Server", counted, text}, {"RAND_Server", eap.RandLen, octets}, {"CSuite_List", counted, gpskSuites}},
	eap.OpGPSK2: {{"ID_Peer", counted, text}, {"ID_Server", counted, text}, {"RAND_Peer", eap.RandLen, octets}, {"RAND_Server", eap.RandLen, octets},
		{"CSuite_List", counted, gpskSuites}, {"CSuite_Sel", 6, gpskSuites}, {"PD_Payload_Block", counted, octets}, {"MAC", toEnd, octets}},
	eap.OpGPSK3: {{"RAND_Peer", eap.RandLen, octets}, {"RAND_Server", eap.RandLen, octets}, {"ID_Server", counted, text}, {"CSuite_Sel", 6, gpskSuites},
		{"PD_Payload_Block", counted, octets}, {"MAC", toEnd, octets}},
	eap.OpGPSK4:         {{"PD_Payload_Block", counted, octets}, {"MAC", toEnd, octets}},
	eap.OpFail:          {{"Failure-Code", 4, gpskFailure}},
	eap.OpProtectedFail: {{"Failure-Code", 4, gpskFailure}, {"MAC", toEnd, octets}},
}

// gpskSuites shows ciphersuites, six octets each.
func gpskSuites(b []byte) string {
	s := ""
	for ; len(b) >= 6; b = b[6:] {
		s += ", " + eap.Suite{Vendor: uint32(number(b[:4])), Specifier: uint16(number(b[4:6]))}.String()
	}
	if len(b) > 0 || s == "" {
		return octets(b)
	}
	return s[2:]
}

func gpskFailure(b []byte) string { return called(b, eap.FailureCode(number(b)).String()) }

// gpskFields shows an EAP-GPSK message as far as its fields are there.
func gpskFields(b []byte, base int) (out []Tree) {
	if len(b) == 0 {
		return nil
	}
	op := eap.Op(b[0])
	out = append(out, Tree{Name: "OP-Code", Ref: "RFC 5433 §9", Offset: base, Len: 1, Value: called(b[:1], op.String())})
	at := 1
	for _, f := range gpskLayouts[op] {
		n := f.n
		switch {
		case n == counted && len(b)-at < 2:
			n = len(b) - at + 1
		case n == counted:
			n = int(number(b[at : at+2]))
			out = append(out, Tree{Name: "length(" + f.name + ")", Offset: base + at, Len: 2, Value: count(n)})
			at += 2
		case n == toEnd:
			n = len(b) - at
		}
		if n > len(b)-at {
			return append(out, Tree{Name: f.name, Offset: base + at, Len: len(b) - at, Value: "(cut off)"})
		}
		out = append(out, Tree{Name: f.name, Offset: base + at, Len: n, Value: f.show(b[at : at+n])})
		at += n
	}
	if at < len(b) {
		out = append(out, Tree{Name: "Payload", Offset: base + at, Len: len(b) - at, Value: octets(b[at:])})
	}
	return out
}
