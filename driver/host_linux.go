package driver

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"roam6/driver/ebpf"
	"roam6/driver/gate"
	"roam6/engine"
	"roam6/plane"
)

// machine is the Host of a real Linux: packet sockets for the links, a TUN device for the Kernel port, netlink for
// addresses, routes and the state of links. All it holds open was opened in the namespace of the thread that called New.
type machine struct {
	links  map[plane.Port]*link
	order  []*link
	tun    *tun // nil: no name was given
	tunErr error
	kernel *kernel
	watch  *watch
	conf   *os.Root // /proc/sys/net/ipv6/conf of our namespace
	muted  *muted
	demand *demand
	lent   map[plane.Port]lent
	fast   *ebpf.Fast // nil: none
	slow   string     // why there is none, though one was asked for
	feed   Feed
	held   held
	gates  *gate.Gates
	silent *silent
	refuse []netip.Prefix // Config.Refuse
	closed bool

	space     *os.File // the network namespace that all sockets are in
	spaceInfo os.FileInfo

	neighbours *neighbours
	waiter     *waiter
	fds        []int
	sys        *os.File // a view of /sys of our namespace; nil: none
	wg         sync.WaitGroup
}

// openHost opens everything; nothing is changed on the machine but, with Userland, IPv6 on the links.
func openHost(c Config) (Host, error) {
	c.Links = slices.Clone(c.Links)
	shared := map[plane.Port]bool{}
	for i := range c.Links {
		c.Links[i].Userland = c.Links[i].Userland || c.Userland
		shared[c.Links[i].Port] = !c.Links[i].Userland
	}
	m := &machine{links: map[plane.Port]*link{}, demand: newDemand(shared), lent: map[plane.Port]lent{}, neighbours: newNeighbours(), refuse: c.Refuse}
	if err := m.open(c); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *machine) open(c Config) error {
	var err error
	// A directory handle keeps pointing into the namespace it was opened in, whatever thread uses it later.
	if m.conf, err = os.OpenRoot("/proc/sys/net/ipv6/conf"); err != nil {
		return fmt.Errorf("this kernel has no IPv6 (booted with ipv6.disable=1?): %w", err)
	}
	if err = m.openSpace(); err != nil {
		return fmt.Errorf("the network namespace: %w", err)
	}
	if m.kernel, err = openKernel(c.Tun); err != nil {
		return err
	}
	if m.waiter, err = openWaiter(); err != nil {
		return err
	}
	m.gates = gate.Open("roam6-" + cmp.Or(c.Tun, c.Name))
	if m.muted, err = openMuted(m.conf, c.Store); err != nil {
		return err
	}
	if m.silent, err = openSilent(m.kernel.nl, c.Store); err != nil {
		return err
	}
	for _, lc := range c.Links {
		l, err := openLink(lc)
		if err != nil {
			return err
		}
		m.links[lc.Port] = l
		m.order = append(m.order, l)
		if err := m.attach(l); err != nil {
			return err
		}
	}
	if err := m.muted.sweep(); err != nil {
		return err
	}
	if m.watch, err = openWatch(); err != nil {
		return err
	}
	m.neighbours.open()
	if c.Tun != "" {
		// A node that never wants the device may live without /dev/net/tun.
		m.tun, m.tunErr = openTun(c.Tun)
		m.sys = openSys()
	}
	if err := m.openFast(c.Plane); err != nil || m.fast != nil {
		return err
	}
	return m.stepAhead()
}

// stepAhead has sockets come before the kernel's IPv6 where that has the packets too.
func (m *machine) stepAhead() error {
	for _, l := range m.order {
		if l.ahead = !l.Userland; l.ahead {
			if err := l.hook(); err != nil {
				return err
			}
		}
	}
	return nil
}

// attach binds a link to its interface, which must exist.
func (m *machine) attach(l *link) error {
	dev, err := m.kernel.byName(l.Ifname)
	if err != nil {
		return fmt.Errorf("no interface %q; this machine has: %s: %w", l.Ifname, m.kernel.names(), err)
	}
	a := dev.Attrs()
	if a.EncapType != "ether" && len(a.HardwareAddr) != 6 {
		return fmt.Errorf("interface %s is %s; only Ethernet-like interfaces carry neighbour discovery as needed here", l.Ifname, a.EncapType)
	}
	l.mtu = a.MTU
	copy(l.hw[:], a.HardwareAddr)
	if err := m.mute(l, dev); err != nil {
		return err
	}
	return l.bind(a.Index)
}

// Listen starts the link watch, and reports the links that are up.
func (m *machine) Listen(f Feed) {
	m.feed = f
	for _, l := range m.order {
		m.refresh(l)
	}
	m.start(func() { m.watch.read(f, m.changed) })
	if err := m.watch.ask(); err != nil {
		f.Tell(engine.Event{Name: EventKernel, Reason: err.Error()})
	}
	m.lookTun()
	m.held.look(m)
	m.start(func() { m.neighbours.watch(f) })
}

func (m *machine) start(read func()) {
	m.wg.Add(1)
	go func() {
		defer m.wg.Done()
		read()
	}()
}

