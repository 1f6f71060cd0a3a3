package driver

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/plane"
	"roam6/wire/ip6"
)

// mine lists our addresses and routes on the TUN and elsewhere as text.
func mine(t testing.TB) []string {
	t.Helper()
	var out []string
	routes, err := netlink.RouteListFiltered(unix.AF_INET6, &netlink.Route{Protocol: RouteProtocol}, netlink.RT_FILTER_PROTOCOL)
	must(t, err)
	for _, r := range routes {
		x := fromNet(r)
		s := "route " + x.dst.String()
		if x.src.IsValid() {
			s += " src " + x.src.String()
		}
		out = append(out, s)
	}
	if l, err := netlink.LinkByName("roam6t"); err == nil {
		out = append(out, fmt.Sprint("mtu ", l.Attrs().MTU))
		addrs, err := netlink.AddrList(l, unix.AF_INET6)
		must(t, err)
		for _, a := range addrs {
			if a.IP.IsLinkLocalUnicast() {
				continue // the kernel's, where somebody else set the device up
			}
			out = append(out, "addr "+a.IPNet.String())
		}
	}
	slices.Sort(out)
	return out
}

// What is for a prefix that the plane refuses comes into it when the kernel has no other route, and by none of a path's once that is there.
func TestRefusedPrefixes(t *testing.T) {
	fresh(t)
	inside := netip.MustParsePrefix("2001:db8:1000::/56")
	m := open(t, Config{Tun: "roam6t", Refuse: []netip.Prefix{inside}})
	wire(t)
	via := func(what string, want ...int) {
		t.Helper()
		r, err := netlink.RouteGet(net.ParseIP("2001:db8:1000:7::1"))
		must(t, err)
		if got := []int{r[0].LinkIndex, r[0].Priority}; !slices.Equal(got, want) {
			t.Errorf("%s: by interface and metric %v, want %v", what, got, want)
		}
	}
	v0, err := netlink.LinkByName("v0")
	must(t, err)
	net56 := &net.IPNet{IP: inside.Addr().AsSlice(), Mask: net.CIDRMask(56, 128)}
	must(t, netlink.RouteAdd(&netlink.Route{LinkIndex: v0.Attrs().Index, Dst: &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}}))
	must(t, m.Apply(localOp(coa, plane.Local{Capture: true}))) // as a home agent does at its start
	via("for want of another", m.kernel.index, LastMetric)
	own := netlink.Route{LinkIndex: v0.Attrs().Index, Dst: net56, Priority: 1024}
	must(t, netlink.RouteAdd(&own))
	via("somebody's own route", v0.Attrs().Index, 1024)
	bound := plane.Op{Path: &plane.PathOp{Inner: inside, Path: plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: coa, Remote: hoa, Capture: true}}}
	must(t, m.Apply(bound))
	via("bound", m.kernel.index, RouteMetric)
	bound.Delete = true
	must(t, m.Apply(bound))
	must(t, netlink.RouteDel(&own))
	via("bound no more", m.kernel.index, LastMetric)
	must(t, m.Close())
	via("the node has ended", v0.Attrs().Index, 1024)
}

func hostOp(a netip.Addr, h plane.Host) plane.Op {
	return plane.Op{Host: &plane.HostOp{Addr: a, Host: h}}
}

func TestKernelState(t *testing.T) {
	fresh(t)
	m := open(t, Config{Tun: "roam6t"})
	expect := func(what string, want ...string) {
		t.Helper()
		if got := mine(t); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", what, got, want)
		}
	}
	expect("before anything is wanted")
	must(t, m.Apply(hostOp(hoa, plane.Host{MTU: 1460, Default: true})))
	expect("a home address", "addr 2001:db8:1::a/128", "mtu 1460", "route ::/0 src 2001:db8:1::a")
	must(t, m.Apply(hostOp(hoa, plane.Host{MTU: 1460, Default: true})))
	expect("the same again", "addr 2001:db8:1::a/128", "mtu 1460", "route ::/0 src 2001:db8:1::a")
	must(t, m.Apply(hostOp(hoa, plane.Host{MTU: 1400})))
	expect("no default, less MTU", "addr 2001:db8:1::a/128", "mtu 1400")
	other := netip.MustParseAddr("2001:db8:1::b")
	must(t, m.Apply(localOp(other, plane.Local{Port: 1, Capture: true})))
	inner := netip.PrefixFrom(other, 128)
	path := plane.Path{Side: plane.Agent, Mode: plane.Hold, Capture: true}
	must(t, m.Apply(plane.Op{Path: &plane.PathOp{Inner: inner, Path: path}}))
	must(t, m.Apply(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: other}}))
	expect("captured by its path", "addr 2001:db8:1::a/128", "mtu 1400", "route 2001:db8:1::b/128")
	must(t, m.Apply(plane.Op{Delete: true, Path: &plane.PathOp{Inner: inner}}))
	must(t, m.Apply(plane.Op{Delete: true, Host: &plane.HostOp{Addr: hoa}}))
	expect("nothing wanted any more", "mtu 1500")
	must(t, m.Apply(hostOp(hoa, plane.Host{})))
	must(t, m.Close())
	expect("closed")
}

