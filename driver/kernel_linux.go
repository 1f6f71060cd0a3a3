package driver

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	// RouteProtocol marks our routes ("ip -6 route show proto 135"): the protocol number of the Mobility Header.
	RouteProtocol = 135
	// RouteMetric is that of our routes. It beats what network managers and router advertisements set (100 and more).
	RouteMetric = 50
	// SilentMetric is that of those that discard what is for the engines: none of ours takes their place, nor they one's.
	SilentMetric = RouteMetric + 1
	// LastMetric is that of our routes for Config.Refuse: any other of that length comes first.
	LastMetric = 1 << 30
	// DefaultTunMTU is the TUN's while no Host says otherwise: packets captured for others may be as long as links carry.
	DefaultTunMTU = 1500
	// TunQueue is how many packets the kernel keeps for the plane to read. A mobile node that registers lets go at once
	// what it held (plane.Path.Limit, 4096 by default), and a home agent gets that burst: the usual 500 would drop most of it.
	TunQueue = 8192
	// dumpRetries bounds how often a dump that the kernel says was disturbed is asked for again.
	dumpRetries = 10
	// addrPatience bounds the wait for a new address to work (it takes the kernel some 100 µs), addrPoll is how often to look.
	addrPatience = 200 * time.Millisecond
	addrPoll     = 100 * time.Microsecond
)

// kernel is what the plane wants of the host's own stack, on the TUN: addresses and routes. wanted and there are
// plain values; their difference is what is asked of netlink. Where they may differ is kept in dirty, so that a
// home agent with ten thousand routes does not look at them all to add one.
type kernel struct {
	nl     *netlink.Handle
	tun    string
	index  int // of the TUN; 0 until it is made
	mtu    int
	wanted kernelState
	there  kernelState
	dirty  kernelState
	source netip.Addr // of the default route wanted; zero: none is
}

// kernelState is a set of addresses and of routes.
type kernelState struct {
	addrs  map[netip.Addr]struct{}
	routes map[route]struct{}
}

// route is one route by the TUN.
type route struct {
	dst  netip.Prefix
	src  netip.Addr // preferred source; zero: the kernel's choice
	last bool       // behind any other for the prefix
}

func newKernelState() kernelState {
	return kernelState{addrs: map[netip.Addr]struct{}{}, routes: map[route]struct{}{}}
}

func openKernel(tun string) (*kernel, error) {
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("a netlink socket: %w", err)
	}
	return &kernel{nl: nl, tun: tun, wanted: newKernelState(), there: newKernelState(), dirty: newKernelState()}, nil
}

func (k *kernel) close() { k.nl.Close() }

// want takes a delta into the wanted state, and tells whether there is anything to do.
func (k *kernel) want(d *demand, c delta) bool {
	changed := false
	if c.capture.IsValid() {
		changed = k.route(route{dst: c.capture}, d.captured(c.capture))
	}
	if c.host.IsValid() {
		_, there := d.hosts[c.host]
		set(k.wanted.addrs, c.host, there)
		k.dirty.addrs[c.host] = struct{}{}
		k.defaultRoute(d)
		changed = true
	}
	return changed
}

// defaultRoute wants at most one: with the lowest of the addresses that ask for it as its source.
func (k *kernel) defaultRoute(d *demand) {
	var src netip.Addr
	for a, h := range d.hosts {
		if h.Default && (!src.IsValid() || a.Less(src)) {
			src = a
		}
	}
	if k.source == src {
		return
	}
	all := netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	if k.source.IsValid() {
		k.route(route{dst: all, src: k.source}, false)
	}
	if src.IsValid() {
		k.route(route{dst: all, src: src}, true)
	}
	k.source = src
}

func (k *kernel) route(r route, in bool) (changed bool) {
	if changed = set(k.wanted.routes, r, in); changed {
		k.dirty.routes[r] = struct{}{}
	}
	return changed
}

func set[K comparable](m map[K]struct{}, k K, in bool) (changed bool) {
	if _, was := m[k]; was == in {
		return false
	}
	if in {
		m[k] = struct{}{}
	} else {
		delete(m, k)
	}
	return true
}

