package krb5

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte/asn1"

	"roam6/wire"
)

type appender interface{ Append([]byte) []byte }

// codec reads octets as one type, and writes what it read anew: nothing is copied from what came.
type codec struct {
	name string
	read func(b []byte) (written []byte, err error)
}

func of[T appender](name string, parse func([]byte) (T, error)) codec {
	return codec{name, func(b []byte) ([]byte, error) {
		v, err := parse(b)
		if err != nil {
			return nil, err
		}
		forget(reflect.ValueOf(&v).Elem())
		return v.Append(nil), nil
	}}
}

func list[T any](name string, parse func([]byte) (T, error), write func([]byte, T) []byte) codec {
	return codec{name, func(b []byte) ([]byte, error) {
		v, err := parse(b)
		if err != nil {
			return nil, err
		}
		return write(nil, v), nil
	}}
}

// forget makes tickets and bodies forget how they came.
func forget(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			forget(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			forget(v.Index(i))
		}
	case reflect.Struct:
		switch x := v.Addr().Interface().(type) {
		case *Ticket:
			x.raw = nil
		case *KDCReqBody:
			x.raw = nil
		case *time.Time:
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				forget(v.Field(i))
			}
		}
	}
}

func header(b []byte) ([]byte, error) {
	v, message, err := ParseIAKERBHeader(b)
	if err != nil {
		return nil, err
	}
	return append(v.Append(nil), message...), nil
}

var codecs = []codec{
	of("Message", Parse), of("Ticket", ParseTicket), of("EncTicketPart", ParseEncTicketPart), of("Authenticator", ParseAuthenticator),
	of("EncAPRepPart", ParseEncAPRepPart), of("EncKDCRepPart", ParseEncKDCRepPart), of("KDCReqBody", ParseKDCReqBody), of("EncryptedData", ParseEncryptedData),
	of("Checksum", ParseChecksum), of("PAEncTSEnc", ParsePAEncTSEnc), of("FASTArmorReq", ParseFASTArmorReq), of("FASTReq", ParseFASTReq), of("FASTRep", ParseFASTRep),
	of("PKASReq", ParsePKASReq), of("PKASRep", ParsePKASRep), of("AuthPack", ParseAuthPack), of("KDCDHKeyInfo", ParseKDCDHKeyInfo), of("ReplyKeyPack", ParseReplyKeyPack),
	of("Token", ParseToken), of("MobileAttributes", ParseMobileAttributes),
	list("MethodData", ParseMethodData, AppendMethodData), list("AuthData", ParseAuthData, AppendAuthData), list("ETypeInfo2", ParseETypeInfo2, AppendETypeInfo2),
	list("FASTArmorRep", ParseFASTArmorRep, AppendFASTArmorRep), list("IAKERBFinished", ParseIAKERBFinished, AppendIAKERBFinished),
	list("SAN", ParsePrincipalSAN, func(b []byte, p Principal) []byte { return p.AppendSAN(b) }), {"IAKERBHeader", header},
}

