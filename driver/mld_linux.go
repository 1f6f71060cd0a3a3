package driver

import (
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/plane"
)

// lentFor is how long the kernel's link-local address is taken for the same: asking takes a dump of all addresses, and a
// home agent sends a report with every binding.
const lentFor = time.Second

// lent is the kernel's link-local address on a link, when it was asked for.
type lent struct {
	addr netip.Addr
	at   time.Time
}

// LinkLocal asks for the kernel's link-local address on a link that it shares.
func (m *machine) LinkLocal(port plane.Port) netip.Addr {
	l := m.links[port]
	if l == nil || l.index == 0 || l.Userland {
		return netip.Addr{}
	}
	if known := m.lent[port]; time.Since(known.at) < lentFor {
		return known.addr
	}
	known := lent{at: time.Now()}
	dev, err := m.kernel.byName(l.Ifname)
	if err == nil {
		var addrs []netlink.Addr
		addrs, err = retry(func() ([]netlink.Addr, error) { return m.kernel.nl.AddrList(dev, unix.AF_INET6) })
		for _, a := range addrs {
			ip, ok := netip.AddrFromSlice(a.IP)
			if ok && ip.IsLinkLocalUnicast() && a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) == 0 {
				known.addr = ip
			}
		}
	}
	if err != nil {
		return netip.Addr{} // perhaps the link has just gone; the next report asks again
	}
	m.lent[port] = known
	return known.addr
}
