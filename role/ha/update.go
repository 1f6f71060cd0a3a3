package ha

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/machine/dad"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// request is a binding update whose authenticity is proved, reduced to what matters.
type request struct {
	coa      netip.Addr
	seq      uint16
	lifetime time.Duration
	from     netip.Addr // where it came from, and where the answer goes (RFC 6275 §9.5.4)
	by       *sa.SA     // the association it came under; nil: AAA vouches for it
	stamp    uint64     // see sa.Stamp
	errand   *errand    // nil: it came by itself; else AAA waits for the answer
	held     bool       // its sequence number is none that comes next, and does not count: last does
	last     uint16
	router   bool // a mobile router's
	networks []netip.Prefix
	several  *several // nil: one care-of address, as ever
}

// standing is the sequence number that the next update must exceed once this one is accepted.
func (q *request) standing() uint16 {
	if q.held {
		return q.last
	}
	return q.seq
}

// removes reports whether the request is for the end of the binding, or of some care-of addresses.
func (q *request) removes(m *mobile) bool {
	return q.lifetime == 0 || q.several == nil && q.coa == m.hoa
}

// direct reports whether the request came from the home address itself: the node is on the home link.
func (q *request) direct(m *mobile) bool { return q.from == m.hoa }

// MaxDeleteTimeout is how long the sequence number of a binding that its node removed is remembered: MAX_DELETE_BCE_TIMEOUT, RFC
// 6275 §12. An update from before, delayed on its way, must not bring the binding back (§10.3.2).
const MaxDeleteTimeout = 10 * time.Second

// onBU decides about a binding update: RFC 6275 §9.5.1, §10.3.1, §10.3.2. q says how it came.
//
// spec MIP-01
func (a *Agent) onBU(now engine.Now, m *mobile, p *ip6.Packet, bu *mh.BindingUpdate, q request, out *engine.Effects) {
	q.coa, q.seq, q.lifetime, q.from = p.Src, bu.Seq, bu.Lifetime, p.Src
	if alt := bu.Options.AltCareOf; alt.IsValid() {
		q.coa = alt
	}
	if !bu.Home && m.binding == nil && !bu.MobileRouter {
		out.Drop("bu-not-home-registration", engine.A("hoa", m.hoa)) // no return routability here, so nothing could authorise it
		return
	}
	if !ip6.Routable(q.coa) || !ip6.Routable(q.from) {
		out.Drop("bu-bad-care-of-address", engine.A("hoa", m.hoa), engine.A("coa", q.coa))
		return
	}
	last, known := a.lastSeq(now, m)
	if late := known && !mh.After(q.seq, last); late && q.by == nil {
		q.held, q.last = true, last // a server that makes an update cannot know what the node counted to
	} else if late {
		out.Drop("bu-sequence", engine.A("hoa", m.hoa))
		a.answer(now, m, q, mh.SequenceOutOfWindow, last, 0, out)
		return
	}
	status := a.severalOf(m, &q, bu)
	if status.Accepted() && unprovedCareOf(m, q, bu) {
		status = mh.AdministrativelyProhibited
	}
	if status.Accepted() {
		status = a.admit(now, m, q)
	}
	if status.Accepted() {
		status = a.admitRouter(m, &q, bu)
	}
	if !bu.Home && !bu.MobileRouter {
		status = mh.TypeChangeDisallowed // RFC 6275 §9.5.1
	}
	if !status.Accepted() {
		out.Drop("bu-refused", engine.A("hoa", m.hoa), engine.S("status", status.String()))
		a.answer(now, m, q, status, q.seq, 0, out)
		return
	}
	if q.by != nil {
		q.by.Commit(out)
	}
	switch {
	case q.several != nil && q.several.drop:
		a.endSomeNow(now, m, q, out)
	case q.removes(m):
		a.deregister(now, m, q, out)
	case m.binding == nil && a.up:
		a.probe(now, m, q, out)
	default:
		a.bind(now, m, q, out)
	}
}

// unprovedCareOf reports that nothing but the packet's source address names the care-of address, and that nothing protects that one:
// ESP in transport mode does not cover it, so whoever is on the way could have the node's packets sent to an address of their choice. RFC
// 3776 §4.3 has the node use an Alternate Care-of Address option therefore, except to deregister. RFC 4285's authenticator covers the
// address, and RFC 5648's options carry theirs. What comes by AAA names the address that the access router saw.
//
// spec MIP-02
func unprovedCareOf(m *mobile, q request, bu *mh.BindingUpdate) bool {
	return q.errand == nil && m.sa.Kind() == sa.ESP && q.lifetime > 0 && q.several == nil && !bu.Options.AltCareOf.IsValid()
}

// lastSeq is the sequence number a new update must exceed: that of the binding, or of the registration under way, or
// of the binding removed a moment ago.
func (a *Agent) lastSeq(now engine.Now, m *mobile) (uint16, bool) {
	switch {
	case m.pending != nil:
		return m.pending.standing(), true
	case m.binding != nil:
		return m.binding.Seq, true
	case m.gone > now.Mono:
		return m.goneSeq, true
	}
	return 0, false
}

// admit says whether policy and resources allow the request.
func (a *Agent) admit(now engine.Now, m *mobile, q request) mh.Status {
	switch {
	case !a.cfg.Prefix.Contains(m.hoa):
		return mh.NotHomeSubnet
	case q.removes(m):
		if m.binding == nil && m.pending == nil {
			return mh.NotHomeAgent // RFC 6275 §10.3.2: nothing to remove
		}
	case a.cfg.Prefix.Contains(q.coa):
		return mh.InvalidCoA // this agent, or another mobile node: a loop; a node on the home link needs no binding
	case m.binding == nil && a.bound >= a.cfg.MaxBindings:
		return mh.InsufficientResources
	}
	return a.admitGuest(now, m, q)
}

