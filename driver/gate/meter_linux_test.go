package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"roam6/plane"
)

func source(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
}

// With ten thousand sources let in, letting one more in or none is one change of one element, and a meter two.
func TestThousandsOfSources(t *testing.T) {
	fresh(t)
	g := open(t, "roam6-x")
	must(t, g.Set("eth0", prefix("::/0"), false, nil))
	const many = 10_000
	for i := range many {
		must(t, g.Set("eth0", netip.PrefixFrom(source(i), 128), true, nil))
		must(t, g.SetMeter("eth0", source(i), nil))
	}
	// messages counts those of a change, without the two around each batch.
	messages := func(f func() error) int {
		before := g.nft.seq
		must(t, f())
		return int(g.nft.seq-before) - 2
	}
	at := netip.PrefixFrom(source(many), 128)
	for what, c := range map[string]struct {
		f    func() error
		want int
	}{
		"open and away": {func() error { return errors.Join(g.Set("eth0", at, true, nil), g.Delete("eth0", at, nil)) }, 1 + 2 + 1},
		"a meter": {func() error {
			return errors.Join(g.SetMeter("eth0", at.Addr(), nil), g.DeleteMeter("eth0", at.Addr(), nil))
		}, 2 + 2 + 2},
		"again":       {func() error { return g.Set("eth0", netip.PrefixFrom(source(1), 128), true, nil) }, -2},
		"meter again": {func() error { return g.SetMeter("eth0", source(1), nil) }, -2},
		"shut": {func() error {
			return errors.Join(g.Set("eth0", netip.PrefixFrom(source(2), 128), false, nil), g.Set("eth0", netip.PrefixFrom(source(2), 128), true, nil))
		}, 2 + 2 + 2},
	} {
		if n := messages(c.f); n != c.want {
			t.Errorf("%s: %d messages, want %d", what, n, c.want)
		}
	}
	for n, want := range map[int]int{1: 2, 1000: 2 * (1000 + fewMeters - 1) / fewMeters, 5000: 2, many: 2} {
		asked := make([]Meter, n)
		for i := range asked {
			asked[i] = Meter{Ifname: "eth0", Addr: source(i)}
		}
		if got := messages(func() error { return g.Measure(asked) }) + 2; got != want {
			t.Errorf("%d messages to read %d meters, want %d", got, n, want)
		}
	}
}

// The last meter takes its sets and chain along, and the table where no gate needs that.
func TestMetersComeAndGo(t *testing.T) {
	fresh(t)
	g := open(t, "roam6-x")
	parts := func() (s string) {
		if has(t, unix.NFT_MSG_GETTABLE, "roam6-x", "") {
			s = "table"
		}
		for _, set := range []string{upSet, downSet, "from64"} {
			if has(t, unix.NFT_MSG_GETSET, "roam6-x", set) {
				s += " " + set
			}
		}
		return s
	}
	own := []netip.Addr{source(99)}
	set := func(i int) error { return g.SetMeter("eth0", source(i), own) }
	del := func(i int) error { return g.DeleteMeter("eth0", source(i), own) }
	for i, c := range []struct {
		f    func() error
		want string
	}{
		{func() error { return set(1) }, "table up down"},
		{func() error { return set(2) }, "table up down"},
		{func() error { return g.DeleteMeter("eth1", source(1), own) }, "table up down"},
		{func() error { return del(1) }, "table up down"},
		{func() error { return g.Set("eth0", prefix("2001:db8::/64"), false, own) }, "table up down from64"},
		{func() error { return del(2) }, "table from64"},
		{func() error { return set(2) }, "table up down from64"},
		{func() error { return g.Delete("eth0", prefix("2001:db8::/64"), own) }, "table up down"},
		{func() error { return del(2) }, ""},
	} {
		must(t, c.f())
		if got := parts(); got != c.want {
			t.Errorf("%d: %q, want %q", i, got, c.want)
		}
	}
}

