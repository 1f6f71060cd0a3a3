package mh_test

import (
	"testing"
	"time"

	"roam6/wire/mh"
)

// spec MIP-01
func TestBindingAck(t *testing.T) {
	for _, g := range []golden{
		{"accepted with refresh advice", ha, home,
			&mh.BindingAck{Seq: 7, KeyMgmt: true, Lifetime: 400 * time.Second, Options: mh.Options{RefreshAdvice: 300 * time.Second}},
			`3b 01 06 00  // MH Type 6
			 5f b5 00 80  // checksum, Status 0, K
			 00 07 00 64  // Sequence # 7, Lifetime 100 units
			 02 02 00 4b  // Refresh Interval 75 units`},
		{"rejected, mobile router", ha, home,
			&mh.BindingAck{Status: mh.SequenceOutOfWindow, Seq: 7, MobileRouter: true},
			`3b 01 06 00
			 da a3 87 40  // Status 135, R (RFC 3963 §4.2)
			 00 07 00 00
			 01 02 00 00`},
		{"unknown option kept", ha, home,
			&mh.BindingAck{Seq: 7, Options: mh.Options{Unknown: []mh.RawOption{{Type: 200, Data: []byte{1, 2, 3}}}}},
			`3b 02 06 00
			 91 d6 00 00
			 00 07 00 00
			 c8 03 01 02 03
			 01 05 00 00 00 00 00`},
	} {
		g.check(t)
	}
}
