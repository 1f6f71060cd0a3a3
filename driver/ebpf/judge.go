package ebpf

import (
	"net/netip"
	"reflect"

	"roam6/plane"
)

// Flags of a path in fast.c.
const (
	flagAgent  = 1
	flagSends  = 2
	flagTakes  = 4
	flagForced = 8
)

// Reasons why a path, or every path, is left to the plane.
const (
	SlowPrefix   = "a prefix"
	SlowDirect   = "no tunnel"
	SlowHold     = "held"
	SlowEnds     = "a tunnel without both ends"
	SlowLocal    = "the tunnel's end is not this node's"
	SlowLoop     = "the tunnel leads back here"
	SlowOut      = "the link to leave by has no program, no router, or is not the kernel's choice"
	SlowWays     = "further ways"
	SlowLent     = "received packets: more addresses than the link's filter names, or no program there"
	SlowHints    = "received packets: the engines want to hear of them"
	SlowFeature  = "it asks for more than a tunnel"
	SlowFull     = "more paths than the fast path holds"
	SlowRefused  = "the kernel refused the path"
	SlowMixed    = "mobile and represented addresses on one node"
	SlowGates    = "gates"
	SlowFlows    = "flows"
	SlowStraight = "route optimisation"
	SlowBare     = "an uncaptured prefix"
)

// entry is one path of the table and what the programs know of it.
type entry struct {
	inner netip.Prefix
	path  plane.Path
	set   bool // path is in the table; else only ways name it
	ways  int

	slot    uint32
	slotted bool
	written fastPath // what the map holds
	there   bool     // the map holds it
	forced  bool
	why     string // why it is not fast, "" if it is

	last     [2]moved // see Sweep
	watching bool
}

// table is what of a plane.Table decides which paths are fast.
type table struct {
	links   map[plane.Port]plane.Link
	locals  map[netip.Addr]plane.Local // but those of others (proxied)
	lent    map[netip.Addr]plane.Port  // whose tunnel packets the link program handles or passes into the TUN
	entries map[netip.Prefix]*entry
	remotes map[netip.Addr][]*entry // by the far end of their tunnel
	ends    map[netip.Addr]int      // paths by the near end
	addrs   map[netip.Addr]*entry   // whole addresses

	ways   map[plane.WayKey]struct{}
	gates  map[plane.GateKey]struct{}
	flows  map[uint32]struct{}
	routes map[plane.Pair]struct{}
	sides  [2]int // paths of the mobile side and of the agent side
	bare   int    // prefixes of the agent side that the kernel does not capture
}

func newTable() table {
	return table{
		links: map[plane.Port]plane.Link{}, locals: map[netip.Addr]plane.Local{}, lent: map[netip.Addr]plane.Port{},
		entries: map[netip.Prefix]*entry{}, remotes: map[netip.Addr][]*entry{}, ends: map[netip.Addr]int{}, addrs: map[netip.Addr]*entry{},
		ways: map[plane.WayKey]struct{}{}, gates: map[plane.GateKey]struct{}{}, flows: map[uint32]struct{}{}, routes: map[plane.Pair]struct{}{},
	}
}

// off says why nothing is fast at all, "" if paths decide.
func (t *table) off() string {
	switch {
	case len(t.gates) > 0:
		return SlowGates
	case len(t.flows) > 0:
		return SlowFlows
	case len(t.routes) > 0:
		return SlowStraight
	case t.sides[0] > 0 && t.sides[1] > 0:
		return SlowMixed
	case t.bare > 0:
		return SlowBare
	}
	return ""
}

// door is a link port with a program: its interface and link-layer address.
type door struct {
	index uint32
	hw    plane.HW
}

// judge says what the programs may do with packets of a path, and why they may not send them.
func (t *table) judge(e *entry, doors map[plane.Port]door) (flags uint8, why string) {
	p := e.path
	if p.Side == plane.Agent {
		flags = flagAgent
	}
	rest := p
	rest.Side, rest.Mode, rest.Local, rest.Remote, rest.Out, rest.MTU = "", "", netip.Addr{}, netip.Addr{}, 0, 0
	rest.Limit, rest.Age, rest.Octets, rest.Policy, rest.Capture, rest.Control = 0, 0, 0, "", false, false
	// End markers are sent with Ops, by the plane, and those that come are for it (they carry neither TCP nor UDP). A path with
	// Settle waits for one of its ways only, and with ways it is slow.
	rest.Hints, rest.Mark, rest.Settle = false, false, 0
	switch {
	case e.ways > 0:
		return flags, SlowWays
	case p.Mode == plane.Direct:
		return flags, SlowDirect
	case !reflect.ValueOf(rest).IsZero(): // whatever a Path learns to say is slow until it is known here
		return flags, SlowFeature
	case p.Mode == plane.Hold && !p.Local.IsValid() && !p.Remote.IsValid():
		return flags, SlowHold
	case !p.Local.Is6() || !p.Remote.Is6():
		return flags, SlowEnds
	}
	if l, ok := t.locals[p.Local]; !ok || l.Tentative {
		why = SlowLocal
	} else if _, lent := t.lent[p.Local]; p.Side == plane.Mobile && !lent {
		why = SlowLent
	} else if p.Hints {
		why = SlowHints
	} else {
		flags |= flagTakes
	}
	_, here := t.locals[p.Remote]
	switch {
	case p.Mode == plane.Hold:
		why = SlowHold
	case here || p.Remote == p.Local || e.inner.Contains(p.Remote):
		why = SlowLoop
	case p.Side == plane.Agent && p.Out != plane.Kernel, p.Side == plane.Mobile && !t.leaves(p.Out, doors):
		why = SlowOut
	default:
		flags |= flagSends
	}
	return flags, why
}

// leaves says whether a mobile node's packets can be sent by a port.
func (t *table) leaves(p plane.Port, doors map[plane.Port]door) bool {
	_, ok := doors[p]
	return ok && t.links[p].Gateway != plane.HW{}
}
