package plane

import (
	"net/netip"
	"time"
)

// Headroom is the spare capacity (octets behind the packet, cap minus len) with which a packet given to Soft.Handle gets
// its headers in place: a routing header, a tunnel header and a destination options header. Without it Soft allocates a new buffer.
const Headroom = tunnelHeader + tunnelOptions + routingHeader

// Soft is the forwarder in pure Go. It has no clock, no goroutine and no lock: one caller at a time hands it
// packets and Ops, each with the time since some fixed start, and drains the Sink after each.
//
//	soft.go      ports          Handle, Apply: which of the ways a packet takes
//	forward.go   out            what enters a path: its flow, its copies, its way
//	tunnel.go    out            direct, encapsulated, fragmented (RFC 2473)
//	straight.go  out            with the headers of route optimisation (RFC 6275)
//	hold.go      out, later     kept in order, released by Apply
//	nest.go      out and in     tunnels in tunnels
//	mark.go settle.go           order when the way changes: end markers, and who waits for them
//	receive.go   in             tunnel ends and control packets
//	deliver.go   in             to applications: options taken out, copies dropped
//	reassemble.go, icmp.go, relay.go, restore.go   what goes wrong on the way
//	hints.go        in             what engines learn of user packets
//	ways.go pairs.go gates.go meters.go flows.go dedup.go    what few addresses have, each skipped when empty
type Soft struct {
	now       time.Duration // the latest time given
	punts     Count
	fragments reassembly

	table         Table
	paths         book          // what Table.Paths became; table.Paths is empty
	mobile, agent index         // which of them are on each side, for look-up by address
	ends, depth   int           // paths that carry tunnels of this node; errors being handed down
	settling      []*route      // in which packets wait for older ones
	due           time.Duration // when to look at them; 0: never
	near          sieve         // of the Locals that are not another's
	captures      int           // Locals, Paths and Routes with Capture
	self          netip.Addr    // source of ICMPv6 errors that no path's Local suits

	ways     map[netip.Prefix][]*way // those of what has no path, by number; the others are with their routes. Table.Ways is empty
	wayCount int                     // of all
	pairs    pairs                   // what Table.Routes became; table.Routes is empty
	gates    gates
	meters   map[MeterKey]*meter
	flows    flows

	heldOctets, keptOctets int
	remembered             int // received packets that all paths remember
	seed                   hashSeed
	quiet                  bool // a copy is sent: nobody is told of its fate
	ours                   bool // a packet made here is sent: no meter counts it
	pass                   passing
	limits                 *limits

	fragmentID uint32
	pmtu       pathMTUs
	icmp       bucket
	hints      hints
	count      tally
}

// NewSoft makes a forwarder with an empty table. Its maps are made when something is put into them: a simulator has
// a forwarder for each of many thousand nodes. What neighbour discovery needs stands in front, for the same reason.
func NewSoft() *Soft {
	return &Soft{icmp: bucket{tokens: ICMPBurst}, limits: standard, mobile: index{side: number(Mobile)}, agent: index{side: number(Agent)}}
}

// Out is a packet to transmit: on a link port to the link-layer address To, on the Kernel port into the host's stack.
type Out struct {
	Port Port
	To   HW
	Data []byte
}

// Punt is a control packet, for the engines.
type Punt struct {
	Port Port
	From HW
	Data []byte
}

// Drop says that N packets were dropped for a Reason, one of the Drop… constants.
type Drop struct {
	Reason string
	N      int
}

// Sink collects what one call did, in order. Data in it may alias the buffer of the packet handled.
type Sink struct {
	Out     []Out
	Punt    []Punt
	Drops   []Drop
	Refused []Refused
	Hints   []Hint
}

// Reset empties the sink and keeps its memory.
func (s *Sink) Reset() {
	clear(s.Out)
	clear(s.Punt)
	s.Out, s.Punt, s.Drops = s.Out[:0], s.Punt[:0], s.Drops[:0]
	if len(s.Refused)+len(s.Hints) > 0 {
		clear(s.Refused)
		s.Refused, s.Hints = s.Refused[:0], s.Hints[:0]
	}
}

