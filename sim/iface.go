package sim

import (
	"slices"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
	"roam6/wire/ip6"
)

// iface is one interface of a node.
type iface struct {
	node     *node
	seg      *segment
	port     plane.Port
	id       int32
	epoch    uint32 // counts attachments and detachments
	hw       plane.HW
	mtu      int
	name     string
	kernel   bool // the node's kernel owns it
	detached time.Duration
	shaper   scenario.Shaper
	groups   []group // multicast addresses a user-space interface listens to
	addrs    []addr16
	neigh    map[addr16]*neighbor
}

// group is a multicast address and how many of the interface's addresses want it.
type group struct {
	hw   plane.HW
	refs int
}

func (i *iface) label() string { return i.node.plan.Name + "/" + i.name }

// join makes a user-space interface listen to a multicast address. A kernel's interface hears all.
func (i *iface) join(hw plane.HW) {
	if i.kernel {
		return
	}
	for k := range i.groups {
		if i.groups[k].hw == hw {
			i.groups[k].refs++
			return
		}
	}
	i.groups = append(i.groups, group{hw, 1})
	if i.seg != nil {
		i.seg.listeners[hw] = append(i.seg.listeners[hw], i.id)
	}
}

// unjoin takes one join back.
func (i *iface) unjoin(hw plane.HW) {
	for k := range i.groups {
		if i.groups[k].hw != hw {
			continue
		}
		if i.groups[k].refs--; i.groups[k].refs > 0 {
			return
		}
		i.groups = slices.Delete(i.groups, k, k+1)
		if i.seg != nil {
			i.seg.leave(hw, i)
		}
		return
	}
}

// plug attaches an interface to a segment and tells the node's engines.
func (i *iface) plug(s *segment) {
	i.seg = s
	i.epoch++
	i.shaper = scenario.Shaper{}
	s.attach(i)
	i.node.linkUp(i)
}

// unplug takes an interface off its segment and tells the node's engines.
func (i *iface) unplug(now time.Duration) {
	i.seg.detach(i)
	i.forget()
	i.seg = nil
	i.epoch++
	i.detached = now
	if i.port > 0 {
		i.node.offer(engine.LinkDown{Port: i.port})
	}
}

var allNodesHW = plane.HW(ip6.MulticastHW(ip6.AllNodes))
