package fmipv6

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/machine/neighbor"
	"roam6/machine/sa"
	"roam6/machine/tell"
	"roam6/plane"
	"roam6/wire"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// Protocol constants of the routers' ends, RFC 5568 §9 and §6.2.1.1.
const (
	ProxyLifetime = 1500 * time.Millisecond // PROXY_ND_LIFETIME: a node that is expected may take so long to arrive
	MaxHI         = 1 + 3                   // sent in one use: the first and HI_RETRIES
	FirstHI       = 100 * time.Millisecond  // before the first retransmission
)

// Limits and choices.
const (
	MaxLifetime  = 30 * time.Second // of a forwarding granted
	MaxHandovers = 1 << 16          // nodes forwarded by a router, and as many expected; beyond it "insufficient resources"
	// ArrivedLifetime is how long a node that arrived is delivered to by the plane: until the kernel may look for it without
	// holding up its packets.
	ArrivedLifetime = 10 * time.Second
	HoldPackets     = 2048    // kept for a node that is expected
	HoldOctets      = 2 << 20 // the same
	MaxUpdates      = 10      // FBUs of one node a second; more are dropped before they cost anything but their proof
	MaxAnswers      = 200     // PrRtAdvs a second to all together
	tunnelMTU       = 1500    // between access routers
)

// RouterConfig is the routers' ends'.
type RouterConfig struct {
	Address    netip.Addr // where mobility messages go; engine-owned, in one of Links' prefixes
	Links      []handover.RouterLink
	Cells      []plane.HW // identities of this router's own points of attachment
	Mobiles    []MobileKey
	Neighbours []Neighbour
	// Announced, if set, is told of a node that a neighbour has announced, when that is accepted and when the node has come, so that
	// a router that lets only known nodes send lets it. It reports whether the node may send when it comes: if not, the handover is accepted
	// all the same, and the node is told that it must authenticate itself first.
	Announced func(now engine.Now, w Word, out *engine.Effects) bool
	// MayAnnounce, if set, says whether a node of this router may be announced to a neighbour, which lets it send on this router's word. A
	// handover key proves who asks, and not that he was let in here.
	MayAnnounce func(pcoa netip.Addr, hw plane.HW) bool
}

// Word is what a neighbour says of a node: that it comes.
type Word struct {
	Port plane.Port // where it comes
	CoA  netip.Addr // there
	HW   plane.HW
	By   netip.Addr // the neighbour
}

// MobileKey is a mobile node that may ask for forwarding.
type MobileKey struct {
	HW  plane.HW // its link-layer address, of which its care-of addresses are made
	Key Key
}

// Neighbour is an access router that handovers go to and come from.
type Neighbour struct {
	Address  netip.Addr   // its service address
	HW       plane.HW     // its link-layer address on the access link
	Prefix   netip.Prefix // of the access link, /64
	Cells    []plane.HW   // its points of attachment
	Security sa.Config    // ESP
}

// Router is the access router's end: par.go when a node leaves, nar.go when one comes.
type Router struct {
	c          RouterConfig
	rand       *engine.Rand
	links      []link
	mobiles    map[uint32]*mobile // by SPI
	neighbours []*neighbour
	speaker    neighbor.Speaker
	tell       tell.Teller
	answers    budget
	seq        uint16 // of the latest Handover Initiate

	leaving  map[netip.Addr]*leaving  // by previous care-of address
	asked    map[uint16]netip.Addr    // the same addresses by the number of the Handover Initiate
	expected map[netip.Addr]*expected // by next care-of address
	timers   engine.Timers[due]
}

type link struct {
	handover.RouterLink
	hw plane.HW
	up bool
}

type mobile struct {
	hw      plane.HW
	proof   prover
	seq     uint16 // of the latest FBU taken
	known   bool   // there was one
	updates budget
}

type neighbour struct {
	Neighbour
	sa *sa.SA
}

// due is what a timer is for: a care-of address, at this router as the previous or as the next one.
type due struct {
	coa  netip.Addr
	next bool
}

// budget allows so many things in a second.
type budget struct {
	from engine.Mono
	used int
}

func (b *budget) take(now engine.Now, limit int) bool {
	if now.Mono.Sub(b.from) >= time.Second {
		b.from, b.used = now.Mono, 0
	}
	b.used++
	return b.used <= limit
}

