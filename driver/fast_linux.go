package driver

import (
	"errors"
	"fmt"

	"roam6/driver/ebpf"
	"roam6/engine"
	"roam6/plane"
)

// openFast puts the fast path in front of the plane, if it is wanted. Its programs stand on the TUN device too, so that is
// made now and not when it is first needed: this thread is in the right namespace, and may do it.
func (m *machine) openFast(want Plane) error {
	switch want {
	case "", PlaneSoft:
		return nil
	case PlaneEBPF:
	case PlaneAuto: // a TUN device made for the fast path is slower without it
		if err := ebpf.Probe(); err != nil {
			m.slow = err.Error()
			return nil
		}
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

// follow gives programs to interfaces that have come, and forgets those that are gone. nil: messages were lost.
func (m *machine) follow(s *seen) {
	if m.fast == nil || s != nil && (s.addr || !m.fast.News(s.index, s.gone, s.hw)) {
		return
	}
	links, err := m.fastLinks()
	if err == nil {
		err = m.fast.Follow(links)
	}
	if err = errors.Join(append(m.filters([]plane.Port{plane.Kernel}), err)...); err != nil {
		m.feed.Tell(engine.Event{Name: EventKernel, Reason: err.Error()})
	}
}

// fastLinks are the interfaces that packets come by: the node's links and, where its kernel forwards, the others of this
// namespace that are Ethernet and no part of a bridge.
func (m *machine) fastLinks() (list []ebpf.Link, err error) {
	forwards, ours := false, map[int]bool{m.kernel.index: true}
	for _, l := range m.order {
		if l.index == 0 { // it has gone, and may come again
			continue
		}
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

// Fast gives what openFast has found.
func (m *machine) Fast() (fast *ebpf.Fast, none string) { return m.fast, m.slow }
