package icmp6

import (
	"reflect"
	"slices"
	"testing"
)

// FuzzParse: what is accepted must be the same after it is written and read again, and no longer.
func FuzzParse(f *testing.F) {
	for _, g := range []golden{
		goldenEcho, goldenError, goldenHomeAgentsRequest, goldenHomeAgentsReply,
		goldenPrefixSolicitation, goldenPrefixAdvertisement,
		goldenGeneralQuery, goldenSourceQuery, goldenQuery1, goldenListenerReport, goldenListenerReport1, goldenListenerDone,
	} {
		f.Add(g.octets())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(ha, coa, seal(ha, coa, slices.Clone(b)))
		if err != nil {
			if m != nil {
				t.Fatalf("both %v and %v", m, err)
			}
			return
		}
		out := Append(nil, ha, coa, m)
		again, err := Parse(ha, coa, out)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("written and read again: %v\n got %+v\nwant %+v", err, again, m)
		}
		if len(out) > len(b) {
			t.Fatalf("%d octets became %d", len(b), len(out))
		}
	})
}
