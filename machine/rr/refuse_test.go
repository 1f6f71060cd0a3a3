package rr

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/mip"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// dump is all the state there is.
func dump(m *Mobile) string {
	var s strings.Builder
	fmt.Fprintln(&s, m.coa, m.until, m.starts, m.told, m.timers.Len())
	for _, a := range slices.SortedFunc(maps.Keys(m.peers), netip.Addr.Compare) {
		fmt.Fprintf(&s, "%+v", *m.peers[a])
		for k := homeTest; k <= retry; k++ {
			due, _ := m.timers.Armed(timer{a, k})
			fmt.Fprint(&s, " ", due)
		}
		fmt.Fprintln(&s)
	}
	return s.String()
}

// stage is a world in one of the states in which messages are refused.
type stage int

const (
	asking   stage = iota // both tests under way
	updated               // the update unanswered
	bound                 // the route ready
	stranger              // nothing under way with the peer
)

func (g stage) world(t testing.TB) *world {
	w := newWorld(t, Config{}, 1, cn)
	w.attach(coa)
	switch g {
	case asking:
		w.wanted(cn)
		w.run(5 * time.Millisecond)
	case updated:
		w.wanted(cn)
		w.run(25 * time.Millisecond)
	case bound:
		w.wanted(cn)
		w.run(20 * time.Second)
	}
	w.events = nil
	return w
}

// ack makes an acknowledgement of the update under way.
func (w *world) ack(status mh.Status, edit func(*ip6.Packet, *mh.BindingAck)) ip6.Packet {
	p := w.m.peers[cn]
	q := ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Routing2: hoa, Proto: ip6.ProtoMH}
	ba := &mh.BindingAck{Status: status, Seq: p.seq, Lifetime: time.Minute}
	if status < mh.ExpiredHomeNonce || status > mh.ExpiredNonces {
		ba.Options.BindingAuth = make([]byte, mip.AuthLen)
	}
	kbm := p.bu.kbm
	if edit != nil {
		edit(&q, ba)
	}
	if ba.Options.BindingAuth == nil {
		q.Payload = mh.Append(nil, q.Src, q.EffectiveDst(), ba)
		return q
	}
	q.Payload = mh.AppendSigned(nil, q.Src, q.EffectiveDst(), ba, func(covered []byte) []byte {
		return append(mip.Authenticator(kbm, coa, cn, covered), make([]byte, 8)...)
	})
	return q
}

// testOf makes a HoT or CoT that answers the test under way.
func (w *world) testOf(k kind) (ip6.Packet, [8]byte) {
	q := ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Proto: ip6.ProtoMH}
	if k == homeTest {
		q.Dst = hoa
	}
	if p := w.m.peers[cn]; p != nil {
		return q, p.tests[k].cookies[0]
	}
	return q, [8]byte{}
}

func withBody(q ip6.Packet, m mh.Message) ip6.Packet {
	q.Payload = mh.Append(nil, q.EffectiveSrc(), q.EffectiveDst(), m)
	return q
}

