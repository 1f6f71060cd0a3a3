// Package ar is the access router: it advertises itself on its access links (RFC 4861 §6.2, RFC 6275 §7). Forwarding is the
// kernel's; what a handover strategy asks of a router is that strategy's router end (package handover and below), which this role
// feeds.
//
// With Config.AAA it is an AAA client as well (draft-le-aaa-diameter-mobileipv6-04 §7.4, §9.3): it asks mobile nodes who they are
// (machine/admit), the AAA servers whether that is so (machine/peers), and holds the gate of its access links.
//
//	AAA Request ─▶ ARR ─▶ … ─▶ ARA ─▶ gate ─▶ AAA Reply
//	Handover Initiate of a trusted neighbour ─▶ gate, for Grace, MaxGrace in all
//
// access.go is the way in, ask.go the requests to the AAA servers, session.go who is in, account.go and books.go what is told of that.
//
// With Config.Kerberos it is a principal, tells mobile nodes of the realms around, and takes their logons to KDCs (kerberos.go).
//
// A session ends with its lifetime or with its link, not with a life of the router (stay.go); what is lost is told (epoch.go). A node that moves on is not missed before: it authenticates at the next router,
// and what it leaves here is an open gate for an address that nobody uses.
package ar

import (
	"encoding/json"
	"errors"
	"fmt"

	"roam6/engine"
	"roam6/handover"
	"roam6/handover/fast"
	"roam6/handover/fmipv6"
	"roam6/machine/advertise"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

// What fast handovers are configured with, in the words of their strategy.
type (
	Fast          = fmipv6.RouterConfig // Links is filled in here
	FastMobile    = fmipv6.MobileKey
	FastNeighbour = fmipv6.Neighbour
	FastKey       = fmipv6.Key
)

// Config is an access router's configuration, checked by package node.
type Config struct {
	Links []advertise.Config // one per access link
	Fast  *Fast              // fast handovers, RFC 5568; nil: none
	// Lightweight is fast handovers by lightweight Kerberos, nil: none; not beside Fast or AAA.
	Lightweight *Lightweight
	AAA         *AAA // the AAA client; nil: nobody is asked who he is
	// Kerberos makes the router a principal, and a proxy of those who log on; nil: neither.
	Kerberos *Kerberos
}

// Router is the access router.
type Router struct {
	links  []*link
	fast   handover.Router // nil: none
	known  *fast.Router    // the same, where it is that of strategy fast
	opener *opener
	gate   *gatekeeper // nil: none
	keys   *kerberos   // nil: none
}

type link struct {
	cfg advertise.Config
	adv *advertise.Advertiser
	up  bool
	hw  plane.HW
	mtu int
}

// New makes an access router. All randomness comes from seed.
//
// spec RT-01
func New(cfg Config, seed [32]byte) (*Router, error) {
	rand := engine.NewRand(seed)
	r := &Router{}
	for _, l := range cfg.Links {
		r.links = append(r.links, &link{cfg: l})
	}
	if cfg.AAA != nil {
		seed[0] ^= 1
		gate, err := newGatekeeper(*cfg.AAA, r.links, rand, engine.NewRand(seed))
		if err != nil {
			return nil, fmt.Errorf("ar: aaa: %w", err)
		}
		r.gate = gate
	}
	if cfg.Kerberos != nil {
		keys, err := newKerberos(cfg.Kerberos, r.links)
		if err != nil {
			return nil, fmt.Errorf("ar: kerberos: %w", err)
		}
		r.keys = keys
	}
	for _, l := range r.links {
		c := l.cfg
		if cfg.Lightweight != nil {
			c.Handover = func() *subopt.Handover { return r.known.Advertised() }
		}
		if r.gate != nil {
			if d := r.gate.doorOf(c.Port); d != nil {
				c.Access = d.advertised
			}
		}
		l.adv = advertise.New(c, rand)
	}
	if cfg.Fast != nil {
		c := *cfg.Fast
		if r.gate != nil {
			c.Announced, c.MayAnnounce = r.gate.announced, r.gate.mayAnnounce
		}
		for _, l := range r.links {
			c.Links = append(c.Links, handover.RouterLink{Port: l.cfg.Port, Prefix: l.cfg.Prefix, Advertisement: l.adv.Message})
		}
		ends, err := fmipv6.NewRouter(c, rand)
		if err != nil {
			return nil, fmt.Errorf("ar: fmipv6: %w", err)
		}
		r.fast = ends
	}
	if cfg.Lightweight != nil {
		if cfg.Fast != nil || r.gate != nil && cfg.Lightweight.Gate {
			return nil, errors.New("ar: fast: not beside fmipv6 on one router, and with aaa without a gate of its own")
		}
		known, o, err := newLightweight(cfg.Lightweight, cfg.Kerberos, r.gate, r.links, rand)
		if err != nil {
			return nil, fmt.Errorf("ar: fast: %w", err)
		}
		r.fast, r.known, r.opener = known, known, o
	}
	return r, nil
}

// Handle takes one input; see engine.Engine.
func (r *Router) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	switch in := in.(type) {
	case engine.Start:
		if r.gate != nil {
			r.gate.start(now, in, out)
		}
		if r.fast != nil {
			r.fast.Start(now, in, out)
		}
	case engine.LinkUp:
		if r.fast != nil {
			r.fast.LinkUp(now, in, out)
		}
		if r.gate != nil {
			r.gate.linkUp(now, in)
		}
		for _, l := range r.links {
			l.adv.Up(now, in, out)
			if l.cfg.Port == in.Port {
				l.up, l.hw, l.mtu = true, in.HW, in.MTU
			}
		}
	case engine.LinkDown:
		if r.fast != nil {
			r.fast.LinkDown(now, in, out)
		}
		if r.gate != nil {
			r.gate.linkDown(now, in, out)
		}
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
		if r.fast != nil {
			r.fast.Tick(now, out)
		}
		if r.gate != nil {
			r.gate.tick(now, out)
		}
		r.keys.tick(now, out)
	case engine.Measured:
		if r.gate != nil && r.gate.books != nil {
			r.gate.books.measured(now, in, out)
		}
	case engine.Opened, engine.Stream, engine.Closed, engine.Datagram:
		if !r.opened(now, in, out) && !r.keys.heard(now, in, out) && r.gate != nil {
			r.gate.stream(now, in, out)
		}
	case engine.Command:
		r.command(now, in, out)
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
	if r.fast != nil {
		if t, w := r.fast.Deadline(); t < at {
			at, why = t, w
		}
	}
	if r.gate != nil {
		if t, w := r.gate.deadline(); t < at {
			at, why = t, w
		}
	}
	if t, w := r.keys.deadline(); t < at {
		at, why = t, w
	}
	return at, why
}

func (r *Router) packet(now engine.Now, in engine.Packet, out *engine.Effects) {
	p, err := ip6.Parse(in.Data)
	if err != nil {
		out.Drop("ip6-malformed", engine.S("error", err.Error()))
		return
	}
	if r.fast != nil && (p.Proto == ip6.ProtoMH || p.Proto == ip6.ProtoESP) {
		r.fast.Mobility(now, in, &p, out)
		return
	}
	if r.known != nil && isFast(&p) {
		r.known.Message(now, in, &p, out)
		return
	}
	if r.gate != nil && isAccess(&p) {
		r.gate.request(now, in, &p, out)
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
	if m, ok := msg.(*nd.RouterSolicitation); ok {
		if r.keys != nil {
			r.keys.solicited(now, in, &p, m, out)
		}
		for _, l := range r.links {
			l.adv.Heard(now, in.Port)
		}
		return
	}
	if m, ok := msg.(*nd.NeighborSolicitation); ok && r.keys != nil {
		r.keys.token(now, in, &p, m, out)
	}
	if r.gate != nil {
		r.gate.neighbour(now, in, &p, msg, out)
	}
	if r.fast != nil { // what is about the router's own addresses is the kernel's
		r.fast.Neighbour(now, in, &p, msg, out)
	}
}

// View is what an access router shows.
type View struct {
	Role  string     `json:"role"` // "ar"
	Links []LinkView `json:"links"`
	Fast  any        `json:"fmipv6,omitempty"`
	Known any        `json:"fast,omitempty"`
	AAA   *AAAView   `json:"aaa,omitempty"`
	// Kerberos is what it does for mobile nodes that log on.
	Kerberos *KerberosView `json:"kerberos,omitempty"`
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
	v := View{Role: "ar", Kerberos: r.keys.view()}
	for _, l := range r.links {
		v.Links = append(v.Links, LinkView{int(l.cfg.Port), l.up, l.cfg.Prefix.String(), l.adv.Sent()})
	}
	switch {
	case r.known != nil:
		v.Known = r.known.View()
	case r.fast != nil:
		v.Fast = r.fast.View()
	}
	if r.gate != nil {
		v.AAA = r.gate.view()
	}
	return v
}

func (r *Router) command(now engine.Now, c engine.Command, out *engine.Effects) {
	reply := engine.Reply{ID: c.ID, Err: fmt.Sprintf("unknown verb %s; an access router takes: view; with fmipv6 handover, cells; with fast handover", c.Verb)}
	if c.Verb == "view" {
		reply.Err = ""
		reply.Data, _ = json.Marshal(r.View())
	} else if r.fast != nil {
		if known, err := r.fast.Command(now, c.Verb, c.Args, out); err != nil {
			reply.Err = err.Error()
		} else if known {
			reply.Err = ""
		}
	}
	out.Reply(reply)
}
