package driver

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"roam6/engine"
	"roam6/plane"
)

// Apply brings the links' groups and filters and the kernel's addresses and routes in step with one Op.
func (m *machine) Apply(op plane.Op) error {
	d := m.demand.apply(op)
	var errs []error
	for _, g := range d.joined {
		if l := m.links[g.port]; l != nil {
			errs = append(errs, l.join(g.addr))
		}
	}
	for _, g := range d.left {
		if l := m.links[g.port]; l != nil {
			errs = append(errs, l.leave(g.addr))
		}
	}
	errs = append(errs, m.filters(d.filters)...)
	m.held.captured(m, d.capture)
	errs = append(errs, m.gate(op))
	if op.Local != nil {
		errs = append(errs, m.silence(d.capture))
	}
	if !m.kernel.want(m.demand, d) {
		return errors.Join(errs...)
	}
	if err := m.needTun(); err != nil {
		return err
	}
	return errors.Join(append(errs, m.kernel.setMTU(m.tunMTU()), m.kernel.sync())...)
}

// gate carries a gate or a meter to the kernel where that forwards by itself what comes by its link, and tells it which addresses must be
// reached all the same.
func (m *machine) gate(op plane.Op) error {
	if op.Local != nil {
		return m.gates.Own(op.Local.Addr, !op.Delete && !op.Local.Local.Proxy)
	}
	var port plane.Port
	switch {
	case op.Gate != nil:
		port = op.Gate.Key.Port
	case op.Meter != nil:
		port = op.Meter.Key.Port
	default:
		return nil
	}
	l := m.links[port]
	if l == nil || l.Userland {
		return nil // all that comes by there is the plane's
	}
	var own []netip.Addr
	if m.gates.Idle() {
		own = m.demand.own()
	}
	switch {
	case op.Meter != nil && op.Delete:
		return m.gates.DeleteMeter(l.Ifname, op.Meter.Key.Addr, own)
	case op.Meter != nil:
		return m.gates.SetMeter(l.Ifname, op.Meter.Key.Addr, own)
	case op.Delete:
		return m.gates.Delete(l.Ifname, op.Gate.Key.From, own)
	}
	return m.gates.Set(l.Ifname, op.Gate.Key.From, op.Gate.Gate.Open, own)
}

func (m *machine) filters(ports []plane.Port) []error {
	var errs []error
	if slices.Contains(ports, plane.Kernel) {
		ports = slices.Collect(maps.Keys(m.links))
	}
	slices.Sort(ports)
	for _, p := range slices.Compact(ports) {
		if l := m.links[p]; l != nil {
			errs = append(errs, l.setFilter(m.demand.wants(p), m.fast.Lent(p)))
		}
	}
	return errs
}

// tunMTU is the least that any Host allows.
func (m *machine) tunMTU() int {
	mtu := 0
	for _, h := range m.demand.hosts {
		if h.MTU > 0 && (mtu == 0 || h.MTU < mtu) {
			mtu = h.MTU
		}
	}
	return cmp.Or(mtu, DefaultTunMTU)
}

// needTun makes the TUN if it is not there yet.
func (m *machine) needTun() error {
	switch {
	case m.tunErr != nil:
		return m.tunErr
	case m.tun == nil:
		return fmt.Errorf("%w: the node's plane wants one, but its configuration names none", ErrNoDevice)
	case m.tun.made:
		return nil
	}
	if err := m.tun.create(); err != nil {
		m.tunErr = err
		return err
	}
	if err := m.raise(); err != nil {
		m.tunErr = fmt.Errorf("%w: %s: %w", ErrNoDevice, m.tun.name, err)
		return m.tunErr
	}
	m.mergeWrites()
	m.lookTun()
	return nil
}

// lookTun looks around once there are both a device and somebody to tell.
func (m *machine) lookTun() {
	if m.feed.Tell != nil && m.tun != nil && m.tun.made {
		m.warnForwarding()
	}
}

// raise brings the new device up without the kernel saying a word on it, and finds out what it already holds.
func (m *machine) raise() error {
	for _, c := range []struct{ key, value string }{
		{"disable_ipv6", "0"}, // where the default is off
		{"addr_gen_mode", "1"},
		{"router_solicitations", "0"},
		{"accept_ra", "0"},
		{"accept_dad", "0"},
	} {
		if err := setConf(m.conf, m.tun.name, c.key, c.value); err != nil {
			return err
		}
	}
	dev, err := m.kernel.byName(m.tun.name)
	if err != nil {
		return err
	}
	k := m.kernel
	k.index = dev.Attrs().Index
	if err := k.setMTU(m.tunMTU()); err != nil {
		return err
	}
	if err := k.nl.LinkSetMulticastOff(dev); err != nil {
		return err
	}
	if err := k.nl.LinkSetUp(dev); err != nil {
		return err
	}
	if err := k.addPeer(); err != nil {
		return err
	}
	if err := k.sweep(); err != nil {
		return err
	}
	for _, p := range m.refuse {
		k.route(route{dst: p, last: true}, true)
	}
	return nil
}

// warnForwarding tells an operator why captured packets of others never arrive.
func (m *machine) warnForwarding() {
	for _, l := range m.order {
		if b, err := m.conf.ReadFile(l.Ifname + "/disable_ipv6"); !l.Userland && err == nil && strings.TrimSpace(string(b)) == "1" {
			m.feed.Tell(engine.Event{Name: EventForward, Reason: "packets are to be captured that come in on " + l.Ifname +
				", but the kernel's IPv6 is switched off there; set net.ipv6.conf." + l.Ifname + ".disable_ipv6 to 0"})
		}
	}
	b, err := m.conf.ReadFile("all/forwarding")
	if err != nil || strings.TrimSpace(string(b)) != "0" || len(m.kernel.wanted.routes) == 0 || len(m.demand.hosts) > 0 {
		return
	}
	m.feed.Tell(engine.Event{Name: EventForward,
		Reason: "packets for others are to be captured, but net.ipv6.conf.all.forwarding is 0; set it to 1"})
}
