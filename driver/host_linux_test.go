package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
)

// patience bounds every wait for the kernel in these tests.
const patience = 5 * time.Second

// fresh moves the test into a network namespace of its own, which ends with the test's thread.
func fresh(t testing.TB) {
	t.Helper()
	runtime.LockOSThread() // never unlocked: the thread is not fit for anyone else
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("needs a network namespace of its own (root, or: unshare -rn go test): %v", err)
	}
	for _, lack := range Missing() {
		t.Skipf("needs %s: %s", lack.Name, lack.What)
	}
}

// wire makes a veth pair v0 - v1, both up. The node has v0; the kernel of the test is its neighbour on v1.
func wire(t testing.TB) {
	t.Helper()
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "v0", HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1}},
		PeerName: "v1", PeerHardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 2}}
	must(t, netlink.LinkAdd(pair))
	raise(t, "v0")
	raise(t, "v1")
}

func raise(t testing.TB, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	must(t, err)
	must(t, netlink.LinkSetUp(l))
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// neighbour gives the test's kernel an address on v1 and tells it where the node's care-of address is.
func neighbour(t testing.TB) {
	t.Helper()
	v1, err := netlink.LinkByName("v1")
	must(t, err)
	must(t, netlink.AddrAdd(v1, &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP("2001:db8:a::ff"), Mask: net.CIDRMask(64, 128)}, Flags: unix.IFA_F_NODAD}))
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(time.Millisecond) {
		if r, err := netlink.RouteGet(net.ParseIP("2001:db8:a::ff")); err == nil && len(r) > 0 && r[0].Type == unix.RTN_LOCAL {
			break // as in addAddr
		}
	}
	must(t, netlink.NeighAdd(&netlink.Neigh{LinkIndex: v1.Attrs().Index, State: netlink.NUD_PERMANENT, IP: coa.AsSlice(),
		HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1}}))
}

// ear is a Feed that keeps what it hears.
type ear struct {
	packets chan Arrival
	do      chan func()
	inputs  chan engine.Input
}

func listen(h Host) *ear {
	e := &ear{make(chan Arrival, 1024), make(chan func(), 1024), make(chan engine.Input, 1024)}
	h.Listen(Feed{
		Packets: func(b []Arrival) bool {
			for _, a := range b {
				e.packets <- a
			}
			return true
		},
		Do:    func(f func()) bool { e.do <- f; return true },
		Input: func(in engine.Input) { e.inputs <- in },
		Tell:  func(engine.Event) {},
		Drop:  func(string, int) {},
		Fail:  func(error) {},
	})
	return e
}

// packet waits for a UDP packet and skips others.
func (e *ear) packet(t testing.TB) (Arrival, ip6.Packet) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case a := <-e.packets:
			p, err := ip6.Parse(a.Data)
			must(t, err)
			if p.Proto == ip6.ProtoUDP {
				return a, p
			}
		case f := <-e.do:
			f()
		case <-late:
			t.Fatal("no packet came")
		}
	}
}

func (e *ear) input(t testing.TB) engine.Input {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case in := <-e.inputs:
			return in
		case f := <-e.do:
			f()
		case <-late:
			t.Fatal("no change of a link was told")
		}
	}
}

func open(t testing.TB, c Config) *machine {
	t.Helper()
	h, err := openHost(c)
	must(t, err)
	t.Cleanup(func() { must(t, h.Close()) })
	return h.(*machine)
}

func checksum(p ip6.Packet) uint16 { return ip6.Checksum(p.Src, p.Dst, p.Proto, p.Payload) }

