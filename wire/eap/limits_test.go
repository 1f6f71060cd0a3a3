package eap

import (
	"bytes"
	"errors"
	"testing"

	"roam6/wire"
)

// Each limit holds for what is at it, and not for what is one beyond.
func TestLimits(t *testing.T) {
	longest := Packet{Code: Request, ID: 1, Method: Identity, Data: make([]byte, MaxLen-HeaderLen-typeLen)}.Append([]byte("before"))[6:]
	if p, err := Parse(longest); len(longest) != MaxLen || err != nil || len(p.Data) != MaxLen-HeaderLen-typeLen {
		t.Errorf("%d octets: %v", len(longest), err)
	}
	id := bytes.Repeat([]byte("i"), MaxID)
	for _, m := range []GPSKMessage{
		&GPSK1{Server: id, Suites: []Suite{AES}},
		&GPSK2{Peer: id, Server: id, Suites: []Suite{AES}, Suite: AES, MAC: make([]byte, 16)},
		&GPSK3{Server: id, Suite: AES, MAC: make([]byte, 16)},
		&GPSK2{Peer: id[:1], Server: id[:1], Suites: []Suite{AES}, Suite: AES, MAC: make([]byte, 16)},
		&GPSK3{Server: id[:1], Suite: AES, MAC: make([]byte, 16)},
		&GPSK4{MAC: make([]byte, 32)},
	} {
		if _, err := ParseGPSK(m.Append(nil)); err != nil {
			t.Errorf("%T: %v", m, err)
		}
	}
	tooLong := append(bytes.Clone(id), 'i')
	for _, c := range []struct {
		m     GPSKMessage
		cause error
	}{
		{&GPSK1{Server: tooLong, Suites: []Suite{AES}}, wire.ErrLimit},
		{&GPSK2{Peer: tooLong, Server: id, Suites: []Suite{AES}, Suite: AES, MAC: make([]byte, 16)}, wire.ErrLimit},
		{&GPSK2{Peer: id, Server: tooLong, Suites: []Suite{AES}, Suite: AES, MAC: make([]byte, 16)}, wire.ErrLimit},
		{&GPSK3{Server: tooLong, Suite: AES, MAC: make([]byte, 16)}, wire.ErrLimit},
		{&GPSK1{Suites: []Suite{AES}}, wire.ErrLength},
		{&GPSK2{Server: id, Suites: []Suite{AES}, Suite: AES, MAC: make([]byte, 16)}, wire.ErrLength},
		{&GPSK2{Peer: id, Suites: []Suite{AES}, Suite: AES, MAC: make([]byte, 16)}, wire.ErrLength},
		{&GPSK3{Suite: AES, MAC: make([]byte, 16)}, wire.ErrLength},
	} {
		if m, err := ParseGPSK(c.m.Append(nil)); !errors.Is(err, c.cause) {
			t.Errorf("%T: %+v, %v", c.m, m, err)
		}
	}
	most := append([]byte{byte(OpFail), 0, 0, 0, 1}, make([]byte, maxData)...)
	var e *wire.Error
	if _, err := ParseGPSK(most[:maxData]); !errors.Is(err, wire.ErrLength) {
		t.Errorf("as long as may be: %v", err)
	}
	if _, err := ParseGPSK(most[:maxData+1]); !errors.Is(err, wire.ErrLimit) || !errors.As(err, &e) || e.Offset != maxData {
		t.Errorf("longer: %v", err)
	}
}

// A Nak may ask for MaxMethods; an error tells where the first one is that is too many, or what is wrong.
func TestNakAtItsLimits(t *testing.T) {
	for _, c := range []struct {
		expanded  bool
		size, off int
	}{{false, 1, HeaderLen + typeLen}, {true, wideLen, HeaderLen + wideLen}} {
		one := []byte{4}
		if c.expanded {
			one = MD5.appendExpanded(nil)
		}
		p := Packet{Code: Response, Method: Nak, Expanded: c.expanded, Data: bytes.Repeat(one, MaxMethods)}
		if list, err := ParseNak(p); err != nil || len(list) != MaxMethods || list[MaxMethods-1] != MD5 {
			t.Errorf("%d methods, %v", len(list), err)
		}
		var e *wire.Error
		p.Data = append(p.Data, one...)
		if _, err := ParseNak(p); !errors.Is(err, wire.ErrLimit) || !errors.As(err, &e) || e.Offset != c.off+MaxMethods*c.size {
			t.Errorf("%v", err)
		}
		p.Data = nil
		if _, err := ParseNak(p); !errors.Is(err, wire.ErrTruncated) || !errors.As(err, &e) || e.Offset != c.off {
			t.Errorf("%v", err)
		}
		p.Code = Request
		if _, err := ParseNak(p); !errors.Is(err, wire.ErrValue) || !errors.As(err, &e) || e.Offset != HeaderLen {
			t.Errorf("%v", err)
		}
	}
}

// A method of one octet is written in one: no vendor's, none beyond it, and not the one that announces others.
func TestFormOfMethods(t *testing.T) {
	for m, want := range map[Method]int{{Type: 4}: 1, {Type: 255}: 1, {Type: 256}: 8, {Type: expandedType}: 8, {Vendor: 1, Type: 4}: 8, {Vendor: maxVendor, Type: 4}: 8} { //order:any
		b := Packet{Code: Request, Method: m}.Append(nil)
		if p, err := Parse(b); len(b) != HeaderLen+want || err != nil || p.Method != m || p.Expanded != (want == 8) {
			t.Errorf("%v: %x, %+v, %v", m, b, p, err)
		}
	}
	for o, want := range map[Op]string{0: "OP-Code 0", OpGPSK1: "GPSK-1", OpGPSK4: "GPSK-4", OpFail: "GPSK-Fail", 7: "OP-Code 7"} { //order:any
		if o.String() != want {
			t.Errorf("%d: %s", uint8(o), o)
		}
	}
}
