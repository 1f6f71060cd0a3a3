package octets

import (
	"bytes"
	"testing"
)

func TestOf(t *testing.T) {
	got := Of("01 0203\t # 04 is a comment\n\n0a  0b#\n# ff\n\tC0")
	if want := []byte{1, 2, 3, 10, 11, 0xc0}; !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	for _, bad := range []string{"1", "01 zz", "01, 02"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q is read", bad)
				}
			}()
			Of(bad)
		}()
	}
}

func TestRamp(t *testing.T) {
	if got := Ramp(0xfe, 3); !bytes.Equal(got, []byte{0xfe, 0xff, 0}) {
		t.Errorf("%x", got)
	}
}
