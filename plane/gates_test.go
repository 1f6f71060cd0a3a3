package plane

import (
	"bytes"
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
	lies[6] = ip6.ProtoDestOpts                   // what follows is none
	hidden := inTunnel(coa, ha, udp(hoa, cn, 30)) // an empty header of options before what the tunnel carries
	hidden = append(append(bytes.Clone(hidden[:40]), ip6.ProtoIPv6, 0, 1, 4, 0, 0, 0, 0), hidden[40:]...)
	hidden[5], hidden[6] = hidden[5]+8, ip6.ProtoDestOpts
	control := udp(coa, ha, 30)
	control[6] = ip6.ProtoMH
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
		"a tunnel with options": {1, hidden, true},
		"a tunnel in pieces":    {1, fragmentOf(inTunnel(coa, ha, udp(hoa, cn, 30)), 1, 0, 16), true},
		"options in pieces":     {1, fragmentOf(hidden, 1, 0, 16), true},
		"control in pieces":     {1, fragmentOf(control, 1, 0, 16), false},
	} {
		sink.Reset()
		if got := s.Stops(c.port, c.b, sink); got != c.want || len(sink.Drops) == 1 != c.want || c.want && sink.Drops[0] != (Drop{DropGate, 1}) {
			t.Errorf("%s: %v, %v", name, got, sink.Drops)
		}
	}
}
