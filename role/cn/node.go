// Package cn is the correspondent node, in one of two forms.
//
// With a link of its own it is what RFC 6275 §9 describes: mobile nodes tell it where they are, and its applications' packets
// go there straight. The role then lives on that link as a mobile node does at home, with the kernel silent there and the
// address on the TUN device (presence.go).
//
// Without one it has a service address on a host whose kernel keeps its own, keeps no binding, and says so: a packet with a
// home address option, or a mobility message of a type it does not know, is answered with a binding error; a binding update
// is refused in silence (§9.5.1).
package cn

import (
	"encoding/json"
	"errors"
	"net/netip"

	"roam6/engine"
	"roam6/machine/correspond"
	"roam6/machine/echo"
	"roam6/machine/tell"
	"roam6/plane"
	"roam6/wire"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// Config is a correspondent's configuration, checked by package node.
type Config struct {
	Address netip.Addr // with a Port the applications', else one that engines of this node answer for
	Port    plane.Port // the link the node owns; 0: none
	Bind    correspond.Config
}

// Node is the correspondent node.
type Node struct {
	cfg  Config
	rand *engine.Rand
	tell tell.Teller
	// Both nil without a link.
	link     *presence
	bindings *correspond.Node
}

// New makes a correspondent node. All randomness comes from seed.
//
// spec RT-01
func New(cfg Config, seed [32]byte) *Node {
	n := &Node{cfg: cfg, rand: engine.NewRand(seed)}
	if cfg.Port != plane.Kernel {
		n.link, n.bindings = newPresence(cfg, n.rand), correspond.New(cfg.Bind, n.rand)
	}
	return n
}

// Handle takes one input; see engine.Engine.
func (n *Node) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	switch in := in.(type) {
	case engine.Start:
		n.start(out)
	case engine.Packet:
		n.packet(now, in, out)
	case engine.Command:
		n.command(in, out)
	}
	if n.link == nil {
		return
	}
	switch in := in.(type) {
	case engine.LinkUp:
		n.link.up(now, in, out)
	case engine.LinkDown:
		n.link.down(in)
	case engine.Tick:
		n.link.tick(now, out)
		for _, a := range n.bindings.Tick(now, out) {
			n.answer(a, out)
		}
	case engine.Traffic:
		n.traffic(now, in, out)
	}
}

// traffic hears of packets by the bindings, and of a care-of address that they do not reach.
func (n *Node) traffic(now engine.Now, in engine.Traffic, out *engine.Effects) {
	switch {
	case !in.Straight || in.Peer != n.cfg.Address:
	case in.Unreachable.IsValid():
		n.answer(n.bindings.Unreachable(now, in.Mobile, in.Peer, in.Unreachable, out), out)
	default:
		n.bindings.Used(now, in.Mobile, in.Peer)
	}
}

func (n *Node) start(out *engine.Effects) {
	if n.link != nil {
		n.link.start(out)
		return
	}
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: n.cfg.Address, Local: plane.Local{Port: plane.Kernel, Capture: true}}})
}

// Deadline is never without a link: the node waits for nothing; see engine.Engine.
func (n *Node) Deadline() (engine.Mono, string) {
	if n.link == nil {
		return engine.Never, ""
	}
	at, why := n.link.deadline()
	if t, w := n.bindings.Deadline(); t < at {
		at, why = t, w
	}
	return at, why
}

// spec MIP-01
func (n *Node) packet(now engine.Now, in engine.Packet, out *engine.Effects) {
	if n.link != nil && in.Port != n.cfg.Port {
		return // for another role of the host
	}
	p, err := ip6.Parse(in.Data)
	if err != nil {
		out.Drop("ip6-malformed", engine.S("error", err.Error()))
		n.send(n.tell.Problem(now, n.cfg.Address, &p, in.Data, err), out)
		return
	}
	if n.link != nil && p.Proto == ip6.ProtoICMPv6 && len(p.Payload) > 0 && nd.IsND(p.Payload[0]) {
		n.link.neighbour(now, in, &p, out)
		return
	}
	if p.Dst != n.cfg.Address {
		return
	}
	if p.Proto == ip6.ProtoMH {
		n.mobility(now, in, &p, out)
		return
	}
	if p.HomeAddress.IsValid() {
		if n.bindings != nil && !n.bindings.Stranger(now, &p) {
			return // bound since
		}
		n.bindingError(now, &p, mh.UnknownBinding, "no-binding", out)
		return
	}
	if p.Proto == ip6.ProtoICMPv6 {
		n.echo(&p, out)
	}
}

