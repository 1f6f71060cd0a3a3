package rr

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

// One exchange: who says what, in which order, and when the route is ready.
//
// spec MIP-04
func TestExchange(t *testing.T) {
	w := newWorld(t, Config{}, 1, cn)
	w.attach(coa)
	w.wanted(cn)
	w.run(time.Second)
	want := []string{
		"0s 2001:db8:1::10>2001:db8:c::1 HomeTestInit",
		"0s 2001:db8:a::10>2001:db8:c::1 CareOfTestInit",
		"10ms 2001:db8:c::1>2001:db8:1::10 HomeTest",
		"10ms 2001:db8:c::1>2001:db8:a::10 CareOfTest",
		"20ms 2001:db8:a::10>2001:db8:c::1 BindingUpdate",
		"30ms 2001:db8:c::1>2001:db8:a::10 BindingAck",
	}
	if !slices.Equal(w.tape, want) {
		t.Errorf("%q", w.tape)
	}
	if w.routes[cn] != coa || !w.believes(cn, coa) || len(w.drops()) != 0 {
		t.Errorf("routes %v, drops %v", w.routes, w.drops())
	}
	if v := w.m.View(); len(v) != 1 || v[0].Phase != "bound" || v[0].CoA != coa || v[0].Expires != engine.Mono(20*time.Millisecond+MaxBindingLifetime) {
		t.Errorf("%+v", v)
	}
}

// After a move only the care-of address is tested, at once; on the way back nothing is, and at home the peer is told with
// the home token alone: §5.2.7, §11.6.1, §11.5.5.
//
// spec MIP-04
func TestMoves(t *testing.T) {
	w := newWorld(t, Config{}, 1, cn)
	w.attach(coa)
	w.wanted(cn)
	w.run(10 * time.Second)
	check := func(step string, coa netip.Addr, kinds ...string) {
		t.Helper()
		var got []string
		for _, line := range w.tape {
			got = append(got, line[len(line)-len(lastWord(line)):])
		}
		if !slices.Equal(got, kinds) || w.routes[cn] != coa {
			t.Errorf("%s: %v, route %v", step, got, w.routes[cn])
		}
		w.tape = nil
	}
	w.tape = nil

	w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Arrived(now, coa2, out) })
	if len(w.routes) != 0 {
		t.Error("a route by an access that is gone")
	}
	w.run(100 * time.Millisecond) // the home agent is still being told
	check("care-of test first", netip.Addr{}, "CareOfTestInit", "CareOfTest")
	w.register(coa2, time.Hour)
	w.run(time.Second)
	check("update when the home agent knows", coa2, "BindingUpdate", "BindingAck")

	w.attach(coa)
	w.run(time.Second)
	check("back, with both tokens of before", coa, "BindingUpdate", "BindingAck")

	w.do(w.m.Lost)
	check("nowhere", netip.Addr{})
	w.attach(coa)
	w.run(time.Second)
	check("the same address again", coa)

	w.home()
	w.run(time.Second)
	check("home", netip.Addr{}, "BindingUpdate", "BindingAck")
	if w.believes(cn, coa) || len(w.m.View()) != 0 {
		t.Errorf("still bound: %+v", w.m.View())
	}
	w.wanted(cn)
	check("at home nothing is optimised", netip.Addr{})

	seq := w.m.peers[cn].seq
	w.attach(coa2)
	w.wanted(cn)
	w.run(300 * time.Second)
	if got := w.m.peers[cn].seq; got != seq+1 {
		t.Errorf("number %d after %d: what the peer may remember is forgotten", got, seq)
	}
	w.tape = nil
	w.home() // the home token is too old by now
	w.run(time.Second)
	check("home later", netip.Addr{}, "HomeTestInit", "HomeTest", "BindingUpdate", "BindingAck")
}

func lastWord(s string) string {
	i := len(s)
	for i > 0 && s[i-1] != ' ' {
		i--
	}
	return s[i:]
}

