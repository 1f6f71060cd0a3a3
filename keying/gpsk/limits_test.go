package gpsk

import (
	"fmt"
	"testing"
)

// Keys have at least as many octets as RFC 5433 wants, and no more than it allows; a suite that needs more than there are is a mistake.
func TestLengthsOfKeys(t *testing.T) {
	for n, ok := range map[int]bool{MinPSK - 1: false, MinPSK: true, MaxPSK: true, MaxPSK + 1: false, 0: false} { //order:any
		if _, err := NewKey(make([]byte, n)); (err == nil) != ok {
			t.Errorf("%d octets: %v", n, err)
		}
	}
	short, err := NewKey(make([]byte, MinPSK))
	if err != nil {
		t.Fatal(err)
	}
	for suite, fits := range map[Suite]bool{AES: true, SHA256: false, 0: false, 3: false} { //order:any
		if short.Fits(suite) != fits || (Key{}).Fits(suite) {
			t.Errorf("suite %d", suite)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a suite that does not fit made keys")
		}
	}()
	short.Derive(Run{Suite: SHA256})
}

// Something is printed for a key, and it is always the same.
func TestKeysPrintAsKeys(t *testing.T) {
	k, err := NewKey(make([]byte, MaxPSK))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{k, k.Derive(Run{Suite: AES})} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			if got := fmt.Sprintf(verb, v); got != "[key]" {
				t.Errorf("%s of %T: %q", verb, v, got)
			}
		}
	}
}

// What is erased is zeros for all who have it.
func TestErasedForAll(t *testing.T) {
	psk := []byte("0123456789abcdef0123456789abcdef")
	k, _ := NewKey(psk)
	keys := k.Derive(Run{Suite: SHA256})
	other := keys
	if keys.Erase(); !other.Equal(Keys{k: func() derived { return derived{all: make([]byte, 2*MSKLen+2*SHA256.Size())} }}) {
		t.Error("keys are left")
	}
	k.Erase()
	zero, _ := NewKey(make([]byte, len(psk)))
	if !k.Derive(Run{Suite: SHA256}).Equal(zero.Derive(Run{Suite: SHA256})) {
		t.Error("the pre-shared key is left")
	}
	Key{}.Erase()
	Keys{}.Erase()
	if string(psk) != "0123456789abcdef0123456789abcdef" {
		t.Error("the caller's octets were erased")
	}
}
