package diameter_test

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"roam6/wire/diameter"
)

// TestSecondDecoder has gopacket read every sample and find the same header and AVPs.
func TestSecondDecoder(t *testing.T) { //spec DM-02 DM-03
	for _, raw := range samples() {
		m := parse(t, raw)
		var d layers.Diameter
		if err := d.DecodeFromBytes(raw, gopacket.NilDecodeFeedback); err != nil {
			t.Errorf("%s: %v", m.CommandName(), err)
			continue
		}
		if d.CommandCode != m.Command || d.ApplicationID != m.App || d.HopByHopID != m.HopByHop || d.EndToEndID != m.EndToEnd || d.IsRequest() != m.IsRequest() {
			t.Errorf("%s: header %+v, here %+v", m.CommandName(), d, m.Header)
		}
		i := 0
		for a := range m.All() {
			if i == len(d.AVPs) {
				t.Fatalf("%s: %d AVPs", m.CommandName(), i)
			}
			x := d.AVPs[i]
			if x.Code != a.Code || x.VendorID != a.Vendor || !bytes.Equal(x.Data, a.Data) {
				t.Errorf("%s: AVP %d is %+v, here %+v", m.CommandName(), i, x, a)
			}
			i++
		}
		if i != len(d.AVPs) {
			t.Errorf("%s: %d AVPs, here %d", m.CommandName(), len(d.AVPs), i)
		}
	}
}

// BenchmarkSecondDecoder is what BenchmarkParse is held against.
func BenchmarkSecondDecoder(b *testing.B) {
	var x diameter.Builder
	raw := arr(&x)
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		var d layers.Diameter
		if err := d.DecodeFromBytes(raw, gopacket.NilDecodeFeedback); err != nil {
			b.Fatal(err)
		}
	}
}
