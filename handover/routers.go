package handover

import (
	"fmt"
	"net/netip"
	"slices"

	"roam6/engine"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/fast"
	"roam6/wire/ip6"
	"roam6/wire/lwkrb"
)

// Peer is an access router around, as one that hands over by wire/fast knows it.
type Peer struct {
	Address   netip.Addr      // its service address
	HW        plane.HW        // its link-layer address on the access link
	Prefix    netip.Prefix    // of the access link, /64
	Cells     []plane.HW      // its points of attachment
	Principal lwkrb.Principal // mobileip/…; "" for one that authenticates nobody
	Security  sa.AHConfig     // between the two service addresses
}

// Behind says whether a point of attachment is this router's.
func (p *Peer) Behind(cell plane.HW) bool { return slices.Contains(p.Cells, cell) }

// Routers are the access routers around one, and what protects the messages between them: AH, keys by configuration, nothing else is taken
// (draft-koodli-mobileip-fastv6-02 §4, §8).
type Routers struct {
	self netip.Addr
	list []*Peer
	ah   []*sa.AH // of list
}

// NewRouters makes them; self is the service address.
func NewRouters(self netip.Addr, list []Peer) (*Routers, error) {
	r := &Routers{self: self}
	for i := range list {
		p := list[i]
		a, err := sa.NewAH(p.Security, p.Address.String())
		if err != nil {
			return nil, fmt.Errorf("router %v: %w", p.Address, err)
		}
		r.list, r.ah = append(r.list, &p), append(r.ah, a)
	}
	return r, nil
}

// Restore takes the numbers that an earlier life has used.
func (r *Routers) Restore(records []engine.Record) { sa.RestoreAH(records, r.ah) }

// Behind is the router with a point of attachment; nil for none.
func (r *Routers) Behind(cell plane.HW) *Peer {
	return r.find(func(p *Peer) bool { return p.Behind(cell) })
}

// At is the router with a service address; nil for none.
func (r *Routers) At(a netip.Addr) *Peer { return r.find(func(p *Peer) bool { return p.Address == a }) }

// Toward is the router on whose link an address is; nil for none.
func (r *Routers) Toward(a netip.Addr) *Peer {
	return r.find(func(p *Peer) bool { return p.Prefix.Contains(a) })
}

func (r *Routers) find(is func(*Peer) bool) *Peer {
	if i := slices.IndexFunc(r.list, is); i >= 0 {
		return r.list[i]
	}
	return nil
}

// Post sends a message to a router. It is false for one too long, of which others' tickets are the cause.
//
// spec FH-05 FH-08
func (r *Routers) Post(to *Peer, m fast.Message, out *engine.Effects) bool {
	if fast.Len(m) > fast.MaxMessage {
		out.Drop("fast-too-long", engine.A("to", to.Address))
		return false
	}
	p := ip6.Packet{Header: ip6.Header{Src: r.self, Dst: to.Address}, Proto: ip6.ProtoICMPv6}
	p.Payload = fast.Append(nil, p.Src, p.Dst, m)
	out.Send(plane.Kernel, plane.HW{}, r.ah[slices.Index(r.list, to)].Seal(p.Append(nil), out))
	return true
}

// Knows says whether a packet claims to be a router's: then it is one, or nobody's.
func (r *Routers) Knows(p *ip6.Packet) bool { return r.At(p.Src) != nil }

// Open takes what a router is said to have sent. m is nil if it has not, or it is no message: an event says why.
//
// spec FH-05 FH-06 FH-18
func (r *Routers) Open(in engine.Packet, p *ip6.Packet, out *engine.Effects) (from *Peer, m fast.Message) {
	if from = r.At(p.Src); from == nil {
		out.Drop("unknown-neighbour", engine.A("from", p.Src))
		return nil, nil
	}
	a := r.ah[slices.Index(r.list, from)]
	q, reason := a.Open(in.Data)
	if reason == "" && (q.Src != from.Address || q.Dst != r.self || q.HomeAddress.IsValid() || q.Proto != ip6.ProtoICMPv6) {
		reason = "fast-unexpected"
	}
	if reason != "" {
		out.Drop(reason, engine.A("from", p.Src))
		return nil, nil
	}
	a.Commit(out)
	m, err := fast.Parse(q.Src, q.Dst, q.Payload)
	if err != nil {
		out.Drop("fast-malformed", engine.A("from", p.Src), engine.S("error", err.Error()))
		return nil, nil
	}
	return from, m
}
