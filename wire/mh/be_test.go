package mh_test

import (
	"net/netip"
	"reflect"
	"testing"

	"roam6/wire/mh"
)

// spec MIP-01
func TestBindingError(t *testing.T) {
	golden{"unknown binding", ha, home, &mh.BindingError{Status: mh.UnknownBinding, HomeAddress: home},
		`3b 02 07 00  // MH Type 7, Header Len 2
		 33 25 01 00  // checksum, Status 1, Reserved
		 20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 05`}.check(t)
}

func TestBindingErrorWithoutHomeAddress(t *testing.T) {
	m, err := mh.Parse(ha, home, mh.Append(nil, ha, home, &mh.BindingError{Status: mh.UnknownMHType}))
	if want := (&mh.BindingError{Status: mh.UnknownMHType, HomeAddress: netip.IPv6Unspecified()}); err != nil || !reflect.DeepEqual(m, want) {
		t.Fatalf("got %+v, %v", m, err)
	}
}
