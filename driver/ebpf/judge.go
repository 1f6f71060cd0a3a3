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
	flagWays   = 16
	flagNet    = 32
	flagHints  = 64
)

// Reasons why a path, or every path, is left to the plane.
const (
	SlowDirect   = "no tunnel"
	SlowHold     = "held"
	SlowEnds     = "a tunnel without both ends"
	SlowLocal    = "the tunnel's end is not this node's"
	SlowLoop     = "the tunnel leads back here"
	SlowOut      = "the link to leave by has no program, no router, or is not the kernel's choice"
	SlowNested   = "its tunnel goes through another one"
	SlowCopies   = "copies leave by a further way"
	SlowKeep     = "copies of what it sends are kept"
	SlowOwn      = "it has addresses of the engines in it"
	SlowBare     = "the kernel does not hand its packets over"
	SlowLent     = "received packets: more addresses than the link's filter names, or no program there"
	SlowSettle   = "received packets: its way has changed, and they wait for older ones"
	SlowDedup    = "received packets: copies are dropped"
	SlowGated    = "a gate may stop its packets"
	SlowFlow     = "a flow may treat its packets"
	SlowFeature  = "it asks for more than a tunnel"
	SlowFull     = "more paths than the fast path holds"
	SlowRefused  = "the kernel refused the path"
	SlowCovered  = "a longer prefix or address in it did not find room"
	SlowMixed    = "mobile and represented addresses on one node"
	SlowGates    = "more gates than are looked at path by path"
	SlowMeters   = "a meter counts what is forwarded"
	SlowFlows    = "more flows than are looked at path by path"
	SlowStraight = "more pairs that talk straight than the fast path holds"
)

// MaxRules is how many gates, and how many flows, are looked at path by path. With more of them every path is slow.
const MaxRules = 64

// off says why nothing is fast at all, "" if paths decide.
func (t *table) off() string {
	switch {
	case len(t.gates) > MaxRules:
		return SlowGates
	case len(t.meters) > 0: // what comes by a link or leaves by it is counted there, whatever path it takes
		return SlowMeters
	case len(t.flows) > MaxRules:
		return SlowFlows
	case t.unpaired > 0:
		return SlowStraight
	case t.sides[0] > 0 && t.sides[1] > 0:
		return SlowMixed
	case t.absent > 0 && t.bare > 0: // packets between paths would be routed, not found
		return SlowFull
	}
	return ""
}

// door is a link port with a program: its interface and link-layer address.
type door struct {
	index uint32
	hw    plane.HW
}

// judge says what the programs may do with packets of a path, and why they may not do all.
func (t *table) judge(e *entry) (flags uint8, why string) {
	if e.path.Side == plane.Agent {
		flags = flagAgent
	}
	if !e.inner.IsSingleIP() {
		flags |= flagNet
	}
	if why = t.never(e); why != "" {
		return flags, why
	}
	if why = t.takes(e); why == "" {
		flags |= flagTakes
	}
	if e.path.Hints && e.path.Side == plane.Mobile {
		flags |= flagHints
	}
	if no := t.sends(e); no != "" {
		return flags, no
	}
	return flags | flagSends, why
}

// never says why a path cannot be fast in either direction.
func (t *table) never(e *entry) string {
	p := e.path
	rest := p
	rest.Side, rest.Mode, rest.Local, rest.Remote, rest.Out, rest.MTU = "", "", netip.Addr{}, netip.Addr{}, 0, 0
	rest.Limit, rest.Age, rest.Octets, rest.Policy, rest.Capture, rest.Control = 0, 0, 0, "", false, false
	rest.Hints, rest.Mark, rest.Settle, rest.Dedup, rest.Keep = false, false, 0, 0, false // markers are sent with Ops, by the plane
	switch {
	case len(t.gates) > MaxRules: // thousands, where a link is closed by default
		return SlowGates
	case p.Mode == plane.Direct:
		return SlowDirect
	case !reflect.ValueOf(rest).IsZero(): // whatever a Path learns to say is slow until it is known here
		return SlowFeature
	case p.Mode == plane.Hold && !p.Local.IsValid() && !p.Remote.IsValid():
		return SlowHold
	case !p.Local.Is6() || !p.Remote.Is6():
		return SlowEnds
	case t.owns(e.inner):
		return SlowOwn
	case !e.inner.IsSingleIP() && t.absent > 0:
		return SlowCovered
	}
	return ""
}

