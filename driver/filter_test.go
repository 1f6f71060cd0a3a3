package driver

import (
	"net/netip"
	"testing"

	"golang.org/x/net/bpf"

	"roam6/plane"
	"roam6/wire/ip6"
)

func frameOf(dst netip.Addr, proto uint8, payload ...byte) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: cn, Dst: dst}, Proto: proto, Payload: payload}
	return p.Append(append(make([]byte, 12), 0x86, 0xdd))
}

func TestFilter(t *testing.T) {
	many := make([]netip.Prefix, maxFilterAddrs+1)
	for i := range many {
		many[i] = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i >> 8), 15: byte(i)}), 128)
	}
	p := netip.MustParsePrefix
	for _, tt := range []struct {
		name  string
		wants []netip.Prefix
		frame []byte
		want  bool
	}{
		{"neighbour discovery to anyone", nil, frameOf(ip6.AllNodes, ip6.ProtoICMPv6, 134, 0, 0, 0), true},
		{"first type of it", nil, frameOf(ip6.AllNodes, ip6.ProtoICMPv6, 133, 0, 0, 0), true},
		{"last type of it", nil, frameOf(ip6.AllNodes, ip6.ProtoICMPv6, 137, 0, 0, 0), true},
		{"fast handover to anyone", nil, frameOf(ip6.AllNodes, ip6.ProtoICMPv6, 154, 0, 0, 0), true},
		{"beside fast handover", nil, frameOf(ip6.AllNodes, ip6.ProtoICMPv6, 155, 0, 0, 0), false},
		{"listener report", nil, frameOf(ip6.AllNodes, ip6.ProtoICMPv6, 143, 0, 0, 0), false},
		{"listener done", nil, frameOf(ip6.AllNodes, ip6.ProtoICMPv6, 132, 0, 0, 0), false},
		{"listener query", nil, frameOf(ip6.AllNodes, 0, 58, 0, 5, 2, 0, 0, 1, 0, 130, 0), true},
		{"listener query behind a longer header", nil, frameOf(ip6.AllNodes, 0, 58, 1, 5, 2, 0, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0, 130, 0), true},
		{"listener query without a router alert", nil, frameOf(ip6.AllNodes, ip6.ProtoICMPv6, 130, 0, 0, 0), false},
		{"listener report behind a router alert", nil, frameOf(ip6.AllMLDRouters, 0, 58, 0, 5, 2, 0, 0, 1, 0, 143, 0), false},
		{"UDP behind a router alert", nil, frameOf(ip6.AllNodes, 0, 17, 0, 5, 2, 0, 0, 1, 0, 130, 0), false},
		{"the same to a wanted address", []netip.Prefix{p("2001:db8:a::1/128")}, frameOf(coa, 0, 17, 0, 5, 2, 0, 0, 1, 0, 130, 0), true},
		{"a hop-by-hop header cut short", nil, frameOf(ip6.AllNodes, 0, 58, 0, 5, 2), false},
		{"ICMPv6 cut short", nil, frameOf(ip6.AllNodes, ip6.ProtoICMPv6), false},
		{"nothing wanted", nil, frameOf(coa, ip6.ProtoMH, 1), false},
		{"a wanted address", []netip.Prefix{p("2001:db8:9::/48"), p("2001:db8:a::1/128")}, frameOf(coa, ip6.ProtoMH, 1), true},
		{"a wanted address, ICMPv6", []netip.Prefix{p("2001:db8:a::1/128")}, frameOf(coa, ip6.ProtoICMPv6, 128, 0, 0, 0), true},
		{"its neighbour", []netip.Prefix{p("2001:db8:a::2/128")}, frameOf(coa, ip6.ProtoMH, 1), false},
		{"a wanted prefix", []netip.Prefix{p("2001:db8:a::/61")}, frameOf(coa, 17, 1), true},
		{"beside the prefix", []netip.Prefix{p("2001:db8:b::/61")}, frameOf(coa, 17, 1), false},
		{"everything", []netip.Prefix{p("::/0")}, frameOf(coa, 17, 1), true},
		{"too many to name", many, frameOf(coa, 17, 1), true},
		{"too many to name, multicast", many, frameOf(ip6.AllNodes, 17, 1), false},
		{"IPv4", []netip.Prefix{p("::/0")}, append(make([]byte, 12), 8, 0, 0x45), false},
		{"cut short", []netip.Prefix{p("2001:db8:a::1/128")}, frameOf(coa, 17)[:40], false},
	} {
		vm, err := bpf.NewVM(filter(tt.wants))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if n, err := vm.Run(tt.frame); err != nil || (n > 0) != tt.want {
			t.Errorf("%s: %d, %v; want %v", tt.name, n, err, tt.want)
		}
	}
	if _, err := bpf.Assemble(append(kernelChecks(), filter(many[1:])...)); err != nil {
		t.Errorf("as many destinations as it may name: %v", err)
	}
}

