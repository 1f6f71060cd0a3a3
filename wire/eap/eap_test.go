package eap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"roam6/wire"
)

func TestGoldens(t *testing.T) {
	for _, g := range goldens {
		b := g.octets()
		want := g.packet
		if g.gpsk != nil {
			want.Data = g.gpsk.Append(nil)
		}
		got, err := Parse(append(slices.Clone(b), "padding"...))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", g.name, err, got, want)
			continue
		}
		if out := got.Append([]byte("before")); !bytes.Equal(out, append([]byte("before"), b...)) {
			t.Errorf("%s: written\n     %x\nwant %x", g.name, out[6:], b)
		}
		if g.gpsk == nil {
			continue
		}
		data := slices.Clone(got.Data)
		m, err := ParseGPSK(data)
		clear(data)
		if err != nil || !reflect.DeepEqual(m, g.gpsk) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", g.name, err, m, g.gpsk)
		} else if m.Op() != Op(got.Data[0]) || !bytes.HasPrefix(got.Data[1:], m.Covered()) {
			t.Errorf("%s: OP-Code %v, the MAC covers %x of %x", g.name, m.Op(), m.Covered(), got.Data[1:])
		}
	}
}

func TestEveryCut(t *testing.T) {
	for _, g := range goldens {
		b := g.octets()
		for n := range b {
			p, err := Parse(b[:n])
			if !errors.Is(err, wire.ErrTruncated) || !reflect.DeepEqual(p, Packet{}) {
				t.Errorf("%s cut at %d: %+v, %v", g.name, n, p, err)
			}
		}
		if g.gpsk == nil {
			continue
		}
		data := g.gpsk.Append(nil)
		for n := range data {
			m, err := ParseGPSK(data[:n])
			if err == nil && n != len(data)-16 { // the MAC of the other suite
				t.Errorf("%s cut at %d of %d: %+v", g.name, n, len(data), m)
			}
			if err != nil && (m != nil || !errors.Is(err, wire.ErrTruncated) && !errors.Is(err, wire.ErrLength)) {
				t.Errorf("%s cut at %d: %+v, %v", g.name, n, m, err)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		b     string
		cause error
		where string
	}{
		{"\x00\x01\x00\x04", wire.ErrUnknown, "Code at octet 0"},
		{"\x05\x01\x00\x04", wire.ErrUnknown, "Code at octet 0"},
		{"\x01\x01\x00\x03\x01", wire.ErrLength, "Length at octet 2"},
		{"\x01\x01\x00\x06\x01", wire.ErrTruncated, "Length at octet 2"},
		{"\x03\x01\x00\x05\x01", wire.ErrLength, "Length at octet 2"},
		{"\x02\x01\x00\x04\x01", wire.ErrTruncated, "Type at octet 4"},
		{"\x02\x01\x00\x05\x00", wire.ErrValue, "Type at octet 4"},
		{"\x02\x01\x00\x0b\xfe\x00\x00\x00\x00\x00\x00", wire.ErrTruncated, "Vendor-Type at octet 11"},
		{"\x02\x01\x00\x0c\xfe\x00\x00\x00\x00\x00\x00\x00", wire.ErrValue, "Vendor-Type at octet 8"},
		{"\x02\x01\x10\x01\x01" + strings.Repeat("x", MaxLen), wire.ErrLimit, "Length at octet 2"},
	} {
		p, err := Parse([]byte(c.b))
		if !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.where) || !reflect.DeepEqual(p, Packet{}) {
			t.Errorf("%x: %+v, %v, want %v at %s", c.b, p, err, c.cause, c.where)
		}
	}
}

// change gives the data of a golden, changed.
func change(t *testing.T, name string, f func(b []byte) []byte) []byte {
	t.Helper()
	for _, g := range goldens {
		if g.name == name {
			return f(g.gpsk.Append(nil))
		}
	}
	t.Fatalf("no golden %q", name)
	return nil
}

func set16(at int, v uint16) func([]byte) []byte {
	return func(b []byte) []byte { binary.BigEndian.PutUint16(b[at:], v); return b }
}

func TestParseGPSKRefuses(t *testing.T) {
	more := func(b []byte) []byte { return append(b, 0) }
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
		cause  error
		where  string
	}{
		{"GPSK-1", func(b []byte) []byte { b[0] = 0; return b }, wire.ErrUnknown, "OP-Code at octet 0"},
		{"GPSK-1", func(b []byte) []byte { b[0] = 7; return b }, wire.ErrUnknown, "OP-Code at octet 0"},
		{"GPSK-1", more, wire.ErrLength, "Payload at octet 51"},
		{"GPSK-1", set16(1, 0), wire.ErrLength, "length(ID_Server) at octet 1"},
		{"GPSK-1", set16(1, 255), wire.ErrLimit, "length(ID_Server) at octet 1"},
		{"GPSK-1", set16(37, 0), wire.ErrLength, "length(CSuite_List) at octet 37"},
		{"GPSK-1", set16(37, 11), wire.ErrLength, "length(CSuite_List) at octet 37"},
		{"GPSK-1", set16(37, 6*MaxSuites+1), wire.ErrLimit, "length(CSuite_List) at octet 37"},
		{"GPSK-1", func([]byte) []byte { return make([]byte, maxData+1) }, wire.ErrLimit, "OP-Code at octet"},
		{"GPSK-2", set16(1, 0), wire.ErrLength, "length(ID_Peer) at octet 1"},
		{"GPSK-2", set16(93, 3), wire.ErrUnknown, "CSuite_Sel at octet 89"},
		{"GPSK-2", set16(95, 11), wire.ErrTruncated, "MAC at octet 108"},
		{"GPSK-2", more, wire.ErrLength, "Payload at octet 139"},
		{"GPSK-3", set16(73, 3), wire.ErrUnknown, "CSuite_Sel at octet 69"},
		{"GPSK-3", set16(73, 2), wire.ErrTruncated, "MAC at octet 77"}, // the other suite's MAC is longer
		{"GPSK-3", more, wire.ErrLength, "Payload at octet 93"},
		{"GPSK-4", more, wire.ErrLength, "Payload at octet 35"},
		{"GPSK-4", set16(1, 0xffff), wire.ErrLimit, "length(PD_Payload_Block) at octet 1"},
		{"GPSK-Fail", set16(3, 0), wire.ErrValue, "Failure-Code at octet 1"},
		{"GPSK-Fail", more, wire.ErrLength, "Payload at octet 5"},
	} {
		m, err := ParseGPSK(change(t, c.name, c.change))
		if m != nil || !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.where) {
			t.Errorf("%s, %s: %+v, %v, want %v", c.name, c.where, m, err, c.cause)
		}
	}
}

