package driver

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

var (
	linkLocal = netip.MustParseAddr("fe80::a")
	coaGroup  = ip6.SolicitedNode(coa)
	llGroup   = ip6.SolicitedNode(linkLocal)
)

// listener is an mld and the time of a test.
type listener struct {
	*mld
	t    *testing.T
	now  engine.Mono
	lend netip.Addr
}

func newListener(t *testing.T) *listener {
	l := &listener{t: t}
	l.mld = newMLD(engine.NewRand([32]byte{1}), func(plane.Port) netip.Addr { return l.lend })
	return l
}

// said reads what was sent since it was called last: "SOURCE > DESTINATION RECORDS". It checks what all packets have in common.
func (l *listener) said() (said []string) {
	l.t.Helper()
	l.flush(l.now)
	for _, out := range l.out {
		p, err := ip6.Parse(out.data)
		must(l.t, err)
		must(l.t, icmp6.CheckListener(p.Payload[0], &p))
		if p.RouterAlert != 1 || out.to != ip6.MulticastHW(p.Dst) || len(out.data) > ip6.MinMTU {
			l.t.Errorf("router alert %d to %v, %d octets", p.RouterAlert-1, out.to, len(out.data))
		}
		m, err := icmp6.Parse(p.Src, p.Dst, p.Payload)
		must(l.t, err)
		said = append(said, fmt.Sprintf("%d %v > %v %s", out.port, p.Src, p.Dst, words(m)))
	}
	l.out = nil
	return said
}

// words are the records of a report as RFC 3810 §5.2.12 abbreviates them.
func words(m icmp6.Message) string {
	switch m := m.(type) {
	case *icmp6.ListenerReport:
		var list []string
		for _, r := range m.Records {
			name := map[uint8]string{2: "IS_EX", 3: "TO_IN", 4: "TO_EX"}[r.Type]
			list = append(list, fmt.Sprintf("%s(%v)", name, r.Group))
		}
		return strings.Join(list, " ")
	case *icmp6.ListenerReport1:
		return fmt.Sprintf("v1 done=%v %v", m.Done, m.Group)
	}
	return fmt.Sprintf("%T", m)
}

// until lets time pass as far as a moment, and gives when something was said and what.
func (l *listener) until(end time.Duration) (at []time.Duration, said []string) {
	l.t.Helper()
	for l.deadline() <= engine.Mono(end) {
		l.now = max(l.now, l.deadline())
		l.tick(l.now)
		for _, s := range l.said() {
			at, said = append(at, time.Duration(l.now)), append(said, s)
		}
	}
	l.now = engine.Mono(end)
	return at, said
}

