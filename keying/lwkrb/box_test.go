package lwkrb

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// The vectors of the specification of XAES-256-GCM (C2SP), one for either value of the top bit in the subkey of CMAC.
func TestXAES(t *testing.T) {
	for _, c := range []struct {
		key      byte
		ad, want string
	}{
		{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		x := newBox(bytes.Repeat([]byte{c.key}, KeyLen))
		nonce := "ABCDEFGHIJKLMNOPQRSTUVWX"
		got := x.sealWith([]byte("head"), []byte(nonce), []byte(c.ad), []byte("XAES-256-GCM"))
		if hex.EncodeToString(got[4+NonceLen:]) != c.want || string(got[:4+NonceLen]) != "head"+nonce {
			t.Errorf("key %d: %q, want %s", c.key, got, c.want)
		}
		if plain, err := x.open([]byte(c.ad), got[4:], ErrTicket); err != nil || string(plain) != "XAES-256-GCM" {
			t.Errorf("key %d: opened %q, %v", c.key, plain, err)
		}
	}
}

// The same octets drawn again make the same of the same, and something under another nonce of anything else.
func TestNonceIsNotWhatWasDrawn(t *testing.T) {
	x, other := newBox(bytes.Repeat([]byte{1}, KeyLen)), newBox(bytes.Repeat([]byte{2}, KeyLen))
	drawn := [NonceLen]byte{1, 2, 3}
	first := x.seal(nil, drawn, []byte("ad"), []byte("plain"))
	if again := x.seal(nil, drawn, []byte("ad"), []byte("plain")); !bytes.Equal(first, again) {
		t.Errorf("%x, then %x", first, again)
	}
	for name, b := range map[string][]byte{ //order:any
		"plain": x.seal(nil, drawn, []byte("ad"), []byte("plaim")), "ad": x.seal(nil, drawn, []byte("aD"), []byte("plain")),
		"border": x.seal(nil, drawn, []byte("adp"), []byte("lain")), "key": other.seal(nil, drawn, []byte("ad"), []byte("plain")),
		"drawn": x.seal(nil, [NonceLen]byte{1, 2, 4}, []byte("ad"), []byte("plain")),
	} {
		if bytes.Equal(b[:NonceLen], first[:NonceLen]) || bytes.Equal(b[:NonceLen], drawn[:]) {
			t.Errorf("another %s, the same nonce %x", name, b[:NonceLen])
		}
	}
}

func TestEveryAlteredBitIsRefused(t *testing.T) {
	x := newBox(bytes.Repeat([]byte{7}, KeyLen))
	b := x.seal(nil, [NonceLen]byte{}, []byte("ad"), []byte("plain"))
	for i := range 8 * len(b) {
		bad := bytes.Clone(b)
		bad[i/8] ^= 1 << (i % 8)
		if got, err := x.open([]byte("ad"), bad, ErrTicket); err != ErrTicket || got != nil {
			t.Fatalf("bit %d altered: %x", i, got)
		}
	}
	for n := range b {
		if got, err := x.open([]byte("ad"), b[:n], ErrTicket); err != ErrTicket || got != nil {
			t.Errorf("cut at %d: %x", n, got)
		}
	}
	if _, err := x.open([]byte("aD"), b, ErrTicket); err == nil {
		t.Error("other additional data opens")
	}
}

// The examples of AES-256 in NIST SP 800-38B appendix D.3, however they are handed over.
func TestCMAC(t *testing.T) {
	x := newBox(bits(t, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"))
	m := bits(t, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	var sum [16]byte
	for _, c := range []struct {
		n    int
		want string
	}{
		{0, "028962f61b7bf89efc6b551f4667d983"}, {16, "28a7023f452e8f82bd4bf28d8c37c35c"},
		{40, "aaf3d8f1de5640c232f5b169b9c911e6"}, {64, "e1992190549f6ed5696a2c056c315410"},
	} {
		for cut := range c.n + 1 {
			head := min(cut, 4)
			if x.cmac(&sum, m[:head], m[head:cut], nil, m[cut:c.n]); hex.EncodeToString(sum[:]) != c.want {
				t.Errorf("%d octets cut at %d: %x, want %s", c.n, cut, sum, c.want)
			}
		}
	}
}

// A derived key is the MACs one behind the other; label and each octet of context matter.
func TestDerive(t *testing.T) {
	x := newBox(bytes.Repeat([]byte{1}, KeyLen))
	out := make([]byte, ESPKeyLen)
	x.derive(out, 'P', []byte("a"), []byte("bc"))
	var sum [16]byte
	var want []byte
	for i := byte(1); i <= 3; i++ {
		x.cmac(&sum, nil, []byte{0, i, 'P', 0}, []byte("abc"))
		want = append(want, sum[:]...)
	}
	if !bytes.Equal(out, want[:ESPKeyLen]) {
		t.Errorf("%x, want %x", out, want)
	}
	k := x.key('P', []byte("abc"))
	if !bytes.Equal(k[:], out[:KeyLen]) || x.key('H', []byte("abc")) == k || x.key('P', []byte("abd")) == k {
		t.Error("label or context do not matter")
	}
}

func bits(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
