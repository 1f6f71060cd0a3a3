package mh_test

import (
	"testing"

	"roam6/wire/mh"
)

// spec MIP-04
func TestCareOfTestInit(t *testing.T) {
	golden{"plain", coa, ha, &mh.CareOfTestInit{Cookie: [8]byte{0xc0, 1, 2, 3, 4, 5, 6, 7}},
		`3b 01 02 00  // MH Type 2
		 9a db 00 00  // checksum, Reserved
		 c0 01 02 03 04 05 06 07`}.check(t)
}