func (l *listener) want(got []string, want ...string) {
	l.t.Helper()
	if !slices.Equal(got, want) {
		l.t.Errorf("said\n %s\nwant\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
	}
}

// RFC 3810 §6.1, §9.1, §9.11: a change is reported at once, and once more within a second; then no more.
func TestMLDReportsChanges(t *testing.T) {
	l := newListener(t)
	l.up(1)
	l.local(linkLocal, plane.Local{Port: 1}, false)
	l.want(l.said(), "1 fe80::a > ff02::16 TO_EX("+llGroup.String()+")")
	_, said := l.until(time.Second)
	l.want(said, "1 fe80::a > ff02::16 TO_EX("+llGroup.String()+")")
	if _, said = l.until(time.Hour); said != nil || l.deadline() != engine.Never {
		t.Errorf("said later: %q", said)
	}

	l.local(coa, plane.Local{Port: 1, Tentative: true}, false)
	l.local(coa, plane.Local{Port: 1}, false)                                               // the same group
	l.local(netip.MustParseAddr("2001:db8:b::1"), plane.Local{Port: 1, Proxy: true}, false) // the same group
	l.want(l.said(), "1 fe80::a > ff02::16 TO_EX("+coaGroup.String()+")")
	l.local(coa, plane.Local{}, true)
	l.want(l.said())
	l.local(netip.MustParseAddr("2001:db8:b::1"), plane.Local{}, true)
	l.want(l.said(), "1 fe80::a > ff02::16 TO_IN("+coaGroup.String()+")")
	at, said := l.until(time.Hour + time.Second)
	l.want(said, "1 fe80::a > ff02::16 TO_IN("+coaGroup.String()+")") // the repetition of joining was merged, §6.1
	if len(at) == 1 && at[0] <= time.Hour {
		t.Errorf("repeated at %v", at)
	}
}

// What changes together is told together, also when one thing changes back before it was told.
func TestMLDMergesChanges(t *testing.T) {
	l := newListener(t)
	l.up(1)
	l.local(linkLocal, plane.Local{Port: 1}, false)
	l.local(coa, plane.Local{Port: 1}, false)
	l.want(l.said(), fmt.Sprintf("1 fe80::a > ff02::16 TO_EX(%v) TO_EX(%v)", coaGroup, llGroup))
	l.until(time.Minute)
	l.local(coa, plane.Local{}, true)
	l.local(coa, plane.Local{Port: 1}, false)
	l.want(l.said(), fmt.Sprintf("1 fe80::a > ff02::16 TO_EX(%v)", coaGroup))
	l.until(2 * time.Minute)
	l.local(coa, plane.Local{Port: 2}, false)
	l.want(l.said(), fmt.Sprintf("1 fe80::a > ff02::16 TO_IN(%v)", coaGroup)) // port 2 is not up
}

// RFC 3810 §5.2.13, RFC 3590 §4: from the unspecified address as long as there is no other; then everything again.
func TestMLDSource(t *testing.T) {
	l := newListener(t)
	l.up(1)
	l.local(linkLocal, plane.Local{Port: 1, Tentative: true}, false)
	l.want(l.said(), fmt.Sprintf("1 :: > ff02::16 TO_EX(%v)", llGroup))
	l.until(2 * time.Second)
	l.local(coa, plane.Local{Port: 1}, false)
	l.want(l.said(), fmt.Sprintf("1 :: > ff02::16 TO_EX(%v)", coaGroup))
	l.until(4 * time.Second)
	l.local(linkLocal, plane.Local{Port: 1}, false)
	again := fmt.Sprintf("1 fe80::a > ff02::16 TO_EX(%v) TO_EX(%v)", coaGroup, llGroup)
	l.want(l.said(), again)
	_, said := l.until(5 * time.Second)
	l.want(said, again)

	l.local(linkLocal, plane.Local{Port: 1, Proxy: true}, false) // another node's
	l.local(coa, plane.Local{}, true)
	l.want(l.said(), fmt.Sprintf("1 :: > ff02::16 TO_IN(%v)", coaGroup))

	l.lend = netip.MustParseAddr("fe80::b") // the kernel's
	l.local(coa, plane.Local{Port: 1}, false)
	l.want(l.said(), fmt.Sprintf("1 fe80::b > ff02::16 TO_EX(%v)", coaGroup))
	l.until(10 * time.Second)
	l.local(linkLocal, plane.Local{Port: 1}, false) // nothing was thrown away this time
	l.want(l.said())
}

// Another network knows nothing: all groups are reported there, and what was pending for the last one is forgotten.
func TestMLDLinks(t *testing.T) {
	l := newListener(t)
	l.local(linkLocal, plane.Local{Port: 1}, false)
	l.local(coa, plane.Local{Port: 1}, false)
	l.want(l.said()) // no link yet
	both := fmt.Sprintf("1 fe80::a > ff02::16 TO_EX(%v) TO_EX(%v)", coaGroup, llGroup)
	l.up(1)
	l.want(l.said(), both)
	l.query(l.now, 1, &icmp6.ListenerQuery{Version1: true, MaxResponse: time.Minute})
	l.query(l.now, 1, &icmp6.ListenerQuery{Group: coaGroup, MaxResponse: time.Minute})
	l.down(1)
	if _, said := l.until(time.Hour); said != nil || l.deadline() != engine.Never {
		t.Errorf("said while the link was down: %q", said)
	}
	l.query(l.now, 1, &icmp6.ListenerQuery{})
	if _, said := l.until(2 * time.Hour); said != nil {
		t.Errorf("an answer by a link that is down: %q", said)
	}
	l.up(1)
	l.want(l.said(), both) // of version 2 again
	l.up(1)                // yet another network
	l.want(l.said(), both)
	_, said := l.until(3 * time.Hour)
	l.want(said, both)
}

// RFC 3810 §6.2: a General Query is answered within its time, not at once, and by one answer however often it is asked.
func TestMLDAnswersGeneralQueries(t *testing.T) {
	answer := fmt.Sprintf("1 fe80::a > ff02::16 IS_EX(%v) IS_EX(%v)", coaGroup, llGroup)
	seen := map[time.Duration]bool{}
	for seed := range byte(20) {
		l := quiet(t)
		l.rand = engine.NewRand([32]byte{seed})
		l.query(l.now, 1, &icmp6.ListenerQuery{MaxResponse: 10 * time.Second})
		at, said := l.until(time.Hour)
		l.want(said, answer)
		after := at[0] - time.Minute
		if after <= 0 || after > 10*time.Second {
			t.Errorf("answered after %v", after)
		}
		seen[after.Round(time.Second)] = true
	}
	if len(seen) < 5 {
		t.Errorf("the delays are hardly random: %v", seen)
	}

	l := quiet(t)
	for k := range 50 { // an impatient querier, or somebody who plays one
		l.query(l.now, 1, &icmp6.ListenerQuery{MaxResponse: time.Duration(k) * time.Minute})
	}
	at, said := l.until(time.Hour)
	l.want(said, answer)
	if after := at[0] - time.Minute; after <= 0 || after > MLDPace {
		t.Errorf("answered after %v, though the first query allows no time at all", after)
	}
}

// quiet is a listener with two groups on port 1 that were reported long ago, at one minute.
func quiet(t *testing.T) *listener {
	l := newListener(t)
	l.up(1)
	l.local(linkLocal, plane.Local{Port: 1}, false)
	l.local(coa, plane.Local{Port: 1}, false)
	l.said()
	l.until(time.Minute)
	return l
}

// RFC 3810 §6.2, §6.3: about one group; of one that is not listened to there is nothing to say.
func TestMLDAnswersSpecificQueries(t *testing.T) {
	l := quiet(t)
	l.query(l.now, 1, &icmp6.ListenerQuery{Group: coaGroup, MaxResponse: time.Second, Sources: []netip.Addr{cn}})
	l.query(l.now, 1, &icmp6.ListenerQuery{Group: ip6.SolicitedNode(netip.MustParseAddr("2001:db8::77")), MaxResponse: time.Second})
	l.query(l.now, 2, &icmp6.ListenerQuery{Group: coaGroup, MaxResponse: time.Second})
	at, said := l.until(time.Hour)
	l.want(said, fmt.Sprintf("1 fe80::a > ff02::16 IS_EX(%v)", coaGroup))
	if at[0] <= time.Minute || at[0] > time.Minute+time.Second {
		t.Errorf("answered at %v", at)
	}
	l.query(l.now, 1, &icmp6.ListenerQuery{Group: coaGroup, MaxResponse: time.Minute})
	l.local(coa, plane.Local{}, true)
	left := fmt.Sprintf("1 fe80::a > ff02::16 TO_IN(%v)", coaGroup)
	l.want(l.said(), left)
	_, said = l.until(2 * time.Hour)
	l.want(said, left)
}

// A home agent's thousand groups are told by several reports, spread over the time; asking again and again neither
// keeps the last ones from their turn nor makes a flood.
func TestMLDManyGroups(t *testing.T) {
	const groups, most = 1000, (1000 + icmp6.MaxListenerRecords - 1) / icmp6.MaxListenerRecords
	l := newListener(t)
	l.up(1)
	for i := range groups {
		a := hoa.As16()
		a[13], a[14], a[15] = 7, byte(i>>8), byte(i)
		l.local(netip.AddrFrom16(a), plane.Local{Port: 1, Proxy: true}, false)
	}
	if n := len(l.said()); n != most {
		t.Errorf("%d reports at first, want %d", n, most)
	}
	l.until(time.Minute)
	l.query(l.now, 1, &icmp6.ListenerQuery{MaxResponse: 10 * time.Second})
	at, said := l.until(2 * time.Minute)
	told := map[string]bool{}
	for _, s := range said {
		for _, w := range strings.Fields(s)[4:] {
			told[w] = true
		}
	}
	if len(said) != most || len(told) != groups || at[len(at)-1] > time.Minute+10*time.Second || at[8]-at[0] < 3*time.Second {
		t.Errorf("%d reports with %d groups at %v", len(said), len(told), at)
	}

	clear(told)
	for k := range 1000 { // for ten seconds a query each 10 ms: half of them hurry, half would wait for ever
		at, said := l.until(2*time.Minute + time.Duration(k)*10*time.Millisecond)
		for _, s := range said {
			for _, w := range strings.Fields(s)[4:] {
				told[w] = true
			}
		}
		if len(at) > 2 {
			t.Fatalf("%d reports within 10 ms", len(at))
		}
		l.query(l.now, 1, &icmp6.ListenerQuery{MaxResponse: time.Duration(k%2) * time.Hour})
	}
	if len(told) != groups {
		t.Errorf("%d groups were told under a flood of queries", len(told))
	}
}

// RFC 3810 §8.2.1: where a querier of version 1 was heard, version 1 is spoken until none was heard for long enough.
func TestMLDVersion1(t *testing.T) {
	l := quiet(t)
	old := &icmp6.ListenerQuery{Version1: true, MaxResponse: 10 * time.Second}
	l.query(l.now, 1, &icmp6.ListenerQuery{MaxResponse: time.Second}) // its answer is canceled
	if !l.query(l.now, 1, old) || l.query(l.now, 1, old) {
		t.Error("the change to version 1 is told once")
	}
	at, said := l.until(time.Minute + 10*time.Second)
	l.want(said, fmt.Sprintf("1 fe80::a > %v v1 done=false %v", coaGroup, coaGroup), fmt.Sprintf("1 fe80::a > %v v1 done=false %v", llGroup, llGroup))
	if at[0] == at[1] {
		t.Errorf("both answers at %v", at)
	}
	l.local(coa, plane.Local{}, true)
	l.want(l.said(), fmt.Sprintf("1 fe80::a > ff02::2 v1 done=true %v", coaGroup))
	l.local(coa, plane.Local{Port: 1}, false)
	join := fmt.Sprintf("1 fe80::a > %v v1 done=false %v", coaGroup, coaGroup)
	l.want(l.said(), join)
	_, said = l.until(time.Minute + 20*time.Second)
	l.want(said, join)
	l.query(l.now, 1, &icmp6.ListenerQuery{Group: coaGroup, MaxResponse: time.Second}) // version 2 is answered too
	_, said = l.until(2 * time.Minute)
	l.want(said, join)

	l.until(time.Minute + MLDOlderQuerier - 1)
	if !l.ports[1].version1 {
		t.Error("version 1 ended too early")
	}
	l.until(time.Minute + MLDOlderQuerier)
	l.local(coa, plane.Local{}, true)
	l.want(l.said(), fmt.Sprintf("1 fe80::a > ff02::16 TO_IN(%v)", coaGroup))
}

// BenchmarkMLDBinding is what a binding and its end cost a home agent that has ten thousand, a thousand times a second.
func BenchmarkMLDBinding(b *testing.B) {
	m := newMLD(engine.NewRand([32]byte{1}), func(plane.Port) netip.Addr { return linkLocal })
	at := func(i int) netip.Addr {
		a := hoa.As16()
		a[13], a[14], a[15] = byte(i>>16), byte(i>>8), byte(i)
		return netip.AddrFrom16(a)
	}
	m.up(1)
	for i := range 10000 {
		m.local(at(i), plane.Local{Port: 1, Proxy: true}, false)
	}
	m.flush(0)
	now := engine.Mono(time.Minute)
	m.tick(now)
	b.ReportAllocs()
	for i := 10000; b.Loop(); i++ {
		now += engine.Mono(time.Millisecond)
		m.local(at(i), plane.Local{Port: 1, Proxy: true}, false)
		m.flush(now)
		m.local(at(i), plane.Local{}, true)
		m.flush(now)
		if m.deadline() <= now {
			m.tick(now)
		}
		m.out = m.out[:0]
	}
}
