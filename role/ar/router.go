// Package ar is the access router: it advertises itself on its access links (RFC 4861 §6.2, RFC 6275 §7). Forwarding is the
// kernel's; what a handover strategy asks of a router comes as that strategy's router end (package handover and below).
package ar

import (
	"encoding/json"
	"fmt"

	"roam6/engine"
	"roam6/machine/advertise"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// Config is an access router's configuration, checked by package node.
type Config struct {
	Links []advertise.Config // one per access link
}

// Router is the access router.
type Router struct {
	links []*link
}

type link struct {
	cfg advertise.Config
	adv *advertise.Advertiser
	up  bool
}

// New makes an access router. All randomness comes from seed.
//
// spec RT-01
func New(cfg Config, seed [32]byte) *Router {
	rand := engine.NewRand(seed)
	r := &Router{}
	for _, l := range cfg.Links {
		r.links = append(r.links, &link{cfg: l, adv: advertise.New(l, rand)})
	}
	return r
}

// Handle takes one input; see engine.Engine.
func (r *Router) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	switch in := in.(type) {
	case engine.LinkUp:
		for _, l := range r.links {
			l.adv.Up(now, in, out)
			l.up = l.up || l.cfg.Port == in.Port
		}
	case engine.LinkDown:
		for _, l := range r.links {
			l.adv.Down(in)
			l.up = l.up && l.cfg.Port != in.Port
		}
	case engine.Packet:
		r.packet(now, in, out)
	case engine.Tick:
		for _, l := range r.links {
			l.adv.Tick(now, out)
		}
	case engine.Command:
		r.command(in, out)
	}
}

// Deadline is the earliest of the links' deadlines; see engine.Engine.
func (r *Router) Deadline() (engine.Mono, string) {
	at, why := engine.Never, ""
	for _, l := range r.links {
		if t, w := l.adv.Deadline(); t < at {
			at, why = t, w
		}
	}
	return at, why
}

func (r *Router) packet(now engine.Now, in engine.Packet, out *engine.Effects) {
	p, err := ip6.Parse(in.Data)
	if err != nil {
		out.Drop("ip6-malformed", engine.S("error", err.Error()))
		return
	}
	if p.Proto != ip6.ProtoICMPv6 || len(p.Payload) == 0 || !nd.IsND(p.Payload[0]) {
		return
	}
	msg, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
	if err != nil {
		out.Drop("nd-malformed", engine.S("error", err.Error()))
		return
	}
	if _, ok := msg.(*nd.RouterSolicitation); !ok {
		return // the kernel's: it owns the router's addresses
	}
	for _, l := range r.links {
		l.adv.Heard(now, in.Port)
	}
}

// View is what an access router shows.
type View struct {
	Role  string     `json:"role"` // "ar"
	Links []LinkView `json:"links"`
}

// LinkView is one access link.
type LinkView struct {
	Port           int    `json:"port"`
	Up             bool   `json:"up"`
	Prefix         string `json:"prefix"`
	Advertisements uint64 `json:"advertisements"` // sent so far
}

// View shows the router; see engine.Engine.
func (r *Router) View() any {
	v := View{Role: "ar"}
	for _, l := range r.links {
		v.Links = append(v.Links, LinkView{int(l.cfg.Port), l.up, l.cfg.Prefix.String(), l.adv.Sent()})
	}
	return v
}

func (r *Router) command(c engine.Command, out *engine.Effects) {
	reply := engine.Reply{ID: c.ID, Err: fmt.Sprintf("unknown verb %s; an access router takes: view", c.Verb)}
	if c.Verb == "view" {
		reply.Err = ""
		reply.Data, _ = json.Marshal(r.View())
	}
	out.Reply(reply)
}