// A table that takes the place of another goes on counting where that one ended.
func TestCountsOutliveTheirTable(t *testing.T) {
	fresh(t)
	g := open(t, "roam6-x")
	must(t, g.SetMeter("lo", source(1), nil))
	g.meters[metered{"lo", source(1)}].up = plane.Count{Packets: 3, Octets: 300}
	counted := nest(unix.NFTA_SET_ELEM_EXPR, text(unix.NFTA_EXPR_NAME, "counter"), nest(unix.NFTA_EXPR_DATA,
		attr(unix.NFTA_COUNTER_PACKETS, binary.BigEndian.AppendUint64(nil, 5)...), attr(unix.NFTA_COUNTER_BYTES, binary.BigEndian.AppendUint64(nil, 500)...)))
	at := metered{"lo", source(1)}
	must(t, g.do([]message{g.elements(unix.NFT_MSG_DELSETELEM, downSet, at.element()), g.elements(unix.NFT_MSG_NEWSETELEM, downSet, at.element(counted))}))
	want := Meter{"lo", source(1), plane.Count{Packets: 3, Octets: 300}, plane.Count{Packets: 5, Octets: 500}}
	read := func(what string) {
		t.Helper()
		list := []Meter{{Ifname: "lo", Addr: source(1)}, {Ifname: "lo", Addr: source(2)}}
		must(t, g.Measure(list))
		if list[0] != want || list[1] != (Meter{Ifname: "lo", Addr: source(2)}) {
			t.Errorf("%s: %+v", what, list)
		}
	}
	read("before")
	for i := range 3 {
		if err := g.do([]message{g.message(unix.NFT_MSG_DELSET, 0, text(unix.NFTA_SET_NAME, "none"))}); !errors.Is(err, unix.ENOENT) {
			t.Fatal(err)
		}
		read("after a change that failed")
		must(t, g.SetMeter("lo", source(10+i), nil))
		read("in the next table")
	}
	must(t, g.DeleteMeter("lo", source(1), nil))
	must(t, g.SetMeter("lo", source(1), nil))
	want.Up, want.Down = plane.Count{}, plane.Count{}
	read("after it was deleted")
}

// A table that is filled in several batches stops from the first.
func TestClosedFirst(t *testing.T) {
	g := &Gates{table: "x", wanted: map[place]bool{}, meters: map[metered]*meter{}, bits: map[int]int{}}
	for i := range 5000 {
		g.wanted[place{"eth0", netip.PrefixFrom(source(i), 128)}] = i%100 != 0
		g.meters[metered{"eth0", source(i)}] = new(meter)
	}
	g.wanted[place{"eth0", prefix("::/0")}] = false
	g.bits[0], g.bits[128] = 1, 5000
	rules := g.rules()
	var batches [][]message
	for b := range cut(g.fill(rules, []netip.Addr{source(1)}), len(rules)) {
		batches = append(batches, b)
	}
	n, size := 0, 0
	for i, b := range batches {
		octets := 0
		for _, m := range b {
			octets += len(m.attrs)
		}
		n, size = n+len(b), max(size, octets)
		if i > 0 && slices.ContainsFunc(b, func(m message) bool { return m.kind == unix.NFT_MSG_NEWRULE }) {
			t.Errorf("batch %d has rules", i)
		}
	}
	first := fmt.Sprintf("%q", batches[0][len(rules)+1].attrs)
	if want := fmt.Sprintf("%q", g.elements(unix.NFT_MSG_NEWSETELEM, mapOf(0), place{"eth0", prefix("::/0")}.element(decision(false))).attrs); first != want {
		t.Errorf("behind the rules and our own addresses comes %s", first)
	}
	if len(batches) < 3 || size > batchOctets+(64<<10) || n != len(rules)+1+1+1+20+2*20 {
		t.Errorf("%d batches of %d messages, the largest of %d octets", len(batches), n, size)
	}
}

// FuzzCounters reads answers of a kernel that says anything.
func FuzzCounters(f *testing.F) {
	at := metered{"eth0", source(1)}
	good := slices.Concat(text(1, "roam6-x"), nest(unix.NFTA_SET_ELEM_LIST_ELEMENTS, at.element(zero), at.element()))
	f.Add(good)
	f.Add(good[:len(good)-30])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		counters(b, func(elementKey, plane.Count) { n++ })
		if n*40 > len(b) {
			t.Errorf("%d elements in %d octets", n, len(b))
		}
		_, _ = answers(b, func([]byte) {})
	})
}

// Every cut of an answer is an answer that says less.
func TestAnswersCutShort(t *testing.T) {
	at := metered{"eth0", source(1)}
	good := slices.Concat(text(1, "roam6-x"), nest(unix.NFTA_SET_ELEM_LIST_ELEMENTS, at.element(zero)))
	for n := range good {
		counters(good[:n], func(got elementKey, _ plane.Count) { t.Errorf("%d octets tell of %+v", n, got) })
	}
	n := 0
	counters(good, func(got elementKey, _ plane.Count) { n++ })
	if n != 1 {
		t.Errorf("%d elements", n)
	}
}
