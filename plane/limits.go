package plane

import "net/netip"

// Limits of a plane's table: what an Op would add beyond them is refused ("map-full"), and what is there stays as it is.
const (
	MaxLinks  = 256
	MaxLocals = MaxPaths + 1024 // an agent represents each mobile address as a Local
	MaxHosts  = 1024
	MaxPaths  = 4 << 20
	MaxRoutes = 1 << 20
	MaxGates  = 1 << 16
	MaxMeters = 1 << 16
	MaxFlows  = 4096
	// MaxFlowShapes is the number of different shapes among flows: prefix lengths, and which of protocol and ports are told.
	// It bounds the look-ups a packet costs, however many flows there are.
	MaxFlowShapes = 32
	// MaxPathWays is the number of further ways of one path, and so of the copies a packet can become.
	MaxPathWays = 8
	// MaxWays is the number of all of them.
	MaxWays = 1 << 20
)

// Reasons of refused Ops.
const (
	RefusedFull    = "map-full"      // one of the limits above
	RefusedInvalid = "entry-invalid" // an entry that says nothing: addresses that are not IPv6 unicast, values out of range
)

// Refused is an Op that a plane did not carry out: its state is as before.
type Refused struct {
	Op     Op
	Reason string // one of the Refused… constants
}

// limits are the Max… constants; tests have smaller ones.
type limits struct {
	links, locals, hosts, paths, ways, routes, gates, meters, flows, held, kept, remembered int
}

func defaultLimits() *limits {
	return &limits{MaxLinks, MaxLocals, MaxHosts, MaxPaths, MaxWays, MaxRoutes, MaxGates, MaxMeters, MaxFlows,
		MaxHeldOctets, MaxKeptOctets, MaxRemembered}
}

// standard is shared by all planes: there may be thousands.
var standard = defaultLimits()

// Refuses gives the reason why Apply would refuse an Op now, empty if it would not. Taking away is never refused. A world asks
// before it tells its kernel.
func (s *Soft) Refuses(op Op) string {
	if op.Delete {
		return ""
	}
	switch {
	case op.Link != nil:
		return full(s.table.Links, op.Link.Port, s.limits.links)
	case op.Local != nil:
		return full(s.table.Locals, op.Local.Addr, s.limits.locals)
	case op.Host != nil:
		return full(s.table.Hosts, op.Host.Addr, s.limits.hosts)
	case op.Path != nil:
		p := masked(op.Path.Inner)
		return s.refusesPath(p, s.paths.of(p))
	case op.Way != nil:
		k := op.Way.Key.masked()
		_, list := s.waysOf(k.Inner)
		return s.refusesWay(k, list)
	case op.Route != nil:
		return s.refusesRoute(op.Route)
	case op.Gate != nil:
		k := op.Gate.Key.masked()
		if !isV6(k.From) {
			return RefusedInvalid
		}
		return full(s.table.Gates, k, s.limits.gates)
	case op.Meter != nil:
		if !isUnicast(op.Meter.Key.Addr) {
			return RefusedInvalid
		}
		return full(s.table.Meters, op.Meter.Key, s.limits.meters)
	}
	return s.refusesFlow(op.Flow)
}

func (s *Soft) refusesPath(p netip.Prefix, r *route) string {
	switch {
	case !isV6(p):
		return RefusedInvalid
	case r == nil && s.paths.finder.n >= s.limits.paths:
		return RefusedFull
	}
	return ""
}

// full says whether a map has no room for a key.
func full[K comparable, V any](m map[K]V, key K, limit int) string {
	if len(m) < limit {
		return ""
	}
	if _, known := m[key]; known {
		return ""
	}
	return RefusedFull
}

func isV6(p netip.Prefix) bool { return p.IsValid() && isPlain(p.Addr()) }

// isPlain says whether an address is an IPv6 address that sixteen octets can tell.
func isPlain(a netip.Addr) bool { return a.Is6() && !a.Is4In6() && a.Zone() == "" }

// isUnicast says whether packets may be sent to an address beyond this host.
func isUnicast(a netip.Addr) bool {
	return isPlain(a) && !a.IsMulticast() && !a.IsUnspecified() && !a.IsLoopback()
}
