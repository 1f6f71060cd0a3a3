package mn

import (
	"fmt"
	"slices"

	"roam6/engine"
	"roam6/handover"
	"roam6/machine/dad"
	"roam6/machine/echo"
	"roam6/machine/neighbor"
	"roam6/machine/sa"
	"roam6/machine/tell"
	"roam6/plane"
	wireaccess "roam6/wire/access"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// Strategies are the names a configuration may choose from.
var Strategies = []string{"mipv6", "fmipv6", "fast"}

// Node is the mobile node.
type Node struct {
	cfg      Config
	rand     *engine.Rand
	access   []*access // the preferred first
	dad      *dad.Detector
	speaker  neighbor.Speaker
	id       identity
	home     registration
	agents   discovery
	prefixes prefixes
	pauses   engine.Timers[plane.Port] // links on which every address was taken
	tell     tell.Teller
	strategy handover.Mobile
	routes   routing
	ahead    anticipation
	inside   inside
	several  several
	kerberos *kerberos // nil: none
}

// New makes a mobile node. All randomness comes from seed.
//
// spec RT-01
func New(cfg Config, seed [32]byte) (*Node, error) {
	var protection *sa.SA
	if cfg.AAA == nil || cfg.Security != (sa.Config{}) {
		var err error
		if protection, err = sa.New(cfg.Security, cfg.HomeAddress.String()); err != nil {
			return nil, fmt.Errorf("mn: security: %w", err)
		}
	}
	// A node and its parts live together: an advertisement heard by thousands of nodes in one simulation finds each of
	// them in one piece of memory instead of in five.
	home := &struct {
		Node
		dad dad.Detector
	}{}
	n := &home.Node
	n.cfg, n.rand = cfg, engine.NewRand(seed)
	n.id = identity{home: cfg.HomeAddress, prefix: cfg.HomePrefix, agent: cfg.HomeAgent, sa: protection}
	home.dad = *dad.New(dad.Config{}, n.rand)
	n.dad = &home.dad
	for _, l := range cfg.Links {
		n.access = append(n.access, n.newAccess(l))
	}
	if err := n.newAdmissions(); err != nil {
		return nil, fmt.Errorf("mn: aaa: %w", err)
	}
	if err := n.newKerberos(seed); err != nil {
		return nil, fmt.Errorf("mn: kerberos: %w", err)
	}
	slices.SortStableFunc(n.access, func(a, b *access) int { return a.preference - b.preference })
	n.newInside()
	n.several.on = cfg.Multihoming
	if err := n.newRouting(); err != nil {
		return nil, fmt.Errorf("mn: tunnel: %w", err)
	}
	n.home.agent, n.home.phase, n.home.silent = cfg.HomeAgent, unbound, make(map[plane.Port]int)
	if !slices.Contains(Strategies, cfg.Strategy) {
		return nil, fmt.Errorf("mn: strategy %q is not one of %v", cfg.Strategy, Strategies)
	}
	var err error
	if n.strategy, err = n.newStrategy(); err != nil {
		return nil, fmt.Errorf("mn: %w", err)
	}
	return n, nil
}

// Handle takes one input; see engine.Engine.
func (n *Node) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	switch in := in.(type) {
	case engine.Start:
		n.start(now, in, out)
	case engine.LinkUp:
		n.linkUp(now, in, out)
		n.insideUp(now, in, out)
	case engine.LinkDown:
		n.linkDown(now, in, out)
		n.insideDown(in)
	case engine.Packet:
		n.packet(now, in, out)
	case engine.Tick:
		n.tick(now, out)
	case engine.Command:
		n.command(now, in, out)
	case engine.LinkHint:
		n.hint(now, in, out)
	case engine.Traffic:
		n.traffic(now, in, out)
	case engine.Datagram, engine.Opened, engine.Stream, engine.Closed:
		n.fromKDC(now, in, out)
	}
	n.retreat(now, out)
	n.follow(now, out)
	n.attend(now, out)
	n.seek(now, out)
	n.attendTickets(now, out)
}