// Routes in use are refreshed before they end; others end, and no packet is ever sent to a peer that has forgotten us.
//
// spec MIP-04
func TestRefresh(t *testing.T) {
	w := newWorld(t, Config{}, 1, cn, cn2)
	w.attach(coa)
	w.wanted(cn)
	w.wanted(cn2)
	w.run(time.Second)
	for range 100 {
		w.used(cn)
		w.run(10 * time.Second)
		for _, a := range w.names {
			if c := w.routes[a]; c.IsValid() && !w.believes(a, c) {
				t.Fatalf("%v: %v does not know the route that we use", w.now, a)
			}
		}
	}
	if w.routes[cn] != coa || w.routes[cn2].IsValid() || len(w.m.View()) != 1 {
		t.Errorf("after 1000 s: %v, %+v", w.routes, w.m.View())
	}
	if n := w.count("BindingUpdate"); n != 4 { // cn at 0, 360, 720 s, cn2 at 0
		t.Errorf("%d updates", n)
	}
	// Traffic that begins when the time to refresh is past is enough.
	w.run(15 * time.Second) // ends about 1080
	v := w.m.View()[0]
	w.run(time.Duration(v.Expires) - w.now - 30*time.Second)
	w.run(29 * time.Second)
	w.used(cn)
	w.run(time.Second)
	if w.routes[cn] != coa {
		t.Error("not refreshed in time")
	}
}

// A binding does not outlive the home registration, nor is one asked for that would: §11.7.2.
//
// spec MIP-04
func TestHomeLifetime(t *testing.T) {
	w := newWorld(t, Config{Lifetime: 100 * time.Second}, 1, cn)
	w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Arrived(now, coa, out) })
	w.wanted(cn)
	w.run(time.Second)
	if len(w.tape) != 0 || len(w.m.View()) != 0 {
		t.Errorf("before the home agent knows: %v", w.tape)
	}
	w.register(coa, 30*time.Second)
	w.wanted(cn)
	w.run(time.Second)
	if e := w.m.View()[0].Expires; e > engine.Mono(31*time.Second) || w.routes[cn] != coa {
		t.Errorf("until %v", time.Duration(e))
	}
	w = newWorld(t, Config{}, 1, cn)
	w.attach(coa)
	w.register(coa, 3*time.Second)
	w.wanted(cn)
	w.run(time.Second)
	if w.count("BindingUpdate") != 0 || len(w.routes) != 0 {
		t.Error("an update for less than a unit of time")
	}
	w.register(coa, time.Hour)
	w.run(time.Second)
	if w.routes[cn] != coa {
		t.Error("not resumed")
	}
}

// Policy: never, always, by the longest prefix.
//
// spec MIP-04
func TestPolicy(t *testing.T) {
	rules := []Rule{{netip.MustParsePrefix("2001:db8::/32"), Never}, {netip.PrefixFrom(cn, 128), Always}}
	var w *world
	for range rules {
		slices.Reverse(rules)
		w = newWorld(t, Config{Rules: rules}, 1, cn, cn2)
		w.attach(coa)
		w.wanted(cn2)
		w.run(time.Second)
		if w.routes[cn] != coa || len(w.m.View()) != 1 || w.m.when(cn) != Always {
			t.Fatalf("%v %+v", w.routes, w.m.View())
		}
	}
	few := newWorld(t, Config{Max: 1, Rules: []Rule{{netip.PrefixFrom(cn, 128), Always}, {netip.PrefixFrom(cn2, 128), Always}}}, 1, cn, cn2)
	if few.attach(coa); len(few.m.peers) != 1 {
		t.Errorf("%d peers", len(few.m.peers))
	}
	for range 30 { // never used, always there
		w.run(time.Minute)
		w.register(coa, time.Hour)
		if w.routes[cn] != coa {
			t.Fatalf("lost at %v", w.now)
		}
	}
	w.dead[cn] = true
	w.run(20 * time.Minute)
	if len(w.routes) != 0 {
		t.Error("a route to a dead peer")
	}
	w.dead[cn] = false
	w.run(SilentFor + time.Minute)
	if w.routes[cn] != coa {
		t.Error("not tried again")
	}
}

