package fast

import (
	"net/netip"

	"roam6/engine"
	"roam6/handover"
	"roam6/machine/lwkrb"
	"roam6/plane"
	"roam6/wire/fast"
	lw "roam6/wire/lwkrb"
	"roam6/wire/subopt"
)

// offers is what an access router does for nodes that want it.
const offers = lw.WantAH | lw.WantBuffer

// onHandover takes a node that another router announces, §4: its address is represented, its packets are held, and its ap-req is opened, here
// or by the KDC. The answer goes back when that has come.
//
// spec FH-05 FH-06 FH-07 FH-09 FH-20
func (r *Router) onHandover(now engine.Now, from *handover.Peer, m *fast.Announced, out *engine.Effects) {
	coa := m.CareOf.Addr()
	hw, ok := m.MobileHW()
	reason := subopt.Reason(0)
	port, here := r.arrivals.PortOf(coa)
	x := handover.Arrival{CoA: coa, HW: hw, Port: port, From: from.Address, PCoA: m.Options.PreviousCareOf}
	if !ok || !here {
		reason = subopt.BadLinkLayer
	} else {
		reason = r.expect(now, x, out)
	}
	if reason != 0 {
		out.Drop("handover-refused", engine.A("par", from.Address), engine.S("why", reason.String()))
		r.refuse(from, coa, reason, nil, out)
		return
	}
	if m.Options.Lightweight == nil {
		return // the node will say who it is when it comes
	}
	r.take(now, lwkrb.Coming{Octets: m.Options.Lightweight, From: from.Address, Trusted: true, Addresses: []netip.Addr{r.c.Address},
		CareOf: coa, LinkLayer: hw[:]}, out)
}

// expect represents a node, unless somebody has its address.
func (r *Router) expect(now engine.Now, x handover.Arrival, out *engine.Effects) subopt.Reason {
	if hw, _, ok := r.sessions.At(x.CoA); ok && hw != x.HW {
		return subopt.AddressInUse
	}
	reason := r.arrivals.Expect(now, x, out)
	if reason == 0 {
		r.departures.Forget(x.CoA) // it left by us and comes back: nothing goes round in a circle
	}
	return reason
}

func (r *Router) refuse(to *handover.Peer, coa netip.Addr, why subopt.Reason, word []byte, out *engine.Effects) {
	m := &fast.HandoverError{CareOf: coa}
	m.Options.Reason, m.Options.Lightweight = why, word
	r.routers.Post(to, m, out)
}

// take gives an ap-req to the authentication. An answer that was given before goes to who asks now.
func (r *Router) take(now engine.Now, c lwkrb.Coming, out *engine.Effects) {
	facts := r.kerberos.Heard(now, c, out)
	for i, f := range facts {
		if a, ok := f.(lwkrb.Answer); ok && a.Again {
			a.From = c.From
			facts[i] = a
		}
	}
	r.facts(now, facts, out)
}

// KDCAnswered takes what came from a KDC.
//
// spec FH-14 FH-15
func (r *Router) KDCAnswered(now engine.Now, octets []byte, out *engine.Effects) {
	r.facts(now, r.kerberos.Answered(now, octets, out), out)
}

// Judged takes what Config.Judge left open.
func (r *Router) Judged(now engine.Now, h lwkrb.Handle, v lwkrb.Verdict, out *engine.Effects) {
	r.facts(now, r.kerberos.Decide(now, h, v, out), out)
}

func (r *Router) facts(now engine.Now, facts []lwkrb.Fact, out *engine.Effects) {
	for _, f := range facts {
		switch f := f.(type) {
		case lwkrb.AskKDC:
			r.c.AskKDC(now, f.Octets, f.Try, out)
		case *lwkrb.Judge:
			r.judge(now, f, out)
		case *lwkrb.Session:
			r.agreed(now, f, out)
		case lwkrb.Answer:
			r.answer(now, f, out)
		}
	}
}

// judge decides about who has proved who he is.
//
// spec FH-16
func (r *Router) judge(now engine.Now, j *lwkrb.Judge, out *engine.Effects) {
	v, decided := lwkrb.Verdict{}, true
	port, here := r.arrivals.PortOf(j.CareOf)
	switch hw := hwOf(j.LinkLayer); {
	case !here || hw == plane.HW{} || r.arrivals.Taken(now, port, j.CareOf, hw):
		v.Code = lw.BadAddress
	case !r.sessions.Room(j.CareOf):
		v.Code = lw.Unavailable
	case r.c.Judge != nil:
		v, decided = r.c.Judge(now, j, out)
	}
	if !decided {
		return
	}
	if v.SPI == 0 {
		v.SPI = r.sessions.FreeSPI(r.rand)
	}
	r.Judged(now, j.Handle, v, out)
}

func hwOf(b []byte) (hw plane.HW) {
	if len(b) == len(hw) {
		copy(hw[:], b)
	}
	return hw
}

// agreed opens the gate for a node that has authenticated itself, and delivers to it if it is here.
//
// spec FH-10 FH-12 FH-16
func (r *Router) agreed(now engine.Now, s *lwkrb.Session, out *engine.Effects) {
	port, here := r.arrivals.PortOf(s.CareOf)
	if !here {
		s.Erase()
		return
	}
	coa := s.CareOf
	r.sessions.Add(port, hwOf(s.LinkLayer), s, out)
	r.arrivals.Known(now, coa, out)
	r.let(now, coa, out)
}