// Every message that is not believed leaves a drop with its reason and all as it was.
//
// spec MIP-04
func TestRefusals(t *testing.T) {
	other := netip.MustParseAddr("2001:db8:e::1")
	hot := func(edit func(*ip6.Packet, *mh.HomeTest)) func(*world) ip6.Packet {
		return func(w *world) ip6.Packet {
			q, cookie := w.testOf(homeTest)
			m := &mh.HomeTest{Cookie: cookie}
			edit(&q, m)
			return withBody(q, m)
		}
	}
	cot := func(edit func(*ip6.Packet, *mh.CareOfTest)) func(*world) ip6.Packet {
		return func(w *world) ip6.Packet {
			q, cookie := w.testOf(careTest)
			m := &mh.CareOfTest{Cookie: cookie}
			edit(&q, m)
			return withBody(q, m)
		}
	}
	ack := func(st mh.Status, edit func(*ip6.Packet, *mh.BindingAck)) func(*world) ip6.Packet {
		return func(w *world) ip6.Packet { return w.ack(st, edit) }
	}
	body := func(to netip.Addr, m mh.Message) func(*world) ip6.Packet {
		return func(*world) ip6.Packet {
			return withBody(ip6.Packet{Header: ip6.Header{Src: cn, Dst: to}, Proto: ip6.ProtoMH}, m)
		}
	}
	none := func(*ip6.Packet, *mh.BindingAck) {}
	for _, c := range []struct {
		name   string
		stage  stage
		p      func(*world) ip6.Packet
		out    bool // of the home agent's tunnel
		reason string
	}{
		{"HoT, wrong cookie", asking, hot(func(_ *ip6.Packet, m *mh.HomeTest) { m.Cookie[7]++ }), true, WrongCookie},
		{"HoT, cookie zero", asking, hot(func(_ *ip6.Packet, m *mh.HomeTest) { m.Cookie = [8]byte{} }), true, WrongCookie},
		{"HoT, from another", asking, hot(func(q *ip6.Packet, _ *mh.HomeTest) { q.Src = other }), true, TestUnexpected},
		{"HoT, straight", asking, hot(func(*ip6.Packet, *mh.HomeTest) {}), false, NotThrough},
		{"HoT to the care-of address", asking, hot(func(q *ip6.Packet, _ *mh.HomeTest) { q.Dst = coa }), true, WrongAddress},
		{"HoT with a routing header", asking, hot(func(q *ip6.Packet, _ *mh.HomeTest) { q.Dst, q.Routing2 = coa, hoa }), true, BadHeaders},
		{"HoT with a home address", asking, hot(func(q *ip6.Packet, _ *mh.HomeTest) { q.HomeAddress = other }), true, BadHeaders},
		{"HoT, not asked for", bound, hot(func(*ip6.Packet, *mh.HomeTest) {}), true, TestUnexpected},
		{"HoT, nobody asked", stranger, hot(func(*ip6.Packet, *mh.HomeTest) {}), true, TestUnexpected},
		{"HoT, a second one", updated, hot(func(*ip6.Packet, *mh.HomeTest) {}), true, TestUnexpected},
		{"CoT, wrong cookie", asking, cot(func(_ *ip6.Packet, m *mh.CareOfTest) { m.Cookie[0]++ }), false, WrongCookie},
		{"CoT to the home address", asking, cot(func(q *ip6.Packet, _ *mh.CareOfTest) { q.Dst = hoa }), true, WrongAddress},
		{"CoT, not asked for", updated, cot(func(*ip6.Packet, *mh.CareOfTest) {}), false, TestUnexpected},
		{"BA, none expected", bound, ack(mh.Accepted, none), false, AckUnexpected},
		{"BA from another", updated, ack(mh.Accepted, func(q *ip6.Packet, _ *mh.BindingAck) { q.Src = other }), false, AckUnexpected},
		{"BA unsigned", updated, ack(mh.Accepted, func(_ *ip6.Packet, m *mh.BindingAck) { m.Options.BindingAuth = nil }), false, AckUnsigned},
		{"BA, long authenticator", updated, ack(mh.Accepted, func(_ *ip6.Packet, m *mh.BindingAck) { m.Options.BindingAuth = make([]byte, 20) }), false, AckUnsigned},
		{"BA, changed", updated, func(w *world) ip6.Packet {
			q := w.ack(mh.Accepted, nil)
			m, _ := mh.ParseUnchecked(q.Payload)
			m.(*mh.BindingAck).Lifetime = time.Hour
			return withBody(q, m)
		}, false, AckUnsigned},
		{"BA to the home address", updated, ack(mh.Accepted, func(q *ip6.Packet, _ *mh.BindingAck) { q.Dst, q.Routing2 = hoa, netip.Addr{} }), false, WrongAddress},
		{"BA without a routing header", updated, ack(mh.Accepted, func(q *ip6.Packet, _ *mh.BindingAck) { q.Routing2 = netip.Addr{} }), false, WrongAddress},
		{"BA, number to come", updated, ack(mh.Accepted, func(_ *ip6.Packet, m *mh.BindingAck) { m.Seq++ }), false, AckSequence},
		{"BA, number of before", updated, ack(mh.Accepted, func(_ *ip6.Packet, m *mh.BindingAck) { m.Seq-- }), false, AckSequence},
		{"status 135 unsigned", updated, ack(mh.SequenceOutOfWindow, func(_ *ip6.Packet, m *mh.BindingAck) { m.Options.BindingAuth = nil }), false, AckUnsigned},
		{"status 135 of before", updated, ack(mh.SequenceOutOfWindow, func(_ *ip6.Packet, m *mh.BindingAck) { m.Seq -= 5 }), false, AckSequence},
		{"status 135, overtaken", updated, ack(mh.SequenceOutOfWindow, func(*ip6.Packet, *mh.BindingAck) {}), false, AckSequence},
		{"status 136, another number", updated, ack(mh.ExpiredHomeNonce, func(_ *ip6.Packet, m *mh.BindingAck) { m.Seq += 9 }), false, AckSequence},
		{"status 129 unsigned", updated, ack(mh.AdministrativelyProhibited, func(_ *ip6.Packet, m *mh.BindingAck) { m.Options.BindingAuth = nil }), false, AckUnsigned},
		{"BRR from another", stranger, body(hoa, &mh.BindingRefreshRequest{}), true, AskUnexpected},
		{"BRR in an exchange", updated, body(hoa, &mh.BindingRefreshRequest{}), true, AskUnexpected},
		{"BRR to the care-of address", bound, body(coa, &mh.BindingRefreshRequest{}), false, WrongAddress},
		{"BE about nothing", stranger, body(coa, &mh.BindingError{Status: 1, HomeAddress: hoa}), false, ErrorUnexpected},
		{"BE before the route", updated, body(coa, &mh.BindingError{Status: 1, HomeAddress: hoa}), false, ErrorUnexpected},
		{"BE about another home address", bound, body(coa, &mh.BindingError{Status: 1, HomeAddress: cn2}), false, ErrorUnexpected},
		{"BE to the home address", bound, body(hoa, &mh.BindingError{Status: 1, HomeAddress: hoa}), true, ErrorUnexpected},
		{"BE 2, nothing expected", bound, body(coa, &mh.BindingError{Status: 2}), false, ErrorUnexpected},
		{"BE 3", bound, body(coa, &mh.BindingError{Status: 3, HomeAddress: hoa}), false, ErrorUnexpected},
		{"HoTI", bound, body(hoa, &mh.HomeTestInit{}), true, Unexpected},
		{"fragment", bound, func(*world) ip6.Packet {
			q := withBody(ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Proto: ip6.ProtoMH}, &mh.HomeTest{})
			q.Fragment = &ip6.Fragment{More: true}
			return q
		}, false, Fragmented},
	} {
		w := c.stage.world(t)
		q := c.p(w)
		m, err := mh.Parse(q.EffectiveSrc(), q.EffectiveDst(), q.Payload)
		if err != nil {
			t.Fatal(c.name, err)
		}
		before := dump(w.m)
		w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Heard(now, &q, m, c.out, out) })
		if got := w.drops(); !slices.Equal(got, []string{c.reason}) {
			t.Errorf("%s: drops %v, want %q", c.name, got, c.reason)
		}
		if after := dump(w.m); after != before {
			t.Errorf("%s: was\n%s\nis\n%s", c.name, before, after)
		}
	}
}