// A device made persistent outlives its owner, with what it holds. What is ours and not wanted goes; the rest stays.
func TestKernelStateSweepsLeftovers(t *testing.T) {
	fresh(t)
	tap := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: "roam6t"}, Mode: netlink.TUNTAP_MODE_TUN, Flags: netlink.TUNTAP_NO_PI}
	must(t, netlink.LinkAdd(tap))
	for _, f := range tap.Fds {
		f.Close()
	}
	l := raise(t, "roam6t")
	add := func(dst string, proto int) {
		_, n, err := net.ParseCIDR(dst)
		must(t, err)
		must(t, netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: n, Protocol: netlink.RouteProtocol(proto), Priority: RouteMetric}))
	}
	add("2001:db8:1::dead/128", RouteProtocol)
	add("2001:db8:1::a/128", RouteProtocol)
	add("2001:db8:ffff::/48", unix.RTPROT_STATIC)
	must(t, netlink.AddrAdd(l, hostAddr(netip.MustParseAddr("2001:db8:1::dead"))))

	m := open(t, Config{Tun: "roam6t"})
	must(t, m.Apply(localOp(hoa, plane.Local{Capture: true})))
	if got, want := mine(t), []string{"mtu 1500", "route 2001:db8:1::a/128"}; !slices.Equal(got, want) {
		t.Errorf("after the sweep:\n got %q\nwant %q", got, want)
	}
	must(t, m.Close())
	if got, want := mine(t), []string{"mtu 1500"}; !slices.Equal(got, want) {
		t.Errorf("after Close:\n got %q\nwant %q", got, want)
	}
	static, err := netlink.RouteListFiltered(unix.AF_INET6, &netlink.Route{Protocol: unix.RTPROT_STATIC}, netlink.RT_FILTER_PROTOCOL)
	if err != nil || len(static) != 1 {
		t.Errorf("a route of somebody else: %v, %v", static, err)
	}
}

func TestTun(t *testing.T) {
	fresh(t)
	m := open(t, Config{Tun: "roam6t"})
	e := listen(m)
	must(t, m.Apply(hostOp(hoa, plane.Host{MTU: 1400, Default: true})))
	c, err := net.DialUDP("udp6", nil, &net.UDPAddr{IP: cn.AsSlice(), Port: 5})
	must(t, err)
	defer c.Close()
	_, err = c.Write([]byte("ping"))
	must(t, err)
	for late := time.Now().Add(patience); len(e.packets) == 0 && time.Now().Before(late); {
		e.read()
	}
	select {
	case a := <-e.packets: // the very first: the kernel says nothing by itself
		p, err := ip6.Parse(a.Data)
		must(t, err)
		if a.Port != plane.Kernel || p.Src != hoa || p.Dst != cn || string(p.Payload[8:]) != "ping" || checksum(p) != 0 {
			t.Errorf("read from the TUN: %+v", p)
		}
	default:
		t.Fatal("nothing came from the TUN")
	}
	port := c.LocalAddr().(*net.UDPAddr).Port
	udp := []byte{0, 5, byte(port >> 8), byte(port), 0, 12, 0, 0, 'p', 'o', 'n', 'g'}
	sum := ip6.Checksum(cn, hoa, ip6.ProtoUDP, udp)
	udp[6], udp[7] = byte(sum>>8), byte(sum)
	in := ip6.Packet{Header: ip6.Header{Src: cn, Dst: hoa}, Proto: ip6.ProtoUDP, Payload: udp}
	must(t, m.Send(plane.Kernel, plane.HW{}, in.Append(nil)))
	buf := make([]byte, 100)
	must(t, c.SetReadDeadline(time.Now().Add(patience)))
	if n, err := c.Read(buf); err != nil || string(buf[:n]) != "pong" {
		t.Errorf("the application received %q, %v", buf[:n], err)
	}
}

func TestTunInUse(t *testing.T) {
	fresh(t)
	a := open(t, Config{Tun: "roam6t"})
	must(t, a.Apply(hostOp(hoa, plane.Host{})))
	b := open(t, Config{Tun: "roam6t"})
	if err := b.Apply(hostOp(hoa, plane.Host{})); !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("err = %v", err)
	}
	none := open(t, Config{})
	if err := none.Apply(hostOp(hoa, plane.Host{})); !errors.Is(err, ErrNoDevice) {
		t.Errorf("err = %v", err)
	}
}
