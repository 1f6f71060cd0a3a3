package driver

import (
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/plane"
)

// However many destinations applications have, the kernel makes no neighbour entry for them on the TUN: there is one next hop.
func TestTunNeedsNoNeighbours(t *testing.T) {
	fresh(t)
	m := open(t, Config{Tun: "roam6t"})
	must(t, m.Apply(hostOp(hoa, plane.Host{MTU: 1460, Default: true})))
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	for k := range 50 {
		to := netip.MustParseAddr("2001:db8:c::").As16()
		to[15] = byte(k + 1)
		must(t, unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet6{Port: 9, Addr: to}))
	}
	list, err := netlink.NeighList(m.kernel.index, unix.AF_INET6)
	must(t, err)
	for _, n := range list {
		if n.IP.IsMulticast() {
			continue
		}
		if !n.IP.Equal(tunPeer) || n.State != netlink.NUD_PERMANENT {
			t.Errorf("the kernel made a neighbour entry: %v, state %d", n.IP, n.State)
		}
	}
	if len(list) == 0 {
		t.Error("the permanent entry is missing")
	}
}

// The kernel's count of full tables is read, in any namespace, and told of when it grows.
func TestTableFulls(t *testing.T) {
	fresh(t)
	if _, ok := open(t, Config{}).neighbours.fulls(); !ok {
		t.Error("the kernel's neighbour table does not say how often it was full")
	}
	if fullEvent(3, 3) != nil {
		t.Error("a count that stood still was told of")
	}
	if ev := fullEvent(3, 7); ev == nil || ev.Name != EventNeighbours || ev.Get("times") != "4" {
		t.Errorf("%+v", ev)
	}
}

// With a neighbour table that is full, as any link's neighbour can make it, packets still reach the TUN. Only where the machine is ours:
// the table is everybody's.
func TestFullTable(t *testing.T) {
	if os.Getenv("ROAM6_TEST_FLOOD") == "" {
		t.Skip("fills the machine's neighbour table for 5 s; ROAM6_TEST_FLOOD=1 does it")
	}
	fresh(t)
	wire(t)
	v0, err := netlink.LinkByName("v0")
	must(t, err)
	m := open(t, Config{Tun: "roam6t"})
	must(t, m.Apply(hostOp(hoa, plane.Host{MTU: 1460, Default: true})))
	e := listen(m)
	before, _ := m.neighbours.fulls()
	for k := range 3000 {
		_ = netlink.NeighAdd(&netlink.Neigh{LinkIndex: v0.Attrs().Index, State: netlink.NUD_STALE, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 2},
			IP: netip.AddrFrom16([16]byte{0xfe, 0x80, 7: 1, 14: byte(k >> 8), 15: byte(k)}).AsSlice()})
	}
	if now, _ := m.neighbours.fulls(); now == before {
		t.Error("the table was not full")
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet6{Port: 9, Addr: netip.MustParseAddr("2001:db8:c::77").As16()}))
	e.packet(t)
}