func TestLinkFrames(t *testing.T) {
	fresh(t)
	wire(t)
	neighbour(t)
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true})
	e := listen(m)
	must(t, m.Apply(localOp(coa, plane.Local{Port: 1})))
	sock, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.ParseIP("2001:db8:a::ff")})
	must(t, err)
	defer sock.Close()

	for _, size := range []int{0, 1, 999, 1400} {
		payload := bytes.Repeat([]byte{7}, size)
		_, err = sock.WriteToUDP(payload, &net.UDPAddr{IP: coa.AsSlice(), Port: 5})
		must(t, err)
		a, p := e.packet(t)
		if a.Port != 1 || a.From != (plane.HW{2, 0, 0, 0, 0, 2}) || p.Dst != coa || !bytes.Equal(p.Payload[8:], payload) {
			t.Errorf("arrived: port %d from %v: %+v", a.Port, a.From, p)
		}
		if c := checksum(p); c != 0 {
			t.Errorf("%d octets: the checksum was left to the hardware and never completed: %#x", size, c)
		}
		if cap(a.Data)-len(a.Data) < plane.Headroom {
			t.Errorf("no headroom: %d of %d", len(a.Data), cap(a.Data))
		}
	}

	udp := []byte{0, 5, 0, 0, 0, 12, 0, 0, 'p', 'o', 'n', 'g'}
	port := sock.LocalAddr().(*net.UDPAddr).Port
	udp[2], udp[3] = byte(port>>8), byte(port)
	dst := netip.MustParseAddr("2001:db8:a::ff")
	sum := ip6.Checksum(coa, dst, ip6.ProtoUDP, udp)
	udp[6], udp[7] = byte(sum>>8), byte(sum)
	out := ip6.Packet{Header: ip6.Header{Src: coa, Dst: dst}, Proto: ip6.ProtoUDP, Payload: udp}
	must(t, m.Send(1, plane.HW{2, 0, 0, 0, 0, 2}, out.Append(nil)))
	buf := make([]byte, 100)
	must(t, sock.SetReadDeadline(time.Now().Add(patience)))
	n, from, err := sock.ReadFromUDP(buf)
	if err != nil || string(buf[:n]) != "pong" || from.Port != 5 {
		t.Errorf("the kernel received %q from %v, %v", buf[:n], from, err)
	}

	for want, err := range map[error]error{
		DropNoPort:    m.Send(9, plane.HW{1}, out.Append(nil)),
		DropNoNextHop: m.Send(1, plane.HW{}, out.Append(nil)),
		DropNotIPv6:   m.Send(1, plane.HW{1}, []byte("x")),
		DropTooBig:    m.Send(1, plane.HW{1}, append(out.Append(nil), make([]byte, 3000)...)),
	} {
		if !errors.Is(err, want) {
			t.Errorf("Send: %v, want %v", err, want)
		}
	}
}

// A kernel peer on the same machine hands over segments merged (here UDP_SEGMENT; TCP does the same by itself).
func TestLinkTakesMergedPacketsApart(t *testing.T) {
	fresh(t)
	wire(t)
	neighbour(t)
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}}})
	e := listen(m)
	must(t, m.Apply(localOp(coa, plane.Local{Port: 1})))
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 1000); err != nil {
		t.Skipf("this kernel has no UDP_SEGMENT: %v", err)
	}
	payload := make([]byte, 3500)
	for i := range payload {
		payload[i] = byte(i / 7)
	}
	must(t, unix.Sendto(fd, payload, 0, &unix.SockaddrInet6{Port: 5, Addr: coa.As16()}))
	for want := payload; len(want) > 0; {
		_, p := e.packet(t)
		k := min(1000, len(want))
		if !bytes.Equal(p.Payload[8:], want[:k]) || checksum(p) != 0 {
			t.Fatalf("segment of %d octets, checksum %#x, want %d octets", len(p.Payload)-8, checksum(p), k)
		}
		want = want[k:]
	}
}

func TestLinkFilter(t *testing.T) {
	fresh(t)
	wire(t)
	neighbour(t)
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true})
	e := listen(m)
	send := func(text string) {
		c, err := net.DialUDP("udp6", nil, &net.UDPAddr{IP: coa.AsSlice(), Port: 5})
		must(t, err)
		defer c.Close()
		_, err = c.Write([]byte(text))
		must(t, err)
	}
	send("to nobody")
	must(t, m.Apply(localOp(coa, plane.Local{Port: 1})))
	send("to a local")
	must(t, m.Apply(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: coa}}))
	send("to nobody again")
	must(t, m.Apply(plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(coa, 64), Path: plane.Path{Side: plane.Mobile, Mode: plane.Direct, Out: 1}}}))
	send("to a mobile prefix")
	for _, want := range []string{"to a local", "to a mobile prefix"} {
		if _, p := e.packet(t); string(p.Payload[8:]) != want {
			t.Fatalf("came: %q, want %q", p.Payload[8:], want)
		}
	}
}