// Table is a deep copy of the state carried out: the sum of all Ops so far that were not refused.
func (s *Soft) Table() Table {
	t := s.table.Clone()
	t.Paths, t.Ways, t.Routes = s.paths.table(), s.wayTable(), s.pairs.table()
	return t
}

// Apply carries out one Op, or refuses it as a whole and says so in the sink. Packets held by a path leave when the Op
// takes the path out of Hold, copies kept when it changes the way.
func (s *Soft) Apply(now time.Duration, op Op, sink *Sink) {
	s.advance(now, sink)
	op.check()
	why := ""
	switch {
	case op.Path != nil:
		why = s.applyPath(op.Path, op.Delete, sink)
	case op.Way != nil:
		why = s.applyWay(op.Way, op.Delete, sink)
	default:
		if why = s.Refuses(op); why == "" {
			s.applyOther(op)
		}
	}
	if why != "" {
		s.count.refused++
		sink.Refused = append(sink.Refused, Refused{op, why})
	}
}

// applyOther carries out an Op that is neither about a Path nor about a Way.
func (s *Soft) applyOther(op Op) {
	if op.Route != nil {
		s.setPair(op.Route, op.Delete)
		return
	}
	s.captures -= s.captured(op)
	s.table.Apply(op)
	s.captures += s.captured(op)
	switch {
	case op.Local != nil:
		s.electSelf(op.Local.Addr)
		s.setEnd(op.Local.Addr)
		if !op.Delete && !op.Local.Local.Proxy {
			s.near.add(op.Local.Addr)
		}
	case op.Host != nil:
		s.setEnd(op.Host.Addr)
	case op.Gate != nil && op.Delete:
		s.gates.remove(op.Gate.Key.masked())
	case op.Gate != nil:
		s.gates.set(op.Gate.Key.masked(), op.Gate.Gate)
	case op.Meter != nil:
		s.setMeter(op.Meter.Key, op.Delete)
	case op.Flow != nil:
		s.setFlow(op.Flow.Number, op.Flow.Flow, op.Delete)
	}
}

// captured is 1 if the table's entry that the Op is about is captured, else 0.
func (s *Soft) captured(op Op) int {
	return captures(op.Local != nil && s.table.Locals[op.Local.Addr].Capture)
}

// electSelf keeps self the best usable Local after one of them changed: a global one, then the lowest. A home agent
// represents thousands of addresses, so all of them are looked at only when self itself went.
func (s *Soft) electSelf(a netip.Addr) {
	usable := func(a netip.Addr) bool {
		l, ok := s.table.Locals[a]
		return ok && !l.Tentative && !l.Proxy
	}
	if usable(a) {
		s.self = better(s.self, a)
		return
	}
	if a != s.self {
		return
	}
	s.self = netip.Addr{}
	for other := range s.table.Locals { //order:any the best wins
		if usable(other) {
			s.self = better(s.self, other)
		}
	}
}

// better is the better source of a message of two addresses, the first of which may be invalid.
func better(a, b netip.Addr) netip.Addr {
	if !a.IsValid() || a.IsLinkLocalUnicast() && !b.IsLinkLocalUnicast() {
		return b
	}
	if b.IsLinkLocalUnicast() == a.IsLinkLocalUnicast() && b.Less(a) {
		return b
	}
	return a
}

// advance moves the forwarder's time on and ends what has waited too long.
func (s *Soft) advance(now time.Duration, sink *Sink) {
	s.now = max(s.now, now)
	s.expireFragments(sink)
	if s.due != 0 && s.now >= s.due {
		s.expireSettling(sink)
	}
}

// Handle treats one packet that came in by a port; from is its link-layer source. It takes data, and its capacity beyond
// len, for the time until the sink is drained: it may shift the packet inside it, and what it puts into
// the sink may alias it. It keeps no part of it longer; what is held or reassembled is copied.
func (s *Soft) Handle(now time.Duration, port Port, from HW, data []byte, sink *Sink) {
	s.advance(now, sink)
	b, ok := trim(data)
	if !ok {
		s.drop(sink, DropMalformed)
		return
	}
	src, dst := sourceOf(b), destinationOf(b)
	if src.IsMulticast() || src.IsLoopback() || dst.IsLoopback() || dst.IsUnspecified() {
		s.drop(sink, DropBadAddress)
		return
	}
	s.came(port, src, len(b))
	a := arrival{port: port, from: from}
	if port == Kernel {
		s.fromKernel(&a, b, src, dst, sink)
	} else {
		s.fromLink(&a, b, src, dst, sink)
	}
	if s.pass.by != nil {
		s.pass = passing{}
	}
}

