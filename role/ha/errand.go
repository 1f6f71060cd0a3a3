package ha

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/machine/peers"
	"roam6/store/subscriber/profile"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/mip6aaa"
)

// errand is a HOR until it is answered, which with a home link is after duplicate detection.
type errand struct {
	hor      *mip6aaa.HOR
	handle   peers.Handle
	identity string     // in keys
	keys     *freshKeys // made for it; nil: it brought none
	own      bool       // the mobile node made and protected the update itself
	assigned bool       // the home address is the agent's choice
	waits    bool       // counted in guests.waiting
	tries    int        // addresses that turned out to be somebody's
	answer   mip6aaa.HOA
	done     bool
}

// assign does what a HOR asks for: a binding, and for a guest that is new or gets new keys an association. What it refuses leaves
// everything as it was. Reasons are the words drops are counted by.
//
// spec DM-14 DM-16 DM-17
func (a *Agent) assign(now engine.Now, e *errand, out *engine.Effects) {
	if a.guests.waiting >= MaxWaiting {
		a.fail(now, e, diameter.TooBusy, "hor-too-many", out)
		return
	}
	p, home, reason := a.readHOR(e.hor)
	if reason != "" {
		a.fail(now, e, diameter.ErrorBadHOR, reason, out)
		return
	}
	m, code, reason := a.whose(e.hor, home)
	if reason != "" {
		a.fail(now, e, code, reason, out)
		return
	}
	q := request{errand: e}
	bu, reason := a.readUpdate(now, m, &p, &q)
	if reason == "" {
		reason = a.wantsKeys(e, m)
	}
	if reason == "" && m == nil && !home.IsValid() {
		home, e.assigned = a.drawHome(), true
	}
	var g *guest // new
	if reason == "" && m == nil {
		g = &guest{mobile: mobile{visitor: true, hoa: home, nai: called(e.hor.User)}}
		if m = &g.mobile; a.guests.count >= a.maxGuests() {
			out.Drop("hor-no-room", engine.S("nai", g.nai), engine.S("session", e.hor.Session))
			a.answer(now, m, request{from: p.Src, errand: e}, mh.InsufficientResources, bu.Seq, 0, out)
			return
		}
	}
	if reason == "" {
		reason = a.makeKeys(e, m.hoa)
	}
	if reason != "" {
		a.fail(now, e, diameter.ErrorBadHOR, reason, out)
		return
	}
	if g != nil {
		g.sa = e.keys.sa
		a.enter(g)
	}
	a.onBU(now, m, &p, bu, q, out)
}

// readHOR reads the packet of a HOR, and the home address if there is one yet: everything that a HOR alone can tell.
//
// spec DM-14
func (a *Agent) readHOR(h *mip6aaa.HOR) (p ip6.Packet, home netip.Addr, reason string) {
	if h.Binding == nil {
		return p, home, "hor-no-update"
	}
	p, err := ip6.ParseUnassigned(h.Binding)
	if home = p.HomeAddress; home.IsUnspecified() {
		home = netip.Addr{}
	}
	contradicts := h.Home.IsValid() && home.IsValid() && h.Home != home
	if h.Home.IsValid() {
		home = h.Home
	}
	switch {
	case err != nil || p.Fragment != nil || p.Routing2.IsValid():
		reason = "hor-malformed"
	case p.Dst != a.cfg.Address || h.Agent.IsValid() && h.Agent != a.cfg.Address:
		reason = "hor-not-for-us"
	case p.Src != h.CareOf:
		reason = "hor-forged" // the access router saw another address
	case !ip6.Routable(h.CareOf):
		reason = "hor-care-of-address"
	case contradicts || home.IsValid() && !a.assignable(home):
		reason = "hor-home-address"
	case !home.IsValid() && h.User == "":
		reason = "hor-nobody"
	}
	return p, home, reason
}

// called is the name of a user, in one spelling; keys are bound to the mobile node's own.
func called(nai string) string {
	if name, err := profile.Canonical(nai); err == nil {
		return name
	}
	return nai
}

// whose is the mobile node that a HOR is about; nil: a new one.
func (a *Agent) whose(h *mip6aaa.HOR, home netip.Addr) (*mobile, diameter.ResultCode, string) {
	name := called(h.User)
	if !home.IsValid() {
		if g := a.guests.named[name]; g != nil {
			return &g.mobile, 0, ""
		}
		return nil, 0, ""
	}
	m := a.mobiles[home]
	switch {
	case m != nil && m.visitor && m.nai != name:
		return nil, diameter.ErrorNoHomeAgent, "hor-address-taken"
	case m != nil && !m.visitor && m.nai != "" && name != "" && called(m.nai) != name:
		return nil, diameter.ErrorBadHOR, "hor-home-address"
	}
	return m, 0, ""
}