func TestLinkGroups(t *testing.T) {
	fresh(t)
	wire(t)
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true})
	has := func(a netip.Addr) bool {
		b, err := os.ReadFile("/proc/thread-self/net/dev_mcast")
		must(t, err)
		for _, l := range strings.Split(string(b), "\n") {
			if f := strings.Fields(l); len(f) == 5 && f[1] == "v0" && f[4] == fmt.Sprintf("%x", ip6.MulticastHW(a)) {
				return true
			}
		}
		return false
	}
	g := ip6.SolicitedNode(coa)
	if !has(ip6.AllNodes) || has(g) {
		t.Error("a link begins with all-nodes and no more")
	}
	must(t, m.Apply(localOp(coa, plane.Local{Port: 1, Tentative: true})))
	must(t, m.Apply(localOp(coa, plane.Local{Port: 1})))
	same := netip.MustParseAddr("2001:db8:b::1") // the same group
	must(t, m.Apply(localOp(same, plane.Local{Port: 1})))
	must(t, m.Apply(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: coa}}))
	if !has(g) {
		t.Error("the group of a Local was not joined, or left while another Local needs it")
	}
	must(t, m.Apply(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: same}}))
	if has(g) {
		t.Error("the group was not left")
	}
}

// An interface's life: loss of carrier, removal, return as another interface of the same name, another MTU.
func TestLinkWatch(t *testing.T) {
	fresh(t)
	wire(t)
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}}})
	e := listen(m)
	first := engine.LinkUp{Port: 1, Name: "v0", HW: plane.HW{2, 0, 0, 0, 0, 1}, MTU: 1500}
	want := func(in engine.Input) {
		t.Helper()
		if got := e.input(t); got != in {
			t.Fatalf("told %+v, want %+v", got, in)
		}
	}
	want(first)
	v1, err := netlink.LinkByName("v1")
	must(t, err)
	must(t, netlink.LinkSetDown(v1))
	want(engine.LinkDown{Port: 1})
	must(t, netlink.LinkSetUp(v1))
	want(first)
	must(t, m.Apply(localOp(coa, plane.Local{Port: 1})))
	must(t, netlink.LinkDel(v1))
	want(engine.LinkDown{Port: 1})
	for { // the loss of carrier comes first, then the loss of the interface
		if _, ok := m.Link(1); !ok {
			break
		}
		(<-e.do)()
	}
	wire(t) // another interface by the same name
	want(first)
	neighbour(t)
	c, err := net.DialUDP("udp6", nil, &net.UDPAddr{IP: coa.AsSlice(), Port: 5})
	must(t, err)
	defer c.Close()
	_, err = c.Write([]byte("hi"))
	must(t, err)
	e.packet(t)
	v0, err := netlink.LinkByName("v0")
	must(t, err)
	must(t, netlink.LinkSetMTU(v0, 1400))
	want(engine.LinkDown{Port: 1})
	first.MTU = 1400
	want(first)
}

func TestUserlandSilencesTheKernelAndPutsItBack(t *testing.T) {
	fresh(t)
	wire(t)
	read := func() string {
		b, err := os.ReadFile("/proc/sys/net/ipv6/conf/v0/disable_ipv6")
		must(t, err)
		return strings.TrimSpace(string(b))
	}
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true})
	if read() != "1" {
		t.Error("the kernel still speaks IPv6 on the link")
	}
	must(t, m.Close())
	if read() != "0" {
		t.Error("IPv6 was not switched on again")
	}
}

