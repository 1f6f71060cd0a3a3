package ha

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/machine/advertise"
	"roam6/machine/dad"
	"roam6/machine/echo"
	"roam6/machine/neighbor"
	"roam6/machine/peers"
	"roam6/machine/sa"
	"roam6/machine/tell"
	"roam6/plane"
	"roam6/wire"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// Defaults and limits.
const (
	DefaultMaxLifetime = 600 * time.Second // of a binding granted
	DefaultMaxBindings = 1 << 20           // in the cache; more are refused with status 130
	MaxGain            = 2                 // times that an answer to a stranger may be longer than the question without limit of its rate
	MaxAgents          = 32                // other home agents remembered on the home link
)

// Config is a home agent's configuration, checked by package node.
type Config struct {
	Address     netip.Addr   // service address, in Prefix
	Port        plane.Port   // the home link; Kernel (0) for a virtual home link with no host on it
	Prefix      netip.Prefix // home prefix, /64
	MaxLifetime time.Duration
	MaxBindings int              // in the cache; 0 means DefaultMaxBindings
	Preference  uint16           // among the home agents of the link, RFC 6275 §7.4
	Advertise   advertise.Config // of the home link; Port and Prefix as above
	Mobiles     []Mobile
	Diameter    *Diameter // mobile nodes that AAA servers send; nil: none
}

// Mobile is a mobile node the agent serves.
type Mobile struct {
	HomeAddress netip.Addr
	NAI         string
	Security    sa.Config
	Tunnel      *sa.ESPConfig  // of mobility headers that are not for this agent, such as home tests; nil: they go by the plain tunnel
	Multihoming Multihoming    // several care-of addresses (RFC 5648); "" is SingleHomed
	Flows       []plane.Flow   // traffic toward it that takes one of several care-of addresses: Way is a BID, Dst is filled in here
	Networks    []netip.Prefix // behind it, if it is a mobile router (RFC 3963); masked, and of no other mobile node
}

// mobile is a served node: its protection and, while it is away, its binding.
type mobile struct {
	number   uint32 // its place in Agent.order
	goneSeq  uint16 // sequence number of the binding removed last
	visitor  bool   // it came from AAA: Agent.guestOf has the rest
	hoa      netip.Addr
	nai      string
	sa       *sa.SA
	tunnel   *sa.Tunnel     // nil if no keys are configured
	networks []netip.Prefix // that it may register
	multi    Multihoming
	binding  *binding    // nil at home
	pending  *request    // a first registration waiting for duplicate detection
	gone     engine.Mono // until when goneSeq is remembered
	before   engine.Mono // until when packets are taken from the care-of address before the present one; 0: they are not
	letter   []byte      // an acknowledgement for the node on the home link, waiting for its link-layer address
}

// name is the home address as text: the protection has it for its own records.
func (m *mobile) name() string { return m.sa.Peer() }

// Agent is the home agent.
type Agent struct {
	cfg     Config
	rand    *engine.Rand
	adv     *advertise.Advertiser
	dad     *dad.Detector
	speaker neighbor.Speaker
	mobiles map[netip.Addr]*mobile
	order   []*mobile          // as configured, then guests: for Views and restarts, and by number; nil where a guest has left
	guests  guests             // who came from AAA
	aaa     *peers.Node        // nil without Config.Diameter
	tunnels map[uint32]*mobile // by SPI
	bound   int
	routers bool          // some mobile node is a mobile router
	agenda  engine.Agenda // what bindings wait for, by the number of their mobile node
	moved   movedQueue    // those that moved a moment ago
	others  agents
	tell    tell.Teller
	finding tell.Teller // long answers to home agent discovery
	up      bool
	hw      plane.HW
}