// Read reads from the TUN and from each link. What was gathered for the kernel meanwhile goes to it.
func (m *machine) Read(take func(*Arrival)) (some bool) {
	if m.tun != nil && m.tun.made && m.waiter.readable(m.tun.fd) {
		more, err := m.tun.read(take)
		if err != nil {
			m.feed.Fail(err)
		}
		some = more
	}
	for _, l := range m.order {
		if !m.waiter.readable(l.fd) {
			continue
		}
		more, bad := l.read(take)
		if bad > 0 {
			m.feed.Drop(string(DropGSO), bad)
		}
		some = some || more
	}
	m.waiter.told = false
	if m.tun != nil {
		m.lost(m.tun.flush())
	}
	return some
}

func (m *machine) lost(n int, reason error) {
	if n > 0 {
		m.feed.Drop(reason.Error(), n)
	}
}

// Wait waits for the TUN and the links.
func (m *machine) Wait(d time.Duration) {
	m.fds = m.fds[:0]
	if m.tun != nil && m.tun.made {
		m.fds = append(m.fds, m.tun.fd)
	}
	for _, l := range m.order {
		m.fds = append(m.fds, l.fd)
	}
	m.waiter.wait(d, m.fds...)
}

// Wake ends Wait.
func (m *machine) Wake() { m.waiter.wake() }

// sendFrame sends on what the plane has let through; into a tunnel, or out of one.
func (m *machine) sendFrame(port plane.Port, to plane.HW, f *frame, tunnel bool) {
	if port == plane.Kernel {
		m.lost(m.tun.sendFrame(f, tunnel))
	} else if l := m.links[port]; l != nil {
		m.lost(l.sendFrame(to, f))
	} else {
		m.lost(f.packets(), DropNoPort)
	}
}

// calm waits until the kernel holds nothing of what was written, so that what is written next cannot overtake it.
func (m *machine) calm() {
	if m.tun != nil {
		m.tun.calm()
	}
}

// Send writes to a link or to the TUN.
func (m *machine) Send(port plane.Port, to plane.HW, data []byte) error {
	if len(data) < 40 || data[0]>>4 != 6 {
		return DropNotIPv6
	}
	if port == plane.Kernel {
		if err := m.needTun(); err != nil {
			return err
		}
		return m.tun.send(data)
	}
	l := m.links[port]
	if l == nil {
		return DropNoPort
	}
	if to == (plane.HW{}) {
		if data[24] != 0xff {
			return DropNoNextHop
		}
		to = plane.HW{0x33, 0x33, data[36], data[37], data[38], data[39]} // RFC 2464 §7
	}
	return l.send(to, data)
}

// Link tells the interface of a port.
func (m *machine) Link(port plane.Port) (engine.LinkUp, bool) {
	l := m.links[port]
	if l == nil || l.index == 0 {
		return engine.LinkUp{}, false
	}
	return engine.LinkUp{Port: port, Name: l.Ifname, HW: l.hw, MTU: l.mtu}, true
}

// Turn throws away what waits in the link's socket, then counts.
func (m *machine) Turn(port plane.Port) (epoch uint32, stale int) {
	l := m.links[port]
	if l == nil {
		return 0, 0
	}
	stale = l.drain()
	l.epoch++
	return l.epoch, stale
}

// Overflow asks every link's socket.
func (m *machine) Overflow() int {
	n := 0
	for _, l := range m.order {
		n += l.overflow()
	}
	return n
}

// Stopped asks the kernel, where gates are in it.
func (m *machine) Stopped() int { return m.gates.Stopped() }

// Measure asks the kernel, where meters are in it.
func (m *machine) Measure(list []plane.MeterCount) error {
	var at []int
	var there []gate.Meter
	for i, c := range list {
		if l := m.links[c.Port]; l != nil && !l.Userland {
			at, there = append(at, i), append(there, gate.Meter{Ifname: l.Ifname, Addr: c.Addr})
		}
	}
	err := m.gates.Measure(there)
	for i, c := range there {
		list[at[i]].Up.More(c.Up)
		list[at[i]].Down.More(c.Down)
	}
	return err
}

// Close stops the readers and removes everything. Whatever lives on the TUN goes with it.
func (m *machine) Close() error {
	if m.closed {
		return nil
	}
	m.closed = true
	m.neighbours.stop()
	errs := []error{m.fast.Close(), m.gates.Close()}
	for _, l := range m.order {
		errs = append(errs, l.close())
	}
	if m.watch != nil {
		errs = append(errs, m.watch.close())
	}
	if m.tun != nil {
		errs = append(errs, m.kernel.remove(), m.tun.close())
	}
	m.wg.Wait()
	m.neighbours.close()
	if m.muted != nil {
		errs = append(errs, m.muted.restore())
	}
	if m.silent != nil {
		errs = append(errs, m.silent.clear())
	}
	if m.kernel != nil {
		m.kernel.close()
	}
	if m.conf != nil {
		errs = append(errs, m.conf.Close())
	}
	if m.space != nil {
		errs = append(errs, m.space.Close())
	}
	if m.sys != nil {
		errs = append(errs, m.sys.Close())
	}
	if m.waiter != nil {
		errs = append(errs, m.waiter.close())
	}
	return errors.Join(errs...)
}