// What each status of an acknowledgement leads to: §11.7.3.
//
// spec MIP-04
func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		status mh.Status
		next   []string // what is sent then
		phase  string
	}{
		{mh.Accepted, nil, "bound"},
		{mh.AcceptedPrefixDiscovery, nil, "bound"},
		{mh.ReasonUnspecified, nil, "barred"},
		{mh.AdministrativelyProhibited, nil, "barred"},
		{mh.InsufficientResources, nil, "barred"},
		{mh.HomeRegistrationNotSupported, nil, "barred"},
		{mh.NotHomeSubnet, nil, "barred"},
		{mh.NotHomeAgent, nil, "barred"},
		{mh.DADFailed, nil, "barred"},
		{mh.TypeChangeDisallowed, nil, "barred"},
		{mh.InvalidCoA, nil, "barred"},
		{mh.SequenceOutOfWindow, []string{"BindingUpdate"}, "seeking"},
		{mh.ExpiredHomeNonce, []string{"HomeTestInit"}, "seeking"},
		{mh.ExpiredCareOfNonce, []string{"CareOfTestInit"}, "seeking"},
		{mh.ExpiredNonces, []string{"HomeTestInit", "CareOfTestInit"}, "seeking"},
	} {
		w := updated.world(t)
		w.queue, w.tape = nil, nil
		last := w.m.peers[cn].seq
		q := w.ack(c.status, func(_ *ip6.Packet, ba *mh.BindingAck) {
			if c.status == mh.SequenceOutOfWindow {
				ba.Seq += 1000
			}
		})
		w.arrive(q.Append(nil))
		var next []string
		for _, line := range w.tape {
			next = append(next, lastWord(line))
		}
		v := w.m.View()[0]
		if !slices.Equal(next, c.next) || v.Phase != c.phase || (w.routes[cn] == coa) != (c.phase == "bound") || len(w.drops()) != 0 {
			t.Errorf("%v: %v, %+v, drops %v", c.status, next, v, w.drops())
		}
		if c.status == mh.SequenceOutOfWindow && v.Seq != last+1001 {
			t.Errorf("number %d after %d was refused for %d", v.Seq, last, last+1000)
		}
		w.run(time.Second)
		w.wanted(cn)
		if c.phase == "barred" && len(w.tape) > 0 {
			t.Errorf("%v: asks again", c.status)
		}
		if c.phase == "barred" { // being nowhere for a while changes nothing
			w.do(w.m.Lost)
			w.attach(coa)
		}
		w.run(RefusedFor)
		w.wanted(cn)
		w.run(time.Second)
		if c.phase != "bound" && w.routes[cn] != coa {
			t.Errorf("%v: never again", c.status)
		}
	}
	w := updated.world(t)
	q := w.ack(mh.Accepted, func(_ *ip6.Packet, ba *mh.BindingAck) { ba.Lifetime = 0 })
	if w.arrive(q.Append(nil)); len(w.routes) != 0 || w.m.View()[0].Phase != "barred" {
		t.Error("accepted for no time")
	}
}

