package driver

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
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
	host    Host
}

func listen(h Host) *ear {
	e := &ear{make(chan Arrival, 1024), make(chan func(), 1024), make(chan engine.Input, 1024), h}
	h.Listen(Feed{
		Do:    func(f func()) bool { e.do <- f; h.Wake(); return true },
		Input: func(in engine.Input) { e.inputs <- in },
		Tell:  func(engine.Event) {},
		Drop:  func(string, int) {},
		Fail:  func(error) {},
	})
	return e
}

// read reads what has arrived, or waits a little for it.
func (e *ear) read() {
	scratch := make([]byte, frameSize)
	took := e.host.Read(func(a *Arrival) {
		a.frame.each(scratch, func(p []byte) {
			if cap(p)-len(p) < plane.Headroom {
				panic("no headroom")
			}
			e.packets <- Arrival{Port: a.Port, From: a.From, Epoch: a.Epoch, Data: bytes.Clone(p)}
		})
	})
	if !took {
		e.host.Wait(10 * time.Millisecond)
	}
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
		default:
			e.read()
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
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true})
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
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true})
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

// What waits in the socket when the link changes is thrown away; what comes after is read, and tells when.
func TestLinkTurns(t *testing.T) {
	fresh(t)
	wire(t)
	neighbour(t)
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}}, Userland: true})
	must(t, m.Apply(localOp(coa, plane.Local{Port: 1})))
	c, err := net.DialUDP("udp6", nil, &net.UDPAddr{IP: coa.AsSlice(), Port: 5})
	must(t, err)
	defer c.Close()
	for range 3 {
		_, err = c.Write([]byte("old"))
		must(t, err)
	}
	stale := 0
	for late := time.Now().Add(patience); stale < 3 && time.Now().Before(late); time.Sleep(time.Millisecond) {
		_, n := m.Turn(1)
		stale += n
	}
	epoch, _ := m.Turn(1)
	e := listen(m)
	_, err = c.Write([]byte("new"))
	must(t, err)
	if a, p := e.packet(t); string(p.Payload[8:]) != "new" || a.Epoch != epoch || stale < 3 {
		t.Errorf("came %q of epoch %d, now %d, after %d stale ones", p.Payload[8:], a.Epoch, epoch, stale)
	}
	if epoch, stale := m.Turn(9); epoch != 0 || stale != 0 {
		t.Errorf("a port that is no link turns: %d, %d", epoch, stale)
	}
}

// A carrier that goes and comes at once: the kernel may tell only that it is there. It may have come in another cell.
func TestLinkWatchBlink(t *testing.T) {
	fresh(t)
	wire(t)
	m := open(t, Config{Links: []Link{{Port: 1, Ifname: "v0"}}})
	e := listen(m)
	up := engine.LinkUp{Port: 1, Name: "v0", HW: plane.HW{2, 0, 0, 0, 0, 1}, MTU: 1500}
	want := func(in engine.Input) {
		t.Helper()
		if got := e.input(t); got != in {
			t.Fatalf("told %+v, want %+v", got, in)
		}
	}
	want(up)
	for !m.links[1].counted {
		(<-e.do)()
	}
	v1, err := netlink.LinkByName("v1")
	must(t, err)
	for range 5 {
		must(t, netlink.LinkSetDown(v1))
		must(t, netlink.LinkSetUp(v1))
		want(engine.LinkDown{Port: 1})
		want(up)
	}
	must(t, m.watch.ask()) // once more the same state
	for {
		select {
		case f := <-e.do:
			f()
		case in := <-e.inputs:
			t.Fatalf("told %+v, though nothing changed", in)
		case <-time.After(100 * time.Millisecond):
			return
		}
	}
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