// The cast: ann of home.example visits the routers of a.example.
var (
	noon   = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ann    = Principal{MakeName("ann"), "HOME.EXAMPLE"}
	router = Principal{MakeName(MobileIPService, "ar1.a.example"), "A.EXAMPLE"}
	tgs    = Principal{TGS("HOME.EXAMPLE"), "HOME.EXAMPLE"}
	addr   = HostAddr(netip.MustParseAddr("2001:db8:a:1::1"))
	times  = Times{Auth: noon, Start: noon.Add(time.Second), End: noon.Add(time.Hour), RenewTill: noon.Add(24 * time.Hour)}
	some   = List{{ADIfRelevant, AppendAuthData(nil, List{{ADMobileIPAttributes, []byte{0, 3, 0}}})}, {-5, []byte("x")}}
	skey   = EncryptionKey{20, Secret(bytes.Repeat([]byte{7}, 32))}
	sum    = Checksum{20, bytes.Repeat([]byte{9}, 24)}
	sealed = EncryptedData{20, 3, bytes.Repeat([]byte{0xee}, 60)}
	ticket = Ticket{Server: router, Enc: sealed, Extensions: List{{TEMobileIPAttributes, []byte{0, 3, 0}}}}
	body   = KDCReqBody{Options: OptForwardable | OptCanonicalize | OptEncTktInSkey, Client: ann.Name, Realm: "HOME.EXAMPLE", Server: tgs.Name, From: noon,
		Till: noon.Add(time.Hour), RenewTill: noon.Add(2 * time.Hour), Nonce: 0xfedcba98, ETypes: []int32{20, 19, 18, 17, -1}, Addresses: []HostAddress{addr, {2, []byte{192, 0, 2, 1}}},
		AuthData: sealed, Additional: []Ticket{ticket, {Server: tgs, Enc: sealed}}}
)

// samples are values of every type with everything in them, and with as little as may be.
func samples() map[string][][]byte {
	a := func(v appender) []byte { return v.Append(nil) }
	bare := EncryptedData{EType: 17, Cipher: []byte{1}}
	plain := Ticket{Server: tgs, Enc: bare}
	none := KDCReqBody{Realm: "R", Till: noon, ETypes: []int32{17}}
	return map[string][][]byte{
		"Message": {
			a(&KDCReq{PAData: List{{PAEncTimestamp, a(sealed)}, {PAReqEncPARep, nil}}, Body: body}), a(&KDCReq{TGS: true, Body: none}),
			a(&KDCRep{PAData: List{{PAETypeInfo2, []byte{1}}}, Client: ann, Ticket: ticket, Enc: sealed}), a(&KDCRep{TGS: true, Client: ann, Ticket: plain, Enc: bare}),
			a(APReq{Options: MutualRequired | UseSessionKey, Ticket: ticket, Authenticator: sealed}), a(APRep{bare}), a(TicketPush{ticket}),
			a(&KRBError{ClientTime: noon.Add(5 * time.Microsecond), ServerTime: noon, Code: ErrPreauthRequired, Client: ann, Server: tgs, Text: "hello", Data: []byte{0x30, 0}}),
			a(&KRBError{ServerTime: noon.Add(999999 * time.Microsecond), Code: -1, Server: router}),
		},
		"Ticket":        {a(ticket), a(plain)},
		"EncTicketPart": {a(EncTicketPart{Forwardable | Initial, skey, ann, Transited{1, []byte("B.EXAMPLE")}, times, []HostAddress{addr}, some}), a(EncTicketPart{Client: ann, Times: Times{Auth: noon, End: noon}})},
		"Authenticator": {a(Authenticator{ann, sum, noon.Add(time.Microsecond), skey, 0xffffffff, some}), a(Authenticator{Client: ann, Time: noon})},
		"EncAPRepPart":  {a(EncAPRepPart{noon.Add(time.Millisecond), skey, 1}), a(EncAPRepPart{Time: noon})},
		"EncKDCRepPart": {a(&EncKDCRepPart{Key: skey, LastReq: []LastReq{{6, noon}}, Nonce: 1, KeyExpiration: noon, Flags: EncPARep, Times: times, Server: router, Addresses: []HostAddress{addr},
			PAData: List{{PALWKRB, []byte("ticket")}}}), a(&EncKDCRepPart{TGS: true, Key: skey, Times: Times{Auth: noon, End: noon}, Server: tgs})},
		"KDCReqBody": {body.Append(nil), none.Append(nil)}, "EncryptedData": {a(sealed), a(bare)}, "Checksum": {a(sum), a(Checksum{})},
		"PAEncTSEnc":   {a(PAEncTSEnc{noon.Add(time.Microsecond)})},
		"FASTArmorReq": {a(FASTArmorReq{List{{FASTArmorAPReq, []byte{1}}}, sum, sealed}), a(FASTArmorReq{nil, sum, bare})},
		"FASTReq":      {a(FASTReq{FASTHideClientNames, some, body}), a(FASTReq{0, nil, none})},
		"FASTRep":      {a(FASTRep{some, skey, &FASTFinished{noon, ann, sum}, 9}), a(FASTRep{})},
		"FASTArmorRep": {AppendFASTArmorRep(nil, sealed)},
		"PKASReq":      {a(PKASReq{[]byte{1}, []byte{0x30, 0}, []byte{3}}), a(PKASReq{Signed: []byte{1}})},
		"PKASRep":      {a(PKASRep{Signed: []byte{1}, DHNonce: []byte{2}, KDF: 2}), a(PKASRep{Signed: []byte{1}}), a(PKASRep{KeyPack: []byte{5}})},
		"AuthPack":     {a(AuthPack{noon.Add(time.Microsecond), 5, make([]byte, 20), []byte{1}, []byte{0x30, 0}, []byte{2}, []int{1, 2, 3}}), a(AuthPack{Time: noon})},
		"KDCDHKeyInfo": {a(KDCDHKeyInfo{[]byte{4, 5}, 6, noon}), a(KDCDHKeyInfo{PublicKey: []byte{4}})}, "ReplyKeyPack": {a(ReplyKeyPack{skey, sum})},
		"Token":        {a(Token{MechMinimal, TokenTicketPush, a(TicketPush{ticket})}), a(Token{MechProxy, TokenKDCReq, nil})},
		"IAKERBHeader": {append(a(IAKERBHeader{"A.EXAMPLE", []byte{1}}), 0x6a), a(IAKERBHeader{})}, "IAKERBFinished": {AppendIAKERBFinished(nil, sum)},
		"MobileAttributes": {a(MobileAttributes{SignEd25519, make([]byte, 64), []byte("avps")}), a(MobileAttributes{SignHMACSHA256, make([]byte, 16), nil}), a(MobileAttributes{})},
		"MethodData":       {AppendMethodData(nil, List{{PAETypeInfo2, []byte{1}}}), {0x30, 0}}, "AuthData": {AppendAuthData(nil, some), {0x30, 0}},
		"ETypeInfo2": {AppendETypeInfo2(nil, []ETypeInfo{{20, "HOME.EXAMPLEann", true, []byte{0, 0, 16, 0}}, {17, "", true, nil}, {18, "", false, nil}})},
		"SAN":        {ann.AppendSAN(nil)},
	}
}

