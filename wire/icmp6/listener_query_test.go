package icmp6

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/ip6"
)

var (
	querier = netip.MustParseAddr("fe80::1")
	group   = netip.MustParseAddr("ff02::1:ff00:a01") // the solicited-node group of coa
	local   = netip.MustParseAddr("fe80::ff:fe00:a01")
)

var goldenGeneralQuery = golden{
	src: querier, dst: ip6.AllNodes,
	text: `
		82                      # Type 130
		00                      # Code
		56 96                   # Checksum
		27 10                   # Maximum Response Code 10000: 10 s
		00 00                   # Reserved
		00 00 00 00 00 00 00 00 # Multicast Address: none, a General Query
		00 00 00 00 00 00 00 00 #
		02                      # S=0, QRV 2
		7d                      # QQIC 125: 125 s
		00 00                   # Number of Sources
	`,
	msg: &ListenerQuery{MaxResponse: 10 * time.Second, Robustness: 2, Interval: 125 * time.Second},
	// RFC 3810 §8.1: cut there, it is a query of version 1.
	whole: func(n int) bool { return n == listener1Len },
}

var goldenSourceQuery = golden{
	src: querier, dst: group,
	text: `
		82                      # Type 130
		00                      # Code
		60 9c                   # Checksum
		a3 45                   # Maximum Response Code: exponent 2, mantissa 0x345: 0x1345 << 5 ms
		00 00                   # Reserved
		ff 02 00 00 00 00 00 00 # Multicast Address
		00 00 00 01 ff 00 0a 01 #
		0f                      # S=1, QRV 7
		93                      # QQIC: exponent 1, mantissa 3: 0x13 << 4 s
		00 02                   # Number of Sources
		20 01 0d b8 00 0f 00 00 # Source Addresses
		00 00 00 00 00 00 00 01 #
		20 01 0d b8 00 01 00 00 #
		00 00 00 00 00 00 00 01 #
	`,
	msg: &ListenerQuery{MaxResponse: 157856 * time.Millisecond, Group: group, Suppress: true, Robustness: 7,
		Interval: 304 * time.Second, Sources: []netip.Addr{router, ha}},
	whole: func(n int) bool { return n == listener1Len },
}

var goldenQuery1 = golden{
	src: querier, dst: ip6.AllNodes,
	text: `
		82                      # Type 130
		00                      # Code
		80 27                   # Checksum
		ff ff                   # Maximum Response Delay 65.535 s: the field is linear in version 1
		00 00                   # Reserved
		00 00 00 00 00 00 00 00 # Multicast Address
		00 00 00 00 00 00 00 00 #
	`,
	msg:   &ListenerQuery{Version1: true, MaxResponse: 65535 * time.Millisecond},
	whole: func(int) bool { return false },
}

func TestListenerQuery(t *testing.T) {
	for _, g := range []golden{goldenGeneralQuery, goldenSourceQuery, goldenQuery1} {
		g.check(t)
	}
}

// RFC 3810 §5.1.1, §5.1.4, §5.1.6, §5.2.1: code and reserved bits are ignored; what follows too (§5.1.12, §5.2.11).
func TestListenerCodeAndReserved(t *testing.T) {
	for name, g := range goldens { //order:any
		b := g.octets()
		if !IsListener(b[0]) {
			continue
		}
		b[1] = 1
		if b[0] == TypeListenerReport {
			b[4], b[5] = 0xff, 0xff
		} else {
			b[6], b[7] = 0xff, 0xff
		}
		if b[0] == TypeListenerQuery && len(b) > listener1Len {
			b[24] |= 0xf0
		}
		if name != "Query1" { // its length is its version
			b = append(b, 1, 2, 3, 4, 5, 6, 7)
		}
		if m, err := Parse(g.src, g.dst, seal(g.src, g.dst, b)); err != nil || !reflect.DeepEqual(m, g.msg) {
			t.Errorf("%s: %v, %v; want %v", name, m, err, g.msg)
		}
	}
}

// RFC 3810 §8.1: neither version has 25 to 27 octets.
func TestListenerQueryLengths(t *testing.T) {
	whole := goldenGeneralQuery.octets()
	for n := listener1Len + 1; n < queryLen; n++ {
		goldenGeneralQuery.refused(t, "a length between the versions", slices.Clone(whole[:n]), "Multicast Address", n, wire.ErrTruncated)
	}
}

