package mn

import (
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

// The first update as RFC 6275 §11.7.1 has it, its retransmissions as §11.8, and a number of its own for each.
//
// spec MIP-01
func TestFirstRegistrationAndRetransmissions(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Links = c.Links[:1] })
	b.up(wlan)
	u := b.update(b.ra(wlan, ar1))
	coa := coaOf(prefixA, hw1)
	if !u.Home || !u.Ack || u.LinkLocal || u.KeyMgmt || u.Lifetime != 420*time.Second || u.Options.AltCareOf != coa {
		t.Errorf("update %+v", u.BindingUpdate)
	}
	if u.Src != coa || u.Dst != haAddr || u.HomeAddress != hoa || u.to != ar1.hw {
		t.Errorf("sent from %v to %v by %v, home address %v", u.Src, u.Dst, u.to, u.HomeAddress)
	}
	b.want(plane.Hold, netip.Addr{}, "registering")
	seq := u.Seq
	for _, wait := range []time.Duration{1500 * time.Millisecond, 3 * time.Second, 6 * time.Second, 12 * time.Second, 24 * time.Second, 32 * time.Second, 32 * time.Second} {
		b.na(wlan, ar1)
		for left := wait; left > 0; left -= time.Second { // the router stays reachable
			b.ra(wlan, ar1)
			step := min(left, time.Second)
			if got := b.updates(b.pass(step - time.Millisecond)); len(got) != 0 {
				t.Fatalf("a retransmission %v before its time", left)
			}
			if left > time.Second {
				b.pass(time.Millisecond)
			}
		}
		if u = b.update(b.pass(time.Millisecond)); u.Seq != seq+1 {
			t.Fatalf("sequence %d after %d", u.Seq, seq)
		}
		seq = u.Seq
	}
	effects := b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Tunnel, coa, "bound")
	if !b.has(effects, engine.EventRegistered) || b.path.Remote != haAddr || b.path.Out != wlan {
		t.Errorf("path %+v", b.path)
	}
}

// A binding is refreshed in time, lives as long as was granted counted from the sending, and is held when it ends.
//
// spec MIP-01
func TestRefreshAndExpiry(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Links = c.Links[:1] })
	b.up(wlan)
	u := b.update(b.ra(wlan, ar1))
	b.keep(wlan, ar1, 200*time.Millisecond)
	b.do(b.ack(u, mh.Accepted, func(ba *mh.BindingAck) { ba.Lifetime = 100 * time.Second }))
	u = b.update(b.keep(wlan, ar1, 80*time.Second-200*time.Millisecond))
	b.want(plane.Tunnel, u.Src, "bound")
	b.do(b.ack(u, mh.Accepted, func(ba *mh.BindingAck) { ba.Lifetime, ba.Options.RefreshAdvice = 100*time.Second, 20*time.Second }))
	if got := b.updates(b.keep(wlan, ar1, 20*time.Second)); len(got) != 1 {
		t.Errorf("%d updates at the advised time", len(got))
	}
	b.keep(wlan, ar1, 79*time.Second)
	b.want(plane.Tunnel, u.Src, "bound")
	if effects := b.keep(wlan, ar1, 2*time.Second); !b.has(effects, "binding.expired") {
		t.Error("the binding did not end")
	}
	b.want(plane.Hold, u.Src, "registering")
	// More than was asked for is not believed.
	again := b.updates(b.keep(wlan, ar1, 12*time.Second))
	if len(again) == 0 {
		t.Fatal("no further update")
	}
	u = again[len(again)-1]
	b.do(b.ack(u, mh.Accepted, func(ba *mh.BindingAck) { ba.Lifetime = mh.MaxLifetime }))
	if b.n.home.lifetime != 420*time.Second {
		t.Errorf("granted %v", b.n.home.lifetime)
	}
}

// Updates never exceed MAX_UPDATE_RATE, whatever the links do.
//
// spec MIP-01
func TestUpdateRate(t *testing.T) {
	b := newBench(t, nil)
	b.attach(wlan, ar1)
	var at []engine.Mono
	for i := range 40 {
		var effects []engine.Effect
		if i%2 == 0 {
			effects = append(b.up(wlan), b.ra(wlan, ar2)...)
		} else {
			effects = append(b.up(wlan), b.ra(wlan, ar1)...)
		}
		effects = append(effects, b.pass(50*time.Millisecond)...)
		for range b.updates(effects) {
			at = append(at, b.now.Mono)
		}
	}
	if len(at) < 5 {
		t.Fatalf("only %d updates", len(at))
	}
	for i := MaxUpdateRate; i < len(at); i++ {
		if d := at[i].Sub(at[i-MaxUpdateRate]); d < time.Second-50*time.Millisecond {
			t.Errorf("%d updates in %v", MaxUpdateRate+1, d)
		}
	}
}

