package keying

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// The function below Derive is RFC 5869's: appendix A.3 (no salt, no info).
func TestHKDF(t *testing.T) {
	got, err := hkdf.Key(sha256.New, bytes.Repeat([]byte{0x0b}, 22), nil, "", 42)
	if err != nil {
		t.Fatal(err)
	}
	const want = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
	if hex.EncodeToString(got) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

// Keys in use must not change with a new version of this code.
func TestDeriveGolden(t *testing.T) {
	got, err := Derive(bytes.Repeat([]byte{7}, 32), "esp mn to ha", "mn1@home.example", "ha1@home.example", 20)
	if err != nil {
		t.Fatal(err)
	}
	const want = "88a43b0608070ed40cf3162926ba513afa2eda20"
	if hex.EncodeToString(got) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

func TestDeriveSeparates(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 32)
	seen := map[string][3]string{}
	for _, a := range [][3]string{
		{"l", "mn", "ha"}, {"l", "ha", "mn"}, {"lm", "n", "ha"}, {"l", "mnh", "a"}, {"", "lmn", "ha"}, {"l2", "mn", "ha"},
	} {
		k, err := Derive(secret, a[0], a[1], a[2], 32)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[string(k)]; ok {
			t.Errorf("%q and %q give the same key", a, other)
		}
		seen[string(k)] = a
	}
}

func TestDeriveRefusesSizes(t *testing.T) {
	if _, err := Derive(make([]byte, MinSecret-1), "l", "a", "b", 16); err == nil {
		t.Error("a short secret was taken")
	}
	for _, size := range []int{-1, 0, MaxDerived + 1} {
		if _, err := Derive(make([]byte, MinSecret), "l", "a", "b", size); err == nil {
			t.Errorf("size %d was taken", size)
		}
	}
}
