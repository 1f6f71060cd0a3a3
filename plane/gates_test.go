package plane

import (
	"net/netip"
	"testing"

	"roam6/wire/ip6"
)

// What a kernel that forwards by itself asks: sources behind a closed gate reach the engines and nobody else, by no tunnel either.
func TestStops(t *testing.T) {
	s, sink := NewSoft(), &Sink{}
	if s.Stops(1, udp(coa, cn, 30), sink) {
		t.Error("stopped without a gate")
	}
	for _, op := range []Op{
		{Local: &LocalOp{ha, Local{Capture: true}}},
		{Local: &LocalOp{hoa, Local{Port: 1, Proxy: true}}},
		{Gate: &GateOp{GateKey{netip.PrefixFrom(coa, 64), 1}, Gate{}}},
		{Gate: &GateOp{GateKey{netip.PrefixFrom(previous, 128), 1}, Gate{Open: true}}},
	} {
		s.Apply(0, op, sink)
	}
	lies := udp(coa, ha, 30)
	lies[6] = ip6.ProtoDestOpts // what follows is none
	for name, c := range map[string]struct {
		port Port
		b    []byte
		want bool
	}{
		"on":                    {1, udp(coa, cn, 30), true},
		"by another port":       {2, udp(coa, cn, 30), false},
		"from elsewhere":        {1, udp(previous, cn, 30), false},
		"to the engines":        {1, udp(coa, ha, 30), false},
		"to one they stand for": {1, udp(coa, hoa, 30), true},
		"by a tunnel of theirs": {1, inTunnel(coa, ha, udp(hoa, cn, 30)), true},
		"headers that lie":      {1, lies, true},
	} {
		sink.Reset()
		if got := s.Stops(c.port, c.b, sink); got != c.want || len(sink.Drops) == 1 != c.want || c.want && sink.Drops[0] != (Drop{DropGate, 1}) {
			t.Errorf("%s: %v, %v", name, got, sink.Drops)
		}
	}
}