// NewRouter makes an access router's end.
func NewRouter(c RouterConfig, rand *engine.Rand) (*Router, error) {
	r := &Router{c: c, rand: rand, mobiles: map[uint32]*mobile{}, leaving: map[netip.Addr]*leaving{}, asked: map[uint16]netip.Addr{}, expected: map[netip.Addr]*expected{}}
	for _, l := range c.Links {
		r.links = append(r.links, link{RouterLink: l})
	}
	for _, m := range c.Mobiles {
		v, err := newProver(m.Key)
		if err != nil {
			return nil, fmt.Errorf("mobile %x: %w", m.HW, err)
		}
		r.mobiles[m.Key.SPI] = &mobile{hw: m.HW, proof: v}
	}
	var all []*sa.SA
	for _, n := range c.Neighbours {
		s, err := sa.New(n.Security, n.Address.String())
		if err != nil {
			return nil, fmt.Errorf("neighbour %v: %w", n.Address, err)
		}
		all = append(all, s)
		r.neighbours = append(r.neighbours, &neighbour{n, s})
	}
	return r, sa.Distinct(all)
}

var _ handover.Router = (*Router)(nil)

// Start takes the service address and what an earlier life knew: which numbers were used.
func (r *Router) Start(_ engine.Now, in engine.Start, out *engine.Effects) {
	var all []*sa.SA
	for _, n := range r.neighbours {
		all = append(all, n.sa)
	}
	sa.RestoreAll(in.Records, all)
	r.restore(in.Records)
	r.seq = r.rand.Uint16()
	l := r.linkOf(r.c.Address)
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: r.c.Address, Local: plane.Local{Port: l.Port, Capture: true}}})
}

// LinkUp speaks for the service address on its link.
func (r *Router) LinkUp(_ engine.Now, in engine.LinkUp, _ *engine.Effects) {
	for i := range r.links {
		l := &r.links[i]
		if l.Port != in.Port {
			continue
		}
		l.up, l.hw = true, in.HW
		if l.Prefix.Contains(r.c.Address) {
			r.speaker.Own(neighbor.Key{Port: l.Port, Addr: r.c.Address}, neighbor.Stance{HW: l.hw, Router: true, Source: ip6.LinkLocal(l.hw)})
		}
	}
}

// LinkDown see handover.Router.
func (r *Router) LinkDown(_ engine.Now, in engine.LinkDown, _ *engine.Effects) {
	for i := range r.links {
		if r.links[i].Port == in.Port {
			r.links[i].up = false
		}
	}
}

// linkOf is the access link whose prefix an address is in; nil for none.
func (r *Router) linkOf(a netip.Addr) *link {
	for i := range r.links {
		if r.links[i].Prefix.Contains(a) {
			return &r.links[i]
		}
	}
	return nil
}

// toward is the neighbour whose prefix an address is in; nil for none.
func (r *Router) toward(a netip.Addr) *neighbour {
	for _, n := range r.neighbours {
		if n.Prefix.Contains(a) {
			return n
		}
	}
	return nil
}

// Neighbour takes neighbour discovery of an access link: questions about other cells, and signs that a node has come.
//
// spec MIP-09
func (r *Router) Neighbour(now engine.Now, in engine.Packet, p *ip6.Packet, m nd.Message, out *engine.Effects) {
	switch m := m.(type) {
	case *nd.RtSolPr:
		r.proxyAdvertise(now, in, p, m, out)
	case *nd.NeighborAdvertisement:
		r.announced(now, in, p, m, out)
	case *nd.NeighborSolicitation:
		if x := r.expected[m.Target]; x != nil && p.Src.IsUnspecified() && in.From == x.hw {
			r.arrive(now, x, out) // the node itself probes the address: it is there, and its announcement was lost
			return
		}
		r.speaker.Heard(in.Port, in.From, p, m, out)
	}
}

// proxyAdvertise answers a RtSolPr, RFC 5568 §6.1.2.
func (r *Router) proxyAdvertise(now engine.Now, in engine.Packet, p *ip6.Packet, ask *nd.RtSolPr, out *engine.Effects) {
	i := slices.IndexFunc(r.links, func(l link) bool { return l.Port == in.Port && l.up })
	if i < 0 || !p.Src.IsLinkLocalUnicast() && !r.links[i].Prefix.Contains(p.Src) {
		out.Drop("rtsolpr-stranger", engine.A("from", p.Src))
		return
	}
	if !r.answers.take(now, MaxAnswers) {
		out.Drop("rtsolpr-rate", engine.A("from", p.Src))
		return
	}
	l := &r.links[i]
	adv := &nd.PrRtAdv{ID: ask.ID, SourceHW: l.hw, Code: nd.ProxyInfo}
	wanted := ask.AccessPoints
	if ask.Wildcard {
		for _, n := range r.neighbours {
			for _, c := range n.Cells {
				wanted = append(wanted, c)
			}
		}
		wanted = wanted[:min(len(wanted), nd.MaxAccessPoints)]
	}
	found := 0
	for _, hw := range wanted {
		ap := r.behind(hw)
		if ap.Outcome == nd.APFound {
			found++
		}
		adv.AccessPoints = append(adv.AccessPoints, ap)
	}
	switch {
	case len(wanted) == 0:
		return // asked for all, and there is none
	case found == 0:
		adv.Code = nd.ProxyNone
	case found < len(wanted):
		adv.Code = nd.ProxySome
	}
	reply := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: ip6.LinkLocal(l.hw), Dst: p.Src}, Proto: ip6.ProtoICMPv6}
	reply.Payload = nd.Append(nil, reply.Src, reply.Dst, adv)
	out.Send(l.Port, in.From, reply.Append(nil))
}

