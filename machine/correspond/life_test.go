package correspond

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Tokens are good for MAX_TOKEN_LIFETIME whenever they were handed out, and no nonce after MAX_NONCE_LIFETIME: §5.2.7.
//
// spec MIP-04
func TestNonceLife(t *testing.T) {
	const token = 210 * time.Second
	for _, asked := range []time.Duration{0, time.Second, 29 * time.Second, 30*time.Second - 1, 30 * time.Second, 45 * time.Second, 1000 * time.Second} {
		for _, busy := range []bool{false, true} {
			b := newBench(t, Config{})
			b.test(hoa, coa)
			b.now = asked
			tk := b.test(hoa, coa)
			use := func(when time.Duration) bool {
				if busy { // others ask all the time
					for ; b.now < when; b.now += 7 * time.Second {
						b.test(coa2, coa2)
					}
				}
				b.now = when
				c := *b
				n := *b.n
				c.n = &n
				index := tk.index
				q := request{hoa: hoa, coa: coa, lifetime: time.Minute}
				return c.n.derive(at(when), &q, &index) == mh.Accepted
			}
			if !use(asked + token) {
				t.Errorf("asked at %v (busy %v): not good for %v", asked, busy, token)
			}
			if use(asked + MaxNonceLifetime + 1) {
				t.Errorf("asked at %v (busy %v): good for more than %v", asked, busy, MaxNonceLifetime)
			}
		}
	}
}

// The index wraps, and an index of another life is not known.
func TestNonceIndex(t *testing.T) {
	b := newBench(t, Config{})
	b.test(hoa, coa)
	b.n.nonces = nonces{}
	if b.n.nonces.find(0, 0) != nil {
		t.Error("a nonce before the first")
	}
	b.n.nonces.drawn, b.n.nonces.last = 1, 65535
	b.now = time.Hour
	tk := b.test(hoa, coa)
	if tk.index.Home != 0 || b.n.nonces.find(engine.Mono(b.now), 0) == nil {
		t.Errorf("index %d after 65535", tk.index.Home)
	}
	if b.n.nonces.find(engine.Mono(b.now), 65535) != nil {
		t.Error("an hour old")
	}
	seen := map[uint16]bool{}
	for seed := range byte(10) {
		c := &bench{t: t, n: New(Config{}, engine.NewRand([32]byte{seed}))}
		seen[c.test(hoa, coa).index.Home] = true
	}
	if len(seen) < 8 {
		t.Errorf("first indices %v", seen)
	}
}

// A binding ends with its lifetime, not a moment before; its sequence number stays while a nonce of it may be good: §5.2.8.
//
// spec MIP-04
func TestExpiry(t *testing.T) {
	b := newBench(t, Config{})
	tk := b.bind(update{hoa: hoa, coa: coa, seq: 100, lifetime: 40 * time.Second})
	if facts := b.tick(40*time.Second - 1); len(facts) != 0 {
		t.Errorf("early: %+v", facts)
	}
	facts := b.tick(40 * time.Second)
	if len(facts) != 1 || facts[0].Fact != (Fact{Unbound, hoa, self, coa}) || len(b.n.View()) != 0 {
		t.Errorf("%+v", facts)
	}
	old := update{hoa: hoa, coa: coa, seq: 99, lifetime: 40 * time.Second}
	b.now = 200 * time.Second
	if a, drops := b.hear(old.packet(tk)); a.Fact.Kind != Nothing || !slices.Equal(drops, []string{OutOfSequence}) {
		t.Errorf("an update of before, played again: %+v %v", a.Fact, drops)
	}
	b.tick(MaxNonceLifetime + 1)
	if b.n.Len() != 0 {
		t.Error("kept for ever")
	}
	if a, _ := b.hear(old.packet(tk)); a.Fact.Kind != Nothing {
		t.Error("played again after the nonces' life")
	}
	// With new nonces any sequence number is right.
	b.bind(old)
}

