package sa

import (
	"bytes"
	"net/netip"
	"testing"

	"roam6/engine"
	"roam6/wire/ip6"
)

func tunnelEnds(t *testing.T) (mobile, agent *Tunnel) {
	t.Helper()
	k1, k2 := bytes.Repeat([]byte{1}, 20), bytes.Repeat([]byte{2}, 20)
	mobile, err := NewTunnel(&ESPConfig{OutSPI: 0x3001, InSPI: 0x3002, OutKey: k1, InKey: k2}, "ha")
	if err != nil {
		t.Fatal(err)
	}
	agent, err = NewTunnel(&ESPConfig{OutSPI: 0x3002, InSPI: 0x3001, OutKey: k2, InKey: k1}, "mn")
	if err != nil {
		t.Fatal(err)
	}
	return mobile, agent
}

// A packet comes out of the tunnel as it went in, once, and nothing else does.
//
// spec MIP-02
func TestTunnel(t *testing.T) {
	mobile, agent := tunnelEnds(t)
	coa, ha := netip.MustParseAddr("2001:db8:a::1"), netip.MustParseAddr("2001:db8:1::a")
	inner := ip6.Packet{Header: ip6.Header{Src: netip.MustParseAddr("2001:db8:1::100"), Dst: netip.MustParseAddr("2001:db8:c::c")}, Proto: ip6.ProtoMH, Payload: make([]byte, 16)}
	want := inner.Append(nil)
	var out engine.Effects
	p, err := ip6.Parse(mobile.Wrap(coa, ha, want, &out))
	if err != nil || p.Src != coa || p.Dst != ha || p.Proto != ip6.ProtoESP || bytes.Contains(p.Payload, want) {
		t.Fatalf("%+v %v", p, err)
	}
	if !agent.Owns(&p) || mobile.Owns(&p) || (*Tunnel)(nil).Owns(&p) {
		t.Error("the wrong end knows the packet")
	}
	got, data, reason := agent.Unwrap(&p)
	if reason != "" || !bytes.Equal(data, want) || got.Src != inner.Src || got.Proto != ip6.ProtoMH {
		t.Errorf("%q: %+v", reason, got)
	}
	if _, _, reason = agent.Unwrap(&p); reason != ESPReplay {
		t.Errorf("again: %q", reason)
	}
	notIP := agent.SA().Seal(ip6.Packet{Header: ip6.Header{Src: ha, Dst: coa}, Proto: ip6.ProtoMH, Payload: want}, &out)
	for what, c := range map[string]struct {
		data   []byte
		reason string
	}{
		"another protocol": {notIP, TunnelNotIP},
		"no packet inside": {agent.Wrap(ha, coa, []byte{1, 2, 3}, &out), TunnelNotIP},
		"in the clear":     {(&ip6.Packet{Header: ip6.Header{Src: ha, Dst: coa}, Proto: ip6.ProtoIPv6, Payload: want}).Append(nil), Unprotected},
	} {
		p, err := ip6.Parse(c.data)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, reason := mobile.Unwrap(&p); reason != c.reason {
			t.Errorf("%s: %q, want %q", what, reason, c.reason)
		}
	}
	if agent.Wrap(ha, coa, make([]byte, MaxTunnelled+1), &out) != nil {
		t.Error("a packet that no link may carry was wrapped")
	}
	if data := agent.Wrap(ha, coa, make([]byte, MaxTunnelled), &out); len(data) > ip6.MinMTU {
		t.Errorf("%d octets", len(data))
	}
}