// Status 135 gives the number to go on from; one that comes late gives nothing.
//
// spec MIP-01
func TestSequenceOutOfWindow(t *testing.T) {
	b := newBench(t, nil)
	b.up(wlan)
	u := b.update(b.ra(wlan, ar1))
	late := b.ack(u, mh.SequenceOutOfWindow, func(ba *mh.BindingAck) { ba.Seq = u.Seq + 600 })
	second := b.ack(u, mh.SequenceOutOfWindow, func(ba *mh.BindingAck) { ba.Seq = u.Seq + 600 })
	next := b.update(b.do(late))
	if next.Seq != u.Seq+601 {
		t.Fatalf("sequence %d after %d was named", next.Seq, u.Seq+600)
	}
	if effects := b.do(second); len(b.updates(effects)) != 0 || !slices.Equal(b.drops(effects), []string{"ba-sequence"}) {
		t.Error("the same refusal made the node use a number twice")
	}
	b.do(b.ack(next, mh.Accepted, nil))
	b.want(plane.Tunnel, u.Src, "bound")
}

// What is not a valid acknowledgement of the update that is out is counted and changes nothing.
//
// spec MIP-01 MIP-02 MIP-03
func TestForgedAcknowledgements(t *testing.T) {
	for _, kind := range []string{"esp", "auth"} {
		b := newBench(t, func(c *Config) { c.Security, _ = keys(kind) })
		b.up(wlan)
		u := b.update(b.ra(wlan, ar1))
		try := func(what, reason string, in engine.Packet) {
			t.Helper()
			before := b.view()
			effects := b.do(in)
			if got := b.drops(effects); !slices.Equal(got, []string{reason}) {
				t.Errorf("%s, %s: drops %v, want %s", kind, what, got, reason)
			}
			if b.view() != before || len(b.updates(effects)) != 0 {
				t.Errorf("%s, %s: changed something", kind, what)
			}
		}
		plain := ip6.Packet{Header: ip6.Header{Src: haAddr, Dst: u.Src}, Routing2: hoa, Proto: ip6.ProtoMH}
		plain.Payload = mh.Append(nil, haAddr, hoa, &mh.BindingAck{Seq: u.Seq, Lifetime: time.Minute})
		try("unprotected", map[string]string{"esp": "unprotected", "auth": "auth-missing"}[kind], engine.Packet{Port: wlan, Data: plain.Append(nil)})
		other := plain
		other.Src = stranger
		other.Payload = mh.Append(nil, stranger, hoa, &mh.BindingAck{Seq: u.Seq, Lifetime: time.Minute})
		try("another's", "ba-unexpected", engine.Packet{Port: wlan, Data: other.Append(nil)})
		bent := b.ack(u, mh.Accepted, nil)
		bent.Data = slices.Clone(bent.Data)
		bent.Data[len(bent.Data)-1] ^= 1
		try("bent", map[string]string{"esp": "esp-auth", "auth": "mh-malformed"}[kind], bent)
		if kind == "esp" { // with RFC 4285 the association itself refuses what does not match its timestamp
			try("sequence", "ba-sequence", b.ack(u, mh.Accepted, func(ba *mh.BindingAck) { ba.Seq++ }))
			try("no routing header", "ba-without-home-address", b.bare(u))
		}
		good := b.ack(u, mh.Accepted, nil)
		if kind == "auth" {
			b = newBench(t, func(c *Config) { c.Security, _ = keys(kind) })
			b.up(wlan)
			u = b.update(b.ra(wlan, ar1))
			good = b.ack(u, mh.Accepted, nil)
		}
		b.do(good)
		b.want(plane.Tunnel, u.Src, "bound")
		if reason := b.drops(b.do(good)); len(reason) != 1 {
			t.Errorf("%s: a repeated acknowledgement: %v", kind, reason)
		}
	}
}

// Every status: what the node does next (RFC 6275 §11.7.3, RFC 4285 §5.1.1, §6).
//
// spec MIP-01
func TestRefusals(t *testing.T) {
	const slow = MaxBindackTimeout
	for _, c := range []struct {
		status mh.Status
		wait   time.Duration // until the next update
	}{
		{mh.ReasonUnspecified, slow}, {mh.AdministrativelyProhibited, slow}, {mh.InsufficientResources, slow},
		{mh.HomeRegistrationNotSupported, slow}, {mh.NotHomeSubnet, slow}, {mh.NotHomeAgent, slow}, {mh.DADFailed, slow},
		{mh.SequenceOutOfWindow, 0}, {mh.TypeChangeDisallowed, slow}, {mh.IDMismatch, 0}, {mh.MessageIDRequired, slow},
		{mh.AuthFailed, FirstBindackTimeout}, {mh.InvalidCoA, slow},
	} {
		b := newBench(t, nil)
		b.up(wlan)
		u := b.update(b.ra(wlan, ar1))
		start := b.now.Mono
		effects := b.do(b.ack(u, c.status, nil))
		b.want(plane.Hold, netip.Addr{}, "registering")
		if failed := b.has(effects, engine.EventFailed); failed != (c.wait == slow) {
			t.Errorf("%v: told as failed: %v", c.status, failed)
		}
		for len(b.updates(effects)) == 0 && b.now.Mono.Sub(start) <= slow {
			effects = b.keep(wlan, ar1, 100*time.Millisecond)
		}
		if got := b.now.Mono.Sub(start); got < c.wait || got > c.wait+100*time.Millisecond {
			t.Errorf("%v: next update after %v, want %v", c.status, got, c.wait)
		}
		if len(b.updates(b.keep(wlan, ar1, 500*time.Millisecond))) > MaxUpdateRate {
			t.Errorf("%v: a storm", c.status)
		}
	}
}