func (n *Node) mobility(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if errors.Is(err, wire.ErrUnknown) {
		n.bindingError(now, p, mh.UnknownMHType, "unknown-mh-type", out)
		return
	}
	if err != nil {
		out.Drop("mh-malformed", engine.S("error", err.Error()))
		n.send(n.tell.Problem(now, n.cfg.Address, p, in.Data, err), out)
		return
	}
	switch m.(type) {
	case *mh.FastBindingUpdate, *mh.HandoverInitiate: // for access routers: RFC 5568
		n.bindingError(now, p, mh.UnknownMHType, "unknown-mh-type", out)
		return
	}
	if n.bindings != nil {
		n.bind(now, p, m, out)
		return
	}
	if _, ok := m.(*mh.BindingUpdate); ok {
		out.Drop("bu-unauthorised", engine.A("from", p.Src))
		return
	}
	out.Drop("unexpected-message", engine.A("from", p.Src))
}

func (n *Node) bindingError(now engine.Now, p *ip6.Packet, status uint8, why string, out *engine.Effects) {
	out.Drop(why, engine.A("from", p.Src))
	n.send(n.tell.BindingError(now, n.cfg.Address, p, status), out)
}

// bind takes the messages of mobile nodes that want their routes optimised: RFC 6275 §9.4, §9.5.
//
// spec MIP-04
func (n *Node) bind(now engine.Now, p *ip6.Packet, m mh.Message, out *engine.Effects) {
	a := n.bindings.Heard(now, p, m, out)
	if a.Unproven && !n.tell.May(now, n.cfg.Address, p) {
		return
	}
	n.answer(a, out)
}

// answer does what the bindings ask for: the route first, then the packet.
func (n *Node) answer(a correspond.Answer, out *engine.Effects) {
	if a.Fact.Kind != correspond.Nothing {
		out.Plane(plane.Op{Delete: a.Fact.Kind == correspond.Unbound, Route: &plane.RouteOp{
			Pair:  plane.Pair{Mobile: a.Fact.HoA, Peer: a.Fact.Peer},
			Route: plane.Route{Side: plane.Peer, CareOf: a.Fact.CoA, Out: n.cfg.Port},
		}})
	}
	n.send(a.Packet, out)
}

// send sends a packet by the node's link, or lets the host's routing take it; nil is nothing.
func (n *Node) send(data []byte, out *engine.Effects) {
	switch {
	case data == nil:
	case n.link != nil:
		n.link.send(data, out)
	default:
		out.Send(plane.Kernel, plane.HW{}, data)
	}
}

func (n *Node) echo(p *ip6.Packet, out *engine.Effects) {
	m, err := icmp6.Parse(p.Src, p.Dst, p.Payload)
	e, ok := m.(*icmp6.Echo)
	if err != nil || !ok {
		return
	}
	for _, data := range echo.Answer(n.rand, n.cfg.Address, p, e) {
		n.send(data, out)
	}
}

// View is what a correspondent shows.
type View struct {
	Role    string `json:"role"` // "cn"
	Address string `json:"address"`
	Ready   bool   `json:"ready,omitempty"` // with a link: the address was found unique
	// Peers are the mobile nodes that told where they are.
	Peers []correspond.Binding `json:"peers,omitempty"`
}

// View shows the node; see engine.Engine.
func (n *Node) View() any {
	v := View{Role: "cn", Address: n.cfg.Address.String()}
	if n.link != nil {
		v.Ready, v.Peers = n.link.ready, n.bindings.View()
	}
	return v
}

func (n *Node) command(c engine.Command, out *engine.Effects) {
	reply := engine.Reply{ID: c.ID, Err: "unknown verb " + c.Verb + "; a correspondent node takes: view"}
	if c.Verb == "view" {
		reply.Err = ""
		reply.Data, _ = json.Marshal(n.View())
	}
	out.Reply(reply)
}