// New makes a home agent. All randomness comes from seed.
//
// spec RT-01
func New(cfg Config, seed [32]byte) (*Agent, error) {
	a := &Agent{cfg: cfg, rand: engine.NewRand(seed), mobiles: make(map[netip.Addr]*mobile, len(cfg.Mobiles))}
	if cfg.MaxBindings == 0 {
		a.cfg.MaxBindings = DefaultMaxBindings
	}
	a.routers = slices.ContainsFunc(cfg.Mobiles, func(m Mobile) bool { return len(m.Networks) > 0 })
	if cfg.Port != plane.Kernel {
		cfg.Advertise.HomeAgent = &nd.HomeAgentInfo{Preference: cfg.Preference, MobileRouters: a.routers, Lifetime: cfg.Advertise.Lifetime}
		a.adv = advertise.New(cfg.Advertise, a.rand)
	}
	a.dad = dad.New(dad.Config{}, a.rand)
	a.agenda.Grow(len(cfg.Mobiles))
	if err := checkTable(&cfg); err != nil {
		return nil, err
	}
	for _, m := range cfg.Mobiles {
		protection, err := sa.New(m.Security, m.HomeAddress.String())
		if err != nil {
			return nil, fmt.Errorf("ha: security of %v: %w", m.HomeAddress, err)
		}
		served := &mobile{number: uint32(len(a.order)), hoa: m.HomeAddress, nai: m.NAI, sa: protection, networks: m.Networks, multi: m.Multihoming}
		if err := a.addTunnel(served, m.Tunnel); err != nil {
			return nil, fmt.Errorf("ha: tunnel of %v: %w", m.HomeAddress, err)
		}
		a.mobiles[m.HomeAddress] = served
		a.order = append(a.order, served)
	}
	if err := sa.Distinct(a.protections()); err != nil {
		return nil, fmt.Errorf("ha: %w", err)
	}
	return a, a.expectGuests()
}

// Handle takes one input; see engine.Engine.
func (a *Agent) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	a.diameter(now, in, out)
	switch in := in.(type) {
	case engine.Start:
		a.start(now, in, out)
	case engine.LinkUp:
		a.linkUp(now, in, out)
	case engine.LinkDown:
		a.linkDown(in)
	case engine.Packet:
		a.packet(now, in, out)
	case engine.Tick:
		a.tick(now, out)
	case engine.Command:
		a.command(in, out)
	}
}

// Deadline is the earliest of all parts' deadlines; see engine.Engine.
func (a *Agent) Deadline() (engine.Mono, string) {
	at, why := a.next()
	if t, w := a.dad.Deadline(); t < at {
		at, why = t, w
	}
	if a.adv != nil {
		if t, w := a.adv.Deadline(); t < at {
			at, why = t, w
		}
	}
	if a.aaa != nil {
		if t, w := a.aaa.Deadline(); t < at {
			at, why = t, w
		}
	}
	return at, why
}

func (a *Agent) start(now engine.Now, in engine.Start, out *engine.Effects) {
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: a.cfg.Address, Local: plane.Local{Port: a.cfg.Port, Capture: true}}})
	a.startFlows(out)
	anycast := ip6.HomeAgentsAnycast(a.cfg.Prefix)
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: anycast, Local: plane.Local{Port: a.cfg.Port, Capture: true}}})
	over := a.restoreGuests(now, in.Records, out)
	for _, r := range in.Records {
		if r.Bucket != bindingBucket || !over[r.Key] {
			a.restore(now, r, out)
		}
	}
	sa.RestoreAll(in.Records, a.protections())
	if a.aaa != nil {
		a.aaa.Start(now, out)
	}
}

func (a *Agent) linkUp(now engine.Now, in engine.LinkUp, out *engine.Effects) {
	if in.Port != a.cfg.Port || a.adv == nil {
		return
	}
	a.up, a.hw = true, in.HW
	a.adv.Up(now, in, out)
	own := ip6.LinkLocal(a.hw)
	a.speaker.Own(a.key(a.cfg.Address), neighbor.Stance{HW: a.hw, Router: true, Source: own})
	a.speaker.Own(a.key(ip6.HomeAgentsAnycast(a.cfg.Prefix)), neighbor.Stance{HW: a.hw, Router: true, Soft: true, Source: own})
	for _, m := range a.order {
		if m != nil && m.binding != nil {
			a.represent(m, out)
		}
	}
}

