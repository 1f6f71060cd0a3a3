package driver

import (
	"fmt"

	"roam6/driver/ebpf"
)

// openFast puts the fast path in front of the plane, if it is wanted. Its programs stand on the TUN device too, so that is
// made now and not when it is first needed: this thread is in the right namespace, and may do it.
func (m *machine) openFast(want Plane) error {
	switch want {
	case "", PlaneSoft:
		return nil
	case PlaneEBPF, PlaneAuto:
	default:
		return fmt.Errorf("plane %q: soft, ebpf and auto are allowed", want)
	}
	if m.tun != nil {
		m.tun.bare = true // the programs count what they hand over, packet by packet, and read goes by their count
	}
	err := m.needTun()
	if err == nil {
		var links []ebpf.Link
		if links, err = m.fastLinks(); err == nil {
			m.fast, err = ebpf.Open(ebpf.Config{Links: links, Tun: m.kernel.index})
		}
	}
	if err != nil && want == PlaneEBPF {
		return fmt.Errorf("%w: %w", ErrNoFast, err)
	}
	if err != nil {
		m.slow = err.Error()
	}
	return nil
}

// maxFastLinks bounds the interfaces that get a program.
const maxFastLinks = 64

// fastLinks are the interfaces that packets come by: the node's links and, where its kernel forwards, the others of this
// namespace that are Ethernet and no part of a bridge. Interfaces that come later have no program, and what comes by them is slow.
func (m *machine) fastLinks() (list []ebpf.Link, err error) {
	forwards, ours := false, map[int]bool{m.kernel.index: true}
	for _, l := range m.order {
		list = append(list, ebpf.Link{Port: l.Port, Name: l.Ifname, Index: l.index, HW: l.hw})
		ours[l.index] = true
		forwards = forwards || !l.Userland
	}
	if !forwards {
		return list, nil
	}
	all, err := retry(m.kernel.nl.LinkList)
	for _, l := range all {
		a := l.Attrs()
		if !ours[a.Index] && a.EncapType == "ether" && a.MasterIndex == 0 && len(list) < maxFastLinks {
			list = append(list, ebpf.Link{Name: a.Name, Index: a.Index})
		}
	}
	return list, err
}

func (m *machine) fastPath() *ebpf.Fast { return m.fast }

func (m *machine) slowBecause() string { return m.slow }
