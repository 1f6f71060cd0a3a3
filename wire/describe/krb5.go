package describe

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"roam6/wire/krb5"
)

// A message of Kerberos is shown by tables of ASN.1 types, of which RFC 4120 appendix A has the names. What is encrypted is shown as its
// length; keys are in nothing that is not encrypted.

// maxKrbDepth and maxKrbNodes bound the tree of one message.
const (
	maxKrbDepth = 16
	maxKrbNodes = 400
)

// krbType is a type: fields of a SEQUENCE by their tags, or what a SEQUENCE OF has, or how to show a value.
type krbType struct {
	fields map[uint8]krbField
	each   string
	show   func(tag asn1.Tag, b []byte) string
	app    bool // the SEQUENCE stands in an application tag
}

type krbField struct{ name, of string }

var krbTypes map[string]krbType

func init() { // some of them contain themselves
	leaf := func(f func(asn1.Tag, []byte) string) krbType { return krbType{show: f} }
	pair := func(a, b string) krbType {
		return krbType{fields: map[uint8]krbField{0: {a, "INTEGER"}, 1: {b, "OCTETS"}}}
	}
	req := map[uint8]krbField{1: {"pvno", "INTEGER"}, 2: {"msg-type", "KIND"}, 3: {"padata", "PADATA"}, 4: {"req-body", "KDC-REQ-BODY"}}
	rep := map[uint8]krbField{0: {"pvno", "INTEGER"}, 1: {"msg-type", "KIND"}, 2: {"padata", "PADATA"}, 3: {"crealm", "STRING"}, 4: {"cname", "PrincipalName"},
		5: {"ticket", "Ticket"}, 6: {"enc-part", "EncryptedData"}}
	krbTypes = map[string]krbType{
		"INTEGER": leaf(func(_ asn1.Tag, b []byte) string { return fmt.Sprint(krbInteger(b)) }),
		"KIND":    leaf(krbNamed(func(v int64) string { return krb5.Kind(uint8(v)).String() })),
		"NAME-TYPE": leaf(krbNamed(func(v int64) string {
			return map[int64]string{0: "NT-UNKNOWN", 1: "NT-PRINCIPAL", 2: "NT-SRV-INST", 3: "NT-SRV-HST", 10: "NT-ENTERPRISE", 11: "NT-WELLKNOWN"}[v]
		})),
		"ETYPE":      leaf(krbNamed(func(v int64) string { return krb5.ETypeName(int32(v)) })),
		"PA":         leaf(krbNamed(func(v int64) string { return krb5.PAName(int32(v)) })),
		"ERROR":      leaf(krbNamed(func(v int64) string { return krb5.ErrorCode(v).String() })),
		"STRING":     leaf(func(_ asn1.Tag, b []byte) string { return text(b) }),
		"TIME":       leaf(krbTime),
		"OCTETS":     leaf(func(_ asn1.Tag, b []byte) string { return octets(b) }),
		"CIPHER":     leaf(func(_ asn1.Tag, b []byte) string { return "encrypted, " + count(len(b)) }),
		"KDCOptions": leaf(func(_ asn1.Tag, b []byte) string { return krb5.KDCOptions(krbFlags(b)).String() }),
		"APOptions":  leaf(func(_ asn1.Tag, b []byte) string { return krb5.APOptions(krbFlags(b)).String() }),

		"AS-REQ": {fields: req, app: true}, "TGS-REQ": {fields: req, app: true}, "AS-REP": {fields: rep, app: true}, "TGS-REP": {fields: rep, app: true},
		"PADATA": {each: "PA-DATA"}, "PA-DATA": {fields: map[uint8]krbField{1: {"padata-type", "PA"}, 2: {"padata-value", "OCTETS"}}},
		"PrincipalName": {fields: map[uint8]krbField{0: {"name-type", "NAME-TYPE"}, 1: {"name-string", "STRINGS"}}}, "STRINGS": {each: "STRING"},
		"EncryptedData": {fields: map[uint8]krbField{0: {"etype", "ETYPE"}, 1: {"kvno", "INTEGER"}, 2: {"cipher", "CIPHER"}}},
		"Ticket": {app: true, fields: map[uint8]krbField{0: {"tkt-vno", "INTEGER"}, 1: {"realm", "STRING"}, 2: {"sname", "PrincipalName"}, 3: {"enc-part", "EncryptedData"},
			4: {"extensions", "TicketExtensions"}}},
		"TicketExtensions": {each: "TicketExtension"}, "TicketExtension": pair("te-type", "te-data"), "TICKETS": {each: "Ticket"},
		"HostAddresses": {each: "HostAddress"}, "HostAddress": pair("addr-type", "address"), "Checksum": pair("cksumtype", "checksum"),
		"KDC-REQ-BODY": {fields: map[uint8]krbField{0: {"kdc-options", "KDCOptions"}, 1: {"cname", "PrincipalName"}, 2: {"realm", "STRING"}, 3: {"sname", "PrincipalName"},
			4: {"from", "TIME"}, 5: {"till", "TIME"}, 6: {"rtime", "TIME"}, 7: {"nonce", "INTEGER"}, 8: {"etype", "ETYPES"}, 9: {"addresses", "HostAddresses"},
			10: {"enc-authorization-data", "EncryptedData"}, 11: {"additional-tickets", "TICKETS"}}},
		"ETYPES":       {each: "ETYPE"},
		"AP-REQ":       {app: true, fields: map[uint8]krbField{0: {"pvno", "INTEGER"}, 1: {"msg-type", "KIND"}, 2: {"ap-options", "APOptions"}, 3: {"ticket", "Ticket"}, 4: {"authenticator", "EncryptedData"}}},
		"AP-REP":       {app: true, fields: map[uint8]krbField{0: {"pvno", "INTEGER"}, 1: {"msg-type", "KIND"}, 2: {"enc-part", "EncryptedData"}}},
		"KRB-TKT-PUSH": {app: true, fields: map[uint8]krbField{0: {"pvno", "INTEGER"}, 1: {"msg-type", "KIND"}, 2: {"ticket", "Ticket"}}},
		"KRB-ERROR": {app: true, fields: map[uint8]krbField{0: {"pvno", "INTEGER"}, 1: {"msg-type", "KIND"}, 2: {"ctime", "TIME"}, 3: {"cusec", "INTEGER"}, 4: {"stime", "TIME"},
			5: {"susec", "INTEGER"}, 6: {"error-code", "ERROR"}, 7: {"crealm", "STRING"}, 8: {"cname", "PrincipalName"}, 9: {"realm", "STRING"}, 10: {"sname", "PrincipalName"},
			11: {"e-text", "STRING"}, 12: {"e-data", "OCTETS"}}},
		"ETYPE-INFO2": {each: "ETYPE-INFO2-ENTRY"}, "ETYPE-INFO2-ENTRY": {fields: map[uint8]krbField{0: {"etype", "ETYPE"}, 1: {"salt", "STRING"}, 2: {"s2kparams", "OCTETS"}}},
		"PA-FX-FAST":   {fields: map[uint8]krbField{0: {"armor", "KrbFastArmor"}, 1: {"req-checksum", "Checksum"}, 2: {"enc-fast-req", "EncryptedData"}}},
		"KrbFastArmor": {fields: map[uint8]krbField{0: {"armor-type", "INTEGER"}, 1: {"armor-value", "AP-REQ"}}},
		"FAST-REPLY":   {fields: map[uint8]krbField{0: {"enc-fast-rep", "EncryptedData"}}},
	}
}

