package handover

import (
	"net/netip"
	"slices"

	"roam6/engine"
	"roam6/machine/lwkrb"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
)

// MaxPerNode is how many sessions one node has at once: with those that a forged error has it begin beside the first (machine/lwkrb).
const MaxPerNode = 4

// Sessions are what mobile nodes and one access router have agreed on by lightweight Kerberos: who may send, and the keys of what the two say to
// each other. They belong to a life of the router.
type Sessions struct {
	gated  []plane.Port
	nodes  map[netip.Addr]*node // by care-of address
	spis   map[uint32]*session
	timers engine.Timers[uint32] // by number
	number uint32
	byNo   map[uint32]*session
}

// node is a mobile node at one care-of address.
type node struct {
	coa    netip.Addr
	hw     plane.HW
	port   plane.Port
	client string
	list   []*session
	send   *session // nil: none that has keys
}

type session struct {
	no   uint32
	node *node
	ah   *sa.AH // nil: without protection
}

// NewSessions makes them. What comes in by gated links is sent on only for nodes that have one.
func NewSessions(gated []plane.Port) *Sessions {
	return &Sessions{gated: gated, nodes: map[netip.Addr]*node{}, spis: map[uint32]*session{}, byNo: map[uint32]*session{}}
}

// Start closes the gates, before anybody can come.
//
// spec FH-12
func (s *Sessions) Start(out *engine.Effects) {
	for _, port := range s.gated {
		all := plane.GateKey{From: netip.PrefixFrom(netip.IPv6Unspecified(), 0), Port: port}
		out.Plane(plane.Op{Gate: &plane.GateOp{Key: all}})
	}
}

// FreeSPI draws one that no session has.
func (s *Sessions) FreeSPI(rand *engine.Rand) uint32 {
	for {
		if spi := uint32(rand.Uint64()); spi >= sa.MinSPI && s.spis[spi] == nil {
			return spi
		}
	}
}

// Room says whether one more node may have a session.
func (s *Sessions) Room(coa netip.Addr) bool { return s.nodes[coa] != nil || len(s.nodes) < MaxNodes }

// Add takes a session and opens the gate. The keys in l are erased.
//
// spec FH-12 FH-16
func (s *Sessions) Add(port plane.Port, hw plane.HW, l *lwkrb.Session, out *engine.Effects) {
	defer l.Erase()
	n := s.nodes[l.CareOf]
	if n != nil && (n.hw != hw || n.client != string(l.Client)) { // the address is another's from now on
		s.Close(n.coa, "another node", out)
		n = nil
	}
	if n == nil {
		n = &node{coa: l.CareOf, hw: hw, port: port, client: string(l.Client)}
		s.nodes[n.coa] = n
		s.gate(n, false, out)
	}
	if len(n.list) >= MaxPerNode {
		s.drop(n.list[0])
	}
	s.number++
	x := &session{no: s.number, node: n, ah: sessionAH(l, n.coa.String(), false)}
	n.list = append(n.list, x)
	if s.byNo[x.no] = x; x.ah != nil {
		s.spis[x.ah.InSPI()] = x
		if n.send == nil {
			n.send = x
		}
	}
	s.timers.Set(x.no, l.Until)
	out.Event("handover.session", engine.A("coa", n.coa), engine.S("client", n.client), engine.S("until", l.TicketEnd.UTC().Format("2006-01-02T15:04:05Z")))
}

// sessionAH is what a session protects with, at either end; nil if nothing.
func sessionAH(l *lwkrb.Session, peer string, mobile bool) *sa.AH {
	if l.SPIToRouter == 0 || len(l.AH.ToRouter) == 0 {
		return nil
	}
	c := sa.AHConfig{OutSPI: l.SPIToMobile, OutKey: l.AH.ToMobile, InSPI: l.SPIToRouter, InKey: l.AH.ToRouter}
	if mobile {
		c.OutSPI, c.OutKey, c.InSPI, c.InKey = c.InSPI, c.InKey, c.OutSPI, c.OutKey
	}
	a, err := sa.NewSessionAH(c, peer)
	if err != nil {
		return nil // a SPI that the codec does not let through
	}
	return a
}

