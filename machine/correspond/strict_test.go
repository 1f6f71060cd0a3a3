package correspond

import (
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/mh"
)

// One rule of RFC 6275 a test: each fails without that rule alone.

// Every nonce has a value and a node key of its own, drawn and not left over: §5.2.1, §5.2.2.
//
// spec MIP-04
func TestSecretsAreDrawn(t *testing.T) {
	b := newBench(t, Config{})
	keys, values := map[string]bool{"": true}, map[string]bool{}
	for i := range 20 {
		c, _ := b.n.nonces.current(engine.Mono(i)*engine.Mono(NonceInterval), b.n.rand)
		if c.kcn == [len(c.kcn)]byte{} || c.value == [len(c.value)]byte{} || keys[string(c.kcn[:])] || values[string(c.value[:])] {
			t.Fatalf("nonce %d: nothing, or used before", i)
		}
		keys[string(c.kcn[:])], values[string(c.value[:])] = true, true
	}
}

// A nonce is handed out for NonceInterval and believed for MaxNonceLifetime: §5.2.7.
//
// spec MIP-04
func TestNonceTimes(t *testing.T) {
	var n nonces
	rand := engine.NewRand([32]byte{1})
	_, first := n.current(0, rand)
	if _, same := n.current(engine.Mono(NonceInterval)-1, rand); same != first {
		t.Error("rotated too early")
	}
	if n.find(engine.Mono(MaxNonceLifetime), first) == nil || n.find(engine.Mono(MaxNonceLifetime)+1, first) != nil {
		t.Error("believed too short or too long")
	}
	if _, next := n.current(engine.Mono(NonceInterval), rand); next != first+1 {
		t.Error("not rotated")
	}
}

// What lifetime is granted, by configuration.
//
// spec MIP-04
func TestLifetimeGranted(t *testing.T) {
	for c, want := range map[time.Duration]time.Duration{
		0: MaxBindingLifetime, -time.Second: MaxBindingLifetime, time.Hour: MaxBindingLifetime, 101 * time.Second: 100 * time.Second, time.Second: mh.Unit,
	} { //order:any
		b := newBench(t, Config{Lifetime: c})
		b.bind(update{hoa: hoa, coa: coa, seq: 1, lifetime: time.Hour})
		if got := b.n.View()[0].Lifetime; got != want {
			t.Errorf("configured %v: granted %v, want %v", c, got, want)
		}
	}
}

// A sequence number counts while its binding stands, and while a nonce that signed for it is believed: §5.2.8. Then any is taken, §9.5.1.
//
// spec MIP-04
func TestNumberCounts(t *testing.T) {
	for name, c := range map[string]struct {
		life, after time.Duration
		taken       bool
	}{
		"binding stands, nonces do not": {MaxBindingLifetime, MaxBindingLifetime - time.Second, false},
		"binding gone, nonces stand":    {10 * time.Second, MaxNonceLifetime - time.Second, false},
		"both gone":                     {10 * time.Second, MaxNonceLifetime, true},
	} {
		b := newBench(t, Config{})
		b.bind(update{hoa: hoa, coa: coa, seq: 100, lifetime: c.life})
		b.tick(c.after)
		u := update{hoa: hoa, coa: coa, seq: 100, lifetime: time.Minute}
		a, drops := b.hear(u.packet(b.test(hoa, coa)))
		if got := len(drops) == 0; got != c.taken || c.taken != (a.Fact.Kind == Bound) {
			t.Errorf("%s: taken %v, %v", name, got, drops)
		}
	}
	b := newBench(t, Config{})
	b.bind(update{hoa: hoa, coa: coa, seq: 100, lifetime: 10 * time.Second})
	b.tick(MaxNonceLifetime)
	if b.n.Len() != 0 || b.n.timers.Len() != 0 || len(b.n.networks) != 0 {
		t.Errorf("left over: %s", dump(b.n))
	}
	b = newBench(t, Config{})
	b.bind(update{hoa: hoa, coa: coa, seq: 100, lifetime: MaxBindingLifetime}) // the nonces end first
	b.tick(MaxBindingLifetime)
	if b.n.Len() != 0 || b.n.timers.Len() != 0 {
		t.Errorf("left over: %s", dump(b.n))
	}
}