// Deadline is the earliest of all parts' deadlines; see engine.Engine.
func (n *Node) Deadline() (engine.Mono, string) {
	at, why := n.dad.Deadline()
	consider := func(a engine.Mono, w string) {
		if a < at {
			at, why = a, w
		}
	}
	for _, a := range n.access {
		consider(a.link.Deadline())
		if a.applicant != nil {
			consider(a.applicant.Deadline())
			if a.lent != 0 {
				consider(a.lent, "end of what was lent")
			}
		}
	}
	consider(n.home.deadline())
	consider(n.agents.deadline())
	consider(n.prefixes.deadline())
	consider(n.routes.deadline())
	consider(n.ahead.deadline())
	consider(n.inside.deadline())
	consider(n.kerberos.deadline())
	next, _ := n.pauses.Next()
	consider(next, "addresses that were taken")
	return at, why
}

func (n *Node) start(now engine.Now, in engine.Start, out *engine.Effects) {
	known := false
	for _, r := range in.Records {
		n.restoreIdentity(now, r, out)
	}
	for _, r := range in.Records {
		known = n.home.restore(r) || known
		if n.id.sa != nil {
			n.id.sa.Restore(r)
		}
		if t := n.routes.tunnel; t != nil {
			t.SA().Restore(r)
		}
	}
	if !known {
		n.home.seq = n.rand.Uint16() // RFC 6275 §11.7.2
	}
	if n.ahead.fast != nil {
		n.ahead.fast.Start(in, n.rand)
	}
	if !n.id.nobody() {
		n.present(out)
	}
	if k := n.kerberos; k != nil && k.ask != AskRouter {
		out.Bind(engine.Bind{Name: kerberosBind})
	}
	n.Hold(now, out)
}

func (n *Node) tick(now engine.Now, out *engine.Effects) {
	for _, v := range n.dad.Tick(now, out) {
		n.detected(now, v, out)
	}
	for _, a := range n.access {
		n.facts(now, a, a.link.Tick(now, out), out)
	}
	n.pauseTick(now, out)
	n.admissionTick(now, out)
	n.aheadTick(now, out)
	n.homeTick(now, out)
	n.agentsTick(now, out)
	n.prefixTick(now, out)
	n.routesTick(now, out)
	n.insideTick(now, out)
	if k := n.kerberos; k != nil {
		n.ticketFacts(now, k.client.Tick(now, out), out)
	}
}

// packet is the second level of dispatch: neighbour discovery, other ICMPv6, mobility.
func (n *Node) packet(now engine.Now, in engine.Packet, out *engine.Effects) {
	if n.accessOf(in.Port) == nil {
		n.fromInside(now, in, out)
		return // else for another role of the host
	}
	p, err := ip6.Parse(in.Data)
	if err != nil {
		out.Drop("ip6-malformed", engine.S("error", err.Error()))
		n.tellAbout(now, in, &p, err, out)
		return
	}
	switch {
	case p.Proto == ip6.ProtoICMPv6 && len(p.Payload) > 0 && nd.IsND(p.Payload[0]):
		n.neighbourDiscovery(now, in, &p, out)
	case p.Proto == ip6.ProtoICMPv6 && wireaccess.IsAccess(p.Payload):
		n.heardReply(now, in, &p, out)
	case n.isMessage(&p):
		n.ahead.messenger.Message(now, in, &p, out)
	case p.Proto == ip6.ProtoMH, p.Proto == ip6.ProtoESP:
		n.mobility(now, in, &p, out)
	case p.HomeAddress.IsValid():
		n.unbound(now, in, &p, out)
	case p.Proto == ip6.ProtoICMPv6:
		n.icmp(now, in, &p, out)
	default:
		out.Drop("unexpected-protocol", engine.S("proto", fmt.Sprint(p.Proto)))
	}
}

