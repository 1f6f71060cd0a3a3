//go:build linux

package lab

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/scenario"
)

// sysctls is where the kernel's IPv6 settings of the calling thread's namespace are.
const sysctls = "/proc/sys/net/ipv6/conf"

// setting is one file below sysctls.
type setting struct{ path, value string }

// quiet makes new interfaces do nothing on their own: no router solicitations, no autoconfiguration, no duplicate
// address detection (the plan's addresses are unique), no waiting.
var quiet = []setting{
	{"default/accept_ra", "0"}, {"default/autoconf", "0"}, {"default/router_solicitations", "0"},
	{"default/accept_dad", "0"}, {"default/dad_transmits", "0"}, {"all/accept_dad", "0"},
}

// set writes settings in the namespace of the calling thread.
func set(list ...setting) error {
	for _, s := range list {
		if err := os.WriteFile(filepath.Join(sysctls, s.path), []byte(s.value), 0); err != nil {
			return fmt.Errorf("kernel setting: %w (is /proc read-only here?)", err)
		}
	}
	return nil
}

// setUp makes the namespace of the calling thread a node's kernel, except for its interfaces.
func setUp(n *scenario.Node) error {
	if err := set(quiet...); err != nil {
		return err
	}
	forward := "0"
	if n.Forward {
		forward = "1"
	}
	if err := set(setting{"all/forwarding", forward}, setting{"default/forwarding", forward}); err != nil {
		return err
	}
	if n.Forward {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
			return fmt.Errorf("kernel setting: %w", err)
		}
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}

// bringUp gives an interface its addresses and sets it up. On a userland node the kernel holds no address on it.
func bringUp(n *scenario.Node, i *scenario.Iface) error {
	link, err := netlink.LinkByName(i.Name)
	if err != nil {
		return err
	}
	if !n.Owned(i) {
		if err := set(setting{i.Name + "/disable_ipv6", "1"}); err != nil {
			return err
		}
		return netlink.LinkSetUp(link)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return err
	}
	for _, a := range i.Addrs {
		addr := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(a.Addr(), a.Bits()))}
		if a.Addr().Is6() {
			addr.Flags = unix.IFA_F_NODAD
		}
		if err := netlink.AddrReplace(link, addr); err != nil {
			return fmt.Errorf("address %v: %w", a, err)
		}
	}
	return nil
}

// addRoutes gives the namespace of the calling thread a node's static routes.
func addRoutes(n *scenario.Node) error {
	for _, r := range n.Routes {
		link, err := netlink.LinkByName(r.Iface)
		if err != nil {
			return fmt.Errorf("route %v: %w", r.Dst, err)
		}
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(r.Dst.Masked())}
		if r.Via.IsValid() {
			route.Gw = r.Via.AsSlice()
		} else if r.Dst.Addr().Is4() {
			route.Scope = netlink.SCOPE_LINK
		}
		if err := netlink.RouteReplace(route); err != nil {
			return fmt.Errorf("route %v via %v dev %s: %w", r.Dst, r.Via, r.Iface, err)
		}
	}
	return nil
}

// addNeighbors gives the namespace of the calling thread the link-layer addresses its node knows from the start.
func addNeighbors(n *scenario.Node) error {
	for _, b := range n.Neighbors {
		link, err := netlink.LinkByName(b.Iface)
		if err != nil {
			return fmt.Errorf("neighbour %v: %w", b.Addr, err)
		}
		err = netlink.NeighSet(&netlink.Neigh{
			LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: b.Addr.AsSlice(), HardwareAddr: net.HardwareAddr(b.HW[:]),
		})
		if err != nil {
			return fmt.Errorf("neighbour %v at %v dev %s: %w", b.Addr, net.HardwareAddr(b.HW[:]), b.Iface, err)
		}
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// Settling: how often and how long a node is asked whether its interfaces carry packets.
const (
	settleStep  = 5 * time.Millisecond
	settleLimit = 10 * time.Second
)

// settled waits until every interface is up for the kernel and no address is tentative.
func settled(n *scenario.Node) error {
	for end := time.Now().Add(settleLimit); ; time.Sleep(settleStep) {
		what, err := unsettled(n)
		if err != nil || what == "" {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s after %v", what, settleLimit)
		}
	}
}

func unsettled(n *scenario.Node) (string, error) {
	for k := range n.Ifaces {
		link, err := netlink.LinkByName(n.Ifaces[k].Name)
		if err != nil {
			return "", err
		}
		if a := link.Attrs(); a.RawFlags&unix.IFF_UP == 0 || a.RawFlags&unix.IFF_RUNNING == 0 {
			return fmt.Sprintf("interface %s is not running", a.Name), nil
		}
		addrs, err := netlink.AddrList(link, netlink.FAMILY_V6)
		if err != nil {
			return "", err
		}
		for _, a := range addrs {
			if a.Flags&unix.IFA_F_TENTATIVE != 0 {
				return fmt.Sprintf("address %v is tentative", a.IPNet), nil
			}
		}
	}
	return "", nil
}
