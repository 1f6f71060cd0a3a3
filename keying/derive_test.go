package keying

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
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

// MAC is HMAC, whatever the message's length and wherever it is cut: RFC 4231 §4.2, and crypto/hmac for the others.
func TestMAC(t *testing.T) {
	key := [sha256.Size]byte(append(bytes.Repeat([]byte{0x0b}, 20), make([]byte, 12)...))
	got := MAC(&key, []byte("Hi "), nil, []byte("There"))
	if want := "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"; hex.EncodeToString(got[:]) != want {
		t.Errorf("got %x, want %s", got, want)
	}
	message := bytes.Repeat([]byte("0123456789abcde"), 60)
	for n := range len(message) {
		h := hmac.New(sha256.New, key[:])
		h.Write(message[:n])
		if got := MAC(&key, message[:n/3], message[n/3:n]); !bytes.Equal(got[:], h.Sum(nil)) {
			t.Fatalf("another sum than crypto/hmac's for %d octets", n)
		}
	}
}

// Derive is HKDF as crypto/hkdf has it, for every size of a few blocks, and in the last block.
func TestDeriveIsHKDF(t *testing.T) {
	secret, long := bytes.Repeat([]byte{7}, 24), string(bytes.Repeat([]byte("mn"), 150))
	info := "roam6 v1\x00\x00\x00\x01l\x00\x00\x01\x2c" + long + "\x00\x00\x00\x02ha"
	for size := 1; size <= MaxDerived; size++ {
		if size == 100 {
			size = MaxDerived - 1
		}
		want, err := hkdf.Key(sha256.New, secret, nil, info, size)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Derive(secret, "l", long, "ha", size); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d octets: %x, want %x: %v", size, got, want, err)
		}
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

// Keys are derived for each registration: only what is given back is allocated.
func TestDeriveAllocates(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 32)
	if n := testing.AllocsPerRun(100, func() { Derive(secret, "aaa mn authentication", "nai:mn@home.example", "a.example", 36) }); n > 1 {
		t.Errorf("%v allocations; want 1", n)
	}
}

func BenchmarkDerive(b *testing.B) {
	secret := bytes.Repeat([]byte{7}, 32)
	b.ReportAllocs()
	for b.Loop() {
		Derive(secret, "aaa mn authentication", "nai:mn@home.example", "a.example", 32)
	}
}