func TestListenerQueryRefusals(t *testing.T) {
	b := goldenSourceQuery.octets()
	b[8] = 0xfe
	goldenSourceQuery.refused(t, "a unicast group", b, "Multicast Address", 8, wire.ErrValue)
	b = goldenSourceQuery.octets()
	clear(b[8:24])
	goldenSourceQuery.refused(t, "sources of no group", b, "Number of Sources (N)", 26, wire.ErrValue)
	b = goldenSourceQuery.octets()
	b[27] = 3
	goldenSourceQuery.refused(t, "a source too many", b, "Source Address", len(b), wire.ErrTruncated)
}

// Times that the codes cannot tell become the next lower ones; each code is read as what it was written for.
func TestListenerQueryTimes(t *testing.T) {
	for _, c := range []struct {
		version1               bool
		delay, interval        time.Duration
		wantDelay, wantInteval time.Duration
	}{
		{false, 32767 * time.Millisecond, 127 * time.Second, 32767 * time.Millisecond, 127 * time.Second},
		{false, 32768 * time.Millisecond, 128 * time.Second, 32768 * time.Millisecond, 128 * time.Second},
		{false, 32775 * time.Millisecond, 135 * time.Second, 32768 * time.Millisecond, 128 * time.Second},
		{false, time.Minute, 260 * time.Second, time.Minute, 256 * time.Second},
		{false, 100 * time.Hour, 100 * time.Hour, 8387584 * time.Millisecond, 31744 * time.Second},
		{false, -1, -1, 0, 0},
		{true, time.Minute, time.Minute, time.Minute, 0},
		{true, time.Hour, 0, 65535 * time.Millisecond, 0},
	} {
		m, err := Parse(querier, ip6.AllNodes, Append(nil, querier, ip6.AllNodes,
			&ListenerQuery{Version1: c.version1, MaxResponse: c.delay, Interval: c.interval}))
		if err != nil {
			t.Fatal(err)
		}
		if q := m.(*ListenerQuery); q.MaxResponse != c.wantDelay || q.Interval != c.wantInteval {
			t.Errorf("%v and %v were read as %v and %v", c.delay, c.interval, q.MaxResponse, q.Interval)
		}
	}
	for code := range 1 << 16 {
		if v := unfloat(code, responseLinear, responseBits); float(v, responseLinear, responseBits) != code || v > maxResponse {
			t.Fatalf("code %#x means %d ms, and that is written as %#x", code, v, float(v, responseLinear, responseBits))
		}
	}
	for code := range 1 << 8 {
		if v := unfloat(code, intervalLinear, intervalBits); float(v, intervalLinear, intervalBits) != code || v > maxInterval {
			t.Fatalf("code %#x means %d s, and that is written as %#x", code, v, float(v, intervalLinear, intervalBits))
		}
	}
}

// RFC 3810 §5, §5.1.14, §5.2.13, §6.2.
func TestCheckListener(t *testing.T) {
	good := ip6.Packet{Header: ip6.Header{HopLimit: 1, Src: local}, RouterAlert: 1}
	with := func(f func(p *ip6.Packet)) *ip6.Packet { p := good; f(&p); return &p }
	for _, c := range []struct {
		name   string
		kind   uint8
		p      *ip6.Packet
		want   string
		offset int
	}{
		{"query", TypeListenerQuery, &good, "", 0},
		{"hop limit 255", TypeListenerQuery, with(func(p *ip6.Packet) { p.HopLimit = 255 }), "Hop Limit", 7},
		{"global source", TypeListenerReport, with(func(p *ip6.Packet) { p.Src = coa }), "Source Address", 8},
		{"query from ::", TypeListenerQuery, with(func(p *ip6.Packet) { p.Src = netip.IPv6Unspecified() }), "Source Address", 8},
		{"report from ::", TypeListenerReport, with(func(p *ip6.Packet) { p.Src = netip.IPv6Unspecified() }), "", 0},
		{"version 1 report from ::", TypeListenerReport1, with(func(p *ip6.Packet) { p.Src = netip.IPv6Unspecified() }), "", 0},
		{"no alert", TypeListenerDone, with(func(p *ip6.Packet) { p.RouterAlert = 0 }), "Router Alert", 6},
	} {
		err := CheckListener(c.kind, c.p)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if e, ok := err.(*wire.Error); !ok || e.Field != c.want || e.Offset != c.offset {
			t.Errorf("%s: %v, want %s at %d", c.name, err, c.want, c.offset)
		}
	}
}
