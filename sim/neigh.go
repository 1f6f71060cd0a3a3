package sim

import (
	"net/netip"
	"time"

	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// Address resolution of the kernel model, RFC 4861 §7.2 and §10.
const (
	retransTimer      = time.Second // RETRANS_TIMER
	multicastSolicits = 3           // MAX_MULTICAST_SOLICIT
	// pendingMax is the number of packets that wait for one neighbour (Linux keeps about as many small ones).
	pendingMax = 101
)

// neighbor is one entry of an interface's neighbour cache. Entries are kept for ever: what becomes of a neighbour
// that went away is the engines' matter, not the kernel model's.
type neighbor struct {
	id       int32
	i        *iface
	addr     addr16
	hw       plane.HW
	known    bool
	attempts int
	serial   uint32 // of the timer that counts
	pending  [][]byte
}

// isND reports a neighbour discovery message, whoever it is for. They are never forwarded.
func isND(data []byte) bool {
	return data[6] == ip6.ProtoICMPv6 && len(data) > ip6.HeaderLen && nd.IsND(data[ip6.HeaderLen])
}

// sendTo sends a packet to a neighbour, asking for its link-layer address first if need be.
func (n *node) sendTo(i *iface, next addr16, data []byte) {
	if i.seg == nil {
		n.w.drop(dropLinkDown)
		return
	}
	b := i.entry(next)
	if b.known {
		n.w.transmit(i, b.hw, data)
		return
	}
	if len(b.pending) == pendingMax {
		n.w.drop(dropNeighFull)
		return
	}
	b.pending = append(b.pending, data)
	if b.attempts == 0 {
		b.solicit()
	}
}

func (i *iface) entry(a addr16) *neighbor {
	b := i.neigh[a]
	if b == nil {
		w := i.node.w
		b = &neighbor{id: int32(len(w.neighbors)), i: i, addr: a}
		w.neighbors = append(w.neighbors, b)
		i.neigh[a] = b
	}
	return b
}

// solicit sends a multicast neighbour solicitation. Its source is the address of the first packet that waits, if it
// is ours (RFC 4861 §7.2.2).
func (b *neighbor) solicit() {
	b.attempts++
	b.serial++
	w := b.i.node.w
	w.heap.push(event{at: w.now + retransTimer, kind: evSolicit, a: b.id, b: b.serial})
	src := b.i.addrs[0]
	if s := srcOf(b.pending[0]); b.i.node.own[s] == b.i {
		src = s
	}
	group := ip6.SolicitedNode(b.addr.addr())
	ask := &nd.NeighborSolicitation{Target: b.addr.addr(), Options: nd.Options{SourceHW: b.i.hw}}
	w.transmit(b.i, plane.HW(ip6.MulticastHW(group)), ndPacket(src.addr(), group, ask))
}

// retry asks again, or gives up and says so to those who wait (RFC 4861 §7.2.2).
func (b *neighbor) retry(serial uint32) {
	if b.known || serial != b.serial {
		return
	}
	if b.attempts < multicastSolicits {
		b.solicit()
		return
	}
	pending := b.pending
	b.pending, b.attempts = nil, 0
	n := b.i.node
	for _, data := range pending {
		n.w.drop(dropNoNeigh)
		if n.own[srcOf(data)] == nil {
			n.icmpError(nil, icmp6.TypeUnreachable, icmp6.CodeAddrUnreachable, 0, data)
		} else {
			n.undelivered(icmp6.TypeUnreachable, icmp6.CodeAddrUnreachable, 0, data)
		}
	}
}

// learn notes a neighbour's link-layer address and sends what waited for it.
func (b *neighbor) learn(hw plane.HW) {
	pending := b.pending
	b.hw, b.known, b.pending, b.attempts = hw, true, nil, 0
	b.serial++
	for _, data := range pending {
		b.i.node.w.transmit(b.i, hw, data)
	}
}

// forget empties the cache of an interface that went down.
func (i *iface) forget() {
	for _, b := range i.neigh { //order:any
		b.serial++
		for range b.pending {
			i.node.w.drop(dropLinkDown)
		}
		b.pending = nil
	}
	if i.neigh != nil {
		i.neigh = map[addr16]*neighbor{}
	}
}

// neighborIn is the kernel's part in neighbour discovery: it answers solicitations for its own addresses and learns
// from solicitations, advertisements and, as a router, from router solicitations (RFC 4861 §6.2.6, §7.2).
func (n *node) neighborIn(i *iface, data []byte) {
	src := srcOf(data)
	msg, err := nd.Parse(src.addr(), dstOf(data).addr(), data[7], data[ip6.HeaderLen:])
	if err != nil {
		n.w.drop(dropMalformed)
		return
	}
	switch m := msg.(type) {
	case *nd.NeighborSolicitation:
		n.solicited(i, src, m)
	case *nd.NeighborAdvertisement:
		b := i.neigh[m.Target.As16()]
		if b != nil && m.Options.TargetHW != [6]byte{} && (!b.known || m.Override) {
			b.learn(m.Options.TargetHW)
		}
	case *nd.RouterSolicitation:
		if n.plan.Forward && m.Options.SourceHW != [6]byte{} {
			i.entry(src).learn(m.Options.SourceHW)
		}
	}
}

// solicited answers for an address of the interface; a duplicate address detection is answered to all.
func (n *node) solicited(i *iface, src addr16, m *nd.NeighborSolicitation) {
	if n.own[m.Target.As16()] != i {
		return
	}
	answer := &nd.NeighborAdvertisement{Router: n.plan.Forward, Solicited: true, Override: true, Target: m.Target,
		Options: nd.Options{TargetHW: i.hw}}
	if src.unspecified() {
		answer.Solicited = false
		n.w.transmit(i, allNodesHW, ndPacket(m.Target, ip6.AllNodes, answer))
		return
	}
	if m.Options.SourceHW != [6]byte{} {
		i.entry(src).learn(m.Options.SourceHW)
	}
	n.sendTo(i, src, ndPacket(m.Target, src.addr(), answer))
}

func ndPacket(src, dst netip.Addr, m nd.Message) []byte {
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6,
		Payload: nd.Append(nil, src, dst, m)}
	return p.Append(nil)
}
