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
	by   map[netip.Addr]seat // where it holds them
	told map[netip.Addr]bool // who uses one was told, and it has not gone since
}

// seat is where the kernel holds an address.
type seat struct{ index, length int }

// look asks the kernel for its addresses, and tells of those that are to be captured.
func (h *held) look(m *machine) {
	list, err := retry(func() ([]netlink.Addr, error) { return m.kernel.nl.AddrList(nil, unix.AF_INET6) })
	if err != nil {
		return // it is asked again with the next address
	}
	h.by = map[netip.Addr]seat{}
	for _, a := range list {
		ip, ok := netip.AddrFromSlice(a.IP.To16())
		if ok && !ip.IsLinkLocalUnicast() && (m.kernel.index == 0 || a.LinkIndex != m.kernel.index) {
			length, _ := a.Mask.Size()
			h.by[ip] = seat{a.LinkIndex, length}
		}
	}
	for a := range h.told {
		if _, still := h.by[a]; !still {
			delete(h.told, a)
		}
	}
	for a, at := range h.by {
		if !h.told[a] && m.demand.captured(netip.PrefixFrom(a, a.BitLen())) {
			h.tell(m, a, at)
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

func (h *held) tell(m *machine, a netip.Addr, at seat) {
	if h.told == nil {
		h.told = map[netip.Addr]bool{}
	}
	h.told[a] = true
	ifname := fmt.Sprintf("interface %d", at.index)
	if l, err := m.kernel.nl.LinkByIndex(at.index); err == nil {
		ifname = l.Attrs().Name
	}
	m.feed.Tell(engine.Event{Name: EventHeld, Reason: fmt.Sprintf("the kernel holds %v itself, on %s, and keeps all packets to it: this node, "+
		"whose address it is, hears none of them; ip addr del %v/%d dev %s takes it off, and what sets it at boot must not", a, ifname, a, at.length, ifname),
		Attrs: []engine.Attr{engine.A("address", a)}})
}