// A clock that is off is set right by the refusal, once at once.
//
// spec MIP-03
func TestClockOff(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Security, _ = keys("auth") })
	b.now.Wall = b.now.Wall.Add(-time.Hour) // only the mobile node's; the peer judges an hour later
	b.up(wlan)
	effects := b.ra(wlan, ar1)
	late := b.now
	late.Wall = late.Wall.Add(time.Hour)
	open := func(effects []engine.Effect) (sent, string) {
		for _, e := range effects {
			if s, ok := e.(engine.Send); ok {
				if p, _ := ip6.Parse(s.Data); p.Proto == ip6.ProtoMH {
					got, reason := b.ha.Receive(late, &p)
					bu, _ := got.MH.(*mh.BindingUpdate)
					if bu == nil {
						m, _ := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
						bu = m.(*mh.BindingUpdate)
					}
					return sent{bu, p, s.Port, s.To}, reason
				}
			}
		}
		t.Fatal("no update")
		return sent{}, ""
	}
	u, reason := open(effects)
	if reason != sa.AuthReplay {
		t.Fatalf("reason %q", reason)
	}
	u, reason = open(b.do(b.ack(u, mh.IDMismatch, nil)))
	if reason != "" {
		t.Fatalf("the second update: %s", reason)
	}
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Tunnel, u.Src, "bound")
}

// Binding errors and refresh requests cause an update, and no storm.
//
// spec MIP-01
func TestErrorsAndRequests(t *testing.T) {
	b := newBench(t, nil)
	u := b.attach(wlan, ar1)
	be := func(src netip.Addr, status uint8) []engine.Effect {
		p := ip6.Packet{Header: ip6.Header{Src: src, Dst: u.Src}, Proto: ip6.ProtoMH}
		p.Payload = mh.Append(nil, p.Src, p.Dst, &mh.BindingError{Status: status, HomeAddress: hoa})
		return b.do(engine.Packet{Port: wlan, Data: p.Append(nil)})
	}
	if got := b.drops(be(stranger, 1)); !slices.Equal(got, []string{"be-unexpected"}) {
		t.Errorf("a stranger's error: %v", got)
	}
	if got := b.drops(be(haAddr, 2)); !slices.Equal(got, []string{"be-unexpected"}) {
		t.Errorf("unknown type: %v", got)
	}
	b.do(b.ack(b.update(be(haAddr, 1)), mh.Accepted, nil))
	n := 0
	for range 90 { // for 9 s
		n += len(b.updates(be(haAddr, 1))) + len(b.updates(b.keep(wlan, ar1, 100*time.Millisecond)))
	}
	if n != 0 {
		t.Errorf("%d updates provoked within BindingErrorInterval", n)
	}
	brr := func() []engine.Effect {
		var scratch engine.Effects
		p := ip6.Packet{Header: ip6.Header{Src: haAddr, Dst: u.Src}, Routing2: hoa}
		return b.do(engine.Packet{Port: wlan, Data: b.ha.Protect(b.now, p, &mh.BindingRefreshRequest{}, &scratch)})
	}
	b.update(brr())
	if len(b.updates(brr())) != 0 {
		t.Error("a second request while an update is out caused another")
	}
}

// After a restart the numbers go on, and a node that comes up at home removes the binding it may have.
//
// spec MIP-01
func TestRestart(t *testing.T) {
	b := newBench(t, nil)
	u := b.attach(wlan, ar1)
	b.now.Mono = 0
	b.boot()
	b.up(wlan)
	again := b.update(b.ra(wlan, home))
	if again.Seq != u.Seq+1 || again.Lifetime != 0 || again.Src != hoa {
		t.Errorf("after the restart: %+v from %v", again.BindingUpdate, again.Src)
	}
}

// bare acknowledges without a routing header.
func (b *bench) bare(u sent) engine.Packet {
	var scratch engine.Effects
	p := ip6.Packet{Header: ip6.Header{Src: haAddr, Dst: u.Src}}
	return engine.Packet{Port: u.port, Data: b.ha.Protect(b.now, p, &mh.BindingAck{Seq: u.Seq, Lifetime: time.Minute}, &scratch)}
}

// keep lets time pass while a router goes on advertising every half second.
func (b *bench) keep(port plane.Port, r router, d time.Duration) []engine.Effect {
	b.t.Helper()
	var all []engine.Effect
	for d > 0 {
		all = append(all, b.ra(port, r)...)
		step := min(d, 500*time.Millisecond)
		all = append(all, b.pass(step)...)
		d -= step
	}
	return all
}
