package ha

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

var peer = netip.MustParseAddr("2001:db8:c::c")

// tunnelBench is a bench whose mobile node has a tunnel as well.
func tunnelBench(t *testing.T) (*bench, *sa.Tunnel) {
	t.Helper()
	k5, k6 := bytes.Repeat([]byte{5}, 20), bytes.Repeat([]byte{6}, 20)
	b := newBench(t, espPair, func(c *Config) {
		c.Mobiles[0].Tunnel = &sa.ESPConfig{OutSPI: 0x3002, InSPI: 0x3001, OutKey: k6, InKey: k5}
	})
	end, err := sa.NewTunnel(&sa.ESPConfig{OutSPI: 0x3001, InSPI: 0x3002, OutKey: k5, InKey: k6}, "ha")
	if err != nil {
		t.Fatal(err)
	}
	return b, end
}

func mobility(src, dst netip.Addr, m mh.Message) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst, HopLimit: 64}, Proto: ip6.ProtoMH}
	p.Payload = mh.Append(nil, src, dst, m)
	return p.Append(nil)
}

// A home test comes out of the tunnel and goes on to the correspondent as the mobile node sent it; the answer goes back
// encrypted. Whoever has no tunnel has the plane do it.
//
// spec MIP-02 MIP-04
func TestHomeTests(t *testing.T) {
	b, mn := tunnelBench(t)
	b.bind(1, coa)
	test := mobility(hoa, peer, &mh.HomeTestInit{Cookie: [8]byte{1}})
	var out engine.Effects
	effects := b.deliver(mn.Wrap(coa, haAddr, test, &out))
	if !has(effects, func(s engine.Send) bool { return s.Port == plane.Kernel && bytes.Equal(s.Data, test) }) {
		t.Fatalf("not sent on: %+v", effects)
	}
	if _, saved := effects[len(effects)-1].(engine.Send); !saved || !has(effects, func(engine.Persist) bool { return true }) {
		t.Errorf("sent on before the window was durable: %+v", effects)
	}
	answer := mobility(peer, hoa, &mh.HomeTest{Keygen: [8]byte{42}})
	sent := b.packets(b.deliver(answer), plane.Kernel)
	if len(sent) != 1 || sent[0].Dst != coa || sent[0].Proto != ip6.ProtoESP {
		t.Fatalf("%+v", sent)
	}
	if _, data, reason := mn.Unwrap(&sent[0]); reason != "" || !bytes.Equal(data, answer) {
		t.Errorf("%q, %x", reason, data)
	}
}

// The tunnel is for mobility headers from the node's home address, from where it is bound, and for nothing else.
//
// spec MIP-02 MIP-04
func TestTunnelRefusals(t *testing.T) {
	test := mobility(hoa, peer, &mh.HomeTestInit{})
	udp := (&ip6.Packet{Header: ip6.Header{Src: hoa, Dst: peer}, Proto: ip6.ProtoUDP, Payload: make([]byte, 8)}).Append(nil)
	for name, c := range map[string]struct {
		from  netip.Addr
		inner []byte
		want  string
		away  bool
	}{
		"not bound":           {coa, test, "tunnel-not-bound", false},
		"from elsewhere":      {coa2, test, "tunnel-not-bound", true},
		"another's address":   {coa, mobility(coa2, peer, &mh.HomeTestInit{}), "tunnel-selector", true},
		"user data":           {coa, udp, "tunnel-selector", true},
		"to the agent":        {coa, mobility(hoa, haAddr, &mh.HomeTestInit{}), "tunnel-selector", true},
		"to a link":           {coa, mobility(hoa, netip.MustParseAddr("fe80::1"), &mh.HomeTestInit{}), "tunnel-selector", true},
		"nothing of a packet": {coa, []byte{1}, sa.TunnelNotIP, true},
	} {
		b, mn := tunnelBench(t)
		if c.away {
			b.bind(1, coa)
		}
		before := b.view()
		var out engine.Effects
		effects := b.deliver(mn.Wrap(c.from, haAddr, c.inner, &out))
		if got := drops(effects); !slices.Equal(got, []string{c.want}) || len(b.packets(effects, plane.Kernel)) != 0 || b.view() != before {
			t.Errorf("%s: drops %v, want %s; %+v", name, got, c.want, effects)
		}
	}
	b, mn := tunnelBench(t)
	b.bind(1, coa)
	var out engine.Effects
	once := mn.Wrap(coa, haAddr, test, &out)
	b.deliver(once)
	b.boot() // a crash forgets no window
	if got := drops(b.deliver(once)); !slices.Equal(got, []string{sa.ESPReplay}) {
		t.Errorf("again: %v", got)
	}
}

// What is sent to the home address of a node that is at home, or has no tunnel, is not the engine's.
func TestNotIntercepted(t *testing.T) {
	b, _ := tunnelBench(t)
	if got := drops(b.deliver(mobility(peer, hoa, &mh.HomeTest{}))); !slices.Equal(got, []string{"mh-not-for-us"}) {
		t.Errorf("at home: %v", got)
	}
	control := func(b *bench) bool {
		b.deliver(b.update(bu(1, time.Minute), coa))
		return slices.ContainsFunc(b.pass(2*time.Second), func(e engine.Effect) bool {
			p, ok := e.(engine.Plane)
			return ok && p.Op.Path != nil && p.Op.Path.Path.Control
		})
	}
	if !control(b) {
		t.Error("with a tunnel the plane keeps mobility headers from the engine")
	}
	if control(newBench(t, espPair, nil)) {
		t.Error("without one it gives them")
	}
}