func (k *kernel) setMTU(mtu int) error {
	if k.index == 0 || k.mtu == mtu {
		return nil
	}
	if err := k.nl.LinkSetMTU(k.dev(), mtu); err != nil {
		return fmt.Errorf("MTU %d of %s: %w", mtu, k.tun, err)
	}
	if k.mtu == 0 {
		if err := k.nl.LinkSetTxQLen(k.dev(), TunQueue); err != nil {
			return fmt.Errorf("queue of %s: %w", k.tun, err)
		}
	}
	k.mtu = mtu
	return nil
}

func (k *kernel) dev() netlink.Link {
	return &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Name: k.tun, Index: k.index}}
}

// sync asks netlink for the difference between wanted and there. Addresses come first and go last, because a route may
// prefer one as its source. What fails stays in the difference, and is tried again with the next change.
func (k *kernel) sync() error {
	var errs []error
	do := func(what string, key any, err error) bool {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %v on %s: %w", what, key, k.tun, err))
		}
		return err == nil
	}
	routes := slices.SortedFunc(maps.Keys(k.dirty.routes), compareRoute)
	addrs := slices.SortedFunc(maps.Keys(k.dirty.addrs), netip.Addr.Compare)
	for _, r := range routes {
		if lacking(k.there.routes, k.wanted.routes, r) && do("removing route", r.dst, ignore(k.nl.RouteDel(k.anyRoute(r)), unix.ESRCH)) {
			delete(k.there.routes, r)
		}
	}
	for _, a := range addrs {
		if lacking(k.wanted.addrs, k.there.addrs, a) && do("adding address", a, k.addAddr(a)) {
			k.there.addrs[a] = struct{}{}
		}
	}
	for _, r := range routes {
		if lacking(k.wanted.routes, k.there.routes, r) && do("adding route", r.dst, k.nl.RouteReplace(k.netRoute(r))) {
			k.there.routes[r] = struct{}{}
		}
	}
	for _, a := range addrs {
		if lacking(k.there.addrs, k.wanted.addrs, a) && do("removing address", a, ignore(k.nl.AddrDel(k.dev(), hostAddr(a)), unix.EADDRNOTAVAIL)) {
			delete(k.there.addrs, a)
		}
	}
	maps.DeleteFunc(k.dirty.routes, func(r route, _ struct{}) bool { return settled(k.wanted.routes, k.there.routes, r) })
	maps.DeleteFunc(k.dirty.addrs, func(a netip.Addr, _ struct{}) bool { return settled(k.wanted.addrs, k.there.addrs, a) })
	return errors.Join(errs...)
}

// lacking tells whether x has k and y lacks it.
func lacking[K comparable](x, y map[K]struct{}, k K) bool {
	_, inX := x[k]
	_, inY := y[k]
	return inX && !inY
}

// settled tells whether both have k, or neither.
func settled[K comparable](x, y map[K]struct{}, k K) bool {
	return !lacking(x, y, k) && !lacking(y, x, k)
}

func (r route) metric() int {
	if r.last {
		return LastMetric
	}
	return RouteMetric
}

func compareRoute(a, b route) int {
	return cmp.Or(a.dst.Compare(b.dst), a.src.Compare(b.src), cmp.Compare(a.metric(), b.metric()))
}

// sweep reads what the device holds, so that leftovers of another life are removed by the next sync.
func (k *kernel) sweep() error {
	k.there = newKernelState()
	addrs, err := retry(func() ([]netlink.Addr, error) { return k.nl.AddrList(k.dev(), unix.AF_INET6) })
	if err != nil {
		return err
	}
	for _, a := range addrs {
		if ip, ok := netip.AddrFromSlice(a.IP.To16()); ok && !ip.IsLinkLocalUnicast() {
			k.there.addrs[ip] = struct{}{}
			k.dirty.addrs[ip] = struct{}{}
		}
	}
	filter := &netlink.Route{LinkIndex: k.index, Protocol: RouteProtocol}
	routes, err := retry(func() ([]netlink.Route, error) {
		return k.nl.RouteListFiltered(unix.AF_INET6, filter, netlink.RT_FILTER_OIF|netlink.RT_FILTER_PROTOCOL)
	})
	if err != nil {
		return err
	}
	for _, r := range routes {
		k.there.routes[fromNet(r)] = struct{}{}
		k.dirty.routes[fromNet(r)] = struct{}{}
	}
	return nil
}

