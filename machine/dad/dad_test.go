package dad

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

var (
	addr = netip.MustParseAddr("2001:db8:a:1::1")
	hw   = plane.HW{2, 0, 0, 0, 0, 1}
	key  = Key{Port: 1, Addr: addr}
)

func at(d time.Duration) engine.Now { return engine.Now{Mono: engine.Mono(d)} }

// probes reads the solicitations among effects.
func probes(t *testing.T, out *engine.Effects) (list []*nd.NeighborSolicitation) {
	t.Helper()
	for _, e := range out.List {
		s := e.(engine.Send)
		p, err := ip6.Parse(s.Data)
		if err != nil || !p.Src.IsUnspecified() || p.Dst != ip6.SolicitedNode(addr) || p.HopLimit != 255 || s.To != ip6.MulticastHW(p.Dst) {
			t.Fatalf("probe %+v, %v", p.Header, err)
		}
		m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m.(*nd.NeighborSolicitation))
	}
	out.List = nil
	return list
}

// DupAddrDetectTransmits probes, RetransTimer after each, and not a moment before the last wait is over the verdict.
//
// spec MIP-07
func TestUnique(t *testing.T) {
	for _, c := range []Config{{}, {Transmits: 3}, {Retrans: 200 * time.Millisecond}} {
		d := New(c, engine.NewRand([32]byte{1}))
		var out engine.Effects
		d.Start(at(0), key, hw, false, &out)
		n := len(probes(t, &out))
		step, want := max(c.Retrans, 0), max(c.Transmits, 1)
		if step == 0 {
			step = time.Second
		}
		for k := 1; ; k++ {
			due, _ := d.Deadline()
			if due != engine.Mono(time.Duration(k)*step) {
				t.Fatalf("%+v: deadline %v after %d probes", c, due, n)
			}
			verdicts := d.Tick(engine.Now{Mono: due}, &out)
			if len(verdicts) == 1 {
				if n != want || verdicts[0] != (Verdict{Key: key}) || d.Pending(key) {
					t.Fatalf("%+v: %+v after %d probes", c, verdicts, n)
				}
				break
			}
			n += len(probes(t, &out))
		}
		if due, _ := d.Deadline(); due != engine.Never {
			t.Errorf("still waits for %v", due)
		}
	}
}

// The random delay is at most MAX_RTR_SOLICITATION_DELAY and different from node to node.
func TestDelay(t *testing.T) {
	seen := map[engine.Mono]bool{}
	for seed := range byte(20) {
		d := New(Config{}, engine.NewRand([32]byte{seed}))
		var out engine.Effects
		d.Start(at(0), key, hw, true, &out)
		if len(out.List) != 0 {
			t.Fatal("not delayed")
		}
		due, _ := d.Deadline()
		if due < 0 || due > engine.Mono(MaxDelay) {
			t.Errorf("delay %v", due)
		}
		seen[due] = true
	}
	if len(seen) < 15 {
		t.Errorf("%d different delays of 20", len(seen))
	}
}

// What proves a duplicate and what does not: RFC 4862 §5.4.3, §5.4.4, RFC 7527.
//
// spec MIP-07
func TestHeard(t *testing.T) {
	from := netip.MustParseAddr("fe80::9")
	group := ip6.SolicitedNode(addr)
	for _, c := range []struct {
		name      string
		delayed   bool // our own probe is not out yet
		src       netip.Addr
		m         func(own []byte) nd.Message
		duplicate bool
	}{
		{"advertised", false, addr, func([]byte) nd.Message { return &nd.NeighborAdvertisement{Target: addr} }, true},
		{"advertised before our probe", true, addr, func([]byte) nd.Message { return &nd.NeighborAdvertisement{Target: addr} }, true},
		{"another address", false, addr, func([]byte) nd.Message { return &nd.NeighborAdvertisement{Target: from} }, false},
		{"probed", false, netip.IPv6Unspecified(), func([]byte) nd.Message { return &nd.NeighborSolicitation{Target: addr} }, true},
		{"probed before our probe", true, netip.IPv6Unspecified(), func([]byte) nd.Message { return &nd.NeighborSolicitation{Target: addr} }, true},
		{"our probe came back", false, netip.IPv6Unspecified(), func(own []byte) nd.Message {
			return &nd.NeighborSolicitation{Target: addr, Options: nd.Options{Nonce: own}}
		}, false},
		{"another's nonce", false, netip.IPv6Unspecified(), func([]byte) nd.Message {
			return &nd.NeighborSolicitation{Target: addr, Options: nd.Options{Nonce: []byte{1, 2, 3, 4, 5, 6}}}
		}, true},
		{"asked for", false, from, func([]byte) nd.Message { return &nd.NeighborSolicitation{Target: addr} }, false},
	} {
		d := New(Config{Transmits: 2}, engine.NewRand([32]byte{1}))
		var out engine.Effects
		d.Start(at(0), key, hw, c.delayed, &out)
		var own []byte
		if sent := probes(t, &out); len(sent) > 0 {
			own = sent[0].Options.Nonce
			if len(own) < 6 {
				t.Fatalf("nonce %x", own)
			}
			d.Tick(at(time.Second), &out) // the second probe has another; the first may come late
			if again := probes(t, &out); bytes.Equal(again[0].Options.Nonce, own) {
				t.Error("two probes with one nonce")
			}
		}
		v, ok := d.Heard(1, &ip6.Packet{Header: ip6.Header{Src: c.src, Dst: group}}, c.m(own))
		if ok != c.duplicate || ok && v != (Verdict{key, true}) || d.Pending(key) == ok {
			t.Errorf("%s: verdict %+v %v", c.name, v, ok)
		}
		if _, ok := d.Heard(2, &ip6.Packet{Header: ip6.Header{Src: addr, Dst: group}}, &nd.NeighborAdvertisement{Target: addr}); ok {
			t.Errorf("%s: another link's advertisement counted", c.name)
		}
	}
}

// Stopping is final, and there is an end to what is probed at once.
func TestStopAndLimit(t *testing.T) {
	d := New(Config{}, engine.NewRand([32]byte{1}))
	var out engine.Effects
	for i := range MaxPending {
		a := netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i >> 8), 15: byte(i)})
		if !d.Start(at(0), Key{plane.Port(1 + i%2), a}, hw, false, &out) {
			t.Fatal("refused early")
		}
	}
	if d.Start(at(0), Key{3, addr}, hw, false, &out) {
		t.Error("no limit")
	}
	if !d.Start(at(0), Key{1, netip.AddrFrom16([16]byte{0x20, 1})}, hw, false, &out) {
		t.Error("an address being probed cannot be started again")
	}
	d.StopPort(1)
	if got := len(d.Tick(at(time.Minute), &out)); got != MaxPending/2 {
		t.Errorf("%d verdicts after one link stopped", got)
	}
}