func (a *Agent) linkDown(in engine.LinkDown) {
	if in.Port != a.cfg.Port || a.adv == nil {
		return
	}
	a.up = false
	a.adv.Down(in)
}

func (a *Agent) tick(now engine.Now, out *engine.Effects) {
	if a.adv != nil {
		a.adv.Tick(now, out)
	}
	for _, v := range a.dad.Tick(now, out) {
		a.detected(now, v, out)
	}
	a.bindingTick(now, out)
}

// packet is the second level of dispatch: neighbour discovery, mobility, other ICMPv6.
func (a *Agent) packet(now engine.Now, in engine.Packet, out *engine.Effects) {
	p, err := ip6.Parse(in.Data)
	if err != nil {
		out.Drop("ip6-malformed", engine.S("error", err.Error()))
		a.send(a.tell.Problem(now, a.cfg.Address, &p, in.Data, err), out)
		return
	}
	switch {
	case p.Proto == ip6.ProtoICMPv6 && len(p.Payload) > 0 && nd.IsND(p.Payload[0]):
		a.neighbourDiscovery(now, in, &p, out)
	case p.Proto == ip6.ProtoMH, p.Proto == ip6.ProtoESP:
		a.mobility(now, in, &p, out)
	case p.HomeAddress.IsValid() && !a.holds(p.HomeAddress, p.Src):
		a.bindingError(now, &p, mh.UnknownBinding, "no-binding", out) // RFC 6275 §9.3.1: a home address option needs a binding
	case p.Proto == ip6.ProtoICMPv6:
		a.icmp(now, &p, out)
	default:
		out.Drop("unexpected-protocol", engine.S("proto", fmt.Sprint(p.Proto)))
	}
}

// spec MIP-06
func (a *Agent) neighbourDiscovery(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	if a.adv == nil || in.Port != a.cfg.Port {
		return
	}
	msg, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
	if err != nil {
		out.Drop("nd-malformed", engine.S("error", err.Error()))
		return
	}
	if v, ok := a.dad.Heard(in.Port, p, msg); ok {
		a.detected(now, v, out)
		return
	}
	switch m := msg.(type) {
	case *nd.NeighborSolicitation:
		a.speaker.Heard(in.Port, in.From, p, m, out)
	case *nd.NeighborAdvertisement:
		a.post(m, out)
	case *nd.RouterSolicitation:
		a.adv.Heard(now, in.Port)
	case *nd.RouterAdvertisement:
		a.others.heard(now, a.cfg.Prefix, p.Src, m)
	}
}

// mobility takes a mobility message. The home address names the mobile node and so the protection it must carry.
//
// spec MIP-02 MIP-03
func (a *Agent) mobility(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	if p.Dst != a.cfg.Address {
		if m := a.served(p.Dst); m != nil && p.Proto == ip6.ProtoMH {
			a.intercepted(m, in, out)
			return
		}
		out.Drop("mh-not-for-us", engine.A("to", p.Dst))
		return
	}
	if m := a.tunnelOf(p); m != nil {
		a.fromTunnel(m, p, out)
		return
	}
	m := a.served(p.EffectiveSrc())
	if m == nil {
		a.stranger(now, in, p, out)
		return
	}
	by := a.association(now, m, p)
	got, reason := by.Receive(now, p)
	if reason != "" {
		out.Drop(reason, engine.A("hoa", m.hoa), engine.A("from", p.Src))
		a.explain(now, m, p, reason, out)
		return
	}
	if got.ICMPv6 != nil {
		a.prefixSolicitation(m, by, p, got.ICMPv6, out)
		return
	}
	bu, ok := got.MH.(*mh.BindingUpdate)
	if !ok {
		out.Drop("unexpected-message", engine.S("type", fmt.Sprint(got.MH.Type())))
		return
	}
	a.onBU(now, m, p, bu, request{by: by, stamp: by.Stamp()}, out)
}

