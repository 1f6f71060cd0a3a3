package mip

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
)

// The vectors are those of Python's hmac and hashlib, which share no code with this package:
//
//	H = lambda key, data: hmac.new(key, data, hashlib.sha1).digest()
//	home, care = H(kcn, hoa + nonce1 + b"\0")[:8], H(kcn, coa + nonce2 + b"\1")[:8]
//	kbm, deleting = hashlib.sha1(home + care).digest(), hashlib.sha1(home).digest()
//	H(kbm, coa + cn + bu)[:12]; H(deleting, hoa + cn + bu)[:12]
var (
	cn     = netip.MustParseAddr("2001:db8:c::1")
	kcn    = [KcnLen]byte{0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33}
	nonce1 = []byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77}
	nonce2 = []byte{0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
)

// A Binding Update with nonce indices 3 and 4 up to its authenticator, and one that deletes the binding.
const (
	updateCN = "3b0305000000000a80000069040400030004050c"
	deleteCN = "3b0305000000000b80000000040400030000050c"
)

func TestKeygenToken(t *testing.T) { //spec MIP-04
	for _, c := range []struct {
		addr   netip.Addr
		nonce  []byte
		careOf bool
		want   string
	}{
		{hoa, nonce1, false, "79ca2311ad705949"},
		{coa, nonce2, true, "d41a22c70b2c7995"},
	} {
		if got := KeygenToken(kcn, c.addr, c.nonce, c.careOf); hex.EncodeToString(got[:]) != c.want {
			t.Errorf("care-of %v: %x, want %s", c.careOf, got, c.want)
		}
		if KeygenToken(kcn, c.addr, c.nonce, !c.careOf) == KeygenToken(kcn, c.addr, c.nonce, c.careOf) {
			t.Error("a home token serves as a care-of token")
		}
	}
}

func TestKbm(t *testing.T) { //spec MIP-04
	home, careOf := KeygenToken(kcn, hoa, nonce1, false), KeygenToken(kcn, coa, nonce2, true)
	if got := Kbm(&home, &careOf); hex.EncodeToString(got[:]) != "b4b2435953b6f16831fdc91738afc363b3fbc224" {
		t.Errorf("got %x", got)
	}
	if got := Kbm(&home, nil); hex.EncodeToString(got[:]) != "f6d7bab1e8bda6881bcb18c214d3b71e2a30a989" {
		t.Errorf("to delete: %x", got)
	}
}

func TestAuthenticator(t *testing.T) { //spec MIP-04
	home, careOf := KeygenToken(kcn, hoa, nonce1, false), KeygenToken(kcn, coa, nonce2, true)
	for _, c := range []struct {
		name  string
		kbm   [KbmLen]byte
		first netip.Addr
		data  string
		want  string
	}{
		{"update", Kbm(&home, &careOf), coa, updateCN, "9562b35e3159383224e65b11"},
		{"delete", Kbm(&home, nil), hoa, deleteCN, "0d4dd75b87c7105fa38f4807"},
	} {
		data := unhex(t, c.data)
		mac := Authenticator(c.kbm, c.first, cn, data)
		if hex.EncodeToString(mac) != c.want {
			t.Fatalf("%s: %x, want %s", c.name, mac, c.want)
		}
		data[4], data[5] = 0xbe, 0xef // the checksum counts as zero
		if !VerifyAuthenticator(c.kbm, c.first, cn, data, mac) {
			t.Errorf("%s: its own authenticator refused", c.name)
		}
		if VerifyAuthenticator(c.kbm, cn, c.first, data, mac) || VerifyAuthenticator([KbmLen]byte{}, c.first, cn, data, mac) {
			t.Errorf("%s: accepted with addresses swapped or with another key", c.name)
		}
		for i := range data {
			bad := bytes.Clone(data)
			bad[i] ^= 1
			if i != 4 && i != 5 && VerifyAuthenticator(c.kbm, c.first, cn, bad, mac) {
				t.Errorf("%s: octet %d altered: accepted", c.name, i)
			}
		}
		for i := range mac {
			if VerifyAuthenticator(c.kbm, c.first, cn, data, mac[:i]) {
				t.Errorf("%s: cut to %d octets: accepted", c.name, i)
			}
		}
	}
}

func BenchmarkKeygenToken(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		KeygenToken(kcn, coa, nonce2, true)
	}
}

func BenchmarkAuthenticator(b *testing.B) {
	data, _ := hex.DecodeString(updateCN)
	var kbm [KbmLen]byte
	b.ReportAllocs()
	for b.Loop() {
		Authenticator(kbm, coa, cn, data)
	}
}
