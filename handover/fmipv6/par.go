package fmipv6

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// leaving is a node that leaves this router, or has left: the previous access router's end.
//
//	FBU ─▶ asked (HI out) ─HAck─▶ forwarding ─lifetime, FBU with lifetime 0─▶ gone
type leaving struct {
	mobile     *mobile
	pcoa, ncoa netip.Addr
	link       *link
	to         *neighbour
	fbu        uint16        // sequence number of the FBU to answer
	asked      netip.Addr    // the address that FBU named
	life       time.Duration // wanted
	hi         uint16        // sequence number of the Handover Initiate
	tries      int
	wait       time.Duration
	forwarding bool
	closed     bool // the next router lets the node send nothing before it has authenticated itself
	stands     bool // an earlier forwarding, to another address, stands in the plane until this one is decided
}

const fbuBucket = "ar/fbu"

// restore takes up the sequence numbers of FBUs taken in an earlier life, so that none of them can be replayed.
func (r *Router) restore(records []engine.Record) {
	for _, rec := range records {
		var spi uint32
		if rec.Bucket != fbuBucket || len(rec.Value) != 2 {
			continue
		}
		if _, err := fmt.Sscan(rec.Key, &spi); err == nil && r.mobiles[spi] != nil {
			r.mobiles[spi].seq, r.mobiles[spi].known = binary.BigEndian.Uint16(rec.Value), true
		}
	}
}

// onFBU decides about a Fast Binding Update, RFC 5568 §6.2.2. Before its proof nothing changes, nothing is answered.
//
// spec MIP-09
func (r *Router) onFBU(now engine.Now, p *ip6.Packet, fbu *mh.FastBindingUpdate, out *engine.Effects) {
	ncoa := fbu.Options.AltCareOf
	if !ncoa.IsValid() && p.Src != p.HomeAddress {
		ncoa = p.Src
	}
	m := (*mobile)(nil)
	if a := fbu.Options.FastAuth; a != nil {
		m = r.mobiles[a.SPI]
	}
	pcoa := p.HomeAddress
	switch {
	case m == nil:
		out.Drop("fbu-unknown-spi", engine.A("from", p.Src))
		return
	case !m.proof.proves(p, fbu, ncoa, r.c.Address):
		out.Drop("fbu-unproved", engine.A("from", p.Src))
		return
	case m.known && !mh.After(fbu.Seq, m.seq):
		out.Drop("fbu-replay", engine.A("from", p.Src))
		return
	case !m.updates.take(now, MaxUpdates):
		out.Drop("fbu-rate", engine.A("from", p.Src))
		return
	}
	m.seq, m.known = fbu.Seq, true
	out.Persist(fbuBucket, fmt.Sprint(m.proof.spi), binary.BigEndian.AppendUint16(nil, fbu.Seq))
	l := r.linkOf(pcoa)
	h := &leaving{mobile: m, pcoa: pcoa, ncoa: ncoa, link: l, fbu: fbu.Seq, asked: ncoa, life: min(fbu.Lifetime, MaxLifetime)}
	if l == nil || pcoa != ip6.FromEUI64(l.Prefix, m.hw) { // another's address, for all we know
		r.refuse(h, p.Src, mh.FastProhibited, "fbu-not-its-address", out)
		return
	}
	if fbu.Lifetime == 0 {
		r.end(h, p.Src, out)
		return
	}
	if h.to = r.toward(ncoa); h.to == nil || !fbu.Ack || !fbu.Home {
		r.refuse(h, p.Src, mh.FastUnspecified, "fbu-refused", out)
		return
	}
	if p.Src == pcoa && r.c.MayAnnounce != nil && !r.c.MayAnnounce(pcoa, m.hw) { // from the new link it is there, and nobody's word lets it in
		r.refuse(h, p.Src, mh.FastProhibited, "fbu-not-admitted", out)
		return
	}
	r.begin(now, h, p.Src, out)
}