// What the packet socket may bring and what the kernel routes into the TUN must never be the same packet.
func TestDemandTakesEachPacketOnce(t *testing.T) {
	for name, l := range map[string]plane.Local{
		"captured": {Port: 1, Capture: true},
		"proxied":  {Port: 1, Proxy: true},
		"both":     {Port: 1, Capture: true, Proxy: true},
	} {
		d := newDemand(nil)
		c := d.apply(localOp(coa, l))
		if len(d.wants(1)) > 0 || len(c.joined) != 1 || d.captured(netip.PrefixFrom(coa, 128)) != l.Capture {
			t.Errorf("%s: wants %v, joined %v", name, d.wants(1), c.joined)
		}
	}
}

// A kernel that shares the links delivers to a home address by itself.
func TestDemandLeavesMobileAddressesToASharingKernel(t *testing.T) {
	op := plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(hoa, 128), Path: plane.Path{Side: plane.Mobile, Mode: plane.Direct, Out: 1}}}
	for _, shared := range []bool{false, true} {
		d := newDemand(map[plane.Port]bool{1: shared})
		d.apply(op)
		if got := len(d.wants(1)) == 0; got != shared {
			t.Errorf("shared %v: wants %v", shared, d.wants(1))
		}
	}
}

// The demand worked out Op by Op is the one of the table itself.
func TestDemandFollowsTheTable(t *testing.T) {
	d, s := newDemand(nil), plane.NewSoft()
	var sink plane.Sink
	addrs := []netip.Addr{coa, cn, hoa, netip.MustParseAddr("2001:db8:9::1")}
	for i := range 3000 { // a walk through all kinds of change, the same in every run
		x := i * 2654435761 >> 3
		a := addrs[x%4]
		op := localOp(a, plane.Local{Port: plane.Port(x / 4 % 3), Capture: x/16%2 == 0, Proxy: x/32%2 == 0})
		if x/64%3 == 0 {
			op = plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(a, 128), Path: plane.Path{Side: plane.Agent, Mode: plane.Hold, Capture: x/256%2 == 0}}}
		}
		if x/64%3 == 1 && a != cn {
			pair := plane.Pair{Mobile: a, Peer: addrs[x/2048%2]}
			op = plane.Op{Route: &plane.RouteOp{Pair: pair, Route: plane.Route{Side: plane.Peer, CareOf: cn, Out: 1, Capture: x/256%2 == 0}}}
		}
		op.Delete = x/512%3 == 0
		d.apply(op)
		s.Apply(0, op, &sink)
		table := s.Table()
		for port := plane.Port(1); port < 3; port++ {
			want := map[netip.Addr]bool{}
			for _, g := range table.Groups(port) {
				want[g] = true
			}
			delete(want, ip6.AllNodes)
			for _, g := range d.joined(port) {
				if !want[g] {
					t.Fatalf("step %d: port %d has joined %v for nobody", i, port, g)
				}
				delete(want, g)
			}
			if len(want) > 0 {
				t.Fatalf("step %d: port %d has not joined %v", i, port, want)
			}
		}
		captures := map[netip.Prefix]bool{}
		for _, p := range table.Captures() {
			captures[p] = true
		}
		for _, a := range addrs {
			if p := netip.PrefixFrom(a, 128); d.captured(p) != captures[p] {
				t.Fatalf("step %d: %v captured: %v, the table says %v", i, p, d.captured(p), captures[p])
			}
		}
	}
}
