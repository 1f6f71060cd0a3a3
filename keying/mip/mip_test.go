package mip

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

var (
	coa = netip.MustParseAddr("2001:db8:a:1::99")
	hoa = netip.MustParseAddr("2001:db8:1::10")
)

// A Binding Update up to its Mobility SPI 0x1001, checksum zero.
const update = "3b02050000000001c000003f09150100001001"

// RFC 4285 prints no vector; these were computed with another implementation of HMAC.
func TestSum(t *testing.T) { //spec MIP-03
	for alg, want := range map[Algorithm]string{ //order:any
		HMACSHA1:   "537f199e18e2405a88b16bed",
		HMACSHA256: "4bcdbcfc1f24485d1f47549553e7cac5",
	} {
		k := key(t, alg)
		if got := hex.EncodeToString(k.Sum(coa, hoa, unhex(t, update))); got != want || k.Size() != len(want)/2 {
			t.Errorf("%s: %s of %d octets, want %s", alg, got, k.Size(), want)
		}
	}
}

func TestSumTakesChecksumAsZero(t *testing.T) {
	k, data := key(t, HMACSHA1), unhex(t, update)
	want := k.Sum(coa, hoa, data)
	data[4], data[5] = 0xbe, 0xef
	if !bytes.Equal(k.Sum(coa, hoa, data), want) || data[4] != 0xbe {
		t.Error("the checksum field counts, or was changed")
	}
}

func TestVerifyRefusesEveryAlteration(t *testing.T) {
	for _, alg := range []Algorithm{HMACSHA1, HMACSHA256} {
		k, data := key(t, alg), unhex(t, update)
		mac := k.Sum(coa, hoa, data)
		if !k.Verify(coa, hoa, data, mac) {
			t.Fatal("its own authentication data refused")
		}
		for i := range data {
			if i == 4 || i == 5 {
				continue
			}
			bad := bytes.Clone(data)
			bad[i] ^= 1
			if k.Verify(coa, hoa, bad, mac) {
				t.Errorf("%s: octet %d altered: accepted", alg, i)
			}
		}
		for i := range mac {
			if k.Verify(coa, hoa, data, mac[:i]) {
				t.Errorf("%s: cut to %d octets: accepted", alg, i)
			}
			mac[i] ^= 1
			if k.Verify(coa, hoa, data, mac) {
				t.Errorf("%s: authentication data altered at %d: accepted", alg, i)
			}
			mac[i] ^= 1
		}
		if k.Verify(hoa, coa, data, mac) {
			t.Errorf("%s: home and care-of address swapped: accepted", alg)
		}
	}
}

func TestNewKeyRefuses(t *testing.T) {
	for _, n := range []int{0, MinKey - 1, MaxKey + 1} {
		if _, err := NewKey(HMACSHA256, make([]byte, n)); err == nil {
			t.Errorf("a key of %d octets was taken", n)
		}
	}
	if _, err := NewKey("md5", make([]byte, 16)); err == nil || !strings.Contains(err.Error(), string(HMACSHA256)) {
		t.Errorf("algorithm md5: %v", err)
	}
}

func TestKeyIsNeverPrinted(t *testing.T) {
	k := key(t, HMACSHA1)
	type private struct{ k Key }
	var all strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{k, &k, private{k}, &private{k}, []Key{k}} {
			fmt.Fprintf(&all, verb+"\n", v)
		}
	}
	j, err := json.Marshal(k)
	if err != nil || string(j) != `"[key]"` {
		t.Errorf("JSON %s, %v", j, err)
	}
	for _, part := range []string{"0123", "48 49 50", "30313233", "0x30, 0x31"} {
		if strings.Contains(all.String(), part) {
			t.Errorf("%q appears in\n%s", part, all.String())
		}
	}
}

func BenchmarkSum(b *testing.B) {
	for _, alg := range []Algorithm{HMACSHA1, HMACSHA256} {
		b.Run(string(alg), func(b *testing.B) {
			k, _ := NewKey(alg, []byte("0123456789abcdef"))
			data, _ := hex.DecodeString(update)
			b.ReportAllocs()
			for b.Loop() {
				k.Sum(coa, hoa, data)
			}
		})
	}
}

func key(t *testing.T, a Algorithm) Key {
	t.Helper()
	k, err := NewKey(a, []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
