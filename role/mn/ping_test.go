package mn

import (
	"bytes"
	"net/netip"
	"testing"

	"roam6/engine"
	"roam6/machine/echo"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

func (b *bench) ping(port plane.Port, src, dst netip.Addr, n int) (sent []engine.Send) {
	b.t.Helper()
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6}
	p.Payload = icmp6.Append(nil, src, dst, &icmp6.Echo{ID: 1, Data: bytes.Repeat([]byte{1}, n)})
	for _, e := range b.do(engine.Packet{Port: port, From: ar1.hw, Data: p.Append(nil)}) {
		if s, ok := e.(engine.Send); ok {
			sent = append(sent, s)
		}
	}
	return sent
}

// A ping to the care-of address is answered through the router, a long one in pieces; what comes by ports of other roles, or to
// other addresses, is not.
func TestPing(t *testing.T) {
	b := newBench(t, nil)
	u := b.attach(wlan, ar1)
	for n, want := range map[int]int{56: 1, 2 * echo.MaxPart: 3} { //order:any
		sent := b.ping(wlan, stranger, u.Src, n)
		if len(sent) != want {
			t.Errorf("%d octets: %d packets, want %d", n, len(sent), want)
		}
		for _, s := range sent {
			if s.Port != wlan || s.To != ar1.hw || len(s.Data) > ip6.MinMTU {
				t.Errorf("%d octets by port %d to %v", len(s.Data), s.Port, s.To)
			}
		}
	}
	for name, sent := range map[string][]engine.Send{ //order:any
		"to the home address":      b.ping(wlan, stranger, hoa, 56),
		"by another access":        b.ping(wwan, stranger, u.Src, 56),
		"by another role's port":   b.ping(9, stranger, u.Src, 56),
		"from a link-local source": b.ping(wlan, ar1.addr(), u.Src, 56),
	} {
		if len(sent) != 0 {
			t.Errorf("%s: answered", name)
		}
	}
	var out engine.Effects
	b.n.Handle(b.now, engine.Packet{Port: plane.Kernel, Data: []byte("no packet")}, &out)
	if len(out.List) != 0 {
		t.Errorf("another role's packet: %v", out.List)
	}
}