// begin asks the next router, or does again what was done for the same address. From the new link the node is there already:
// its packets are sent on at once.
func (r *Router) begin(now engine.Now, h *leaving, from netip.Addr, out *engine.Effects) {
	reactive := from != h.pcoa
	old := r.leaving[h.pcoa]
	switch {
	case old == nil && len(r.leaving) >= MaxHandovers:
		r.refuse(h, from, mh.FastResources, "fbu-refused", out)
		return
	case reactive && (from != h.ncoa || h.ncoa != ip6.FromEUI64(h.to.Prefix, h.mobile.hw)):
		r.refuse(h, from, mh.FastProhibited, "fbu-not-its-address", out) // nobody has made sure that it is its own
		return
	case old != nil && old.asked == h.asked && old.forwarding:
		h.ncoa, h.closed, h.forwarding = old.ncoa, old.closed, true
		r.forward(now, h, reactive, out)
		return
	case old != nil && old.asked == h.asked && !reactive:
		old.fbu, old.life = h.fbu, h.life // the question is out
		return
	}
	if old != nil {
		h.stands = old.forwarding || old.stands
		r.unask(old)
	}
	r.leaving[h.pcoa] = h
	r.seq++
	h.hi, h.wait = r.seq, FirstHI
	r.asked[h.hi] = h.pcoa
	out.Event("handover.leaving", engine.A("pcoa", h.pcoa), engine.A("ncoa", h.ncoa), engine.A("nar", h.to.Address))
	r.initiate(now, h, reactive, out)
	if reactive {
		r.forward(now, h, true, out)
	}
}

// unask waits for no answer about a node any longer.
func (r *Router) unask(h *leaving) {
	if r.asked[h.hi] == h.pcoa {
		delete(r.asked, h.hi)
	}
}

// initiate sends the Handover Initiate, RFC 5568 §6.2.1.1.
func (r *Router) initiate(now engine.Now, h *leaving, reactive bool, out *engine.Effects) {
	hi := &mh.HandoverInitiate{Seq: h.hi, Buffer: !reactive}
	if reactive {
		hi.Code = mh.HIReactive
	}
	hi.Options.LLA = h.mobile.hw
	hi.Options.Addresses = []mh.AddressPrefix{mh.Host(mh.OldCareOf, h.pcoa), mh.Host(mh.NewCareOf, h.ncoa)}
	h.tries++
	r.post(now, h.to, hi, out)
	if !reactive {
		r.timers.Set(due{coa: h.pcoa}, now.Mono.Add(h.wait))
		h.wait *= 2
	}
}

// onHAck takes the next router's answer, RFC 5568 §6.2.1.2.
func (r *Router) onHAck(now engine.Now, n *neighbour, m *mh.HandoverAck, out *engine.Effects) {
	h := r.leaving[r.asked[m.Seq]]
	if h == nil || h.to != n || h.hi != m.Seq || h.forwarding {
		return // to a reactive one, or a copy
	}
	status := mh.FastUnspecified
	h.closed = m.Options.Closed()
	switch m.Code {
	case mh.HAckAccepted:
		r.forward(now, h, false, out)
		return
	case mh.HAckAssigned:
		if a := m.Options.Address(mh.NewCareOf); n.Prefix.Contains(a) {
			h.ncoa = a
			r.forward(now, h, false, out)
			return
		}
	case mh.HAckProhibited:
		status = mh.FastProhibited
	case mh.HAckResources:
		status = mh.FastResources
	}
	r.stop(h.pcoa, "next router refused", out)
	out.Event("handover.refused", engine.A("nar", n.Address), engine.S("code", m.Code.String()))
	r.answer(h, h.pcoa, status, 0, out)
}

