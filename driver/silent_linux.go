package driver

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// silentBucket of the Store holds the addresses that a life of this node has silenced.
const silentBucket = ownName + "/silent"

// silent are addresses of the engines whose packets come by the socket of a link that a kernel shares. It gets them as well, and as a
// router it would look for the neighbour that has the address, send the sender a Redirect to it, and three seconds later Destination
// Unreachable. A route that discards keeps it quiet, with no right more than other routes need. Such a route is on no device that goes with
// the node: the next life after one that was killed takes it away.
type silent struct {
	nl    router
	store Store // nil: nobody tidies up after a kill
	there map[netip.Addr]bool
}

// router is what of the kernel is needed.
type router interface {
	RouteReplace(*netlink.Route) error
	RouteDel(*netlink.Route) error
}

func openSilent(nl router, store Store) (*silent, error) {
	s := &silent{nl: nl, store: store, there: map[netip.Addr]bool{}}
	if store == nil {
		return s, nil
	}
	records, err := store.Load()
	if err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	for _, r := range records {
		if a, err := netip.ParseAddr(r.Key); err == nil && r.Bucket == silentBucket {
			s.there[a] = true
		}
	}
	return s, s.clear()
}

// set silences an address, or no longer.
func (s *silent) set(a netip.Addr, is bool) error {
	if s.there[a] == is {
		return nil
	}
	if is {
		if err := s.keep(a, []byte{1}); err != nil {
			return err
		}
		if err := s.nl.RouteReplace(discard(a)); err != nil {
			return errors.Join(fmt.Errorf("a route that discards what the kernel would forward to %v: %w", a, err), s.keep(a, nil))
		}
		s.there[a] = true
		return nil
	}
	if err := ignore(s.nl.RouteDel(discard(a)), unix.ESRCH); err != nil {
		return fmt.Errorf("removing the route that discards packets to %v: %w", a, err)
	}
	delete(s.there, a)
	return s.keep(a, nil)
}

// clear silences nothing any more.
func (s *silent) clear() error {
	for _, a := range slices.SortedFunc(maps.Keys(s.there), netip.Addr.Compare) {
		if err := s.set(a, false); err != nil {
			return err
		}
	}
	return nil
}

func (s *silent) keep(a netip.Addr, value []byte) error {
	if s.store == nil {
		return nil
	}
	if err := s.store.Put(silentBucket, a.String(), value); err != nil {
		return fmt.Errorf("storing that packets to %v are discarded: %w", a, err)
	}
	return nil
}

func discard(a netip.Addr) *netlink.Route {
	return &netlink.Route{Type: unix.RTN_BLACKHOLE, Protocol: RouteProtocol, Priority: SilentMetric, Table: unix.RT_TABLE_MAIN,
		Dst: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}}
}

// silence looks at one address whose Local may have changed.
func (m *machine) silence(p netip.Prefix) error {
	if !p.IsSingleIP() {
		return nil
	}
	return m.silent.set(p.Addr(), m.demand.overheard(p.Addr()))
}
