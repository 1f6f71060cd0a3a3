package ah

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"roam6/wire"
)

// RFC 4302 §2, with an ICV of 16 octets and the 4 that pad the header to 32.
var golden = slices.Concat(
	[]byte{58, 6, 0, 0},         // Next Header ICMPv6, Payload Len: 8 words less 2, RESERVED
	[]byte{0, 0, 0x10, 1},       // SPI
	[]byte{0, 0, 0, 7},          // Sequence Number
	bytes.Repeat([]byte{9}, 16), // ICV
	make([]byte, 4),             // padding
)

var header = Header{Next: 58, SPI: 0x1001, Seq: 7, ICV: golden[12:]}

func TestGolden(t *testing.T) { //spec FH-05 FH-06 RT-32
	for _, icv := range [][]byte{golden[12:28], golden[12:]} {
		h := header
		h.ICV = icv
		if got := h.Append([]byte("x"))[1:]; !bytes.Equal(got, golden) {
			t.Errorf("%x", got)
		}
	}
	got, rest, err := Parse(append(slices.Clone(golden), "payload"...))
	if err != nil || !reflect.DeepEqual(got, header) || string(rest) != "payload" {
		t.Errorf("%+v, %q, %v", got, rest, err)
	}
	for icv, want := range map[int]int{0: 16, 4: 16, 12: 24, 16: 32, 20: 32, 32: 48} { //order:any
		if got := Len(icv); got != want {
			t.Errorf("with %d octets of ICV: %d, want %d", icv, got, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		at    int
		to    byte
		field string
		cause error
	}{
		{1, 0, "Payload Len", wire.ErrLength},
		{1, 1, "Payload Len", wire.ErrLength}, // 12 octets: no multiple of 8
		{1, 5, "Payload Len", wire.ErrLength},
		{1, 8, "Payload Len", wire.ErrTruncated},
		{1, 254, "Payload Len", wire.ErrTruncated},
	} {
		b := slices.Clone(golden)
		b[c.at] = c.to
		_, _, err := Parse(b)
		var e *wire.Error
		if !errors.As(err, &e) || e.Field != c.field || !errors.Is(err, c.cause) {
			t.Errorf("%d at %d: %v", c.to, c.at, err)
		}
	}
	zero := slices.Clone(golden)
	clear(zero[4:8])
	if _, _, err := Parse(zero); !errors.Is(err, wire.ErrValue) {
		t.Errorf("SPI 0: %v", err)
	}
	for n := range golden {
		if h, rest, err := Parse(golden[:n]); !errors.Is(err, wire.ErrTruncated) || rest != nil || h.ICV != nil {
			t.Errorf("cut at %d: %+v, %v", n, h, err)
		}
	}
}

func TestTooLongAnICV(t *testing.T) {
	h := Header{SPI: 256, ICV: make([]byte, 1012)}
	if b := h.Append(nil); len(b) != 1024 {
		t.Fatalf("%d octets", len(b))
	}
	defer func() {
		if recover() == nil {
			t.Error("written")
		}
	}()
	h.ICV = make([]byte, 1013)
	h.Append(nil)
}

func TestAny(t *testing.T) { //spec FH-05 RT-32
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.IntRange(0, 100).Draw(t, "units")
		h := Header{Next: rapid.Byte().Draw(t, "next"), SPI: rapid.Uint32Min(1).Draw(t, "spi"), Seq: rapid.Uint32().Draw(t, "seq"),
			ICV: rapid.SliceOfN(rapid.Byte(), 4+8*units, 4+8*units).Draw(t, "icv")}
		rest := rapid.SliceOf(rapid.Byte()).Draw(t, "rest")
		got, behind, err := Parse(append(h.Append(nil), rest...))
		if err != nil || !reflect.DeepEqual(got, h) || !bytes.Equal(behind, rest) {
			t.Fatalf("%+v, %x, %v", got, behind, err)
		}
	})
}

// FuzzParse: what is accepted is written as it was, but for RESERVED.
func FuzzParse(f *testing.F) {
	f.Add(golden)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, rest, err := Parse(b)
		if err != nil {
			return
		}
		want := slices.Clone(b)
		want[2], want[3] = 0, 0
		if out := append(h.Append(nil), rest...); !bytes.Equal(out, want) {
			t.Fatalf("%x became %x", b, out)
		}
	})
}