// What is written is read and written again the same; cut anywhere, it is refused with a place; with one octet more, too.
func TestRoundTrips(t *testing.T) {
	all := samples()
	for _, c := range codecs {
		if len(all[c.name]) == 0 {
			t.Errorf("no sample of %s", c.name)
		}
		for i, b := range all[c.name] {
			got, err := c.read(b)
			if err != nil || !bytes.Equal(got, b) {
				t.Errorf("%s %d: %v\n%x\nis now\n%x", c.name, i, err, b, got)
			}
			for n := range b {
				_, err := c.read(b[:n])
				var e *wire.Error
				if c.name == "IAKERBHeader" && i == 0 && n == len(b)-1 { // without the message
					continue
				}
				if !errors.As(err, &e) || e.Offset > n || e.Proto != proto {
					t.Errorf("%s %d cut at %d: %v", c.name, i, n, err)
				}
			}
			if _, err := c.read(append(bytes.Clone(b), 0)); err == nil && c.name != "IAKERBHeader" {
				t.Errorf("%s %d: one octet too many is taken", c.name, i)
			}
		}
	}
}

// A ticket and a request's body are written as they came, whatever a later document put into them.
func TestWrittenAsTheyCame(t *testing.T) {
	b, outer, seq := open2(nil, application(uint8(KindTicket)))
	b = sealed.append(tgs.Name.append(appendText(appendNumber(b, 0, Version), 1, tgs.Realm), 2), 3)
	b = shut2(appendNumber(b, 9, 1), outer, seq)
	tk, err := ParseTicket(b)
	if err != nil || !bytes.Equal(tk.Append(nil), b) {
		t.Errorf("%x is now %x, %v", b, tk.Append(nil), err)
	}
	if x := tk.Extended(ticket.Extensions[0]); len(tk.Extensions) != 0 || !bytes.Equal(x.Append(nil), Ticket{Server: tgs, Enc: sealed, Extensions: ticket.Extensions}.Append(nil)) {
		t.Errorf("%+v", x)
	}
	short := body
	short.AuthData, short.Additional, short.Addresses = EncryptedData{}, nil, nil
	b, seq = open(nil, asn1.SEQUENCE)
	b = shut(appendNumber(append(b, short.Append(nil)[3:]...), 12, 1), seq)
	v, err := ParseKDCReqBody(b)
	if err != nil || !bytes.Equal(v.Octets(), b) || !bytes.Equal(v.Changed().Octets(), short.Octets()) {
		t.Errorf("%x is now %x and %x, %v", b, v.Octets(), v.Changed().Octets(), err)
	}
}

