package esp

import (
	"bytes"
	"errors"
	"testing"

	"roam6/wire"
)

func packet() []byte {
	b := bytes.Repeat([]byte{0xaa}, MinLen)
	copy(b, []byte{0, 0, 0x10, 1, 0, 0, 0, 7})
	return b
}

func TestPeek(t *testing.T) { //spec MIP-02
	spi, seq, err := Peek(packet())
	if err != nil || spi != 0x1001 || seq != 7 {
		t.Fatalf("Peek = %#x, %d, %v; want 0x1001, 7", spi, seq, err)
	}
}

func TestPeekRefusesEveryCut(t *testing.T) {
	b := packet()
	for n := range b {
		_, _, err := Peek(b[:n])
		var e *wire.Error
		if !errors.Is(err, wire.ErrTruncated) || !errors.As(err, &e) || e.Offset != n {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

func TestPeekRefusesSPIZero(t *testing.T) {
	b := packet()
	copy(b, []byte{0, 0, 0, 0})
	if _, _, err := Peek(b); !errors.Is(err, wire.ErrValue) {
		t.Errorf("SPI 0: %v, want %v", err, wire.ErrValue)
	}
}

func FuzzPeek(f *testing.F) {
	f.Add(packet())
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, err := Peek(b); (err == nil) != (len(b) >= MinLen && !bytes.HasPrefix(b, []byte{0, 0, 0, 0})) {
			t.Errorf("Peek of %d octets: %v", len(b), err)
		}
	})
}