// stranger tells a node that sent an unprotected message of unknown type or form so (RFC 6275 §9.2); all else is silence.
func (a *Agent) stranger(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	if p.Proto == ip6.ProtoMH {
		m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
		if errors.Is(err, wire.ErrUnknown) || forRouters(m) {
			a.bindingError(now, p, mh.UnknownMHType, "unknown-mh-type", out)
			return
		}
		if err != nil {
			a.send(a.tell.Problem(now, a.cfg.Address, p, in.Data, err), out)
		}
	}
	out.Drop("unknown-mobile", engine.A("hoa", p.EffectiveSrc()), engine.A("from", p.Src))
}

// forRouters tells the messages that access routers take, RFC 5568. A home agent knows them as little as an unknown type.
func forRouters(m mh.Message) bool {
	switch m.(type) {
	case *mh.FastBindingUpdate, *mh.HandoverInitiate:
		return true
	}
	return false
}

// bindingError answers what cannot be processed: RFC 6275 §9.3.3.
func (a *Agent) bindingError(now engine.Now, p *ip6.Packet, status uint8, why string, out *engine.Effects) {
	out.Drop(why, engine.A("from", p.Src))
	a.send(a.tell.BindingError(now, a.cfg.Address, p, status), out)
}

// send lets the host's routing take a packet; nil is nothing.
func (a *Agent) send(data []byte, out *engine.Effects) {
	if data != nil {
		out.Send(plane.Kernel, plane.HW{}, data)
	}
}

func (a *Agent) icmp(now engine.Now, p *ip6.Packet, out *engine.Effects) {
	msg, err := icmp6.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if err != nil {
		out.Drop("icmp6-malformed", engine.S("error", err.Error()))
		return
	}
	if !p.Src.IsGlobalUnicast() {
		return
	}
	// An answer for a bound home address takes the tunnel.
	r := ip6.Packet{Header: ip6.Header{Src: a.cfg.Address, Dst: p.EffectiveSrc()}, Proto: ip6.ProtoICMPv6}
	switch m := msg.(type) {
	case *icmp6.HomeAgentsRequest:
		r.Payload = icmp6.Append(nil, r.Src, r.Dst, a.onHomeAgentsRequest(now, m))
		if ip6.HeaderLen+len(r.Payload) > MaxGain*(ip6.HeaderLen+len(p.Payload)) && !a.finding.May(now, p.Dst, p) {
			out.Drop("dhaad-rate", engine.A("from", p.Src))
			return
		}
	case *icmp6.PrefixSolicitation:
		// With ESP it comes by prefixSolicitation. Where RFC 4285 is used nothing protects it, and a binding must vouch for it.
		sender := a.served(p.HomeAddress)
		if sender == nil || sender.sa.Kind() != sa.Auth {
			out.Drop("mps-unprotected", engine.A("from", p.Src))
			return
		}
		a.sendPrefixes(sender, m, out)
		return
	case *icmp6.Echo:
		for _, data := range echo.Answer(a.rand, a.cfg.Address, p, m) {
			a.send(data, out)
		}
		return
	default:
		return
	}
	a.send(r.Append(nil), out)
}

func (a *Agent) key(addr netip.Addr) neighbor.Key { return neighbor.Key{Port: a.cfg.Port, Addr: addr} }

// holds reports whether the care-of address is bound to the home address.
func (a *Agent) holds(hoa, coa netip.Addr) bool {
	m := a.served(hoa)
	return m != nil && m.binding != nil && m.binding.holds(coa)
}