// SessionAH is the mobile node's end of what a session protects with; nil if nothing.
//
// spec FH-16
func SessionAH(l *lwkrb.Session) *sa.AH { return sessionAH(l, string(l.Router), true) }

// Has says whether a node has a session.
func (s *Sessions) Has(coa netip.Addr, hw plane.HW) bool {
	n := s.nodes[coa]
	return n != nil && n.hw == hw
}

// Keyed says whether what a node and the router say to each other is protected.
func (s *Sessions) Keyed(coa netip.Addr) bool { return s.nodes[coa] != nil && s.nodes[coa].send != nil }

// At is the station of a node that has a session, and its link.
func (s *Sessions) At(coa netip.Addr) (hw plane.HW, port plane.Port, ok bool) {
	if n := s.nodes[coa]; n != nil {
		return n.hw, n.port, true
	}
	return hw, 0, false
}

// Seal puts an Authentication Header into a packet for a node, if they have keys.
func (s *Sessions) Seal(coa netip.Addr, packet []byte, out *engine.Effects) []byte {
	if n := s.nodes[coa]; n != nil && n.send != nil {
		return n.send.ah.Seal(packet, out)
	}
	return packet
}

// Open takes a packet with an Authentication Header that a node is said to have sent; it gives the care-of address of its session, whatever the
// packet's source is. reason says why there is none.
//
// spec FH-18
func (s *Sessions) Open(data []byte, out *engine.Effects) (coa netip.Addr, p ip6.Packet, reason string) {
	spi, ok := sa.FindAH(data)
	x := s.spis[spi]
	if !ok || x == nil {
		return coa, p, sa.AHUnknownSPI
	}
	if p, reason = x.ah.Open(data); reason != "" {
		return coa, p, reason
	}
	x.ah.Commit(out)
	x.node.send = x
	return x.node.coa, p, ""
}

// Close ends what there is with a node.
func (s *Sessions) Close(coa netip.Addr, why string, out *engine.Effects) {
	n := s.nodes[coa]
	if n == nil {
		return
	}
	for _, x := range slices.Clone(n.list) {
		s.drop(x)
	}
	delete(s.nodes, coa)
	s.gate(n, true, out)
	out.Event("handover.session-ended", engine.A("coa", coa), engine.S("why", why))
}

// ClosePort ends what there is on a link that is gone.
func (s *Sessions) ClosePort(port plane.Port, out *engine.Effects) {
	var gone []netip.Addr
	for coa, n := range s.nodes { //order:any — sorted below
		if n.port == port {
			gone = append(gone, coa)
		}
	}
	slices.SortFunc(gone, netip.Addr.Compare)
	for _, coa := range gone {
		s.Close(coa, "link down", out)
	}
}

func (s *Sessions) drop(x *session) {
	n := x.node
	n.list = slices.DeleteFunc(n.list, func(y *session) bool { return y == x })
	if x.ah != nil {
		delete(s.spis, x.ah.InSPI())
	}
	delete(s.byNo, x.no)
	s.timers.Stop(x.no)
	if n.send == x {
		n.send = nil
		for _, y := range n.list {
			if y.ah != nil {
				n.send = y
				break
			}
		}
	}
}

// gate opens the gate of a node, or leaves it to that of the whole link, which is closed.
func (s *Sessions) gate(n *node, gone bool, out *engine.Effects) {
	if slices.Contains(s.gated, n.port) {
		out.Plane(plane.Op{Delete: gone, Gate: &plane.GateOp{Key: plane.GateKey{From: one(n.coa), Port: n.port}, Gate: plane.Gate{Open: !gone}}})
	}
}

// Len is how many nodes have one.
func (s *Sessions) Len() int { return len(s.nodes) }

// Tick ends what is over.
func (s *Sessions) Tick(now engine.Now, out *engine.Effects) {
	for no, ok := s.timers.Pop(now.Mono); ok; no, ok = s.timers.Pop(now.Mono) {
		x := s.byNo[no]
		if n := x.node; len(n.list) == 1 {
			s.Close(n.coa, "lifetime is over", out)
		} else {
			s.drop(x)
		}
	}
}

// Deadline is when Tick has something to do.
func (s *Sessions) Deadline() (engine.Mono, string) {
	at, _ := s.timers.Next()
	return at, "end of a session"
}