// probe makes sure that nobody on the home link uses the home address before the first acknowledgement (RFC 6275 §10.3.1). A
// repeated update only brings the request up to date.
//
// spec MIP-06
func (a *Agent) probe(now engine.Now, m *mobile, q request, out *engine.Effects) {
	key := dad.Key{Port: a.cfg.Port, Addr: m.hoa}
	running := m.pending != nil
	a.supersede(now, m, out)
	m.pending = &q
	if e := q.errand; e != nil && !e.waits {
		e.waits = true
		a.guests.waiting++
	}
	if running {
		return
	}
	// The solicited-node group must be heard while the address is probed.
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: m.hoa, Local: plane.Local{Port: a.cfg.Port, Tentative: true, Proxy: true}}})
	if !a.dad.Start(now, key, a.hw, false, out) {
		m.pending = nil
		out.Plane(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: m.hoa}})
		a.answer(now, m, q, mh.InsufficientResources, q.seq, 0, out)
	}
}

// detected goes on with a first registration once duplicate detection has a verdict.
func (a *Agent) detected(now engine.Now, v dad.Verdict, out *engine.Effects) {
	m := a.mobiles[v.Key.Addr]
	if m == nil || m.pending == nil {
		return
	}
	q := *m.pending
	m.pending = nil
	if v.Duplicate {
		out.Event("home-address.duplicate", engine.A("hoa", m.hoa))
		out.Plane(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: m.hoa}})
		if a.reassign(now, m, q, out) {
			return
		}
		a.answer(now, m, q, mh.DADFailed, q.seq, 0, out)
		return
	}
	a.bind(now, m, q, out)
}

// answer sends a binding acknowledgement: RFC 6275 §9.5.4, §10.3.1. It goes where the update came from, with the home address in
// a routing header unless the node is on the home link.
func (a *Agent) answer(now engine.Now, m *mobile, q request, status mh.Status, seq uint16, lifetime time.Duration, out *engine.Effects) {
	ba := &mh.BindingAck{Status: status, Seq: seq, Lifetime: lifetime, MobileRouter: q.router && status.Accepted()}
	if q.several != nil {
		ba.Options.Bindings = q.several.answers(status)
	}
	p := ip6.Packet{Header: ip6.Header{Src: a.cfg.Address, Dst: q.from}, Routing2: m.hoa}
	if q.direct(m) {
		p.Routing2 = netip.Addr{}
	}
	if q.by == nil {
		p.Proto, p.Payload = ip6.ProtoMH, mh.Append(nil, p.EffectiveSrc(), p.EffectiveDst(), ba)
		a.finish(now, m, q.errand, status, p.Append(nil), out)
		return
	}
	q.by.Restamp(q.stamp)
	data := q.by.Protect(now, p, ba, out)
	if q.errand != nil {
		a.finish(now, m, q.errand, status, data, out)
		return
	}
	if q.direct(m) && m.binding != nil && a.adv != nil && a.up {
		a.askWhere(m, data, out)
		return
	}
	a.send(data, out)
}

// askWhere keeps an answer for a node on the home link whose binding stands, until the node has told its link-layer address: sent as
// any other packet it would be intercepted and tunnelled away (RFC 6275 §10.3.2).
func (a *Agent) askWhere(m *mobile, data []byte, out *engine.Effects) {
	m.letter = data
	src, dst := ip6.LinkLocal(a.hw), ip6.SolicitedNode(m.hoa)
	ns := &nd.NeighborSolicitation{Target: m.hoa, Options: nd.Options{SourceHW: a.hw}}
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6, Payload: nd.Append(nil, src, dst, ns)}
	out.Send(a.cfg.Port, ip6.MulticastHW(dst), p.Append(nil))
}

// post sends what askWhere kept. A false neighbour could catch it so, and read it, as on any link.
func (a *Agent) post(na *nd.NeighborAdvertisement, out *engine.Effects) {
	m := a.served(na.Target)
	hw := na.Options.TargetHW
	if m == nil || m.letter == nil || !na.Solicited || hw == (plane.HW{}) || hw == a.hw {
		return
	}
	out.Send(a.cfg.Port, hw, m.letter)
	m.letter = nil
}

// explain answers an update that RFC 4285 refuses with the status that says why (RFC 4285 §5.1.1, §6); a mobile node sets its
// clock by it. Whoever forges an update gets at most one such answer in tell.Interval, no longer than what he sent, and nothing
// else changes: an update under way keeps its own timestamp (sa.Stamp).
//
// spec MIP-03
func (a *Agent) explain(now engine.Now, m *mobile, p *ip6.Packet, reason string, out *engine.Effects) {
	status, ok := map[string]mh.Status{
		sa.AuthMismatch: mh.AuthFailed, sa.AuthNoTimestamp: mh.MessageIDRequired, sa.AuthReplay: mh.IDMismatch,
	}[reason]
	if !ok {
		return
	}
	stamp := m.sa.Stamp()
	parsed, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	bu, isBU := parsed.(*mh.BindingUpdate)
	if err != nil || !isBU || !bu.Home || !ip6.Routable(p.Src) || !a.tell.May(now, a.cfg.Address, p) {
		return
	}
	q := request{coa: p.Src, seq: bu.Seq, from: p.Src, by: m.sa}
	if reason == sa.AuthReplay {
		q.stamp = stamp
	}
	a.answer(now, m, q, status, q.seq, 0, out)
}
