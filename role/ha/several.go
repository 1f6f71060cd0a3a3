package ha

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Several care-of addresses of one mobile node: RFC 5648. They are one binding in the cache, with the home address as its key:
// the binding identification number (BID) tells its care-of addresses from each other. The lowest BID that stands is the
// primary one, which packets take; by the others they are accepted, and flows or copies take them.

// MaxCareOf is how many care-of addresses one mobile node may have bound at once.
const MaxCareOf = 8

// careOf is one of several care-of addresses.
type careOf struct {
	BID     uint16
	CoA     netip.Addr
	Granted time.Duration
	expires engine.Mono
}

// Multihoming says what a mobile node's several care-of addresses are used for.
type Multihoming string

// The ways to use them.
const (
	SingleHomed Multihoming = "off"      // they are refused, status 166
	Registered  Multihoming = "register" // all are accepted from; the primary one is sent to, or what a flow says
	Bicast      Multihoming = "bicast"   // packets go to all of them, and copies of a packet are dropped
)

// several is what an update asks for that names its care-of addresses.
type several struct {
	list    []careOf       // all that shall stand; those of this update have no times yet
	options []mh.BindingID // the update's, for the answer
	drop    bool           // it ends care-of addresses
}

// severalOf reads the identifiers of an update: RFC 5648 §6.2. Without any the request is as ever. A status of 128 and above refuses
// the update as a whole; one option that is refused among others has its own status in the answer.
//
// spec MIP-08
func (a *Agent) severalOf(m *mobile, q *request, bu *mh.BindingUpdate) mh.Status {
	options := slices.Clone(bu.Options.Bindings)
	malformed := slices.ContainsFunc(bu.Options.Unknown, func(o mh.RawOption) bool { return o.Type == mh.OptBindingID })
	if len(options) == 0 && !malformed {
		return mh.Accepted
	}
	q.several = &several{options: options}
	for i := range options {
		o := &options[i]
		o.Status = mh.Accepted
		again := slices.ContainsFunc(options[:i], func(p mh.BindingID) bool { return p.ID == o.ID })
		malformed = malformed || again || o.ID == 0 || o.CareOf.IsValid() && !ip6.Routable(o.CareOf)
	}
	home := slices.ContainsFunc(options, func(o mh.BindingID) bool { return o.Simultaneous })
	switch {
	case malformed:
		return mh.MCOAMalformed
	case m.multi != Registered && m.multi != Bicast:
		return mh.MCOAProhibited
	case home: // §5.6: at home and away at once
		return mh.MCOAHomeAndForeign
	case q.lifetime == 0:
		return a.endSome(m, q.several)
	case m.binding != nil && len(m.binding.Several) == 0 && !bu.Overwrite:
		return mh.MCOANonMCOAExists
	}
	return a.addSome(m, q, bu.Overwrite)
}

// endSome works out what is left when a node ends some of its care-of addresses.
func (a *Agent) endSome(m *mobile, s *several) mh.Status {
	s.drop = true
	if m.binding == nil {
		return mh.NotHomeAgent
	}
	s.list = slices.Clone(m.binding.Several)
	for _, o := range s.options {
		i := slices.IndexFunc(s.list, func(c careOf) bool { return c.BID == o.ID })
		if i < 0 {
			return mh.NotHomeAgent
		}
		s.list = slices.Delete(s.list, i, i+1)
	}
	return mh.Accepted
}

// addSome works out what stands when a node adds or changes care-of addresses, or replaces all.
func (a *Agent) addSome(m *mobile, q *request, overwrite bool) mh.Status {
	s, bad := q.several, mh.Accepted
	var before []careOf
	if m.binding != nil {
		before = m.binding.Several
	}
	if !overwrite {
		s.list = slices.Clone(before)
	}
	for k := range s.options {
		o := &s.options[k]
		c := careOf{BID: o.ID, CoA: o.CareOf}
		if !c.CoA.IsValid() {
			if i := slices.IndexFunc(before, func(c careOf) bool { return c.BID == o.ID }); i >= 0 {
				c.CoA = before[i].CoA
			}
		}
		at := slices.IndexFunc(s.list, func(c careOf) bool { return c.BID == o.ID })
		switch {
		case !c.CoA.IsValid():
			o.Status = mh.MCOAUnknownCoA
		case a.cfg.Prefix.Contains(c.CoA), slices.ContainsFunc(m.networks, func(n netip.Prefix) bool { return n.Contains(c.CoA) }):
			o.Status = mh.InvalidCoA
		case at < 0 && len(s.list) >= MaxCareOf, o.ID >= previousWay: // the numbers from there on are the plane's
			o.Status = mh.InsufficientResources
		case at >= 0:
			s.list[at] = c
		default:
			s.list = append(s.list, c)
		}
		if !o.Status.Accepted() && bad.Accepted() {
			bad = o.Status
		}
	}
	if !slices.ContainsFunc(s.options, func(o mh.BindingID) bool { return o.Status.Accepted() }) {
		for k := range s.options { // the status of the whole tells
			s.options[k].Status = mh.Accepted
		}
		return bad
	}
	slices.SortFunc(s.list, func(x, y careOf) int { return cmp.Compare(x.BID, y.BID) })
	q.coa = s.list[0].CoA
	return mh.Accepted
}

// settle gives a binding its several care-of addresses: those of the request live as long as it, the others as long as they did.
func (s *several) settle(b *binding) {
	if s == nil {
		return
	}
	b.own().Several = slices.Clone(s.list)
	for i := range b.Several {
		if c := &b.Several[i]; c.expires == 0 {
			c.Granted, c.expires = b.Granted(), b.expires
		}
	}
	b.lead()
}