// What known implementations send, though RFC 4120 has it otherwise, is read; what none sends is refused.
func TestForms(t *testing.T) {
	const enc = "a2030401 01" // cipher of EncryptedData
	for _, c := range []struct {
		name, hex, want string
		cause           error
		codec           string
	}{
		{"kvno -1", "300f a003020111 a1030201ff " + enc, "", nil, "EncryptedData"},
		{"kvno of 33 bits", "3014 a003020111 a1080206 010000000000 " + enc, "", wire.ErrValue, "EncryptedData"},
		{"etype too long", "300d a006020400000011 " + enc, "", wire.ErrValue, "EncryptedData"},
		{"length not the shortest", "30810a a003020111 " + enc, "", wire.ErrLength, "EncryptedData"},
		{"indefinite length", "3080 a003020111 " + enc + " 0000", "", wire.ErrLength, "EncryptedData"},
		{"field missing", "3005 a2030401 01", "", wire.ErrValue, "EncryptedData"},
		{"fields out of order", "300a " + enc + " a003020111", "", wire.ErrValue, "EncryptedData"},
		{"field of a later document", "300e a003020111 " + enc + " a3020500", "", nil, "EncryptedData"},
		{"field twice", "300f a003020111 " + enc + " a2030401 01", "", wire.ErrValue, "EncryptedData"},
		{"no time zone", "3013 a011180f 3230323631313232313230303030 30", "", wire.ErrValue, "PAEncTSEnc"},
		{"fraction of a second", "3015 a013 1811 32303236313132323132303030302e305a", "", wire.ErrValue, "PAEncTSEnc"},
		{"30 February", "3013 a011180f 32303236303233303132303030305a", "", wire.ErrValue, "PAEncTSEnc"},
		{"1969", "3013 a011180f 31393639313233313233353935395a", "", wire.ErrValue, "PAEncTSEnc"},
		{"without microseconds", "3013 a011180f 32303236313132323132303030305a", "", nil, "PAEncTSEnc"},
		{"a million microseconds", "301a a011180f 32303236313132323132303030305a a105 0203 0f4240", "", wire.ErrValue, "PAEncTSEnc"},
		{"no component", "3014 a003 1b0152 a10d 300b a003020101 a1043002 1b00", "", nil, "SAN"},
		{"no component at all", "3012 a0031b0152 a10b 3009 a003020101 a1023000", "", wire.ErrValue, "SAN"},
		{"NUL in a name", "3015 a0031b0152 a10e 300c a003020101 a1053003 1b0100", "", wire.ErrValue, "SAN"},
	} {
		b, err := hex.DecodeString(strings.Join(strings.Fields(c.hex), ""))
		if err != nil {
			t.Fatal(c.name, err)
		}
		for _, k := range codecs {
			if k.name != c.codec {
				continue
			}
			if _, err := k.read(b); !errors.Is(err, c.cause) || c.cause == nil && err != nil {
				t.Errorf("%s: %v, want %v", c.name, err, c.cause)
			}
		}
	}
}

