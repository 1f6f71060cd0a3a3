package krb5

import (
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func everyKey(t testing.TB) (all []Key) {
	t.Helper()
	for i, e := range ETypes() {
		k, err := NewKey(e, bytes.Repeat([]byte{byte(0x41 + i)}, e.KeyLen()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	return all
}

var confounder = []byte("0123456789abcdef")

// What is encrypted comes back under the same key and usage, and no other.
func TestEncryption(t *testing.T) {
	for _, k := range everyKey(t) {
		rapid.Check(t, func(t *rapid.T) {
			plain := rapid.SliceOfN(rapid.Byte(), 0, 500).Draw(t, "plain")
			u := Usage(rapid.IntRange(1, 60).Draw(t, "usage"))
			b := k.Encrypt([]byte("head"), u, confounder, plain)[4:]
			if len(b) != len(plain)+k.EType().Overhead() {
				t.Fatalf("%d octets of %d", len(b), len(plain))
			}
			kept := bytes.Clone(b)
			got, err := k.Decrypt([]byte("tail"), u, b)
			if err != nil || string(got) != "tail"+string(plain) || !bytes.Equal(b, kept) {
				t.Fatalf("%v: %x is %x, %v", k.EType(), plain, got, err)
			}
			if got, err := k.Decrypt(nil, u+1, b); err != ErrIntegrity {
				t.Fatalf("another usage: %x, %v", got, err)
			}
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			if got, err := k.Decrypt(nil, u, b); err != ErrIntegrity {
				t.Fatalf("altered: %x, %v", got, err)
			}
		})
		b := k.Encrypt(nil, 1, confounder, nil)
		for n := range b {
			if got, err := k.Decrypt(nil, 1, b[:n]); err == nil || (n < len(b)-ConfounderLen) && err != ErrShort && n < ConfounderLen+k.EType().ChecksumLen() && err != ErrShort {
				t.Errorf("%v cut at %d: %x, %v", k.EType(), n, got, err)
			}
		}
	}
}

func TestChecksums(t *testing.T) {
	for _, k := range everyKey(t) {
		e := k.EType()
		sum := k.Checksum([]byte("x"), 6, []byte("some "), []byte("data"))[1:]
		if len(sum) != e.ChecksumLen() || !k.Verify(6, e.Checksum(), sum, []byte("some data")) {
			t.Errorf("%v: %x", e, sum)
		}
		if k.Verify(7, e.Checksum(), sum, []byte("some data")) || k.Verify(6, e.Checksum(), sum, []byte("some date")) || k.Verify(6, e.Checksum()+1, sum, []byte("some data")) ||
			k.Verify(6, e.Checksum(), sum[:4], []byte("some data")) || k.Verify(6, e.Checksum(), nil, []byte("some data")) {
			t.Errorf("%v: a wrong checksum passes", e)
		}
	}
}

// Keys that are kept are those that are derived anew, also when there are more usages than are kept.
func TestKeptKeys(t *testing.T) {
	for _, k := range everyKey(t) {
		for range 2 {
			for u := Usage(1); u < 3*maxDerived; u++ {
				fresh := k.Clone()
				if b := k.Encrypt(nil, u, confounder, []byte("x")); !bytes.Equal(b, fresh.Encrypt(nil, u, confounder, []byte("x"))) {
					t.Fatalf("%v, usage %d", k.EType(), u)
				}
				if len(k.k().use) > maxDerived {
					t.Fatalf("%d usages are kept", len(k.k().use))
				}
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, f := range map[string]func() error{ //order:any
		"etype":      func() error { _, err := NewKey(16, make([]byte, 24)); return err },
		"key length": func() error { _, err := NewKey(AES128SHA1, make([]byte, 17)); return err },
		"s2k etype":  func() error { _, err := StringToKey(23, "p", "s", nil); return err },
		"s2k params": func() error { _, err := StringToKey(AES128SHA1, "p", "s", []byte{1, 2, 3}); return err },
		"s2k 2^32":   func() error { _, err := StringToKey(AES128SHA1, "p", "s", make([]byte, 4)); return err },
		"s2k many":   func() error { _, err := StringToKey(AES128SHA1, "p", "s", []byte{1, 0, 0, 0}); return err },
		"pkinit":     func() error { _, err := PKINITKey(1, nil); return err },
		"agile":      func() error { _, err := PKINITKeyAgile(AES128SHA1, 5, nil, nil); return err },
	} {
		if err := f(); err == nil || !strings.HasPrefix(err.Error(), "krb5: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	k := everyKey(t)[0]
	for name, f := range map[string]func(){ //order:any
		"confounder": func() { k.Encrypt(nil, 1, nil, nil) }, "prf": func() { k.PRFPlus(nil, MaxPRFPlus*48+1) }, "no key": func() { Key{}.Checksum(nil, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is taken", name)
				}
			}()
			f()
		}()
	}
	if e := EType(23); e.KeyLen()+e.Overhead()+e.ChecksumLen()+e.PRFLen() != 0 || e.Checksum() != 0 || e.Known() || e.String() != "etype 23" || KDF(0).Known() {
		t.Error("an unknown type has sizes")
	}
	for _, e := range ETypes() {
		if e.Overhead() > MaxOverhead || e.KeyLen() > MaxKeyLen {
			t.Error(e)
		}
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	k, err := NewKey(AES128SHA1, confounder)
	if err != nil {
		t.Fatal(err)
	}
	k.Encrypt(nil, 1, confounder, nil)
	for _, v := range []any{k, &k, struct{ k Key }{k}, []Key{k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, "0123") || strings.Contains(s, "30313233") || strings.Contains(s, "48 49 50") {
				t.Errorf("%s of %T: %s", verb, v, s)
			}
		}
	}
	if b, err := json.Marshal(k); err != nil || string(b) != `"[key]"` {
		t.Errorf("%s, %v", b, err)
	}
}

func TestEraseAndEqual(t *testing.T) {
	k := everyKey(t)[0]
	c := k.Clone()
	if !k.Equal(c) || k.Equal(everyKey(t)[1]) || k.Equal(Key{}) || (Key{}).Equal(Key{}) || (Key{}).EType() != 0 {
		t.Error("Equal")
	}
	k.Octets()[0]++
	k.Erase()
	Key{}.Erase()
	if !bytes.Equal(k.Octets(), make([]byte, 32)) || c.Equal(k) || k.k().use != nil || (Key{}).Valid() {
		t.Error("still there")
	}
}

func FuzzDecrypt(f *testing.F) {
	all := everyKey(f)
	for i, k := range all {
		f.Add(append([]byte{byte(i)}, k.Encrypt(nil, 2, confounder, []byte("some text"))...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		k := all[int(b[0])%len(all)]
		plain, err := k.Decrypt(nil, 2, b[1:])
		if err != nil {
			return
		}
		if again, err := k.Decrypt(nil, 2, b[1:]); err != nil || !bytes.Equal(plain, again) || len(plain)+k.EType().Overhead() != len(b)-1 {
			t.Fatalf("%x, %v", again, err)
		}
	})
}

// With the keys of a usage derived, an encryption takes its output and nothing more.
func TestAllocations(t *testing.T) {
	plain, out := make([]byte, 200), make([]byte, 0, 512)
	for _, k := range everyKey(t) {
		b := k.Encrypt(nil, 2, confounder, plain)
		k.Checksum(nil, 6, plain)
		for name, c := range map[string]struct { //order:any
			most float64
			f    func()
		}{
			"Verify":  {0, func() { k.Verify(6, k.EType().Checksum(), confounder, plain) }},
			"Encrypt": {0, func() { k.Encrypt(out, 2, confounder, plain) }}, "Decrypt": {0, func() { k.Decrypt(out, 2, b) }}, "Checksum": {0, func() { k.Checksum(out, 6, plain) }},
		} {
			if n := testing.AllocsPerRun(100, c.f); n > c.most {
				t.Errorf("%v: %s allocates %v times, at most %v", k.EType(), name, n, c.most)
			}
		}
	}
}

func BenchmarkEncrypt200(b *testing.B) {
	plain, out := make([]byte, 200), make([]byte, 0, 512)
	for _, k := range everyKey(b) {
		b.Run(k.EType().String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.Encrypt(out, 2, confounder, plain)
			}
		})
	}
}

// BenchmarkRaw200 is what cannot be spared of an encryption: CBC and HMAC as the standard library has them.
func BenchmarkRaw200(b *testing.B) {
	buf := make([]byte, 208+16)
	block := cipherOf(make([]byte, 32))
	h := hmac.New(sha512.New384, make([]byte, 24))
	b.ReportAllocs()
	for b.Loop() {
		cipher.NewCBCEncrypter(block, noIV[:]).CryptBlocks(buf, buf)
		h.Reset()
		h.Write(buf)
		h.Sum(buf[:0])
	}
}

func BenchmarkFreshKeyDecrypt200(b *testing.B) {
	for _, k := range everyKey(b) {
		sealed := k.Encrypt(nil, 2, confounder, make([]byte, 200))
		octets, out := k.Octets(), make([]byte, 0, 512)
		b.Run(k.EType().String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k, _ := NewKey(k.EType(), octets)
				k.Decrypt(out, 2, sealed)
			}
		})
	}
}