// answer tells a node what came of its ap-req: by the router that announced it, and on the link once it was heard there.
//
// spec FH-10 FH-18
func (r *Router) answer(now engine.Now, a lwkrb.Answer, out *engine.Effects) {
	x := r.arrivals.Of(a.CareOf)
	par := r.routers.At(a.From)
	here := x != nil && x.Here || par == nil
	if a.Code != lw.None {
		why := reasonOf(a.Code)
		if par != nil {
			r.refuse(par, a.CareOf, why, a.Octets, out)
			return
		}
		r.deny(a.CareOf, hwOf(a.LinkLayer), why, a.Octets, out)
		return
	}
	if par != nil {
		m := &fast.AuthenticatedMN{}
		m.Options.Lightweight = a.Octets
		if x != nil && x.PCoA.IsValid() {
			m.Options.PreviousCareOf = x.PCoA
		}
		r.routers.Post(par, m, out)
	}
	if here && (par == nil || !a.Again) {
		r.welcome(a.CareOf, hwOf(a.LinkLayer), a.Octets, out)
	}
}

// welcome sends the ap-rep on the link, bare: the node has no keys before it has read it.
func (r *Router) welcome(coa netip.Addr, hw plane.HW, reply []byte, out *engine.Effects) {
	m := &fast.AuthenticatedMN{}
	m.Options.Lightweight = reply
	r.say(coa, hw, m, out)
}

// deny tells a node on the link that it will not do, and why.
//
// spec FH-22
func (r *Router) deny(coa netip.Addr, hw plane.HW, why subopt.Reason, word []byte, out *engine.Effects) {
	m := &fast.HandoverError{CareOf: coa}
	m.Options.Reason, m.Options.Lightweight = why, word
	r.say(coa, hw, m, out)
}

var noKDC = map[lw.Code]bool{lw.NoKDC: true, lw.SilentKDC: true}

// reasonOf is the reason of a Handover Error for a refusal.
func reasonOf(c lw.Code) subopt.Reason {
	switch {
	case noKDC[c]:
		return subopt.NoKDC
	case c == lw.Policy, c == lw.Revoked:
		return subopt.NotAuthorized
	case c == lw.Unavailable:
		return subopt.TooMany
	}
	return subopt.NotAuthentic
}

// onSHIN takes a node's own word that it is here, §2 and §3. With keys it is known already; else its ap-req is in it. The binding update in it
// goes out as soon as the node is known.
//
// spec FH-10 FH-11 FH-12 FH-18
func (r *Router) onSHIN(now engine.Now, s said, m *fast.SHIN, out *engine.Effects) {
	coa := m.CareOf.Addr()
	hw, ok := m.MobileHW()
	port, on := r.arrivals.PortOf(coa)
	switch {
	case !ok || !on || hw != s.in.From || port != s.in.Port || s.src != coa:
		out.Drop("shin-elsewhere", engine.A("from", s.src))
		return
	case s.by.IsValid() && s.by != coa, !s.by.IsValid() && m.Options.Lightweight == nil:
		out.Drop("shin-unproved", engine.A("from", s.src))
		return
	}
	if s.by == coa {
		r.departures.Stop(coa, "mobile node is back", out)
	}
	if !r.sessions.Has(coa, hw) {
		if reason := r.expect(now, handover.Arrival{CoA: coa, HW: hw, Port: port}, out); reason != 0 {
			out.Drop("shin-refused", engine.A("from", s.src), engine.S("why", reason.String()))
			r.deny(coa, hw, reason, nil, out)
			return
		}
	}
	if r.arrivals.Of(coa) != nil && (r.c.Gate || r.c.Announced != nil) {
		r.arrivals.Keep(coa, m.Options.Embedded, out)
	} else if m.Options.Embedded != nil { // the gate is open for it, or there is none
		out.Send(plane.Kernel, plane.HW{}, m.Options.Embedded)
	}
	r.here(now, coa, out)
	if m.Options.Lightweight != nil {
		r.take(now, lwkrb.Coming{Octets: m.Options.Lightweight, From: coa, Addresses: []netip.Addr{r.c.Address}, CareOf: coa, LinkLayer: hw[:]}, out)
	}
}

// say sends a message on the link, not under AH.
func (r *Router) say(coa netip.Addr, hw plane.HW, m fast.Message, out *engine.Effects) {
	if port, ok := r.arrivals.PortOf(coa); ok && hw != (plane.HW{}) {
		r.bare(port, hw, coa, m, out)
	}
}

// conflict ends what there is with a node whose address turns out to be another's: the previous router is told, and the node when it comes.
//
// spec FH-07 FH-08 FH-22
func (r *Router) conflict(now engine.Now, coa netip.Addr, out *engine.Effects) {
	x := r.arrivals.Of(coa)
	if x == nil {
		return
	}
	was := *x
	r.arrivals.Lose(now, coa, out)
	r.sessions.Close(coa, subopt.AddressInUse.String(), out)
	if par := r.routers.At(was.From); par != nil {
		r.refuse(par, coa, subopt.AddressInUse, nil, out)
	}
	if was.Here {
		r.deny(coa, was.HW, subopt.AddressInUse, nil, out)
	}
}

// lapsed tells the previous router that a node has not come: it may be back there (appendix A).
//
// spec FH-08 FH-19
func (r *Router) lapsed(x handover.Arrival, out *engine.Effects) {
	if par := r.routers.At(x.From); par != nil {
		r.refuse(par, x.CoA, 0, nil, out)
	}
	if x.Known {
		r.sessions.Close(x.CoA, "it did not come", out)
	}
}