// krbValues are the types of padata-value by padata-type, as far as they are shown; FAST differs in requests and replies.
var krbValues = map[int64]string{krb5.PATGSReq: "AP-REQ", krb5.PAAPReq: "AP-REQ", krb5.PAEncTimestamp: "EncryptedData", krb5.PAEncryptedChallenge: "EncryptedData", krb5.PAETypeInfo2: "ETYPE-INFO2"}

func krbInteger(b []byte) (v int64) {
	for i, x := range b {
		if i == 0 && x > 127 {
			v = -1
		}
		v = v<<8 | int64(x)
	}
	return v
}

func krbNamed(name func(int64) string) func(asn1.Tag, []byte) string {
	return func(_ asn1.Tag, b []byte) string {
		v := krbInteger(b)
		if n := name(v); n != "" {
			return fmt.Sprintf("%d (%s)", v, n)
		}
		return fmt.Sprint(v)
	}
}

// krbTime shows 20261122120000Z as people write it.
func krbTime(_ asn1.Tag, b []byte) string {
	if len(b) != 15 {
		return text(b)
	}
	return fmt.Sprintf("%s-%s-%s %s:%s:%s UTC", b[:4], b[4:6], b[6:8], b[8:10], b[10:12], b[12:14])
}

func krbFlags(b []byte) uint32 {
	var v [4]byte
	if len(b) > 0 {
		copy(v[:], b[1:])
	}
	return binary.BigEndian.Uint32(v[:])
}