// Refusals for old nonces can be forged by who sees the sequence number; they are believed MaxStale times, and end nothing.
//
// spec MIP-04
func TestStaleForged(t *testing.T) {
	w := updated.world(t)
	for range 20 {
		q := w.ack(mh.ExpiredNonces, nil)
		w.arrive(q.Append(nil))
		w.run(25 * time.Millisecond)
	}
	if n := w.count("HomeTestInit"); n > 1+MaxStale || !slices.Contains(w.drops(), AckStale) {
		t.Errorf("%d home tests, drops %v", n, w.drops())
	}
	w.run(10 * time.Second)
	if w.routes[cn] != coa {
		t.Errorf("no route: %v", w.tape)
	}
}

// A peer that asks for a refresh gets one, not more often than ErrorInterval; a forger gets no more.
//
// spec MIP-04
func TestRefreshRequest(t *testing.T) {
	w := bound.world(t)
	for range 100 {
		q := withBody(ip6.Packet{Header: ip6.Header{Src: cn, Dst: hoa}, Proto: ip6.ProtoMH}, &mh.BindingRefreshRequest{})
		w.arrive(q.Append(nil))
		w.run(time.Second)
	}
	if n := w.count("BindingUpdate"); n < 9 || n > 11 || w.routes[cn] != coa {
		t.Errorf("%d updates in 100 s", n)
	}
}

