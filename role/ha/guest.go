package ha

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/machine/dad"
	"roam6/machine/peers"
	"roam6/machine/sa"
	"roam6/wire/diameter"
	"roam6/wire/esp"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Mobile nodes that come from AAA: draft-le-aaa-diameter-mobileipv6-04 §7.7, §9.6. The configuration does not name them; a HOR brings
// one with its NAI, its keys and its first Binding Update, and gives or asks for its home address. It stays, bound or not, as long as its
// authorisation and its keys last, and its home address is nobody else's meanwhile. In all else it is a mobile node as any.

// Limits of guests.
const (
	MaxGuests            = 1 << 20            // at once
	DefaultAuthorization = time.Hour          // of a HOR that says neither how long it authorises nor how long its keys last
	MaxAuthorization     = 7 * 24 * time.Hour // whatever a HOR says, so that a mistake does not hold an address for ever
	KeyOverlap           = 10 * time.Second   // that packets under replaced keys are still taken: what was under way when they were
	MaxWaiting           = 4096               // HORs that wait for duplicate detection
	AssignTries          = 4                  // home addresses assigned to one HOR until one is nobody's on the home link
)

// Diameter is what a home agent needs to take mobile nodes from AAA.
type Diameter struct {
	Node      peers.Config // its host, realm and peers, which are the AAA servers
	Servers   []string     // hosts of peers whose HORs are taken; empty: all that Node lists
	MaxGuests int          // 0 means MaxGuests
}

// guest is a mobile node that came from AAA.
type guest struct {
	mobile
	authorized engine.Mono // until when AAA wants it served
	keyed      engine.Mono // until when its keys may be used
	settled    bool        // a HOR of it was accepted: before, it is but an address that is probed
	old        *sa.SA      // before the present keys; nil: none, or their time is over
	retire     engine.Mono // when old is given up
}

// guests finds them.
type guests struct {
	fixed   int               // mobile nodes of the configuration: their numbers come first
	list    []*guest          // by number less fixed; nil: free
	free    []uint32          // numbers to use again
	count   int               // in list
	named   map[string]*guest // by NAI
	spis    map[uint32]bool   // in use by any association of the agent, if new ones are needed
	waiting int               // errands that wait for duplicate detection
}

// expectGuests prepares for them, once the mobile nodes of the configuration are known.
func (a *Agent) expectGuests() error {
	a.guests = guests{fixed: len(a.order), named: map[string]*guest{}, spis: map[uint32]bool{}}
	d := a.cfg.Diameter
	if d == nil {
		return nil
	}
	for _, s := range a.protections() {
		a.guests.spis[s.InSPI()] = true
	}
	cfg := d.Node
	cfg.Apps = []peers.App{{ID: diameter.AppMobileIPv6AAA}}
	cfg.Routes = append([]peers.Route{{Realm: cfg.Realm, App: diameter.AppMobileIPv6AAA, Action: peers.Local}}, cfg.Routes...)
	node, err := peers.New(cfg, a.rand)
	if err != nil {
		return fmt.Errorf("ha: diameter: %w", err)
	}
	a.aaa = node
	return nil
}

func (a *Agent) maxGuests() int {
	if d := a.cfg.Diameter; d != nil && d.MaxGuests > 0 {
		return min(d.MaxGuests, MaxGuests)
	}
	return MaxGuests
}

// guestOf is the rest of a mobile node that came from AAA.
func (a *Agent) guestOf(m *mobile) *guest {
	if i := int(m.number) - a.guests.fixed; m.visitor && i >= 0 && i < len(a.guests.list) {
		if g := a.guests.list[i]; g != nil && &g.mobile == m {
			return g
		}
	}
	return nil
}

// served is the mobile node with a home address; nil too for one that AAA has only proposed.
func (a *Agent) served(hoa netip.Addr) *mobile {
	m := a.mobiles[hoa]
	if m != nil && m.visitor && !a.guestOf(m).settled {
		return nil
	}
	return m
}

// until is when the agent serves it no longer.
func (g *guest) until() engine.Mono { return min(g.authorized, g.keyed) }

// due is the first of what it waits for, its binding aside.
func (g *guest) due() (engine.Mono, dueKind) {
	switch {
	case !g.settled:
		return engine.Never, depart
	case g.old != nil && g.retire < g.until():
		return g.retire, retire
	}
	return g.until(), depart
}

// enter gives a guest a number and its address.
func (a *Agent) enter(g *guest) {
	t := &a.guests
	if n := len(t.free); n > 0 {
		g.number = t.free[n-1]
		t.free = t.free[:n-1]
		a.order[g.number], t.list[int(g.number)-t.fixed] = &g.mobile, g
	} else {
		g.number = uint32(len(a.order))
		a.order, t.list = append(a.order, &g.mobile), append(t.list, g)
	}
	t.count++
	a.mobiles[g.hoa] = &g.mobile
	if g.nai != "" && t.named[g.nai] == nil {
		t.named[g.nai] = g
	}
}