// Requests to refresh: AskTimes for one lifetime, AskInterval apart, for a binding used within InUse: §9.5.5. Traffic that begins later asks then.
//
// spec MIP-04
func TestAskTimes(t *testing.T) {
	const life = 400 * time.Second
	asks := func(used, until time.Duration) (at []time.Duration) {
		b := newBench(t, Config{})
		b.bind(update{hoa: hoa, coa: coa, seq: 1, lifetime: life})
		if used >= 0 {
			b.tick(used)
			b.n.Used(at2(b), hoa, self)
		}
		for b.now < until {
			due, _ := b.n.Deadline()
			b.now = min(max(b.now, time.Duration(due)), until)
			for _, a := range b.n.Tick(at2(b), &b.out) {
				if a.Packet != nil {
					at = append(at, b.now)
				}
			}
		}
		return at
	}
	first := life - AskBefore
	for name, c := range map[string]struct {
		used time.Duration
		want int
		at   time.Duration
	}{
		"in use":               {first - time.Second, AskTimes, first},
		"just in use":          {first - InUse, 1, first},
		"not in use":           {first - InUse - 1, 0, 0},
		"never used":           {-1, 0, 0},
		"used after the first": {first + 12*time.Second, 2, first + 12*time.Second},
	} {
		got := asks(c.used, life+time.Second)
		if len(got) != c.want || c.want > 0 && got[0] != c.at {
			t.Errorf("%s: asked at %v, want %d from %v", name, got, c.want, c.at)
		}
		for i := 1; i < len(got); i++ {
			if got[i]-got[i-1] != AskInterval {
				t.Errorf("%s: asked at %v", name, got)
			}
		}
	}
}

func at2(b *bench) engine.Now { return at(b.now) }

// Errors end a binding if there are so many over such a time, and those of long ago do not count: §9.3.4. What is over is over at once, and
// its number stays.
//
// spec MIP-04
func TestUnreachableSpan(t *testing.T) {
	for name, c := range map[string]struct {
		at   []time.Duration
		ends bool
	}{
		"many at once":       {[]time.Duration{0, 1, 2, 3, 4, 5}, false},
		"two over the time":  {[]time.Duration{0, UnreachableSpan}, false},
		"over the time":      {[]time.Duration{0, 1, UnreachableSpan}, true},
		"just not":           {[]time.Duration{0, 1, UnreachableSpan - 1}, false},
		"the first is old":   {[]time.Duration{0, UnreachableErrors*UnreachableSpan + 1, UnreachableErrors*UnreachableSpan + UnreachableSpan + 1}, false},
		"the first is fresh": {[]time.Duration{0, UnreachableErrors*UnreachableSpan - 1, UnreachableErrors * UnreachableSpan}, true},
	} {
		b := newBench(t, Config{})
		b.bind(update{hoa: hoa, coa: coa, seq: 1, lifetime: 400 * time.Second})
		ended := false
		for _, d := range c.at {
			b.now = d
			ended = b.n.Unreachable(at(d), hoa, self, coa, &b.out).Fact.Kind == Unbound
		}
		if ended != c.ends || (len(b.n.View()) == 0) != c.ends || b.n.Len() != 1 {
			t.Errorf("%s: ended %v", name, ended)
		}
		if due, _ := b.n.Deadline(); c.ends && time.Duration(due) != MaxNonceLifetime {
			t.Errorf("%s: next at %v", name, time.Duration(due))
		}
		if a := b.n.Unreachable(at(b.now), hoa, self, coa2, &b.out); a.Fact.Kind != Nothing {
			t.Errorf("%s: an error about another address", name)
		}
	}
}

// A home network whose bindings are gone has its share again.
//
// spec MIP-04
func TestShareComesBack(t *testing.T) {
	b := newBench(t, Config{Max: 2 * NetworkShare}) // two for a network
	addr := func(i byte) netip.Addr { a := hoa.As16(); a[15] = i; return netip.AddrFrom16(a) }
	for round := range 3 {
		for i := byte(1); i <= 2; i++ {
			b.bind(update{hoa: addr(i), coa: coa, seq: 1, lifetime: 10 * time.Second})
		}
		u := update{hoa: addr(3), coa: coa, seq: 1, lifetime: 10 * time.Second}
		if a, drops := b.hear(u.packet(b.test(u.hoa, coa))); a.Fact.Kind != Nothing || len(drops) != 1 || drops[0] != Refused {
			t.Fatalf("round %d: %+v %v", round, a.Fact, drops)
		}
		b.tick(b.now + MaxNonceLifetime)
	}
	if b.n.Len() != 0 || len(b.n.networks) != 0 {
		t.Errorf("left over: %s", dump(b.n))
	}
}

// Bindings are shown by home address, then by the address of ours.
func TestViewOrder(t *testing.T) {
	b := newBench(t, Config{Max: 1000})
	for _, i := range []byte{3, 1, 2} {
		a := hoa.As16()
		a[15] = i
		b.bind(update{hoa: netip.AddrFrom16(a), coa: coa, seq: 1, lifetime: 10 * time.Second})
	}
	v := b.n.View()
	for i := 1; i < len(v); i++ {
		if !v[i-1].HoA.Less(v[i].HoA) {
			t.Errorf("%v before %v", v[i-1].HoA, v[i].HoA)
		}
	}
}