func (n *Node) neighbourDiscovery(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	a := n.accessOf(in.Port)
	if a == nil {
		return
	}
	msg, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
	if err != nil {
		out.Drop("nd-malformed", engine.S("error", err.Error()))
		return
	}
	if n.examined(a, in, p, msg, out) {
		return
	}
	if v, ok := n.dad.Heard(in.Port, p, msg); ok {
		n.detected(now, v, out)
		return
	}
	switch m := msg.(type) {
	case *nd.RouterAdvertisement:
		if n.ahead.carrier != nil {
			n.ahead.carrier.Advertised(now, in, p, m, out)
		}
		facts := a.link.HeardRA(now, in.From, p, m, out)
		heard := a.offered(in, p, m)
		n.facts(now, a, facts, out)
		if heard {
			a.stays(now, out)
		}
		n.agentAtHome(now, a, m, out)
		n.denied(now, a, in, p, m, out)
		n.realmsHeard(now, a, in, p, m, out)
	case *nd.NeighborAdvertisement:
		if n.tokenHeard(now, a, in, p, m, out) {
			return
		}
		facts, reason := a.link.HeardNA(now, m, out)
		if reason != "" {
			out.Drop(reason, engine.A("from", p.Src))
		}
		n.facts(now, a, facts, out)
	case *nd.PrRtAdv:
		if n.ahead.fast != nil {
			n.ahead.fast.ProxyAdvertised(now, in.Port, p, m, out)
		}
	case *nd.NeighborSolicitation:
		n.speaker.Heard(in.Port, in.From, p, m, out)
	}
}

func (n *Node) icmp(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	msg, err := icmp6.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if err != nil {
		out.Drop("icmp6-malformed", engine.S("error", err.Error()))
		return
	}
	switch m := msg.(type) {
	case *icmp6.HomeAgentsReply:
		n.onHomeAgents(now, p, m, out)
	case *icmp6.PrefixAdvertisement:
		if n.id.sa == nil || n.id.sa.Kind() != sa.Auth { // with ESP it comes under protection: prefixAdvertisement
			out.Drop("mpa-unprotected", engine.A("from", p.Src))
			return
		}
		n.onPrefixes(now, p, m, out)
	case *icmp6.Echo:
		n.onEcho(in.Port, p, m, out)
	case *icmp6.Error:
		n.onProblem(now, m, out)
	}
}

// onEcho answers a ping to a care-of address, so that a person can tell whether the node is there at all.
func (n *Node) onEcho(port plane.Port, p *ip6.Packet, m *icmp6.Echo, out *engine.Effects) {
	for _, data := range echo.Answer(n.rand, p.Dst, p, m) {
		n.sendIf(port, p, data, out)
	}
}

// tellAbout answers a packet that was refused, where the documents want that.
func (n *Node) tellAbout(now engine.Now, in engine.Packet, p *ip6.Packet, err error, out *engine.Effects) {
	n.sendIf(in.Port, p, n.tell.Problem(now, p.Dst, p, in.Data, err), out)
}

// sendIf sends an answer to p by the access it came by, if there is one and p came to the care-of address there.
func (n *Node) sendIf(port plane.Port, p *ip6.Packet, answer []byte, out *engine.Effects) {
	if a := n.accessOf(port); answer != nil && a != nil && a.usable() && !a.atHome && p.Dst == a.coa {
		n.transmit(a, answer, out)
	}
}

// transmit sends a packet by an access, through its router.
func (n *Node) transmit(a *access, data []byte, out *engine.Effects) {
	r, ok := a.link.Current()
	if !ok {
		out.Event("no-router", engine.S("port", itoa(int(a.link.Port))))
		return
	}
	out.Send(a.link.Port, r.HW, data)
}

func (n *Node) accessOf(port plane.Port) *access {
	for _, a := range n.access {
		if a.link.Port == port {
			return a
		}
	}
	return nil
}