// What is lost is sent again, with new cookies and numbers, ever more slowly; then packets go by the tunnel until the peer
// may be asked again: §5.2.9, §11.8.
//
// spec MIP-04
func TestSilence(t *testing.T) {
	for _, c := range []struct {
		lost string
		want []string // when it is sent
	}{
		{"HomeTestInit", []string{"0s", "1s", "3s", "7s"}},
		{"CareOfTestInit", []string{"0s", "1s", "3s", "7s"}},
		{"HomeTest", []string{"10ms", "1.01s", "3.01s", "7.01s"}},
		{"CareOfTest", []string{"10ms", "1.01s", "3.01s", "7.01s"}},
		// The third update has new tokens.
		{"BindingUpdate", []string{"20ms", "1.02s", "3.04s", "7.04s"}},
		{"BindingAck", []string{"30ms", "1.03s", "3.05s", "7.05s"}},
	} {
		w := newWorld(t, Config{}, 1, cn)
		cookies := map[[8]byte]bool{}
		w.delay = func(_ *ip6.Packet, m mh.Message) []time.Duration {
			switch m := m.(type) {
			case *mh.HomeTestInit:
				cookies[m.Cookie] = true
			case *mh.CareOfTestInit:
				cookies[m.Cookie] = true
			}
			if lastWord(kindOf(m)) == c.lost {
				return nil
			}
			return []time.Duration{10 * time.Millisecond}
		}
		w.attach(coa)
		w.wanted(cn)
		w.run(time.Minute)
		var got []string
		for _, line := range w.tape {
			if lastWord(line) == c.lost {
				got = append(got, line[:slices.Index([]byte(line), ' ')])
			}
		}
		if !slices.Equal(got, c.want) || len(w.routes) != 0 || w.m.View()[0].Phase != "barred" {
			t.Errorf("%s lost: sent at %v; %+v", c.lost, got, w.m.View())
		}
		if n := w.count("HomeTestInit") + w.count("CareOfTestInit"); n != len(cookies) {
			t.Errorf("%s lost: %d questions, %d cookies", c.lost, n, len(cookies))
		}
		w.delay = nil
		w.wanted(cn)
		w.run(time.Second)
		if len(w.routes) != 0 {
			t.Errorf("%s lost: asked again at once", c.lost)
		}
		w.attach(coa2) // another way there, perhaps without the filter
		w.wanted(cn)
		w.run(time.Second)
		if w.routes[cn] != coa2 {
			t.Errorf("%s lost: not tried after a move", c.lost)
		}
	}
}

func kindOf(m mh.Message) string {
	switch m.(type) {
	case *mh.HomeTestInit:
		return "HomeTestInit"
	case *mh.CareOfTestInit:
		return "CareOfTestInit"
	case *mh.HomeTest:
		return "HomeTest"
	case *mh.CareOfTest:
		return "CareOfTest"
	case *mh.BindingUpdate:
		return "BindingUpdate"
	case *mh.BindingAck:
		return "BindingAck"
	}
	return ""
}

// The number of an update that was not answered is not used again while the peer may know it: §11.7.2.
//
// spec MIP-04
func TestNumberKept(t *testing.T) {
	w := newWorld(t, Config{}, 1, cn)
	w.delay = func(_ *ip6.Packet, m mh.Message) []time.Duration {
		if kindOf(m) == "BindingAck" {
			return nil
		}
		return []time.Duration{10 * time.Millisecond}
	}
	w.attach(coa)
	w.wanted(cn)
	w.run(SilentFor + 30*time.Second)
	seq := w.m.peers[cn].seq
	w.delay = nil
	w.wanted(cn)
	w.run(time.Second)
	if got := w.m.peers[cn].seq; got != seq+1 || w.routes[cn] != coa {
		t.Errorf("number %d after %d", got, seq)
	}
	w.do(w.m.Lost)
	w.run(time.Hour)
	if len(w.m.peers) != 0 || w.m.timers.Len() != 0 {
		t.Errorf("left over: %s", dump(w.m))
	}
}