// What was removed is not brought back by playing the update again; removing nothing makes no entry.
//
// spec MIP-04
func TestReplayAfterRemoval(t *testing.T) {
	b := newBench(t, Config{})
	u := update{hoa: hoa, coa: coa, seq: 1, lifetime: time.Minute}
	tk := b.bind(u)
	b.hear(update{hoa: hoa, coa: coa, seq: 2}.packet(tk))
	for when := time.Duration(0); when < 2*MaxNonceLifetime; when += 13 * time.Second {
		b.tick(when)
		if a, _ := b.hear(u.packet(tk)); a.Fact.Kind != Nothing {
			t.Fatalf("bound again at %v", when)
		}
	}
	b = newBench(t, Config{})
	tk = b.test(hoa, coa)
	gone := update{hoa: hoa, coa: coa, seq: 2}
	a, drops := b.hear(gone.packet(tk))
	if st, _, _ := b.acked(a, gone, tk); st != mh.Accepted || len(drops) != 0 || b.n.Len() != 0 {
		t.Errorf("%v %v, %d entries", st, drops, b.n.Len())
	}
}

// Refresh requests go to the home address, for bindings in use alone, a few times, and not after an update: §9.5.5.
//
// spec MIP-04
func TestRefreshRequests(t *testing.T) {
	count := func(list []Answer) (asked int) {
		for _, a := range list {
			if a.Packet == nil {
				continue
			}
			p, err := ip6.Parse(a.Packet)
			m, _ := mh.Parse(p.Src, p.Dst, p.Payload)
			if _, ok := m.(*mh.BindingRefreshRequest); err != nil || !ok || p.Src != self || p.Dst != hoa || p.Routing2.IsValid() {
				t.Errorf("%+v", p)
			}
			asked++
		}
		return asked
	}
	u := update{hoa: hoa, coa: coa, seq: 1, lifetime: 400 * time.Second}
	b := newBench(t, Config{})
	b.bind(u)
	if n := count(b.tick(400 * time.Second)); n != 0 {
		t.Errorf("%d requests without traffic", n)
	}
	b = newBench(t, Config{})
	b.bind(u)
	b.tick(370 * time.Second)
	b.n.Used(at(b.now), hoa, self)
	b.n.Used(at(b.now), coa, self) // nobody
	if n := count(b.tick(380*time.Second - 1)); n != 0 {
		t.Errorf("%d requests too early", n)
	}
	if n := count(b.tick(385 * time.Second)); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	tk := b.test(hoa, coa)
	b.hear(update{hoa: hoa, coa: coa, seq: 2, lifetime: 400 * time.Second}.packet(tk))
	if n := count(b.tick(500 * time.Second)); n != 0 {
		t.Errorf("%d requests after the update", n)
	}
	// Traffic that begins after the time to ask is asked for at once, AskTimes at most.
	b.tick(783 * time.Second)
	b.n.Used(at(b.now), hoa, self)
	if n := count(b.tick(783 * time.Second)); n != 1 {
		t.Errorf("%d requests at once", n)
	}
	if n := count(b.tick(2000 * time.Second)); n != 0 {
		t.Errorf("%d requests for a binding that ends before the next", n)
	}
}

// Errors about a care-of address end its binding if they persist, and none forged in a burst does: §9.3.4.
//
// spec MIP-04
func TestUnreachable(t *testing.T) {
	b := newBench(t, Config{})
	b.bind(update{hoa: hoa, coa: coa, seq: 1, lifetime: 400 * time.Second})
	tell := func(when time.Duration, coa netip.Addr) Kind {
		return b.n.Unreachable(at(when), hoa, self, coa, &b.out).Fact.Kind
	}
	for range 1000 {
		if tell(0, coa) != Nothing {
			t.Fatal("a burst is not persistent")
		}
	}
	if tell(UnreachableSpan, coa2) != Nothing || tell(time.Minute, coa) != Nothing {
		t.Error("another address, or errors far apart")
	}
	tell(65*time.Second, coa)
	if tell(70*time.Second, coa) != Unbound || tell(71*time.Second, coa) != Nothing {
		t.Error("persistent errors change nothing")
	}
	b.tick(time.Hour)
	if b.n.Len() != 0 {
		t.Error("left over")
	}
}

