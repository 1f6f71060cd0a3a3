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
	err := m.needTun()
	if err == nil {
		c := ebpf.Config{Tun: m.kernel.index}
		for _, l := range m.order {
			c.Links = append(c.Links, ebpf.Link{Port: l.Port, Name: l.Ifname, Index: l.index, HW: l.hw})
		}
		m.fast, err = ebpf.Open(c)
	}
	if err != nil && want == PlaneEBPF {
		return fmt.Errorf("no fast path (ebpf): %w", err)
	}
	if err != nil {
		m.slow = err.Error()
	}
	return nil
}

func (m *machine) fastPath() *ebpf.Fast { return m.fast }

func (m *machine) slowBecause() string { return m.slow }