func TestOpenSaysWhatLacks(t *testing.T) {
	fresh(t)
	wire(t)
	_, err := New(Config{Name: "mn", Links: []Link{{Port: 1, Ifname: "wlan9"}}})
	if err == nil || !strings.Contains(err.Error(), `no interface "wlan9"; this machine has: v0, v1`) {
		t.Errorf("err = %v", err)
	}
}

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
	select {
	case a := <-e.packets: // the very first: the kernel says nothing by itself
		p, err := ip6.Parse(a.Data)
		must(t, err)
		if a.Port != plane.Kernel || p.Src != hoa || p.Dst != cn || string(p.Payload[8:]) != "ping" || checksum(p) != 0 {
			t.Errorf("read from the TUN: %+v", p)
		}
	case <-time.After(patience):
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

// homing is an engine that owns a care-of address and has a home address for its host.
func homing() *script {
	return &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Start); ok {
			out.Plane(localOp(coa, plane.Local{Port: 1}))
			out.Plane(hostOp(hoa, plane.Host{MTU: 1400}))
		}
	}}
}

// A node killed with -9 leaves nothing behind, and the next one starts.
func TestKilledNodeLeavesNothing(t *testing.T) {
	fresh(t)
	wire(t)
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), roleEnv+"=node")
	child.Stderr = os.Stderr
	must(t, child.Start())
	defer func() { _ = child.Process.Kill() }()
	for late := time.Now().Add(patience); !slices.Contains(mine(t), "addr 2001:db8:1::a/128"); {
		if time.Now().After(late) {
			t.Fatal("the node never came up")
		}
		time.Sleep(10 * time.Millisecond)
	}
	must(t, child.Process.Kill())
	_ = child.Wait()
	for late := time.Now().Add(patience); len(mine(t)) > 0; {
		if time.Now().After(late) {
			t.Fatalf("left behind: %q", mine(t))
		}
		time.Sleep(10 * time.Millisecond)
	}
	n, err := New(Config{Tun: "roam6t", Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true, Engines: []Engine{{"mn", homing()}}})
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- n.Run(context.Background()) }() // on another thread, in another namespace
	if n.Stats(context.Background()).Inputs == 0 {
		t.Error("the second node did not start")
	}
	if got, want := mine(t), []string{"addr 2001:db8:1::a/128", "mtu 1400"}; !slices.Equal(got, want) {
		t.Errorf("the second node:\n got %q\nwant %q", got, want)
	}
	must(t, n.Close())
	must(t, <-done)
	if got := mine(t); len(got) > 0 {
		t.Errorf("left behind: %q", got)
	}
}

// roleEnv makes the test binary play another process.
const roleEnv = "ROAM6_DRIVER_TEST_ROLE"

func init() {
	switch os.Getenv(roleEnv) {
	case "node":
		runtime.LockOSThread()
		n, err := New(Config{Tun: "roam6t", Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true, Engines: []Engine{{"mn", homing()}}})
		if err == nil {
			err = n.Run(context.Background())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case "drop":
		os.Exit(playDrop())
	}
}

// playDrop drops capabilities and prints those of every thread.
func playDrop() int {
	for range 4 {
		go func() { runtime.LockOSThread(); select {} }()
	}
	time.Sleep(10 * time.Millisecond)
	if err := DropCapabilities(); err != nil {
		fmt.Println(err)
		return 3
	}
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		b, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/status")
		for _, l := range strings.Split(string(b), "\n") {
			if strings.HasPrefix(l, "Cap") || strings.HasPrefix(l, "NoNewPrivs") {
				fmt.Println(strings.Join(strings.Fields(l), " "))
			}
		}
	}
	return 0
}

func TestDropCapabilities(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: there is nothing to drop")
	}
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), roleEnv+"=drop")
	out, err := child.CombinedOutput()
	if strings.Contains(string(out), errThreads.Error()) {
		t.Skip("needs a test binary without cgo (CGO_ENABLED=0 go test)")
	}
	must(t, err)
	keep := fmt.Sprintf("%016x", 1<<unix.CAP_NET_ADMIN|1<<unix.CAP_NET_RAW)
	for _, l := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		switch l {
		case "CapEff: " + keep, "CapPrm: " + keep, "CapBnd: " + keep, "NoNewPrivs: 1":
		case "CapInh: 0000000000000000", "CapAmb: 0000000000000000":
		default:
			t.Errorf("a thread has %s", l)
		}
	}
}