// Home Address options are believed for the registered care-of address alone: §9.3.1.
//
// spec MIP-04
func TestStranger(t *testing.T) {
	b := newBench(t, Config{})
	b.bind(update{hoa: hoa, coa: coa, seq: 1, lifetime: time.Minute})
	for _, c := range []struct {
		name     string
		hoa, src netip.Addr
		proto    uint8
		now      time.Duration
		want     bool
	}{
		{"bound", hoa, coa, ip6.ProtoUDP, 0, false},
		{"bound elsewhere", hoa, coa2, ip6.ProtoUDP, 0, true},
		{"not bound", coa2, coa, ip6.ProtoUDP, 0, true},
		{"expired", hoa, coa, ip6.ProtoUDP, time.Minute, true},
		{"no option", netip.Addr{}, coa2, ip6.ProtoUDP, 0, false},
		{"mobility header", hoa, coa2, ip6.ProtoMH, 0, false},
		{"esp", hoa, coa2, ip6.ProtoESP, 0, false},
		{"ah", hoa, coa2, ip6.ProtoAH, 0, false},
	} {
		p := &ip6.Packet{Header: ip6.Header{Src: c.src, Dst: self}, HomeAddress: c.hoa, Proto: c.proto}
		if got := b.n.Stranger(at(c.now), p); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// No way to print a node prints its keys.
func TestNoKeys(t *testing.T) {
	b := newBench(t, Config{})
	b.bind(update{hoa: hoa, coa: coa, seq: 1, lifetime: time.Minute})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, b.n); got != "correspond(1 bindings)" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

func BenchmarkHomeTest(b *testing.B) {
	n := New(Config{}, engine.NewRand([32]byte{}))
	p, m := plain(hoa, &mh.HomeTestInit{}), &mh.HomeTestInit{}
	var out engine.Effects
	b.ReportAllocs()
	for b.Loop() {
		n.Heard(at(0), &p, m, &out)
	}
}

func BenchmarkUpdate(b *testing.B) {
	x := newBench(b, Config{})
	tk := x.test(hoa, coa)
	list := make([]ip6.Packet, 1<<12)
	for i := range list {
		list[i] = update{hoa: hoa, coa: coa, seq: uint16(i * 8), lifetime: time.Minute}.packet(tk)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		p := &list[i%len(list)]
		i++
		m, err := mh.Parse(p.EffectiveSrc(), p.Dst, p.Payload)
		if err != nil {
			b.Fatal(err)
		}
		x.out.Reset()
		if a := x.n.Heard(at(0), p, m, &x.out); a.Packet == nil {
			b.Fatal("not acknowledged")
		}
	}
}

func FuzzHeard(f *testing.F) {
	b := newBench(f, Config{})
	tk := b.test(hoa, coa)
	for _, p := range []ip6.Packet{
		plain(hoa, &mh.HomeTestInit{}), plain(coa, &mh.CareOfTestInit{}), update{hoa: hoa, coa: coa, seq: 1, lifetime: time.Minute}.packet(tk),
	} {
		f.Add(p.Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBench(t, Config{})
		b.test(hoa, coa)
		p, err := ip6.Parse(data)
		if err != nil {
			return
		}
		m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
		if err != nil {
			return
		}
		before := dump(b.n)
		a := b.n.Heard(at(0), &p, m, &b.out)
		if a.Fact.Kind == Nothing && dump(b.n) != before {
			t.Error("changed without a fact")
		}
		if len(a.Packet) > len(data)+16 {
			t.Errorf("%d octets answered with %d", len(data), len(a.Packet))
		}
	})
}
