package nd

import "testing"

var (
	sinkBytes   []byte
	sinkMessage Message
)

func benchParse(b *testing.B, g golden) {
	octets := g.octets()
	b.SetBytes(int64(len(octets)))
	b.ReportAllocs()
	for b.Loop() {
		m, err := Parse(g.src, g.dst, HopLimit, octets)
		if err != nil {
			b.Fatal(err)
		}
		sinkMessage = m
	}
}

func benchAppend(b *testing.B, g golden) {
	b.ReportAllocs()
	for b.Loop() {
		sinkBytes = Append(sinkBytes[:0], g.src, g.dst, g.msg)
	}
	b.SetBytes(int64(len(sinkBytes)))
}

func BenchmarkParseRouterAdvertisement(b *testing.B)    { benchParse(b, goldenRA) }
func BenchmarkAppendRouterAdvertisement(b *testing.B)   { benchAppend(b, goldenRA) }
func BenchmarkParseNeighborSolicitation(b *testing.B)   { benchParse(b, goldenNS) }
func BenchmarkAppendNeighborSolicitation(b *testing.B)  { benchAppend(b, goldenNS) }
func BenchmarkParseNeighborAdvertisement(b *testing.B)  { benchParse(b, goldenNA) }
func BenchmarkAppendNeighborAdvertisement(b *testing.B) { benchAppend(b, goldenNA) }

func BenchmarkParseRtSolPr(b *testing.B)  { benchParse(b, goldenRtSolPr) }
func BenchmarkParsePrRtAdv(b *testing.B)  { benchParse(b, goldenPrRtAdv) }
func BenchmarkAppendPrRtAdv(b *testing.B) { benchAppend(b, goldenPrRtAdv) }

// Sending costs no memory but the packet's, receiving none but what the message keeps: itself; a nonce; the prefixes
// and the home agent information.
func TestAllocations(t *testing.T) {
	for _, c := range []struct {
		name  string
		g     golden
		parse float64
	}{
		{"NeighborAdvertisement", goldenNA, 1},
		{"NeighborSolicitation", goldenNS, 2},
		{"RouterAdvertisement", goldenRA, 3},
		{"RtSolPr", goldenRtSolPr, 3},
		{"PrRtAdv", goldenPrRtAdv, 2},
	} {
		octets, buf := c.g.octets(), make([]byte, 0, 128)
		if n := testing.AllocsPerRun(100, func() { sinkMessage, _ = Parse(c.g.src, c.g.dst, HopLimit, octets) }); n > c.parse {
			t.Errorf("Parse of %s: %v allocations, want at most %v", c.name, n, c.parse)
		}
		if n := testing.AllocsPerRun(100, func() { sinkBytes = Append(buf, c.g.src, c.g.dst, c.g.msg) }); n > 0 {
			t.Errorf("Append of %s: %v allocations, want none", c.name, n)
		}
	}
}
