package driver

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/engine"
)

// held knows which addresses the kernel holds itself. Packets to them never take the route that captures them: the kernel's table of
// local addresses comes before every route, and a home agent whose service address it is hears nothing, without a word.
type held struct {
	by   map[netip.Addr]string // interface by address
	told map[netip.Addr]bool   // who uses one was told, and it has not gone since
}

// look asks the kernel for its addresses, and tells of those that are to be captured.
func (h *held) look(m *machine) {
	list, err := retry(func() ([]netlink.Addr, error) { return m.kernel.nl.AddrList(nil, unix.AF_INET6) })
	if err != nil {
		return // it is asked again with the next address
	}
	h.by = map[netip.Addr]string{}
	for _, a := range list {
		ip, ok := netip.AddrFromSlice(a.IP.To16())
		if ok && !ip.IsLinkLocalUnicast() && (m.kernel.index == 0 || a.LinkIndex != m.kernel.index) {
			h.by[ip] = h.name(m, a.LinkIndex)
		}
	}
	for a := range h.told {
		if _, still := h.by[a]; !still {
			delete(h.told, a)
		}
	}
	for a, ifname := range h.by {
		if !h.told[a] && m.demand.captured(netip.PrefixFrom(a, a.BitLen())) {
			h.tell(m, a, ifname)
		}
	}
}

// captured looks at one prefix that may be captured from now on.
func (h *held) captured(m *machine, p netip.Prefix) {
	if !p.IsValid() || !p.IsSingleIP() || h.told[p.Addr()] {
		return
	}
	if _, there := h.by[p.Addr()]; there && m.demand.captured(p) {
		h.look(m) // it may have gone meanwhile
	}
}

func (h *held) tell(m *machine, a netip.Addr, ifname string) {
	if h.told == nil {
		h.told = map[netip.Addr]bool{}
	}
	h.told[a] = true
	m.feed.Tell(engine.Event{Name: EventHeld, Reason: fmt.Sprintf("the kernel holds %v itself, on %s, and keeps all packets to it: this node, "+
		"whose address it is, hears none of them. Take it off the interface (ip addr del %v/128 dev %s, with the length that ip addr shows), "+
		"and out of what sets it", a, ifname, a, ifname), Attrs: []engine.Attr{engine.A("address", a)}})
}

func (h *held) name(m *machine, index int) string {
	if l, err := m.kernel.nl.LinkByIndex(index); err == nil {
		return l.Attrs().Name
	}
	return fmt.Sprintf("interface %d", index)
}