// behind tells what stands behind a point of attachment.
func (r *Router) behind(hw plane.HW) nd.AccessPoint {
	if slices.Contains(r.c.Cells, hw) {
		return nd.AccessPoint{HW: hw, Outcome: nd.APSameRouter}
	}
	for _, n := range r.neighbours {
		if slices.Contains(n.Cells, hw) {
			ap := nd.AccessPoint{HW: hw, Outcome: nd.APFound, RouterHW: n.HW, Router: netip.PrefixFrom(n.Address, n.Prefix.Bits())}
			if !n.Prefix.Contains(n.Address) {
				ap.Prefix = n.Prefix
			}
			return ap
		}
	}
	return nd.AccessPoint{HW: hw, Outcome: nd.APNoPrefix}
}

// Mobility takes what was sent to the service address: under ESP the neighbours' messages, open the nodes' own.
//
// spec MIP-09
func (r *Router) Mobility(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	if p.Dst != r.c.Address {
		out.Drop("mh-not-for-us", engine.A("to", p.Dst))
		return
	}
	if p.Proto == ip6.ProtoESP {
		r.protected(now, p, out)
		return
	}
	m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if err != nil {
		if errors.Is(err, wire.ErrUnknown) {
			r.unknown(now, p, out)
			return
		}
		out.Drop("mh-malformed", engine.S("error", err.Error()))
		r.sendKernel(r.tell.Problem(now, r.c.Address, p, in.Data, err), out)
		return
	}
	switch m := m.(type) {
	case *mh.FastBindingUpdate:
		r.onFBU(now, p, m, out)
	case *mh.HandoverInitiate, *mh.HandoverAck:
		out.Drop("unprotected", engine.A("from", p.Src))
	default:
		r.unknown(now, p, out)
	}
}

// unknown answers a message that an access router does not take, RFC 6275 §9.2.
func (r *Router) unknown(now engine.Now, p *ip6.Packet, out *engine.Effects) {
	out.Drop("unknown-mh-type", engine.A("from", p.Src))
	r.sendKernel(r.tell.BindingError(now, r.c.Address, p, mh.UnknownMHType), out)
}

// protected opens a neighbour's message.
func (r *Router) protected(now engine.Now, p *ip6.Packet, out *engine.Effects) {
	i := slices.IndexFunc(r.neighbours, func(n *neighbour) bool { return n.Address == p.Src })
	if i < 0 {
		out.Drop("unknown-neighbour", engine.A("from", p.Src))
		return
	}
	n := r.neighbours[i]
	m, reason := n.sa.Verify(now, p)
	if reason != "" {
		out.Drop(reason, engine.A("from", p.Src))
		return
	}
	n.sa.Commit(out)
	switch m := m.(type) {
	case *mh.HandoverInitiate:
		r.onHI(now, n, m, out)
	case *mh.HandoverAck:
		r.onHAck(now, n, m, out)
	default:
		out.Drop("unexpected-message", engine.S("type", fmt.Sprint(m.Type())))
	}
}

// post sends a message to a neighbour under ESP.
func (r *Router) post(now engine.Now, n *neighbour, m mh.Message, out *engine.Effects) {
	p := ip6.Packet{Header: ip6.Header{Src: r.c.Address, Dst: n.Address}}
	r.sendKernel(n.sa.Protect(now, p, m, out), out)
}

func (r *Router) sendKernel(data []byte, out *engine.Effects) {
	if data != nil {
		out.Send(plane.Kernel, plane.HW{}, data)
	}
}

// Deadline is when Tick has something to do.
func (r *Router) Deadline() (engine.Mono, string) {
	at, what := r.timers.Next()
	if what.next {
		return at, "mobile node that is expected"
	}
	return at, "handover of a mobile node that leaves"
}

// Tick does what is due.
func (r *Router) Tick(now engine.Now, out *engine.Effects) {
	for d, ok := r.timers.Pop(now.Mono); ok; d, ok = r.timers.Pop(now.Mono) {
		if d.next {
			r.expectedDue(now, d.coa, out)
		} else {
			r.leavingDue(now, d.coa, out)
		}
	}
}

// RouterView is what the router's end shows.
type RouterView struct {
	Address  string `json:"address"`
	Leaving  int    `json:"leaving"`  // nodes whose packets are sent on, or about to be
	Expected int    `json:"expected"` // nodes that are to come, or have come a moment ago
}

// View shows the router's end.
func (r *Router) View() any {
	return RouterView{r.c.Address.String(), len(r.leaving), len(r.expected)}
}

func one(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