func TestNak(t *testing.T) {
	wide := Packet{Code: Request, ID: 9, Method: Method{20, 6}, Expanded: true}
	short := Packet{Code: Request, ID: 9, Method: MD5}
	for _, c := range []struct {
		to   Packet
		want []Method
		got  []Method
	}{
		{short, nil, []Method{None}},
		{short, []Method{GPSK, TLS}, []Method{GPSK, TLS}},
		{short, []Method{{20, 7}}, []Method{{0, 254}}},
		{wide, nil, []Method{None}},
		{wide, []Method{GPSK, {20, 7}}, []Method{GPSK, {20, 7}}},
	} {
		p, err := Parse(c.to.Refuse(c.want...).Append(nil))
		if err != nil || p.Expanded != c.to.Expanded || p.ID != 9 || p.Code != Response {
			t.Errorf("%v: %+v, %v", c.want, p, err)
			continue
		}
		if got, err := ParseNak(p); err != nil || !slices.Equal(got, c.got) {
			t.Errorf("%v: %v, %v, want %v", c.want, got, err, c.got)
		}
	}
	for name, p := range map[string]Packet{ //order:any
		"a request":  {Code: Request, Method: Nak, Data: []byte{51}},
		"another":    {Code: Response, Method: GPSK, Data: []byte{51}},
		"empty":      {Code: Response, Method: Nak},
		"not whole":  {Code: Response, Method: Nak, Expanded: true, Data: []byte{254, 0, 0, 0, 0, 0, 0}},
		"not wide":   {Code: Response, Method: Nak, Expanded: true, Data: make([]byte, 8)},
		"too many":   {Code: Response, Method: Nak, Data: make([]byte, MaxMethods+1)},
		"too many 2": {Code: Response, Method: Nak, Expanded: true, Data: make([]byte, 8*(MaxMethods+1))},
	} {
		if list, err := ParseNak(p); err == nil || list != nil {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
}

func TestPayloads(t *testing.T) {
	list := []Payload{{Vendor: 0, Specifier: 1}, {Vendor: 1 << 31, Specifier: 9, Data: []byte("data")}}
	b := AppendPayloads(nil, list...)
	if want := "\x00\x00\x00\x00\x00\x01\x00\x00\x80\x00\x00\x00\x00\x09\x00\x04data"; string(b) != want {
		t.Errorf("%x, want %x", b, want)
	}
	if got, err := ParsePayloads(b); err != nil || !reflect.DeepEqual(got, list) {
		t.Errorf("%+v, %v", got, err)
	}
	for n := 1; n < len(b); n++ {
		if got, err := ParsePayloads(b[:n]); n != payloadLen && !errors.Is(err, wire.ErrTruncated) {
			t.Errorf("cut at %d: %+v, %v", n, got, err)
		}
	}
	if _, err := ParsePayloads(make([]byte, payloadLen)); !errors.Is(err, wire.ErrValue) {
		t.Errorf("a reserved payload: %v", err)
	}
	if _, err := ParsePayloads(AppendPayloads(nil, slices.Repeat(list[:1], MaxPayloads+1)...)); !errors.Is(err, wire.ErrLimit) {
		t.Errorf("too many payloads: %v", err)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{Request.String(), "Request"}, {Response.String(), "Response"}, {Success.String(), "Success"}, {Failure.String(), "Failure"},
		{Code(9).String(), "code 9"}, {Identity.String(), "Identity"}, {Notification.String(), "Notification"}, {Nak.String(), "Nak"},
		{MD5.String(), "MD5-Challenge"}, {TLS.String(), "EAP-TLS"}, {GPSK.String(), "EAP-GPSK"}, {Method{0, 99}.String(), "type 99"},
		{Method{20, 6}.String(), "type 6 of vendor 20"}, {OpGPSK3.String(), "GPSK-3"}, {OpFail.String(), "GPSK-Fail"},
		{OpProtectedFail.String(), "GPSK-Protected-Fail"}, {Op(9).String(), "OP-Code 9"}, {AES.String(), "AES-CMAC-128 with AES-CBC-128"},
		{SHA256.String(), "HMAC-SHA256"}, {Suite{1, 2}.String(), "suite 2 of vendor 1"}, {PSKNotFound.String(), "PSK Not Found"},
		{AuthenticationFailure.String(), "Authentication Failure"}, {AuthorizationFailure.String(), "Authorization Failure"},
		{FailureCode(7).String(), "failure 7"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// What cannot be written is the caller's mistake, and is found at once.
func TestAppendPanics(t *testing.T) {
	for name, p := range map[string]Packet{ //order:any
		"too long": {Code: Request, Method: GPSK, Data: make([]byte, MaxLen)},
		"vendor":   {Code: Request, Method: Method{1 << 24, 1}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: written", name)
				}
			}()
			p.Append(nil)
		}()
	}
}