// readUpdate reads the Binding Update. A mobile node of the configuration protects its own, as ever, and a guest may, once it has keys;
// for another AAA vouches.
//
// spec DM-14 DM-21
func (a *Agent) readUpdate(now engine.Now, m *mobile, p *ip6.Packet, q *request) (*mh.BindingUpdate, string) {
	e := q.errand
	var msg mh.Message
	if p.Proto == ip6.ProtoESP || m != nil && !m.visitor {
		if m == nil || a.served(m.hoa) != m || p.EffectiveSrc() != m.hoa {
			return nil, "hor-unknown-mobile"
		}
		q.by = a.association(now, m, p)
		got, reason := q.by.Receive(now, p)
		if reason != "" {
			return nil, reason
		}
		msg, q.stamp, e.own = got.MH, q.by.Stamp(), true
	} else if p.Proto == ip6.ProtoMH {
		msg, _ = mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	}
	bu, ok := msg.(*mh.BindingUpdate)
	switch {
	case !ok || !bu.Home:
		return nil, "hor-no-update"
	case bu.Options.AltCareOf.IsValid() && bu.Options.AltCareOf != e.hor.CareOf:
		return nil, "hor-forged"
	case !e.own && bu.Lifetime == 0:
		return nil, "hor-removal" // a node that leaves says so itself
	}
	return bu, ""
}

// times is how long a guest will be authorised and have keys if its HOR is accepted.
func (e *errand) times(now engine.Now, g *guest) (authorized, keyed engine.Mono) {
	life, keyed := e.hor.Lifetime, g.keyed
	if e.keys != nil {
		keyed = now.Mono.Add(e.keys.lifetime)
	}
	return now.Mono.Add(authorization(life, e.keys)), keyed
}

// authorization is how long a HOR authorises.
func authorization(life time.Duration, keys *freshKeys) time.Duration {
	switch {
	case life == 0 && keys != nil:
		life = keys.lifetime
	case life == 0:
		life = DefaultAuthorization
	}
	return min(life, MaxAuthorization)
}

// engage is what an accepted update brings a guest besides its binding, before anybody hears of it: with a HOR its stay, its keys and
// their records. It gives how long a binding may last.
//
// spec DM-14
func (a *Agent) engage(now engine.Now, m *mobile, q request, granted time.Duration, out *engine.Effects) time.Duration {
	g := a.guestOf(m)
	if g == nil {
		return granted
	}
	if q.errand != nil {
		a.settle(now, g, q.errand, out)
	}
	return min(granted, g.until().Sub(now.Mono))
}

func (a *Agent) settle(now engine.Now, g *guest, e *errand, out *engine.Effects) {
	if other := a.guests.named[g.nai]; g.nai != "" && other != g {
		if other != nil { // AAA gives the node another home address
			a.depart(now, other, out)
		}
		a.guests.named[g.nai] = g
	}
	what := "guest.renewed"
	if !g.settled {
		what = "guest.added"
	}
	g.authorized, g.keyed = e.times(now, g)
	if k := e.keys; k != nil {
		if g.settled {
			a.retire(g, out)
			g.old, g.retire = g.sa, now.Mono.Add(KeyOverlap)
		}
		g.sa = k.sa
		out.Persist(guestKeyBucket, g.name(), keyRecord(now, g.keyed, k, g.old))
	}
	g.settled = true
	out.Persist(guestBucket, g.name(), g.record(now))
	out.Event(what, engine.A("hoa", g.hoa), engine.S("nai", g.nai), engine.S("lifetime", g.until().Sub(now.Mono).String()))
	a.arm(&g.mobile)
}

// finish answers a HOR with the acknowledgement of its update. One that was refused is no success for a server that made the update; a
// mobile node that made its own reads the status itself (RFC 6733 §7.1.2: more is to be done).
//
// spec DM-14 DM-18
func (a *Agent) finish(now engine.Now, m *mobile, e *errand, status mh.Status, ack []byte, out *engine.Effects) {
	e.answer.Binding = ack
	g := a.guestOf(m)
	switch {
	case status.Accepted():
		e.answer.Code, e.answer.Home = diameter.Success, m.hoa
		if e.keys != nil {
			e.answer.Peer = []mip6aaa.PeerKey{e.keys.told}
		}
		a.respond(now, e, out)
		return
	case e.own:
		e.answer.Code = diameter.LimitedSuccess
	default:
		e.answer.Code = diameter.ErrorNoHomeAgent
	}
	e.answer.Message = "the home agent refuses the binding: " + status.String()
	a.dropKeys(e)
	if g != nil && !g.settled && m.pending == nil {
		a.leave(g)
	}
	a.respond(now, e, out)
}

// fail answers a HOR that nothing comes of.
//
// spec DM-14
func (a *Agent) fail(now engine.Now, e *errand, code diameter.ResultCode, reason string, out *engine.Effects) {
	out.Drop(reason, engine.S("nai", e.hor.User), engine.S("session", e.hor.Session), engine.S("result", code.String()))
	e.answer.Code, e.answer.Message = code, reason
	a.dropKeys(e)
	a.respond(now, e, out)
}

// supersede drops what a mobile node waits for, because something newer came.
func (a *Agent) supersede(now engine.Now, m *mobile, out *engine.Effects) {
	q := m.pending
	if m.pending = nil; q != nil && q.errand != nil {
		a.fail(now, q.errand, diameter.ErrorNoHomeAgent, "hor-superseded", out)
	}
}