// krbReader walks one message.
type krbReader struct {
	end  int // capacity of the message's octets, from which offsets are counted back
	base int
	left int // nodes that may be added
	req  bool
}

// Krb5 describes a message of Kerberos, as UDP carries it.
func Krb5(b []byte) Tree { return krbMessage(b, 0, false) }

// krbMessage shows one message as far as it is there; cut says that being incomplete is no fault.
func krbMessage(b []byte, base int, cut bool) Tree {
	b = b[:len(b):len(b)]
	k := krb5.KindOf(b)
	t := Tree{Name: "Kerberos", Ref: "RFC 4120", Layer: "krb5", Offset: base, Len: len(b), Brief: "Kerberos"}
	if _, known := krbTypes[k.String()]; known {
		t.Name = "Kerberos " + k.String()
		r := krbReader{end: cap(b), base: base, left: maxKrbNodes, req: k == krb5.KindASReq || k == krb5.KindTGSReq}
		t.Kids = r.value(cryptobyte.String(b), k.String(), 0)
	} else {
		t.Value = octets(b)
	}
	m, err := krb5.Parse(b)
	if !cut && k != krb5.KindTicket {
		t.blame(err, base)
	}
	t.Brief = krbBrief(t.Name, m)
	return t
}

// krbBrief is a message in words: who wants what.
func krbBrief(s string, m krb5.Message) string {
	switch m := m.(type) {
	case *krb5.KDCReq:
		if !m.Body.Client.IsZero() {
			s += " of " + krb5.Principal{Name: m.Body.Client, Realm: m.Body.Realm}.String()
		}
		if !m.Body.Server.IsZero() {
			s += " for " + krb5.Principal{Name: m.Body.Server, Realm: m.Body.Realm}.String()
		}
	case *krb5.KDCRep:
		s += " to " + m.Client.String() + ", ticket for " + m.Ticket.Server.String()
	case *krb5.APReq:
		s += " to " + m.Ticket.Server.String()
	case *krb5.TicketPush:
		s += ", ticket for " + m.Ticket.Server.String()
	case *krb5.KRBError:
		s += " " + m.Code.String()
	}
	return s
}

func (r *krbReader) at(s cryptobyte.String) int { return r.base + r.end - cap(s) }

// value gives the nodes of what s is: the fields of a SEQUENCE, the elements of a SEQUENCE OF, or one node without name.
func (r *krbReader) value(s cryptobyte.String, of string, depth int) []Tree {
	t := krbTypes[of]
	var c cryptobyte.String
	var tag asn1.Tag
	if t.app {
		if !s.ReadAnyASN1(&c, &tag) {
			return r.broken(s)
		}
		s = c
	}
	whole := s
	if !s.ReadAnyASN1(&c, &tag) || depth > maxKrbDepth {
		return r.broken(whole)
	}
	switch {
	case t.fields != nil:
		return r.fields(c, t, depth)
	case t.each != "":
		return r.elements(c, t.each, depth)
	}
	return []Tree{{Offset: r.at(c), Len: len(c), Value: t.show(tag, c)}}
}

// broken is what cannot be read.
func (r *krbReader) broken(s cryptobyte.String) []Tree {
	if len(s) == 0 {
		return nil
	}
	return []Tree{{Name: "unreadable", Offset: r.at(s), Len: len(s), Value: octets(s)}}
}

func (r *krbReader) elements(s cryptobyte.String, of string, depth int) (out []Tree) {
	for len(s) > 0 && r.left > 0 {
		r.left--
		var c cryptobyte.String
		var tag asn1.Tag
		at := s
		if !s.ReadAnyASN1Element(&c, &tag) {
			return append(out, r.broken(at)...)
		}
		t := Tree{Name: of, Offset: r.at(c), Len: len(c)}
		t.put(r.value(c, of, depth+1))
		if of == "PA-DATA" {
			r.padata(&t, c, depth)
		}
		out = append(out, t)
	}
	return out
}

