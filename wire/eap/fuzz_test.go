package eap

import (
	"reflect"
	"testing"
)

// FuzzParse: what is accepted must be the same after it is written and read again.
func FuzzParse(f *testing.F) {
	for _, g := range goldens {
		f.Add(g.octets())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			if !reflect.DeepEqual(p, Packet{}) {
				t.Fatalf("both %v and %v", p, err)
			}
			return
		}
		out := p.Append(nil)
		if again, err := Parse(out); err != nil || !reflect.DeepEqual(again, p) || len(out) > len(b) || string(out) != string(b[:len(out)]) {
			t.Fatalf("%x is now %x: %v", b, out, err)
		}
		if list, err := ParseNak(p); err == nil && (len(list) == 0 || len(list) > MaxMethods) {
			t.Fatalf("%d methods", len(list))
		}
		list, err := ParsePayloads(p.Data)
		if err == nil && string(AppendPayloads(nil, list...)) != string(p.Data) {
			t.Fatalf("payloads %x are now %x", p.Data, AppendPayloads(nil, list...))
		}
		m, err := ParseGPSK(p.Data)
		if err != nil {
			if m != nil {
				t.Fatalf("both %v and %v", m, err)
			}
			return
		}
		if out := m.Append(nil); string(out) != string(p.Data) {
			t.Fatalf("%x is now %x", p.Data, out)
		}
	})
}