// forward sends on what comes for the previous address, and only then says so: whatever reached the node by the old link left
// before the answer.
//
// spec MIP-09
func (r *Router) forward(now engine.Now, h *leaving, reactive bool, out *engine.Effects) {
	h.forwarding = true
	r.unask(h)
	r.leaving[h.pcoa] = h
	if x := r.expected[h.pcoa]; x != nil { // it came a moment ago and goes on
		if !x.here {
			r.withdraw(x, out)
		}
		delete(r.expected, h.pcoa)
		r.timers.Stop(due{h.pcoa, true})
	}
	r.timers.Set(due{coa: h.pcoa}, now.Mono.Add(h.life))
	out.Plane(plane.Op{Path: &plane.PathOp{Inner: one(h.pcoa), Path: plane.Path{
		Side: plane.Agent, Mode: plane.Tunnel, Local: r.c.Address, Remote: h.ncoa, MTU: tunnelMTU, Capture: true}}})
	out.Event("handover.forwarding", engine.A("pcoa", h.pcoa), engine.A("ncoa", h.ncoa), engine.S("lifetime", h.life.String()))
	status := mh.FastAccepted
	if h.ncoa != h.asked {
		status = mh.FastUseSupplied
	}
	if !reactive {
		r.answer(h, h.pcoa, status, h.life, out)
	}
	r.answer(h, h.ncoa, status, h.life, out)
}

// end delivers on the link again: the node is back, or has never left.
func (r *Router) end(h *leaving, from netip.Addr, out *engine.Effects) {
	if r.leaving[h.pcoa] != nil {
		r.stop(h.pcoa, "mobile node is back", out)
	}
	r.answer(h, from, mh.FastAccepted, 0, out)
}

// refuse answers that nothing will be sent on, and why.
func (r *Router) refuse(h *leaving, to netip.Addr, s mh.FastStatus, why string, out *engine.Effects) {
	out.Drop(why, engine.A("pcoa", h.pcoa), engine.A("ncoa", h.ncoa), engine.S("status", s.String()))
	r.answer(h, to, s, 0, out)
}

// answer sends the FBack. To the previous address it takes the old link straight, since the plane would send it on.
func (r *Router) answer(h *leaving, to netip.Addr, s mh.FastStatus, life time.Duration, out *engine.Effects) {
	ack := &mh.FastBindingAck{Status: s, Seq: h.fbu, Lifetime: life}
	if s == mh.FastUseSupplied {
		ack.Options.AltCareOf = h.ncoa
	}
	if h.closed && s.Accepted() {
		ack.Options.SetClosed()
	}
	data := h.mobile.proof.protect(ip6.Packet{Header: ip6.Header{Src: r.c.Address, Dst: to}}, ack, h.asked, r.c.Address)
	if to == h.pcoa && h.link != nil {
		out.Send(h.link.Port, h.mobile.hw, data)
		return
	}
	r.sendKernel(data, out)
}

// leavingDue goes on when no answer came, or ends a forwarding whose time is over.
func (r *Router) leavingDue(now engine.Now, pcoa netip.Addr, out *engine.Effects) {
	h := r.leaving[pcoa]
	switch {
	case h == nil:
	case h.forwarding:
		r.stop(pcoa, "lifetime is over", out)
	case h.tries < MaxHI:
		r.initiate(now, h, false, out)
	default:
		r.stop(pcoa, "next router does not answer", out)
		out.Event("handover.refused", engine.A("nar", h.to.Address), engine.S("code", "no answer"))
		r.answer(h, pcoa, mh.FastUnspecified, 0, out)
	}
}

// stop ends a forwarding.
func (r *Router) stop(pcoa netip.Addr, why string, out *engine.Effects) {
	if h := r.leaving[pcoa]; h.forwarding || h.stands {
		out.Plane(plane.Op{Delete: true, Path: &plane.PathOp{Inner: one(pcoa)}})
	}
	r.drop(pcoa)
	out.Event("handover.ended", engine.A("pcoa", pcoa), engine.S("reason", why))
}

func (r *Router) drop(pcoa netip.Addr) {
	if h := r.leaving[pcoa]; h != nil {
		r.unask(h)
	}
	delete(r.leaving, pcoa)
	r.timers.Stop(due{coa: pcoa})
}
