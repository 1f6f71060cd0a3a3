package ar

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/handover/fast"
	"roam6/handover/fmipv6"
	lk "roam6/keying/lwkrb"
	"roam6/machine/lwkrb"
	"roam6/plane"
	wirefast "roam6/wire/fast"
	"roam6/wire/ip6"
	"roam6/wire/krb5"
	lw "roam6/wire/lwkrb"
)

// Lightweight is fast handovers of mobile nodes that authenticate themselves by lightweight Kerberos: draft-koodli-mobileip-fastv6-02, strategy
// fast. Keys and KDCs are those of Config.Kerberos.
type Lightweight struct {
	Address    netip.Addr // where its messages go; engine-owned, in the prefix of a link
	Cells      []plane.HW
	Neighbours []handover.Peer
	Gate       bool // who has not authenticated himself sends nothing by the access links
	SHREP      bool // nodes are announced by SHREP in place of Handover
	Lifetime   time.Duration
}

// What it is configured with, in the words of others.
type (
	LightweightNeighbour = handover.Peer
	RouterPrincipal      = lw.Principal
)

const lightweightBind = "ar.lwkrb" // the port from which KDCs are asked to open tickets

// opener asks the KDCs of the router's realm to open what it cannot.
type opener struct {
	kdcs  []netip.AddrPort
	bound bool
}

// ask sends an open-req: each repetition to the next KDC.
//
// spec FH-14 FH-15
func (o *opener) ask(_ engine.Now, octets []byte, try int, out *engine.Effects) {
	if !o.bound {
		o.bound = true
		out.Bind(engine.Bind{Name: lightweightBind})
	}
	out.Datagram(engine.Datagram{Name: lightweightBind, Peer: o.kdcs[(try-1)%len(o.kdcs)], Data: octets})
}

// principalText is a principal as lightweight Kerberos has it; ok is false for one that it has not.
func principalText(p krb5.Principal) (lw.Principal, bool) {
	t := lw.MakePrincipal(p.Realm, p.Name.Parts...)
	return t, t.Valid()
}

// newLightweight makes the router's end of strategy fast.
func newLightweight(c *Lightweight, k *Kerberos, gate *gatekeeper, links []*link, rand *engine.Rand) (*fast.Router, *opener, error) {
	if k == nil {
		return nil, nil, errors.New("the router's principal and keys are needed: kerberos")
	}
	entries, err := k.Entries()
	if err != nil {
		return nil, nil, err
	}
	id, err := krb5.ParsePrincipal(k.Principal)
	if err != nil {
		return nil, nil, err
	}
	self, ok := principalText(id)
	if !ok {
		return nil, nil, fmt.Errorf("%s: a name that lightweight Kerberos has not (docs/lwkrb.md)", k.Principal)
	}
	cfg := fast.RouterConfig{Address: c.Address, Cells: c.Cells, Neighbours: c.Neighbours, Gate: c.Gate, SHREP: c.SHREP,
		Kerberos: lwkrb.RouterConfig{Self: self, Lifetime: c.Lifetime}}
	for _, e := range entries {
		name, ok := principalText(e.Principal)
		if !ok {
			continue
		}
		key, err := lk.NewKey(string(name), e.KVNO, uint8(e.Key.EType), e.Key.Value)
		if err != nil {
			return nil, nil, err
		}
		cfg.Keys = append(cfg.Keys, lwkrb.Key{Name: lw.KeyName{Principal: name, KVNO: e.KVNO, EType: uint8(e.Key.EType)}, Key: key})
	}
	o := &opener{}
	for _, r := range k.Realms {
		if r.Name == id.Realm {
			o.kdcs = slices.Clone(r.KDCs)
		}
	}
	if len(o.kdcs) > 0 {
		cfg.Kerberos.KDC, cfg.AskKDC = true, o.ask
	}
	if gate != nil { // who has a ticket of his home network is let in on the word of that, until it has answered the AAA client
		cfg.Announced = func(now engine.Now, x handover.Arrival, out *engine.Effects) {
			gate.announced(now, fmipv6.Word{Port: x.Port, CoA: x.CoA, HW: x.HW, By: x.From}, out)
		}
	}
	for _, l := range links {
		cfg.Links = append(cfg.Links, handover.RouterLink{Port: l.cfg.Port, Prefix: l.cfg.Prefix, Advertisement: l.adv.Message})
	}
	r, err := fast.NewRouter(cfg, rand)
	return r, o, err
}

// isFast says whether a packet is for the strategy that speaks wire/fast.
func isFast(p *ip6.Packet) bool {
	return p.Proto == ip6.ProtoAH || p.Proto == ip6.ProtoICMPv6 && wirefast.IsFast(p.Payload)
}

// opened takes what KDCs say; false if it is for somebody else.
func (r *Router) opened(now engine.Now, in engine.Input, out *engine.Effects) bool {
	if r.opener == nil {
		return false
	}
	switch in := in.(type) {
	case engine.Datagram:
		if in.Name == lightweightBind {
			if slices.Contains(r.opener.kdcs, in.Peer) {
				r.known.KDCAnswered(now, in.Data, out)
			} else {
				out.Drop("lwkrb-kdc-stranger")
			}
			return true
		}
	case engine.Closed:
		if in.Listener == lightweightBind {
			r.opener.bound = false
			out.Event("kerberos.no-port", engine.S("reason", in.Reason))
			return true
		}
	}
	return false
}