// arrival is how a packet came.
type arrival struct {
	port     Port
	from     HW
	outer    ends // of the tunnel it came in; of a packet sent straight, the care-of address alone
	straight bool // with a type 2 routing header
	depth    int  // tunnels it was taken out of and received again
	own      bool // an error that this plane made, about a packet of its own
}

// fromKernel treats what applications send, or what the kernel of a router was told to hand over.
func (s *Soft) fromKernel(a *arrival, b []byte, src, dst netip.Addr, sink *Sink) {
	// A kernel solicits routers and reports groups on a TUN device too; none of that is user traffic, and what
	// has link-local scope must not be forwarded (RFC 4291 §2.5.6, RFC 6275 §10.4.2).
	if dst.IsMulticast() || dst.IsLinkLocalUnicast() || src.IsLinkLocalUnicast() {
		s.overheard()
		return
	}
	if l, ok := s.table.Locals[dst]; ok && !l.Proxy {
		s.toLocal(a, l, b, sink)
		return
	}
	if src.IsUnspecified() {
		s.drop(sink, DropBadAddress)
		return
	}
	if s.gates.n > 0 && s.stopped(Kernel, src, sink) {
		return
	}
	r := s.byMobile(src)
	if r == nil {
		r = s.byAgent(dst)
	}
	if r == nil {
		s.pathless(b, sink)
		return
	}
	s.enter(r, a, b, sink)
}

// pathless treats a packet that no path takes: a Route may take it all the same.
func (s *Soft) pathless(b []byte, sink *Sink) {
	if len(s.pairs.at) > 0 {
		if len(s.flows.shapes) > 0 {
			if _, ok := s.classify(b, sink); !ok {
				return
			}
		}
		if done, _ := s.optimise(nil, b, sink); done {
			return
		}
	}
	s.drop(sink, DropNoPath)
	s.unreachable(b, sink)
}

// unreachable reports a packet that no path takes. What a kernel was told to hand over is the address of a mobile
// node that this agent does not represent now, else there is no route (RFC 4443 §3.1).
func (s *Soft) unreachable(b []byte, sink *Sink) {
	code := uint8(codeNoRoute)
	if s.captures > 0 {
		code = codeAddress
	}
	s.report(sink, icmpError{kind: icmpUnreachable, code: code, about: b})
}

// fromLink treats what arrives on an access link or the home link.
func (s *Soft) fromLink(a *arrival, b []byte, src, dst netip.Addr, sink *Sink) {
	if isND(b) {
		s.punt(a, b, sink)
		return
	}
	if dst.IsMulticast() {
		s.overheard()
		return
	}
	if l, ok := s.table.Locals[dst]; ok && !l.Proxy {
		s.toLocal(a, l, b, sink)
		return
	}
	if s.gates.n > 0 && s.stopped(a.port, src, sink) {
		return
	}
	switch r := s.byMobile(dst); {
	case r != nil && r.straightBy(a.port):
		if r.order == nil || !s.early(r, a, lane{port: a.port}, b, sink) {
			s.deliver(r, r, a, b, sink)
		}
	case r != nil:
		s.drop(sink, DropNotByTunnel) // RFC 6275 §11.3.1: away from home only the tunnel brings packets
	case len(s.mobile.levels) > 0:
		// On a mobile node nobody else owns an address, so this one was given up: a late packet, lost.
		s.drop(sink, DropUnknownAddress)
	default:
		s.overheard() // on a router its kernel forwards what a packet socket sees as well
	}
}

func (s *Soft) punt(a *arrival, b []byte, sink *Sink) {
	s.punts.add(len(b))
	sink.Punt = append(sink.Punt, Punt{a.port, a.from, b})
}
