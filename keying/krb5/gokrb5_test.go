package krb5

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"pgregory.net/rapid"
)

// A second implementation opens what this one encrypts, and the other way; checksums and keys of passwords agree.
func TestGokrb5(t *testing.T) {
	for _, k := range everyKey(t) {
		other, err := crypto.GetEtype(int32(k.EType()))
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			plain := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "plain")
			u := rapid.Uint32Range(1, 60).Draw(t, "usage")
			octets := rapid.SliceOfN(rapid.Byte(), k.EType().KeyLen(), k.EType().KeyLen()).Draw(t, "key")
			k, err := NewKey(k.EType(), octets)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := other.DecryptMessage(octets, k.Encrypt(nil, Usage(u), confounder, plain), u); err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%v: theirs of ours: %x, %v, want %x", k.EType(), got, err, plain)
			}
			_, sealed, err := other.EncryptMessage(octets, plain, u)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := k.Decrypt(nil, Usage(u), sealed); err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%v: ours of theirs: %x, %v, want %x", k.EType(), got, err, plain)
			}
			sum, err := other.GetChecksumHash(octets, plain, u)
			if err != nil || !k.Verify(Usage(u), other.GetHashID(), sum, plain) {
				t.Fatalf("%v: checksum %x, %v", k.EType(), sum, err)
			}
		})
		params := []byte{0, 0, 1, 7}
		key, err := other.StringToKey("päss wörd", "HOME.EXAMPLEann", hex.EncodeToString(params))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := StringToKey(k.EType(), "päss wörd", "HOME.EXAMPLEann", params); err != nil || !bytes.Equal(got.Octets(), key) {
			t.Errorf("%v: %x, %v, want %x", k.EType(), got.Octets(), err, key)
		}
	}
}

func BenchmarkGokrb5Encrypt200(b *testing.B) {
	plain := make([]byte, 200)
	for _, k := range everyKey(b) {
		other, err := crypto.GetEtype(int32(k.EType()))
		if err != nil {
			b.Fatal(err)
		}
		octets := k.Octets()
		b.Run(k.EType().String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				other.EncryptMessage(octets, plain, 2)
			}
		})
	}
}
