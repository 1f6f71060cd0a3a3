package access

import (
	"reflect"
	"slices"
	"testing"
)

// FuzzParse: what is accepted must be the same after it is written and read again, and no longer.
func FuzzParse(f *testing.F) {
	f.Add(goldenRequest.octets())
	f.Add(goldenReply.octets())
	withUpdate := request()
	withUpdate.Binding = update(coa, hoa, bindingUpdate)
	for _, m := range []Message{withUpdate, &Reply{Result: 2001, Binding: acknowledgement()}} {
		f.Add(Split(m, goldenID)[0].Append(nil, coa, ar))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(coa, ar, seal(coa, ar, slices.Clone(b)))
		if err != nil {
			return
		}
		out := p.Append(nil, coa, ar)
		if again, err := Parse(coa, ar, out); err != nil || !reflect.DeepEqual(again, p) || len(out) > len(b) {
			t.Fatalf("a part of %d octets, now %d: %v", len(b), len(out), err)
		}
		p.Part, p.Parts = 0, 1
		m, err := Join([]Part{p})
		if err != nil {
			if m != nil {
				t.Fatalf("both %v and %v", m, err)
			}
			return
		}
		parts := Split(m, p.ID)
		again, err := Join(parts)
		if err != nil || len(parts) != 1 || len(parts[0].Body) > len(p.Body) || !reflect.DeepEqual(again, m) {
			t.Fatalf("written and read again: %v\n got %+v\nwant %+v", err, again, m)
		}
	})
}
