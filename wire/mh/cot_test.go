package mh_test

import (
	"testing"

	"roam6/wire/mh"
)

// spec MIP-04
func TestCareOfTest(t *testing.T) {
	golden{"plain", ha, coa, &mh.CareOfTest{NonceIndex: 0x103, Cookie: [8]byte{0xc0, 1, 2, 3, 4, 5, 6, 7}, Keygen: [8]byte{0xae, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77}},
		`3b 02 04 00  // MH Type 4
		 1c be 01 03  // checksum, Care-of Nonce Index
		 c0 01 02 03 04 05 06 07
		 ae 11 22 33 44 55 66 77  // Care-of Keygen Token`}.check(t)
}
