package tell

import (
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

var (
	self = netip.MustParseAddr("2001:db8::1")
	peer = netip.MustParseAddr("2001:db8:77::1")
	hoa  = netip.MustParseAddr("2001:db8:77::2")
)

func at(d time.Duration) engine.Now { return engine.Now{Mono: engine.Mono(d)} }

// spec MIP-01
func TestBindingError(t *testing.T) {
	var tell Teller
	p := &ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}, HomeAddress: hoa}
	q, err := ip6.Parse(tell.BindingError(at(0), self, p, mh.UnknownBinding))
	if err != nil {
		t.Fatal(err)
	}
	m, err := mh.Parse(q.Src, q.Dst, q.Payload)
	if be, ok := m.(*mh.BindingError); err != nil || !ok || be.Status != mh.UnknownBinding || be.HomeAddress != hoa || q.Src != self || q.Dst != peer {
		t.Errorf("%+v, %v", m, err)
	}
	if tell.BindingError(at(Interval-1), self, p, mh.UnknownBinding) != nil {
		t.Error("told twice within Interval")
	}
	if tell.BindingError(at(Interval), self, p, mh.UnknownBinding) == nil {
		t.Error("silent after Interval")
	}
}

// Whom nobody may be told about: RFC 4443 §2.4 (e).
func TestSilence(t *testing.T) {
	for _, c := range []ip6.Header{
		{Src: netip.MustParseAddr("ff02::1"), Dst: self}, {Src: netip.IPv6Unspecified(), Dst: self},
		{Src: netip.MustParseAddr("fe80::1"), Dst: self}, {Src: netip.IPv6Loopback(), Dst: self}, {Src: self, Dst: self},
		{Src: peer, Dst: netip.MustParseAddr("ff02::1")}, {Src: peer, Dst: hoa}, {},
	} {
		var tell Teller
		if tell.BindingError(at(0), self, &ip6.Packet{Header: c}, mh.UnknownBinding) != nil {
			t.Errorf("told %v about a packet to %v", c.Src, c.Dst)
		}
	}
}

// However many senders there are, or claim to be, there is a limit to all together, and to memory.
func TestRate(t *testing.T) {
	var tell Teller
	n := 0
	for i := range 20000 { // over two seconds
		src := netip.AddrFrom16([16]byte{0x20, 1, 12: byte(i >> 16), 13: byte(i >> 8), 14: byte(i), 15: 1})
		p := &ip6.Packet{Header: ip6.Header{Src: src, Dst: self}}
		if tell.May(at(time.Duration(i)*100*time.Microsecond), self, p) {
			n++
		}
		if len(tell.told) > MaxPeers {
			t.Fatal("remembers too many")
		}
	}
	if n < Burst+150 || n > Burst+2*Rate+1 {
		t.Errorf("%d answers in two seconds", n)
	}
}

// The problems that senders hear of, and the pointer into what they sent.
func TestProblem(t *testing.T) {
	option := ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}, Proto: ip6.ProtoDestOpts, Payload: []byte{ip6.ProtoNone, 0, 0xbf, 4, 0, 0, 0, 0}}
	data := option.Append(nil)
	p, err := ip6.Parse(data)
	if err == nil {
		t.Fatal("an option that wants a message was taken")
	}
	var tell Teller
	check := func(answer []byte, code uint8, pointer uint32) {
		t.Helper()
		q, err := ip6.Parse(answer)
		if err != nil {
			t.Fatalf("%v: %x", err, answer)
		}
		m, err := icmp6.Parse(q.Src, q.Dst, q.Payload)
		if e, ok := m.(*icmp6.Error); err != nil || !ok || e.Type != icmp6.TypeParameterProblem || e.Code != code || e.Param != pointer {
			t.Errorf("%+v, %v; want code %d at %d", m, err, code, pointer)
		}
	}
	check(tell.Problem(at(0), self, &p, data, err), icmp6.CodeOption, 42)

	mobility := ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}, Proto: ip6.ProtoMH, Payload: []byte{6, 0, 0, 0, 0, 0, 0, 0}}
	sum := ip6.Checksum(peer, self, ip6.ProtoMH, mobility.Payload)
	mobility.Payload[4], mobility.Payload[5] = byte(sum>>8), byte(sum)
	data = mobility.Append(nil)
	p, _ = ip6.Parse(data)
	_, err = mh.Parse(p.Src, p.Dst, p.Payload)
	check(tell.Problem(at(time.Minute), self, &p, data, err), icmp6.CodeHeaderField, 40)

	p.Payload[4] ^= 1
	if _, err = mh.Parse(p.Src, p.Dst, p.Payload); tell.Problem(at(2*time.Minute), self, &p, data, err) != nil {
		t.Error("told about a wrong checksum: the address may be wrong too")
	}
}

// Never about an error, however wrapped, and never about what cannot be followed to its end.
func TestNotAboutErrors(t *testing.T) {
	head := func(proto uint8, payload ...byte) []byte {
		p := ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}, Proto: proto, Payload: payload}
		return p.Append(nil)
	}
	for _, c := range []struct {
		name  string
		data  []byte
		about bool
	}{
		{"error", head(ip6.ProtoICMPv6, 1, 0, 0, 0), true},
		{"echo", head(ip6.ProtoICMPv6, 128, 0, 0, 0), false},
		{"error behind options", head(ip6.ProtoDestOpts, ip6.ProtoICMPv6, 0, 1, 4, 0, 0, 0, 0, 3, 0), true},
		{"error behind a fragment header", head(ip6.ProtoFragment, ip6.ProtoICMPv6, 0, 0, 1, 0, 0, 0, 0, 3, 0), true},
		{"later fragment", head(ip6.ProtoFragment, ip6.ProtoUDP, 0, 1, 0, 0, 0, 0, 0, 3, 0), true},
		{"cut", head(ip6.ProtoDestOpts, ip6.ProtoUDP), true},
		{"empty", nil, true},
		{"udp", head(ip6.ProtoUDP, 1, 2, 3), false},
	} {
		if got := aboutError(c.data); got != c.about {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func FuzzAboutError(f *testing.F) {
	f.Add([]byte{0x60, 39: 1, 40: 58, 41: 0})
	f.Fuzz(func(t *testing.T, b []byte) { aboutError(b) })
}
