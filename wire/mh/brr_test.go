package mh_test

import (
	"testing"

	"roam6/wire/mh"
)

// spec MIP-01
func TestBindingRefreshRequest(t *testing.T) {
	golden{"plain", ha, home, &mh.BindingRefreshRequest{},
		`3b 00 00 00  // MH Type 0, Header Len 0: no padding needed
		 68 f6 00 00  // checksum, Reserved`}.check(t)
}