// A round trip longer than the first timeouts is no loss.
//
// spec MIP-04
func TestSlow(t *testing.T) {
	w := newWorld(t, Config{}, 1, cn)
	w.delay = func(*ip6.Packet, mh.Message) []time.Duration { return []time.Duration{1250 * time.Millisecond} }
	w.attach(coa)
	w.wanted(cn)
	w.run(6 * time.Second)
	if w.routes[cn] != coa {
		t.Errorf("%v", w.tape)
	}
}

// A correspondent that restarted forgets us: it says so by status 138 or a Binding Error, and is told again.
//
// spec MIP-04
func TestRestart(t *testing.T) {
	w := newWorld(t, Config{}, 1, cn)
	w.attach(coa)
	w.wanted(cn)
	w.run(time.Second)
	w.restart(cn, 77)
	w.tape = nil
	w.attach(coa2)
	w.run(time.Second)
	if w.routes[cn] != coa2 || w.count("BindingUpdate") != 2 || w.count("HomeTestInit") != 1 {
		t.Errorf("stale tokens: %v", w.tape)
	}
	w.restart(cn, 78)
	w.run(10 * time.Second)
	w.binding(mh.UnknownBinding, coa2, hoa)
	if len(w.routes) != 0 {
		t.Error("a route that the peer knows nothing of")
	}
	w.run(time.Second)
	if w.routes[cn] != coa2 || !w.believes(cn, coa2) {
		t.Errorf("not told again: %v", w.tape)
	}
	// A second error so soon may be forged: the route ends, but nothing is asked.
	n := len(w.tape)
	w.binding(mh.UnknownBinding, coa2, hoa)
	w.run(time.Second)
	w.wanted(cn)
	if len(w.routes) != 0 || len(w.tape) != n {
		t.Errorf("%v %v", w.routes, w.tape[n:])
	}
	w.run(ErrorInterval)
	w.wanted(cn)
	w.run(time.Second)
	if w.routes[cn] != coa2 {
		t.Error("never again")
	}
	// Packets by the tunnel long after the update: the peer forgot, and cannot say so.
	w.restart(cn, 79)
	w.wanted(cn)
	w.run(LostAfter)
	w.wanted(cn)
	w.run(time.Second)
	if !w.believes(cn, coa2) {
		t.Error("tunnelled packets are no hint")
	}
}

// binding hands a Binding Error over.
func (w *world) binding(status uint8, to, hoa netip.Addr) {
	w.t.Helper()
	p := ip6.Packet{Header: ip6.Header{Src: cn, Dst: to}, Proto: ip6.ProtoMH}
	p.Payload = mh.Append(nil, cn, to, &mh.BindingError{Status: status, HomeAddress: hoa})
	w.arrive(p.Append(nil))
}

// No way to print a mobile node's end prints its tokens.
func TestNoTokens(t *testing.T) {
	w := bound.world(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, w.m); got != "rr(2001:db8:1::10, 1 peers)" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

// With A clear the route is used at once.
//
// spec MIP-04
func TestNoAck(t *testing.T) {
	w := newWorld(t, Config{NoAck: true}, 1, cn)
	w.attach(coa)
	w.wanted(cn)
	w.run(25 * time.Millisecond)
	if w.routes[cn] != coa {
		t.Error("waits for an acknowledgement")
	}
	w.run(time.Second)
	if w.count("BindingAck") != 0 || !w.believes(cn, coa) {
		t.Errorf("%v", w.tape)
	}
	w.restart(cn, 9)
	w.attach(coa2) // refused for its nonces, which is told all the same
	w.run(time.Second)
	if !w.believes(cn, coa2) || w.count("BindingAck") != 1 {
		t.Errorf("%v", w.tape)
	}
	w.home()
	w.run(time.Second)
	if w.believes(cn, coa2) || len(w.m.View()) != 0 {
		t.Errorf("still bound: %+v", w.m.View())
	}
}