// owns says whether an address of the engines is in a prefix.
func (t *table) owns(p netip.Prefix) bool {
	if p.IsSingleIP() {
		_, ok := t.locals[p.Addr()]
		return ok
	}
	for a := range t.locals { //order:any whether there is one
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// takes says why a path's packets must not be taken out of their tunnel by the programs, "" if they may.
func (t *table) takes(e *entry) string {
	p := e.path
	switch {
	case !t.ends(p.Local):
		return SlowLocal
	case p.Side == plane.Mobile && !t.isLent(p.Local):
		return SlowLent
	case e.waits:
		return SlowSettle
	case p.Dedup > 0:
		return SlowDedup
	case t.gated(e):
		return SlowGated
	case p.Side == plane.Agent && t.flows.match(e.inner, netip.Prefix{}):
		return SlowFlow
	}
	return ""
}

// sends says why the programs must not put a path's packets into its tunnel, "" if they may.
func (t *table) sends(e *entry) string {
	p, agent := e.path, e.path.Side == plane.Agent
	_, here := t.locals[p.Remote]
	switch {
	case p.Mode == plane.Hold:
		return SlowHold
	case here || p.Remote == p.Local || e.inner.Contains(p.Remote):
		return SlowLoop
	case agent && p.Out != plane.Kernel, !agent && !t.leaves(p.Out):
		return SlowOut
	case agent && !p.Capture:
		return SlowBare
	case p.Keep:
		return SlowKeep
	case e.copies():
		return SlowCopies
	case !agent && t.nested(p.Local):
		return SlowNested
	case t.closed(e):
		return SlowGated
	case agent && t.flows.match(netip.Prefix{}, e.inner), !agent && t.flows.match(e.inner, netip.Prefix{}):
		return SlowFlow
	}
	return ""
}

// ends says whether tunnels may end at an address.
func (t *table) ends(a netip.Addr) bool {
	l, ok := t.locals[a]
	return ok && !l.Tentative
}

func (t *table) isLent(a netip.Addr) bool {
	_, ok := t.lent[a]
	return ok
}

// accepts says whether the programs may take what comes by a further way of a path.
func (t *table) accepts(e *entry, w plane.Way) bool {
	return w.Local.Is6() && w.Remote.Is6() && t.ends(w.Local) && (e.path.Side == plane.Agent || t.isLent(w.Local))
}

// leaves says whether a mobile node's packets can be sent by a port.
func (t *table) leaves(p plane.Port) bool {
	_, ok := t.doors[p]
	return ok && t.links[p].Gateway != plane.HW{}
}

// nested says whether the tunnel from an address goes by the path of that address.
func (t *table) nested(local netip.Addr) bool {
	e := t.entries[netip.PrefixFrom(local, 128)]
	return e != nil && e.set && e.path.Side == plane.Mobile && e.path.Mode != plane.Direct
}

// gated says whether a gate may stop what comes by a path's tunnels: at the source of the tunnel or of the packet in it.
func (t *table) gated(e *entry) bool {
	for k := range t.gates { //order:any whether there is one
		if e.path.Side == plane.Mobile || k.From.Overlaps(e.inner) || k.From.Contains(e.path.Remote) {
			return true
		}
		for _, w := range e.ways { //order:any whether there is one
			if k.From.Contains(w.Remote) {
				return true
			}
		}
	}
	return false
}

// closed says whether a gate may stop what enters a path. Its packets come by the Kernel port; where they are represented mobile
// nodes', they came by links of the kernel before, whose gates stand on a way that the programs skip (decision 16).
func (t *table) closed(e *entry) bool {
	for k := range t.gates { //order:any whether there is one
		if e.path.Side == plane.Agent || k.Port == plane.Kernel && k.From.Overlaps(e.inner) {
			return true
		}
	}
	return false
}

// flowSet is the flows by number.
type flowSet map[uint32]plane.Flow

// match says whether some flow matches packets from a prefix to another. The zero prefix is all.
func (s flowSet) match(src, dst netip.Prefix) bool {
	meet := func(a, b netip.Prefix) bool { return !a.IsValid() || !b.IsValid() || a.Overlaps(b) }
	for _, f := range s { //order:any whether there is one
		if meet(f.Src, src) && meet(f.Dst, dst) {
			return true
		}
	}
	return false
}
