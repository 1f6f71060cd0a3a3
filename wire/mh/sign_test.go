package mh_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/mh"
)

// mnha is the MAC of RFC 4285 §5.1: HMAC_SHA1(key, care-of address | home address | MH Data).
func mnha(key []byte) func([]byte) []byte {
	return func(covered []byte) []byte {
		m := hmac.New(sha1.New, key)
		m.Write(coa.AsSlice())
		m.Write(home.AsSlice())
		m.Write(covered)
		return m.Sum(nil)
	}
}

// spec MIP-03
func TestAppendSigned(t *testing.T) {
	key := []byte("0123456789abcdef")
	bu := &mh.BindingUpdate{Seq: 11, Ack: true, Home: true, Lifetime: 420 * time.Second, Options: mh.Options{
		NAI: "mn@home.example", Auth: &mh.Auth{Subtype: mh.AuthMNHA, SPI: 256}}}
	var seen []byte
	b := mh.AppendSigned([]byte{9}, home, ha, bu, func(c []byte) []byte { seen = bytes.Clone(c); return mnha(key)(c) })[1:]
	// Worked out apart from this package: the octets up to the SPI, checksum zero, behind the two addresses.
	want, _ := hex.DecodeString("3b060500" + "0000000b" + "c0000069" + "0810016d6e40686f6d652e6578616d706c65" +
		"01050000000000" + "09110100000100")
	if !bytes.Equal(seen, want) {
		t.Fatalf("covered\n got %x\nwant %x", seen, want)
	}
	if len(bu.Options.Auth.Data) != 0 {
		t.Fatal("the message was changed")
	}
	m, err := mh.Parse(home, ha, b)
	if err != nil {
		t.Fatal(err)
	}
	covered, auth, err := mh.Covered(b)
	if err != nil || !bytes.Equal(covered, want) {
		t.Fatalf("covered on receipt %x, %v", covered, err)
	}
	if sum := mnha(key)(covered)[:mh.AuthLen]; !bytes.Equal(auth, sum) || !bytes.Equal(m.Opts().Auth.Data, sum) {
		t.Fatalf("authenticator %x, want %x", auth, sum)
	}
	// Any change of a covered octet shows, but for the checksum.
	for i := range len(covered) {
		bad := bytes.Clone(b)
		bad[i] ^= 0x10
		c, a, err := mh.Covered(bad)
		if i == 4 || i == 5 {
			if !bytes.Equal(c, covered) {
				t.Fatalf("the checksum is covered")
			}
			continue
		}
		if err == nil && bytes.Equal(a, mnha(key)(c)[:mh.AuthLen]) {
			t.Fatalf("octet %d changed: still authentic", i)
		}
	}
}

// spec MIP-03
func TestAppendSignedAAA(t *testing.T) {
	bu := &mh.BindingUpdate{Options: mh.Options{Auth: &mh.Auth{Subtype: mh.AuthMNAAA, SPI: mh.SPIHMACSHA1}}}
	b := mh.AppendSigned(nil, home, ha, bu, func([]byte) []byte { return bytes.Repeat([]byte{7}, 32) })
	_, auth, err := mh.CoveredAAA(b)
	if err != nil || !bytes.Equal(auth, bytes.Repeat([]byte{7}, mh.AuthAAALen)) {
		t.Fatalf("authenticator %x, %v", auth, err)
	}
}

// spec MIP-04
func TestAppendSignedBindingAuth(t *testing.T) {
	bu := &mh.BindingUpdate{Options: mh.Options{Nonces: &mh.NonceIndices{Home: 1, CareOf: 2}, BindingAuth: []byte{}}}
	var seen int
	b := mh.AppendSigned(nil, home, ha, bu, func(c []byte) []byte { seen = len(c); return bytes.Repeat([]byte{7}, 20) })
	// RFC 6275 §6.2.7: "MH Data" is the Mobility Header without the Authenticator field.
	if seen != len(b)-mh.AuthLen {
		t.Fatalf("covered %d of %d octets", seen, len(b))
	}
	covered, auth, err := mh.Covered(b)
	if err != nil || len(covered) != seen || !bytes.Equal(auth, bytes.Repeat([]byte{7}, mh.AuthLen)) {
		t.Fatalf("%d octets, authenticator %x, %v", len(covered), auth, err)
	}
	if _, err := mh.Parse(home, ha, b); err != nil {
		t.Fatal(err)
	}
}

func TestCoveredOfBoth(t *testing.T) {
	bu := &mh.BindingUpdate{Options: mh.Options{
		Auth:    &mh.Auth{Subtype: mh.AuthMNHA, SPI: 256, Data: bytes.Repeat([]byte{1}, 12)},
		AuthAAA: &mh.Auth{Subtype: mh.AuthMNAAA, SPI: 3, Data: bytes.Repeat([]byte{2}, 20)}}}
	b := mh.Append(nil, home, ha, bu)
	first, a, err := mh.Covered(b)
	if err != nil || a[0] != 1 {
		t.Fatalf("%x, %v", a, err)
	}
	all, a, err := mh.CoveredAAA(b)
	if err != nil || a[0] != 2 || len(all) <= len(first) {
		t.Fatalf("%x, %v", a, err)
	}
}

func TestCoveredRefuses(t *testing.T) {
	plain := mh.Append(nil, home, ha, &mh.BindingUpdate{})
	if _, _, err := mh.Covered(plain); !errors.Is(err, mh.ErrNoAuth) {
		t.Errorf("without an authenticator: %v", err)
	}
	if _, _, err := mh.Covered(plain[:7]); !errors.Is(err, wire.ErrTruncated) {
		t.Errorf("cut: %v", err)
	}
	if _, _, err := mh.Covered([]byte{59, 0, 99, 0, 0, 0, 0, 0}); !errors.Is(err, wire.ErrUnknown) {
		t.Errorf("unknown type: %v", err)
	}
	if _, _, err := mh.Covered([]byte{59, 0, 5, 0, 0, 0, 0, 0}); !errors.Is(err, wire.ErrLength) {
		t.Errorf("short for the type: %v", err)
	}
}

func TestAppendSignedMistakes(t *testing.T) {
	panics := func(name string, f func()) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", name)
			}
		}()
		f()
	}
	mac := func([]byte) []byte { return make([]byte, 4) }
	panics("no option", func() { mh.AppendSigned(nil, home, ha, &mh.BindingUpdate{}, mac) })
	panics("short MAC", func() {
		mh.AppendSigned(nil, home, ha, &mh.BindingUpdate{Options: mh.Options{Auth: &mh.Auth{Subtype: 1}}}, mac)
	})
}
