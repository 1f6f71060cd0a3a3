package icmp6

import "testing"

var (
	sinkBytes   []byte
	sinkMessage Message
)

func bench(b *testing.B, g golden) {
	octets := g.octets()
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sinkMessage, _ = Parse(g.src, g.dst, octets)
		}
	})
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sinkBytes = Append(sinkBytes[:0], g.src, g.dst, g.msg)
		}
	})
}

func BenchmarkEcho(b *testing.B)                { bench(b, goldenEcho) }
func BenchmarkError(b *testing.B)               { bench(b, goldenError) }
func BenchmarkHomeAgentsReply(b *testing.B)     { bench(b, goldenHomeAgentsReply) }
func BenchmarkPrefixAdvertisement(b *testing.B) { bench(b, goldenPrefixAdvertisement) }
func BenchmarkListenerQuery(b *testing.B)       { bench(b, goldenGeneralQuery) }
func BenchmarkListenerReport(b *testing.B)      { bench(b, goldenListenerReport) }