// Peers that know no mobility header are left alone: by Binding Error status 2 or ICMPv6 Parameter Problem code 1, if
// either is about something that was sent. Code 2 changes nothing: §11.3.5, §11.3.6.
//
// spec MIP-04
func TestUnable(t *testing.T) {
	w := asking.world(t)
	if w.binding(mh.UnknownMHType, coa, netip.IPv6Unspecified()); w.m.View()[0].Phase != "barred" {
		t.Error("Binding Error, status 2")
	}
	problem := func(w *world, code uint8, data []byte) {
		w.do(func(now engine.Now, out *engine.Effects) []Fact {
			return w.m.Problem(now, &icmp6.Error{Type: icmp6.TypeParameterProblem, Code: code, Param: 6, Invoking: data}, out)
		})
	}
	for _, g := range []stage{asking, updated} {
		var sent [][]byte
		w := newWorld(t, Config{}, 1, cn)
		w.delay = func(p *ip6.Packet, m mh.Message) []time.Duration {
			if p.Src != cn {
				sent = append(sent, p.Append(nil))
			}
			return []time.Duration{10 * time.Millisecond}
		}
		w.attach(coa)
		w.wanted(cn)
		w.run(map[stage]time.Duration{asking: 5, updated: 25}[g] * time.Millisecond)
		last := sent[len(sent)-1]
		before := dump(w.m)
		for i, p := range sent {
			forged := slices.Clone(p)
			forged[len(forged)-1] ^= 1 // the cookie or the authenticator
			for name, data := range map[string][]byte{"forged": forged, "cut": p[:len(p)-1], "none": nil} {
				if problem(w, icmp6.CodeNextHeader, data); dump(w.m) != before {
					t.Errorf("stage %d: %s quote %d believed", g, name, i)
				}
			}
		}
		if problem(w, icmp6.CodeHeaderField, last); dump(w.m) != before {
			t.Error("code 0 believed")
		}
		if problem(w, icmp6.CodeOption, last); dump(w.m) != before || w.events[len(w.events)-1].Name != "route.problem" {
			t.Error("code 2 changes something, or is not told")
		}
		told := len(w.events)
		for range 20 {
			problem(w, icmp6.CodeOption, last)
		}
		for _, e := range w.events[told:] {
			if e.Name != engine.EventDrop {
				t.Errorf("whoever forges many has %s told of each", e.Name)
				break
			}
		}
		if problem(w, icmp6.CodeNextHeader, last); w.m.View()[0].Phase != "barred" {
			t.Errorf("stage %d: not believed", g)
		}
		w.run(UnableFor - time.Minute)
		n := len(w.tape)
		w.wanted(cn)
		w.attach(coa2)
		w.wanted(cn)
		if len(w.tape) != n {
			t.Error("asked again too soon")
		}
		w.run(2 * time.Minute)
		w.attach(coa)
		w.wanted(cn)
		w.run(time.Second)
		if w.routes[cn] != coa {
			t.Error("never asked again")
		}
	}
}

// Packets with forged sources begin a bounded number of exchanges and fill a bounded list; routes that stand, stand.
//
// spec MIP-04
func TestFlood(t *testing.T) {
	for _, limit := range []int{40, 1000} {
		flood(t, limit)
	}
}

func flood(t *testing.T, limit int) {
	const seconds, rate = 100, 1000
	w := newWorld(t, Config{Max: limit}, 1, cn)
	w.attach(coa)
	w.wanted(cn)
	w.run(time.Second)
	n := 0
	for i := range seconds * rate {
		from := netip.AddrFrom16([16]byte{0x20, 1, 10: byte(i >> 16), 11: byte(i >> 8), 12: byte(i)})
		now := engine.Now{Mono: engine.Mono(w.now) + engine.Mono(i)*engine.Mono(time.Second/rate)}
		var out engine.Effects
		for due, _ := w.m.Deadline(); due <= now.Mono; due, _ = w.m.Deadline() {
			n += len(w.m.Tick(now, &out))
		}
		n += len(w.m.Wanted(now, from, &out))
		if len(w.m.peers) > limit || w.m.timers.Len() > limit*int(retry+1) {
			t.Fatalf("%d peers, %d timers", len(w.m.peers), w.m.timers.Len())
		}
	}
	if most := 2 * maxTries * (StartBurst + seconds*StartRate); n > most {
		t.Errorf("%d packets out, %d at most", n, most)
	}
	if w.m.peers[cn] == nil || !w.m.peers[cn].route.IsValid() {
		t.Error("the route that stood is gone")
	}
}

// At most MaxUpdateRate messages of a type go to a peer in a second, however fast the node moves: §11.8.
//
// spec MIP-04
func TestRate(t *testing.T) {
	w := newWorld(t, Config{}, 1, cn)
	times := map[string][]time.Duration{}
	w.delay = func(p *ip6.Packet, m mh.Message) []time.Duration {
		if p.Src != cn {
			k := kindOf(m)
			times[k] = append(times[k], w.now)
		}
		return []time.Duration{time.Millisecond}
	}
	w.attach(coa)
	w.wanted(cn)
	for i := range 200 {
		w.run(20 * time.Millisecond)
		w.attach(netip.AddrFrom16([16]byte{0x20, 1, 15: byte(1 + i%5)}))
	}
	w.run(5 * time.Second)
	for k, list := range times {
		for i := MaxUpdateRate; i < len(list); i++ {
			if list[i]-list[i-MaxUpdateRate] < time.Second {
				t.Errorf("%s: %d in less than a second, at %v", k, MaxUpdateRate+1, list[i])
			}
		}
	}
	if len(times["CareOfTestInit"]) < 10 || !w.routes[cn].IsValid() {
		t.Errorf("%v", times)
	}
}