// leave takes back what enter gave. A guest that was never entered, or has left, is left alone.
func (a *Agent) leave(g *guest) {
	t := &a.guests
	if a.guestOf(&g.mobile) != g {
		return
	}
	a.agenda.Stop(g.number)
	a.order[g.number], t.list[int(g.number)-t.fixed] = nil, nil
	t.free = append(t.free, g.number)
	t.count--
	delete(a.mobiles, g.hoa)
	if t.named[g.nai] == g {
		delete(t.named, g.nai)
	}
}

// depart ends the stay of a guest, with its binding, keys and records.
func (a *Agent) depart(now engine.Now, g *guest, out *engine.Effects) {
	m := &g.mobile
	probed := m.pending != nil
	a.supersede(now, m, out)
	a.dad.Stop(dad.Key{Port: a.cfg.Port, Addr: m.hoa})
	if m.binding != nil {
		out.Event("binding.expired", engine.A("hoa", m.hoa), engine.A("coa", m.binding.CoA()))
	}
	if m.binding != nil || probed {
		a.forget(m, out)
	}
	if g.settled {
		a.unseal(g, out)
		out.Event("guest.departed", engine.A("hoa", m.hoa), engine.S("nai", m.nai))
	}
	a.leave(g)
}

// unseal forgets the keys of a guest, and its records.
func (a *Agent) unseal(g *guest, out *engine.Effects) {
	a.retire(g, out)
	a.giveUp(g.sa, out)
	out.Persist(guestBucket, g.name(), nil)
	out.Persist(guestKeyBucket, g.name(), nil)
}

// retire forgets the keys before the present ones.
func (a *Agent) retire(g *guest, out *engine.Effects) {
	if g.old != nil {
		a.giveUp(g.old, out)
		g.old = nil
	}
}

// giveUp forgets an association.
func (a *Agent) giveUp(s *sa.SA, out *engine.Effects) {
	s.Forget(out)
	delete(a.guests.spis, s.InSPI())
}

// association is the one a packet names: of a guest that has new keys perhaps the one before.
func (a *Agent) association(now engine.Now, m *mobile, p *ip6.Packet) *sa.SA {
	if g := a.guestOf(m); g != nil && g.old != nil && now.Mono < g.retire && p.Proto == ip6.ProtoESP {
		if spi, _, err := esp.Peek(p.Payload); err == nil && spi == g.old.InSPI() {
			return g.old
		}
	}
	return m.sa
}

// admitGuest refuses a binding whose node will not be served long enough.
func (a *Agent) admitGuest(now engine.Now, m *mobile, q request) mh.Status {
	g := a.guestOf(m)
	if g == nil || q.removes(m) {
		return mh.Accepted
	}
	until := g.until()
	if q.errand != nil {
		authorized, keyed := q.errand.times(now, g)
		until = min(authorized, keyed)
	}
	if until.Sub(now.Mono) < mh.Unit {
		return mh.AdministrativelyProhibited
	}
	return mh.Accepted
}

// assignable says whether a home address can be a guest's: in the prefix, not the agent's own, and none that means something else.
//
// spec DM-14
func (a *Agent) assignable(hoa netip.Addr) bool {
	return a.cfg.Prefix.Contains(hoa) && hoa != a.cfg.Address && ip6.Routable(hoa) && !ip6.ReservedID(hoa)
}

// drawHome chooses a home address that is nobody's as far as the agent knows. The identifier is drawn, so that it tells nothing of
// the node and cannot be guessed.
//
// spec DM-17
func (a *Agent) drawHome() netip.Addr {
	for {
		b := a.cfg.Prefix.Masked().Addr().As16()
		binary.BigEndian.PutUint64(b[8:], a.rand.Uint64())
		if hoa := netip.AddrFrom16(b); a.assignable(hoa) && a.mobiles[hoa] == nil {
			return hoa
		}
	}
}

// reassign tries another home address for a HOR that left the choice to the agent, when the one drawn turned out to be somebody's.
//
// spec DM-17
func (a *Agent) reassign(now engine.Now, m *mobile, q request, out *engine.Effects) bool {
	g, e := a.guestOf(m), q.errand
	if g == nil || g.settled || e == nil || !e.assigned || e.tries >= AssignTries {
		return false
	}
	hoa := a.drawHome()
	if !e.keys.protect(hoa) {
		return false
	}
	e.tries++
	a.leave(g)
	g.hoa, g.sa = hoa, e.keys.sa
	a.enter(g)
	a.probe(now, m, q, out)
	return true
}