// remove takes everything off again. The device would take it along, but not one that somebody made persistent.
func (k *kernel) remove() error {
	if k.index == 0 {
		return nil
	}
	k.wanted = newKernelState()
	maps.Copy(k.dirty.addrs, k.there.addrs)
	maps.Copy(k.dirty.routes, k.there.routes)
	return ignore(k.sync(), unix.ENODEV)
}

// netRoute is a route as it is added.
func (k *kernel) netRoute(r route) *netlink.Route {
	out := k.anyRoute(r)
	out.Gw = tunPeer
	return out
}

// anyRoute is one by any next hop: another life may have added it by none.
func (k *kernel) anyRoute(r route) *netlink.Route {
	out := &netlink.Route{LinkIndex: k.index, Protocol: RouteProtocol, Priority: r.metric(), Table: unix.RT_TABLE_MAIN,
		Dst: &net.IPNet{IP: r.dst.Addr().AsSlice(), Mask: net.CIDRMask(r.dst.Bits(), 128)}}
	if r.src.IsValid() {
		out.Src = r.src.AsSlice()
	}
	return out
}

func fromNet(r netlink.Route) route {
	out := route{dst: netip.PrefixFrom(netip.IPv6Unspecified(), 0), last: r.Priority == LastMetric}
	if r.Dst != nil {
		a, _ := netip.AddrFromSlice(r.Dst.IP.To16())
		bits, _ := r.Dst.Mask.Size()
		out.dst = netip.PrefixFrom(a, bits)
	}
	if a, ok := netip.AddrFromSlice(r.Src.To16()); ok {
		out.src = a
	}
	return out
}

// hostAddr is a home address for the kernel: usable at once (the engines do duplicate address detection), and
// preferred as a source over care-of addresses (RFC 6724 §5 rule 4).
func hostAddr(a netip.Addr) *netlink.Addr {
	return &netlink.Addr{
		IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(128, 128)},
		Flags: unix.IFA_F_NODAD | unix.IFA_F_HOMEADDRESS,
	}
}

// addAddr adds an address and waits until packets for it are delivered: without duplicate address detection, too, the
// kernel leaves that to a worker (addrconf_dad_work), and until then would drop what the plane releases to it.
func (k *kernel) addAddr(a netip.Addr) error {
	if err := k.nl.AddrReplace(k.dev(), hostAddr(a)); err != nil {
		return err
	}
	for late := time.Now().Add(addrPatience); time.Now().Before(late); time.Sleep(addrPoll) {
		if r, err := k.nl.RouteGet(a.AsSlice()); err == nil && len(r) > 0 && r[0].Type == unix.RTN_LOCAL {
			return nil
		}
	}
	return fmt.Errorf("the kernel does not take packets for it after %v", addrPatience)
}

func ignore(err, what error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}

// retry asks again for a dump that changes disturbed (NLM_F_DUMP_INTR).
func retry[T any](dump func() ([]T, error)) ([]T, error) {
	var out []T
	var err error
	for range dumpRetries {
		if out, err = dump(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return out, err
}

// names lists the interfaces of our namespace, for an error.
func (k *kernel) names() string {
	links, err := retry(k.nl.LinkList)
	if err != nil {
		return "(none could be listed)"
	}
	var names []string
	for _, l := range links {
		if l.Attrs().Flags&net.FlagLoopback == 0 {
			names = append(names, l.Attrs().Name)
		}
	}
	sort.Strings(names)
	if len(names) == 0 {
		return "none but loopback"
	}
	return strings.Join(names, ", ")
}

func (k *kernel) byName(name string) (netlink.Link, error) {
	var l netlink.Link
	_, err := retry(func() ([]struct{}, error) {
		var err error
		l, err = k.nl.LinkByName(name)
		return nil, err
	})
	return l, err
}