// lead makes the binding that of its primary care-of address, and lets it last as long as any of them.
func (b *binding) lead() {
	b.coa = b.Several[0].CoA.As16()
	last := slices.MaxFunc(b.Several, func(x, y careOf) int { return cmp.Compare(x.expires, y.expires) })
	b.granted, b.expires = units(last.Granted), last.expires
}

// status is that of the answer to an accepted request: RFC 5648 §4.4.
func (s *several) status() mh.Status {
	if s != nil && slices.ContainsFunc(s.options, func(o mh.BindingID) bool { return !o.Status.Accepted() }) {
		return mh.MCOANotComplete
	}
	return mh.Accepted
}

// answers are the options of the answer, without the addresses: the node knows them by their numbers.
func (s *several) answers(status mh.Status) []mh.BindingID {
	list := slices.Clone(s.options)
	for i := range list {
		list[i].CareOf, list[i].Simultaneous = netip.Addr{}, false
		if status != mh.MCOANotComplete {
			list[i].Status = mh.Accepted
		}
	}
	return list
}

// endSomeNow ends some care-of addresses of a binding, or all of it when none is left.
//
// spec MIP-08
func (a *Agent) endSomeNow(now engine.Now, m *mobile, q request, out *engine.Effects) {
	if len(q.several.list) == 0 {
		a.deregister(now, m, q, out)
		return
	}
	a.engage(now, m, q, 0, out)
	b := *m.binding
	b.Seq, b.own().Several = q.seq, q.several.list
	b.lead()
	a.replace(now, m, &b, q, 0, out)
}

// holds says whether a care-of address is bound.
func (b *binding) holds(coa netip.Addr) bool {
	return b.CoA() == coa || slices.ContainsFunc(b.Several, func(c careOf) bool { return c.CoA == coa })
}

// others are the care-of addresses that are not the primary one.
func (b *binding) others() []careOf {
	if len(b.Several) == 0 {
		return nil
	}
	return b.Several[1:]
}

// carryOthers has the plane accept by the care-of addresses that are not the primary one, and send copies to them if so configured.
func (a *Agent) carryOthers(b *binding, inner netip.Prefix, out *engine.Effects) {
	for i, c := range b.others() {
		w := plane.Way{Local: a.cfg.Address, Remote: c.CoA}
		again := slices.ContainsFunc(b.Several[:i+1], func(o careOf) bool { return o.CoA == c.CoA }) // one address gets a packet once
		if b.m.multi == Bicast && !again {
			w.Copy, w.Until = true, time.Duration(c.expires)
		}
		out.Plane(plane.Op{Way: &plane.WayOp{Key: plane.WayKey{Inner: inner, ID: c.BID}, Way: w}})
	}
}

// uncarryOthers ends those that a binding had and the one that follows it has not; next is nil when nothing follows.
func (a *Agent) uncarryOthers(b, next *binding, inner netip.Prefix, out *engine.Effects) {
	for _, c := range b.others() {
		if next == nil || !slices.ContainsFunc(next.others(), func(n careOf) bool { return n.BID == c.BID }) {
			out.Plane(plane.Op{Delete: true, Way: &plane.WayOp{Key: plane.WayKey{Inner: inner, ID: c.BID}}})
		}
	}
}

// someExpired drops the care-of addresses whose time is over.
func (a *Agent) someExpired(now engine.Now, m *mobile, out *engine.Effects) {
	b := *m.binding
	b.own().Several = slices.DeleteFunc(slices.Clone(b.Several), func(c careOf) bool {
		if c.expires > now.Mono {
			return false
		}
		out.Event("binding.expired", engine.A("hoa", m.hoa), engine.A("coa", c.CoA))
		return true
	})
	b.lead()
	a.exchange(now, m, &b, out)
}

// revive takes the care-of addresses out that have expired since an earlier life; it reports false when none is left.
func (b *binding) revive(now engine.Now) bool {
	if len(b.Several) == 0 {
		return true
	}
	b.own().Several = slices.DeleteFunc(b.Several, func(c careOf) bool { return c.expires <= now.Mono })
	if len(b.Several) == 0 {
		return false
	}
	b.lead()
	return true
}

// refreshRequest asks a node to renew its binding, and names what it consists of (RFC 5648 §6.4).
func (a *Agent) refreshRequest(now engine.Now, m *mobile, out *engine.Effects) {
	p := ip6.Packet{Header: ip6.Header{Src: a.cfg.Address, Dst: m.binding.CoA()}, Routing2: m.hoa}
	brr := &mh.BindingRefreshRequest{}
	for _, c := range m.binding.Several {
		brr.Options.Bindings = append(brr.Options.Bindings, mh.BindingID{ID: c.BID})
	}
	out.Send(plane.Kernel, plane.HW{}, m.sa.Protect(now, p, brr, out))
}

// startFlows tells the plane which traffic takes which care-of address. One that is not bound is as if its flows were not there.
//
// spec MIP-08
func (a *Agent) startFlows(out *engine.Effects) {
	number := uint32(0)
	for i := range a.cfg.Mobiles {
		m := &a.cfg.Mobiles[i]
		for _, f := range m.Flows {
			for _, to := range append([]netip.Prefix{netip.PrefixFrom(m.HomeAddress, 128)}, m.Networks...) {
				number++
				f.Dst = to
				out.Plane(plane.Op{Flow: &plane.FlowOp{Number: number, Flow: f}})
			}
		}
	}
}

// CareOfView is one of several care-of addresses.
type CareOfView struct {
	BID     uint16      `json:"bid"`
	CareOf  string      `json:"coa"`
	Expires engine.Mono `json:"expires_mono"`
}

func (b *binding) careOfs() []CareOfView {
	var list []CareOfView
	for _, c := range b.Several {
		list = append(list, CareOfView{c.BID, c.CoA.String(), c.expires})
	}
	return list
}