// put makes the only node without name the value, and anything else the kids.
func (t *Tree) put(kids []Tree) {
	if len(kids) == 1 && kids[0].Name == "" {
		t.Value = kids[0].Value
		return
	}
	t.Kids = kids
}

func (r *krbReader) fields(s cryptobyte.String, t krbType, depth int) (out []Tree) {
	for len(s) > 0 && r.left > 0 {
		r.left--
		var c cryptobyte.String
		var tag asn1.Tag
		at := s
		if !s.ReadAnyASN1(&c, &tag) {
			return append(out, r.broken(at)...)
		}
		f, known := t.fields[uint8(tag&0x1f)]
		x := Tree{Name: f.name, Offset: r.at(at), Len: len(at) - len(s)}
		switch {
		case !known || tag&0xe0 != 0xa0:
			x.Name, x.Value = fmt.Sprintf("[%d]", tag&0x1f), octets(c)
		case f.of == "AP-REQ": // in an OCTET STRING
			var inner cryptobyte.String
			if c.ReadASN1(&inner, asn1.OCTET_STRING) {
				x.put(r.value(inner, f.of, depth+1))
			}
		default:
			x.put(r.value(c, f.of, depth+1))
		}
		if f.name == "e-data" {
			r.methodData(&x, c, depth)
		}
		out = append(out, x)
	}
	return out
}

// methodData shows the e-data of an error as METHOD-DATA if it is that.
func (r *krbReader) methodData(t *Tree, c cryptobyte.String, depth int) {
	var data cryptobyte.String
	if !c.ReadASN1(&data, asn1.OCTET_STRING) {
		return
	}
	if _, err := krb5.ParseMethodData(data); err == nil {
		t.Value, t.Kids = "", r.value(data, "PADATA", depth+1)
	}
}

// padata takes the value of an element apart, if its type is one of those that are shown.
func (r *krbReader) padata(t *Tree, c cryptobyte.String, depth int) {
	var seq, number, field, data cryptobyte.String
	var v int64
	if !c.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1(&number, asn1.Tag(1).ContextSpecific().Constructed()) || !number.ReadASN1Integer(&v) ||
		!seq.ReadASN1(&field, asn1.Tag(2).ContextSpecific().Constructed()) || !field.ReadASN1(&data, asn1.OCTET_STRING) || len(t.Kids) != 2 {
		return
	}
	if n := krb5.PAName(int32(v)); n != "" {
		t.Name = n
	}
	of := krbValues[v]
	if v == krb5.PAFXFast && len(data) > 0 {
		var armored cryptobyte.String
		if !data.ReadASN1(&armored, asn1.Tag(0).ContextSpecific().Constructed()) {
			return
		}
		data, of = armored, map[bool]string{true: "PA-FX-FAST", false: "FAST-REPLY"}[r.req]
	}
	if of != "" && len(data) > 0 {
		t.Kids[1].Value, t.Kids[1].Kids = "", r.value(data, of, depth+1)
	}
}

// krbIn finds a message of Kerberos in a UDP datagram or TCP segment to or from a KDC, and its offset. In a segment the beginning of a message is
// told by its length; cut says that the rest is in another.
func krbIn(b []byte, tcp bool) (data []byte, at int, cut bool) {
	if len(b) < 4 || number(b[:2]) != krb5.Port && number(b[2:4]) != krb5.Port {
		return nil, 0, false
	}
	at = 8
	if tcp {
		if len(b) < 20 {
			return nil, 0, false
		}
		at = 4*int(b[12]>>4) + 4
		if at < 24 || len(b) < at+2 {
			return nil, 0, false
		}
		n := int(number(b[at-4 : at]))
		if n < 2 || n > krb5.MaxMessage {
			return nil, 0, false
		}
		cut = n > len(b)-at
		b = b[:min(len(b), at+n)]
	}
	if len(b) < at+2 || krb5.KindOf(b[at:]) == 0 {
		return nil, 0, false
	}
	return b[at:], at, cut
}
