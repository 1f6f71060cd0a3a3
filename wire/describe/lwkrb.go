package describe

import (
	"fmt"
	"time"

	"roam6/wire/krb5"
	"roam6/wire/lwkrb"
)

// Layouts of lightweight Kerberos (docs/lwkrb.md). What is sealed is shown as its nonce and its size: nothing here has a key.

const lwkrbPaper = "docs/lwkrb.md"

// lwkrbPort is where KDCs are asked, as for Kerberos V5 (RFC 4120 §7.2.1), whose messages begin with other octets.
const lwkrbPort = 88

var lwkrbHeader = []field{
	{"Version", 0, 1, dec},
	{"Type", 1, 1, named(func(t uint8) string { return lwkrb.Type(t).String() })},
	{"Length", 2, 2, sized},
	{"Identifier", 4, 4, hex},
}

// lwkrbRow is a field of n octets, or of as many as the octet before it says, or the two; or one that is sealed; or the rest.
type lwkrbRow struct {
	name string
	n    int
	show func([]byte) string
}

const (
	countedShort = -3 // behind one octet of length
	sealedShort  = -4 // sealed, behind two octets of length
	sealedRest   = -5 // sealed, to the end
)

var lwkrbKey = []lwkrbRow{{"Principal", countedShort, text}, {"Key version", 4, dec}, {"Encryption type", 1, named(etype)}}

var lwkrbLayouts = map[lwkrb.Type][]lwkrbRow{
	lwkrb.TypeRequest:     append(lwkrbKey[:3:3], lwkrbRow{"Ticket", sealedShort, nil}, lwkrbRow{"Authenticator", sealedRest, nil}),
	lwkrb.TypeReply:       {{"Sealed", sealedRest, nil}},
	lwkrb.TypeError:       {{"Code", 2, lwkrbCode}, {"Time", 4, unixTime}, {"MAC", toEnd, octets}},
	lwkrb.TypeOpenRequest: append(lwkrbKey[:3:3], lwkrbRow{"Sealed", sealedRest, nil}),
	lwkrb.TypeOpenReply:   {{"Sealed", sealedRest, nil}},
}

// etype names the encryption types of Kerberos that are taken.
func etype(e uint8) string {
	if !lwkrb.Known(e) {
		return ""
	}
	return krb5.ETypeName(int32(e))
}

func lwkrbCode(b []byte) string { return called(b, lwkrb.Code(number(b)).String()) }

func unixTime(b []byte) string {
	return fmt.Sprintf("%d (%s)", number(b), time.Unix(int64(number(b)), 0).UTC().Format("2006-01-02 15:04:05 MST"))
}

// Lwkrb describes a message of lightweight Kerberos.
func Lwkrb(b []byte) Tree { return lwkrbMessage(b, 0) }

// lwkrbMessage shows one message.
func lwkrbMessage(b []byte, base int) Tree {
	t := Tree{Name: "Lightweight Kerberos", Ref: lwkrbPaper, Layer: "lwkrb", Offset: base, Len: len(b), Brief: "lwkrb", Kids: rows(b, base, lwkrbHeader, false)}
	if len(b) >= lwkrb.HeaderLen {
		kind := lwkrb.Type(b[1])
		t.Name = kind.String()
		t.Brief = fmt.Sprintf("%s id 0x%x", t.Name, b[4:8])
		t.Kids = append(t.Kids, lwkrbFields(b, base, lwkrbLayouts[kind])...)
	}
	m, err := lwkrb.Parse(b)
	t.blame(err, base)
	t.Brief += lwkrbBrief(m)
	return t
}

// lwkrbBrief is a message in words, behind its name; nil is none.
func lwkrbBrief(m lwkrb.Message) string {
	switch m := m.(type) {
	case *lwkrb.Request:
		return " ticket for " + string(m.Ticket.Key.Principal)
	case *lwkrb.OpenRequest:
		return " under the key of " + string(m.Key.Principal)
	case *lwkrb.Error:
		if m.MAC == nil {
			return " " + m.Code.String() + " (a hint)"
		}
		return " " + m.Code.String()
	}
	return ""
}

// lwkrbFields shows what stands behind the header, as far as it is there.
func lwkrbFields(b []byte, base int, layout []lwkrbRow) (out []Tree) {
	at := lwkrb.HeaderLen
	for _, f := range layout {
		n, size := f.n, 0
		switch n {
		case countedShort:
			size = 1
		case sealedShort:
			size = 2
		case sealedRest, toEnd:
			n = len(b) - at
		}
		if size > len(b)-at {
			return append(out, Tree{Name: f.name, Offset: base + at, Len: len(b) - at, Value: "(cut off)"})
		}
		if size > 0 {
			n = int(number(b[at : at+size]))
			out = append(out, Tree{Name: "length(" + f.name + ")", Offset: base + at, Len: size, Value: count(n)})
			at += size
		}
		if n > len(b)-at {
			return append(out, Tree{Name: f.name, Offset: base + at, Len: len(b) - at, Value: "(cut off)"})
		}
		if n > 0 || f.n != toEnd {
			out = append(out, lwkrbField(b[at:at+n], base+at, f))
		}
		at += n
	}
	if at < len(b) {
		out = append(out, Tree{Name: "end", Offset: base + at, Len: len(b) - at, Value: octets(b[at:])})
	}
	return out
}

func lwkrbField(b []byte, base int, f lwkrbRow) Tree {
	t := Tree{Name: f.name, Offset: base, Len: len(b)}
	if f.show != nil {
		t.Value = f.show(b)
		return t
	}
	t.Value = "sealed, " + count(max(0, len(b)-lwkrb.SealedMin)) + " inside"
	t.Kids = rows(b, base, []field{{"Nonce", 0, lwkrb.NonceLen, octets}, {"Cipher text and tag", lwkrb.NonceLen, toEnd, octets}}, false)
	return t
}

// lwkrbIn is a message of lightweight Kerberos in a UDP datagram to or from a KDC, nil if there is none.
func lwkrbIn(b []byte) []byte {
	if len(b) < 8+lwkrb.HeaderLen || number(b[:2]) != lwkrbPort && number(b[2:4]) != lwkrbPort || b[8] != lwkrb.Version {
		return nil
	}
	return b[8:]
}
