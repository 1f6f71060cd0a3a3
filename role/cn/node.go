// Package cn is the correspondent node as RFC 6275 §9 wants of every IPv6 node: it keeps no binding yet, so it says so. A
// packet with a home address option, or a mobility message of a type it does not know, is answered with a binding error;
// a binding update without return routability is refused in silence (§9.5.1). Route optimisation builds on it.
package cn

import (
	"encoding/json"
	"errors"
	"net/netip"

	"roam6/engine"
	"roam6/machine/echo"
	"roam6/machine/tell"
	"roam6/plane"
	"roam6/wire"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Config is a correspondent's configuration, checked by package node.
type Config struct {
	Address netip.Addr // the address engines of this node answer for; the host's applications have others
}

// Node is the correspondent node.
type Node struct {
	cfg  Config
	rand *engine.Rand
	tell tell.Teller
}

// New makes a correspondent node. All randomness comes from seed.
//
// spec RT-01
func New(cfg Config, seed [32]byte) *Node { return &Node{cfg: cfg, rand: engine.NewRand(seed)} }

// Handle takes one input; see engine.Engine.
func (n *Node) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	switch in := in.(type) {
	case engine.Start:
		out.Plane(plane.Op{Local: &plane.LocalOp{Addr: n.cfg.Address, Local: plane.Local{Port: plane.Kernel, Capture: true}}})
	case engine.Packet:
		n.packet(now, in, out)
	case engine.Command:
		n.command(in, out)
	}
}

// Deadline is never: the node waits for nothing; see engine.Engine.
func (n *Node) Deadline() (engine.Mono, string) { return engine.Never, "" }

// spec MIP-01
func (n *Node) packet(now engine.Now, in engine.Packet, out *engine.Effects) {
	p, err := ip6.Parse(in.Data)
	if err != nil {
		out.Drop("ip6-malformed", engine.S("error", err.Error()))
		send(n.tell.Problem(now, n.cfg.Address, &p, in.Data, err), out)
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
		send(n.tell.Problem(now, n.cfg.Address, p, in.Data, err), out)
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
	send(n.tell.BindingError(now, n.cfg.Address, p, status), out)
}

// send lets the host's routing take a packet; nil is nothing.
func send(data []byte, out *engine.Effects) {
	if data != nil {
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
		send(data, out)
	}
}

// View is what a correspondent shows.
type View struct {
	Role    string `json:"role"` // "cn"
	Address string `json:"address"`
}

// View shows the node; see engine.Engine.
func (n *Node) View() any { return View{"cn", n.cfg.Address.String()} }

func (n *Node) command(c engine.Command, out *engine.Effects) {
	reply := engine.Reply{ID: c.ID, Err: "unknown verb " + c.Verb + "; a correspondent node takes: view"}
	if c.Verb == "view" {
		reply.Err = ""
		reply.Data, _ = json.Marshal(n.View())
	}
	out.Reply(reply)
}