func TestFlagsOfAnyLength(t *testing.T) {
	for _, c := range []struct {
		hex  string
		want uint32
		ok   bool
	}{
		{"a007 0305 00 40000010", 0x40000010, true}, {"a004 0302 00 40", 0x40000000, true}, {"a004 0302 05 7f", 0x60000000, true}, {"a003 0301 00", 0, true},
		{"a009 0307 00 400000107fff", 0x40000010, true}, {"a002 0300", 0, false}, {"a004 0302 08 40", 0, false}, {"a003 0301 01", 0, false},
	} {
		b, _ := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
		r, s := reading(b)
		if got := r.flags(&s, "flags", 0); got != c.want || (r.err == nil) != c.ok {
			t.Errorf("%s: %08x, %v", c.hex, got, r.err)
		}
	}
}

// Each limit has its error.
func TestLimits(t *testing.T) {
	long := strings.Repeat("x", MaxString+1)
	parts := strings.Fields(strings.Repeat("x ", MaxComponents+1))
	many := make(List, MaxList+1)
	tickets := make([]Ticket, MaxTickets+1)
	for i := range tickets {
		tickets[i] = ticket
	}
	for name, b := range map[string][]byte{ //order:any
		"realm":      APReq{Ticket: Ticket{Server: Principal{ann.Name, long}, Enc: sealed}, Authenticator: sealed}.Append(nil),
		"component":  APReq{Ticket: Ticket{Server: Principal{MakeName(long), "R"}, Enc: sealed}, Authenticator: sealed}.Append(nil),
		"components": APReq{Ticket: Ticket{Server: Principal{MakeName(parts...), "R"}, Enc: sealed}, Authenticator: sealed}.Append(nil),
		"padata":     (&KDCReq{PAData: many, Body: body}).Append(nil),
		"etypes":     (&KDCReq{Body: KDCReqBody{Realm: "R", ETypes: make([]int32, MaxList+1)}}).Append(nil),
		"addresses":  (&KDCReq{Body: KDCReqBody{Realm: "R", Addresses: make([]HostAddress, MaxList+1)}}).Append(nil),
		"tickets":    (&KDCReq{Body: KDCReqBody{Realm: "R", Additional: tickets}}).Append(nil),
		"message":    APRep{EncryptedData{17, 0, make([]byte, MaxMessage)}}.Append(nil),
	} {
		if m, err := Parse(b); !errors.Is(err, wire.ErrLimit) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	if _, err := Parse([]byte{0x60, 0}); !errors.Is(err, wire.ErrUnknown) {
		t.Error(err)
	}
	if _, err := Parse(nil); !errors.Is(err, wire.ErrTruncated) {
		t.Error(err)
	}
}

func TestPrincipals(t *testing.T) {
	for _, c := range []struct {
		p    Principal
		want string
	}{
		{ann, "ann@HOME.EXAMPLE"}, {router, "mobileip/ar1.a.example@A.EXAMPLE"}, {Principal{TGS("B"), "A"}, "krbtgt/B@A"},
		{Principal{MakeName(`a/b@c\d`, "\n\t\b"), "R/S"}, `a\/b\@c\\d/\n\t\b@R\/S`}, {Principal{MakeName("", ""), "R"}, "/@R"},
	} {
		got, err := ParsePrincipal(c.want)
		if err != nil || c.p.String() != c.want || !got.Equal(c.p) || got.Name.Type != c.p.Name.Type {
			t.Errorf("%s: %q, %+v, %v", c.want, c.p.String(), got, err)
		}
	}
	for _, s := range []string{"", "ann", "ann@", "@R", "a@b@c", `ann@R\`, "a\x00@R", strings.Repeat("a/", MaxComponents) + "a@R", strings.Repeat("a", MaxString) + "@R"} {
		if p, err := ParsePrincipal(s); err == nil {
			t.Errorf("%q is %+v", s, p)
		}
	}
	if ann.Salt() != "HOME.EXAMPLEann" || router.Name.Service() != MobileIPService || TGS("X").TGSRealm() != "X" || ann.Name.Service()+ann.Name.TGSRealm()+router.Name.TGSRealm() != "" {
		t.Error("parts of names")
	}
}

func TestRelevant(t *testing.T) {
	inner := List{{ADMobileIPAttributes, MobileAttributes{TLVs: []byte("avp")}.Append(nil)}}
	l := List{{-1, nil}, List{inner.IfRelevant()}.IfRelevant(), {ADIfRelevant, []byte("garbage")}, {-2, nil}}
	if got := fmt.Sprint(l.Flat()); got != fmt.Sprint(List{{-1, nil}, inner[0], {-2, nil}}) {
		t.Error(got)
	}
	if a, ok := l.MobileAttributes(); !ok || string(a.TLVs) != "avp" {
		t.Error(a, ok)
	}
	if _, ok := some[1:].MobileAttributes(); ok {
		t.Error("attributes where there are none")
	}
	for range MaxRelevant {
		l = List{l.IfRelevant()}
	}
	if _, ok := l.MobileAttributes(); ok {
		t.Error("too deep, and found")
	}
}

// Attributes whose length, algorithm or signature is wrong.
func TestMobileAttributes(t *testing.T) { //spec RT-42
	for name, c := range map[string]struct { //order:any
		b     []byte
		cause error
	}{
		"length over": {[]byte{0, 5, 0, 1}, wire.ErrTruncated}, "length under": {[]byte{0, 3, 0, 1}, wire.ErrLength}, "length within header": {[]byte{0, 2, 0}, wire.ErrLength},
		"algorithm": {[]byte{0, 4, 3, 1}, wire.ErrUnknown}, "signature": {[]byte{0, 4, 1, 1}, wire.ErrTruncated}, "size": {append([]byte{0x10, 1, 0}, make([]byte, 4094)...), wire.ErrLimit},
	} {
		if v, err := ParseMobileAttributes(c.b); !errors.Is(err, c.cause) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a short signature is written")
		}
	}()
	MobileAttributes{Algorithm: SignEd25519}.Append(nil)
}

func TestFrames(t *testing.T) {
	stream := AppendFrame(AppendFrame(nil, []byte("one")), []byte("three"))
	for n := range stream {
		m, rest, err := NextFrame(stream[:n])
		if err != nil || (m != nil) != (n >= 7) || len(rest)+len(m) > n {
			t.Errorf("%d octets: %q, %q, %v", n, m, rest, err)
		}
	}
	m, rest, _ := NextFrame(stream)
	if m2, rest, err := NextFrame(rest); string(m) != "one" || string(m2) != "three" || len(rest) != 0 || err != nil {
		t.Error(m, m2, rest, err)
	}
	for _, b := range [][]byte{{0x80, 0, 0, 1}, {0, 1, 0, 1}, {0, 0, 0, 0}} {
		if m, _, err := NextFrame(b); err == nil {
			t.Errorf("%x: %x", b, m)
		}
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	k := EncryptionKey{20, Secret("0123456789abcdef")}
	for _, v := range []any{k, &k, Authenticator{Subkey: k}, []EncryptionKey{k}, EncKDCRepPart{Key: k}, KeytabEntry{Key: k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, "0123") || strings.Contains(s, "30313233") || strings.Contains(s, "48 49 50") {
				t.Errorf("%s of %T: %s", verb, v, s)
			}
		}
	}
}
