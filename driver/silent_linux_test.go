package driver

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
)

// client is an address of the engines on the access link that they hear by its socket, as that of an AAA client.
var client = netip.MustParseAddr("2001:db8:a::d")

// What is for the engines on a link that a router's kernel shares comes to them, and the kernel says nothing of it to the sender: neither
// where the neighbour would be found (Redirect) nor that there is none (Destination Unreachable).
func TestKernelIsSilent(t *testing.T) {
	b := newRouterBed(t, PlaneSoft)
	must(t, b.IP("mn", "route add "+client.String()+"/128 via 2001:db8:a::fe")) // as one who knows the router's link-layer address does
	must(t, b.In("ha", func() error {                                           // a kernel that gives up looking for a neighbour soon
		const of = "/proc/sys/net/ipv6/neigh/ha1/"
		return errors.Join(os.WriteFile(of+"retrans_time_ms", []byte("10"), 0), os.WriteFile(of+"mcast_solicit", []byte("1"), 0))
	}))
	var icmp net.PacketConn
	must(t, b.In("mn", func() (err error) {
		icmp, err = net.ListenPacket("ip6:ipv6-icmp", "::")
		return err
	}))
	defer icmp.Close()
	answers := func() (n int) {
		t.Helper()
		buf := make([]byte, 1500)
		must(t, icmp.SetReadDeadline(time.Now().Add(stillness)))
		for {
			_, _, err := icmp.ReadFrom(buf)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return n
			}
			must(t, err)
			if buf[0] == 1 || buf[0] == 137 { // Destination Unreachable, Redirect
				n++
			}
		}
	}
	request := []byte{150, 22, 0, 0, 0, 0, 0, 0}
	for _, own := range []bool{false, true, false} {
		b.do(t, plane.Op{Delete: !own, Local: &plane.LocalOp{Addr: client, Local: plane.Local{Port: accessPort}}})
		raw(t, b.Yard, "mn", ip6.ProtoICMPv6, client, request)
		if got := b.hears(own); got != own {
			t.Errorf("the engines hear %v, the address is theirs: %v", got, own)
		}
		if n := answers(); (n == 0) != own {
			t.Errorf("the kernel answers with %d messages, the address is the engines': %v", n, own)
		}
	}
}

// An address that the kernel holds as well it goes on delivering to its own programs; one that may be another node's, and one of a link
// that is the node's alone, are none of its affair.
func TestSilentOnlyWhereItMust(t *testing.T) {
	fresh(t)
	wire(t)
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}, {Port: 2, Ifname: "v1", Userland: true}}})
	at := func(s string, l plane.Local) netip.Addr {
		a := netip.MustParseAddr(s)
		must(t, m.Apply(localOp(a, l)))
		return a
	}
	silenced := at("2001:db8:1::a", plane.Local{Port: 1})
	for _, a := range []netip.Addr{
		at("fe80::a", plane.Local{Port: 1}),
		at("2001:db8:1::b", plane.Local{Port: 1, Tentative: true}),
		at("2001:db8:1::c", plane.Local{Port: 1, Proxy: true}),
		at("2001:db8:1::d", plane.Local{Port: 2}),
	} {
		if discarded(t, a) {
			t.Errorf("packets to %v are discarded", a)
		}
	}
	if !discarded(t, silenced) {
		t.Errorf("packets to %v are not discarded", silenced)
	}
	at("2001:db8:1::a", plane.Local{Port: 1, Proxy: true})
	if discarded(t, silenced) {
		t.Error("another node's address now, and its packets are discarded")
	}
	held := at("2001:db8:1::e", plane.Local{Port: 1})
	v0, err := netlink.LinkByName("v0")
	must(t, err)
	must(t, netlink.AddrAdd(v0, &netlink.Addr{IPNet: &net.IPNet{IP: held.AsSlice(), Mask: net.CIDRMask(64, 128)}, Flags: unix.IFA_F_NODAD}))
	for late := time.Now().Add(patience); ; time.Sleep(addrPoll) {
		r, err := netlink.RouteGet(held.AsSlice())
		if err == nil && len(r) > 0 && r[0].Type == unix.RTN_LOCAL {
			break
		}
		if time.Now().After(late) {
			t.Fatalf("the kernel does not deliver to an address of its own: %v, %v", r, err)
		}
	}
}

