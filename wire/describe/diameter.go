package describe

import (
	"fmt"
	"time"

	"roam6/wire/diameter"
)

// diameterPort is the one for TCP without TLS, RFC 6733 §2.1.
const diameterPort = 3868

var diameterHeader = []field{
	{"Version", 0, 1, dec},
	{"Message Length", 1, 3, sized},
	{"Command Flags", 4, 1, flags("Request (R)", "Proxiable (P)", "Error (E)", "Potentially retransmitted (T)")},
	{"Command Code", 5, 3, dec},
	{"Application-ID", 8, 4, func(b []byte) string { return called(b, diameter.AppName(uint32(number(b)))) }},
	{"Hop-by-Hop Identifier", 12, 4, hex},
	{"End-to-End Identifier", 16, 4, hex},
}

// Diameter describes the Diameter messages at the start of a stream, one after the other.
func Diameter(b []byte) Tree {
	t := Tree{Name: "Diameter", Layer: "diameter", Len: len(b), Ref: "RFC 6733", Brief: "Diameter"}
	t.Kids = diameterStream(b, 0, false)
	if len(t.Kids) == 1 {
		return t.Kids[0]
	}
	return t
}

// diameterStream shows messages until one is not whole; cut says that this is no fault. At most MaxOptions of them.
func diameterStream(b []byte, base int, cut bool) (out []Tree) {
	for len(out) < MaxOptions {
		raw, rest, err := diameter.Next(b, len(b))
		if err != nil || raw == nil {
			return append(out, diameterMessage(b, base, cut))
		}
		out = append(out, diameterMessage(raw, base, false))
		if len(rest) == 0 {
			return out
		}
		base += len(raw)
		b = rest
	}
	return out
}

// diameterMessage shows one message, as far as it is there.
func diameterMessage(b []byte, base int, cut bool) Tree {
	t := Tree{Name: "Diameter", Ref: "RFC 6733 §3", Layer: "diameter", Offset: base, Len: len(b), Brief: "Diameter", Kids: rows(b, base, diameterHeader, cut)}
	if len(b) >= diameter.HeaderLen {
		h := diameter.Header{Flags: diameter.Flags(b[4]), Command: uint32(number(b[5:8])), App: uint32(number(b[8:12]))}
		name := h.CommandName()
		if name == "" {
			name = fmt.Sprintf("command %d", h.Command)
		}
		t.Name, t.Brief = "Diameter "+name, "Diameter "+name
		left := diameter.MaxAVPs
		t.Kids = append(t.Kids, diameterAVPs(b[diameter.HeaderLen:], base+diameter.HeaderLen, 0, &left, cut)...)
		if result := resultOf(b); result != "" {
			t.Brief += " " + result
		}
	}
	if !cut {
		judgeDiameter(&t, b)
	}
	return t
}

// resultOf is the Result-Code of a message, in words.
func resultOf(b []byte) string {
	a, ok := diameter.List(b[diameter.HeaderLen:]).Find(diameter.ResultCodeAVP)
	if !ok || len(a.Data) != 4 {
		return ""
	}
	return diameter.ResultCode(number(a.Data)).String()
}

// judgeDiameter asks the codec, which holds the message against its dictionary.
func judgeDiameter(t *Tree, b []byte) {
	m, err := diameter.Parse(b)
	if err == nil {
		err = diameter.Check(m)
	}
	if e, ok := err.(*diameter.Error); ok && t.Faults() == 0 {
		t.fail(fmt.Sprintf("%v: %s", e.Code, e.Text))
	}
}

// diameterAVPs shows a list of AVPs, and those in groups. left bounds all of them together.
func diameterAVPs(b []byte, base, depth int, left *int, cut bool) (out []Tree) {
	for len(b) > 0 && *left > 0 {
		*left--
		if len(b) < 8 {
			return append(out, badAVP(Tree{Name: "AVP", Offset: base, Len: len(b), Value: octets(b)}, "ends inside its header", cut))
		}
		n, head := int(number(b[5:8])), 8
		k := diameter.Key{Code: uint32(number(b[:4]))}
		if b[4]&byte(diameter.VendorBit) != 0 {
			head = 12
			if len(b) >= head {
				k.Vendor = uint32(number(b[8:12]))
			}
		}
		t := Tree{Name: k.Name(), Offset: base, Len: min((n+3)&^3, len(b))}
		if n < head || n > len(b) {
			t.Len, t.Value = len(b), octets(b)
			return append(out, badAVP(t, fmt.Sprintf("AVP Length says %s, %d are there", count(n), len(b)), cut))
		}
		d, known := diameter.Lookup(k)
		switch {
		case !known:
			t.Value = octets(b[head:n])
		case d.Type == diameter.Grouped && depth < MaxDepth:
			t.Kids = diameterAVPs(b[head:n], base+head, depth+1, left, cut)
		case k == diameter.EAPPayload && n > head: // an empty one asks to begin, RFC 4072 §2.2
			t.Kids = []Tree{eapPacket(b[head:n], base+head)}
		default:
			t.Value = avpValue(d, b[head:n])
		}
		out = append(out, t)
		b, base = b[t.Len:], base+t.Len
	}
	return out
}

func badAVP(t Tree, why string, cut bool) Tree {
	if !cut {
		t.fail(why)
	}
	return t
}

// avpValue shows a value by its type. Keys are not shown: what is printed is kept, mailed and published.
func avpValue(d *diameter.Definition, b []byte) string {
	a := diameter.AVP{Key: d.Key, Data: b}
	switch {
	case d.Secret:
		return fmt.Sprintf("(secret, %s)", count(len(b)))
	case d.Key == diameter.ResultCodeAVP && len(b) == 4:
		return diameter.ResultCode(number(b)).String()
	}
	switch d.Type {
	case diameter.Unsigned32, diameter.Enumerated, diameter.Integer32:
		if len(b) == 4 {
			return avpNumber(d, b)
		}
	case diameter.Unsigned64, diameter.Integer64:
		if len(b) == 8 {
			return dec(b)
		}
	case diameter.UTF8String, diameter.DiameterIdentity, diameter.DiameterURI:
		return text(b)
	case diameter.Address:
		if x, err := a.Addr(); err == nil {
			return x.String()
		}
	case diameter.Time:
		if x, err := a.Time(); err == nil {
			return x.Format(time.RFC3339)
		}
	}
	return octets(b)
}

// avpNumber shows a number with the name of the value, or of each flag in it.
func avpNumber(d *diameter.Definition, b []byte) string {
	v := uint32(number(b))
	if d.Type == diameter.Enumerated {
		return called(b, d.ValueName(v))
	}
	names := ""
	d.Values(func(bit uint32, name string) {
		if v&bit != 0 {
			names += ", " + name
		}
	})
	if names == "" {
		return dec(b)
	}
	return called(b, names[2:])
}

// called is a number with its name, if it has one.
func called(b []byte, name string) string {
	if name == "" {
		return dec(b)
	}
	return dec(b) + " (" + name + ")"
}

// diameterIn finds Diameter in a TCP segment: its octets behind the header and their offset; nil if the port is another, or if they are
// the middle of a message.
func diameterIn(b []byte) (data []byte, at int) {
	if len(b) < 20 || number(b[:2]) != diameterPort && number(b[2:4]) != diameterPort {
		return nil, 0
	}
	at = 4 * int(b[12]>>4)
	if at < 20 || len(b) < at+diameter.HeaderLen || b[at] != diameter.Version {
		return nil, 0
	}
	return b[at:], at
}
