package nd

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"roam6/wire/ip6"
)

// FuzzParse takes any octets from and to addresses of every kind. What is accepted must be the same after it is
// written and read again, and may hold no more than the packet did.
func FuzzParse(f *testing.F) {
	sources := []netip.Addr{nobody, arLL, coa}
	dests := []netip.Addr{ip6.AllNodes, ip6.SolicitedNode(coa), coa}
	for _, g := range []golden{goldenRS, goldenRA, goldenNS, goldenNA, goldenRedirect,
		goldenRtSolPr, goldenWildcard, goldenPrRtAdv, goldenHandover, goldenOutcomes, goldenNAAck, goldenNAAckShort, goldenAccess} {
		f.Add(uint8(1), uint8(1), g.octets())
	}
	for _, g := range kerberosGoldens {
		f.Add(uint8(1), uint8(1), g.octets())
	}
	f.Fuzz(func(t *testing.T, s, d uint8, b []byte) {
		src, dst := sources[int(s)%len(sources)], dests[int(d)%len(dests)]
		m, err := Parse(src, dst, HopLimit, seal(src, dst, slices.Clone(b)))
		if err != nil {
			if m != nil {
				t.Fatalf("both %v and %v", m, err)
			}
			return
		}
		kept := len(optionsOf(m).Nonce) + 32*len(optionsOf(m).Prefixes)
		for _, r := range optionsOf(m).Unknown {
			kept += len(r.Data)
		}
		if kept > len(b) {
			t.Fatalf("%d octets kept of %d", kept, len(b))
		}
		out := Append(nil, src, dst, m)
		again, err := Parse(src, dst, HopLimit, out)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("written and read again: %v\n got %+v\nwant %+v", err, again, m)
		}
		if (optionsOf(m).Access != nil || optionsOf(m).Handover != nil) && len(out) < len(b) {
			return // suboptions nobody knows and padding are left out
		}
		if b[0] != TypeFast && len(out) != len(b) { // there a wildcard of another length becomes one of ours
			t.Fatalf("%d octets became %d", len(b), len(out))
		}
	})
}