// discarded says whether there is a route that discards what is for an address.
func discarded(t *testing.T, a netip.Addr) bool {
	t.Helper()
	list, err := netlink.RouteListFiltered(unix.AF_INET6, &netlink.Route{Protocol: RouteProtocol, Type: unix.RTN_BLACKHOLE}, netlink.RT_FILTER_PROTOCOL|netlink.RT_FILTER_TYPE)
	must(t, err)
	for _, r := range list {
		if to, ok := netip.AddrFromSlice(r.Dst.IP); ok && to == a {
			return true
		}
	}
	return false
}

// A node that ends leaves no route behind, nor does one that was killed, once the next one runs, whatever that one wants.
func TestSilentGoesWithTheNode(t *testing.T) {
	fresh(t)
	wire(t)
	store := buckets{}
	c := Config{Store: store, Links: []Link{{Port: 1, Ifname: "v0"}}}
	m := open(t, c)
	must(t, m.Apply(localOp(client, plane.Local{Port: 1})))
	if !discarded(t, client) || len(store) != 1 {
		t.Fatalf("discarded %v, stored %v", discarded(t, client), store)
	}
	// A kill takes the process and leaves the kernel and the store as they are: as if this one had never been.
	m.silent.there, m.silent.store = nil, nil
	must(t, m.Close())
	if !discarded(t, client) {
		t.Fatal("this was no kill")
	}
	m = open(t, c)
	if discarded(t, client) || len(store) != 0 {
		t.Errorf("discarded %v, stored %v", discarded(t, client), store)
	}
	must(t, m.Apply(localOp(client, plane.Local{Port: 1})))
	must(t, m.Close())
	if discarded(t, client) || len(store) != 0 {
		t.Errorf("after its end: discarded %v, stored %v", discarded(t, client), store)
	}
}

// buckets is a Store in memory that outlives hosts, by bucket and key.
type buckets map[[2]string][]byte

func (s buckets) Load() (out []engine.Record, err error) {
	for k, v := range s {
		out = append(out, engine.Record{Bucket: k[0], Key: k[1], Value: v})
	}
	return out, nil
}

func (s buckets) Put(bucket, key string, value []byte) error {
	if delete(s, [2]string{bucket, key}); value != nil {
		s[[2]string{bucket, key}] = value
	}
	return nil
}

// noRouter is a kernel that takes no route.
type noRouter struct {
	err  error
	asks int
}

func (r *noRouter) RouteReplace(*netlink.Route) error { r.asks++; return r.err }
func (r *noRouter) RouteDel(*netlink.Route) error     { return unix.ESRCH }

// Where the kernel does not take the route, it is asked again the next time, and nothing is remembered that is not there.
func TestSilentThatFailed(t *testing.T) {
	store, kernel := buckets{}, &noRouter{err: unix.ENOBUFS}
	s, err := openSilent(kernel, store)
	must(t, err)
	if err := s.set(client, true); !errors.Is(err, unix.ENOBUFS) || len(s.there) != 0 || len(store) != 0 {
		t.Errorf("%v, there %v, stored %v", err, s.there, store)
	}
	kernel.err = nil
	if must(t, s.set(client, true)); kernel.asks != 2 || !s.there[client] || len(store) != 1 {
		t.Errorf("asked %d times, there %v, stored %v", kernel.asks, s.there, store)
	}
}

// A route of ours to the same address stays, and is there still when the address is the engines' no more.
func TestSilentBesideRoutes(t *testing.T) {
	fresh(t)
	wire(t)
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}}})
	v0, err := netlink.LinkByName("v0")
	must(t, err)
	to := &net.IPNet{IP: client.AsSlice(), Mask: net.CIDRMask(128, 128)}
	must(t, netlink.RouteAdd(&netlink.Route{LinkIndex: v0.Attrs().Index, Dst: to, Protocol: RouteProtocol, Priority: RouteMetric}))
	has := func() bool {
		list, err := netlink.RouteListFiltered(unix.AF_INET6, &netlink.Route{Dst: to, LinkIndex: v0.Attrs().Index}, netlink.RT_FILTER_DST|netlink.RT_FILTER_OIF)
		must(t, err)
		return len(list) == 1
	}
	for _, own := range []bool{true, false} {
		must(t, m.Apply(plane.Op{Delete: !own, Local: &plane.LocalOp{Addr: client, Local: plane.Local{Port: 1}}}))
		if discarded(t, client) != own || !has() {
			t.Errorf("the engines' %v: discarded %v, the other route %v", own, discarded(t, client), has())
		}
	}
}
