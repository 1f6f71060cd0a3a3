package mn

import (
	"net/netip"

	"roam6/engine"
	"roam6/handover"
	"roam6/machine/attach"
	"roam6/machine/dad"
	"roam6/machine/neighbor"
	"roam6/plane"
	"roam6/wire/ip6"
)

// MaxAddressAttempts is how many addresses are tried on a link before it is given up: IDGEN_RETRIES, RFC 7217 §5.
const MaxAddressAttempts = 3

// access is one link of the node: the router on it and the address formed there.
type access struct {
	link       *attach.Link
	preference int
	mtu        int
	linkLocal  netip.Addr
	coa        netip.Addr // invalid while there is none
	atHome     bool
	ready      bool
	attempts   int // addresses found duplicate since the link came up
}

func newAccess(c LinkConfig) *access {
	return &access{link: attach.New(c.Port), preference: c.Preference}
}

// Accesses lists the links for the strategy; see handover.Core.
func (n *Node) Accesses() []handover.Access {
	list := make([]handover.Access, 0, len(n.access))
	for _, a := range n.access {
		_, found := a.link.Current()
		list = append(list, handover.Access{
			Port: a.link.Port, Preference: a.preference, Up: a.link.IsUp(),
			Found: found && !a.link.Suspect(), AtHome: a.atHome, CoA: a.coa, Ready: a.ready && a.link.IsUp() && !a.link.Suspect(),
		})
	}
	return list
}

// spec MIP-07
func (n *Node) linkUp(now engine.Now, in engine.LinkUp, out *engine.Effects) {
	a := n.accessOf(in.Port)
	if a == nil {
		return
	}
	a.mtu, a.attempts = in.MTU, 0
	a.linkLocal = ip6.LinkLocal(in.HW)
	n.tryLinkLocal(now, a, in.HW, out)
	a.link.Up(now, in, out)
	n.strategy.LinkUp(now, in.Port, out)
}

// tryLinkLocal takes a link-local address and has it checked; the optimistic node speaks from it meanwhile.
func (n *Node) tryLinkLocal(now engine.Now, a *access, hw plane.HW, out *engine.Effects) {
	optimistic := n.cfg.DAD == OptimisticDAD
	n.setLocal(a.linkLocal, plane.Local{Port: a.link.Port, Tentative: !optimistic}, out)
	a.link.Source(netip.Addr{})
	if optimistic {
		a.link.Source(a.linkLocal)
		n.speaker.Own(neighbor.Key{Port: a.link.Port, Addr: a.linkLocal}, neighbor.Stance{HW: hw, Soft: true})
	}
	n.dad.Start(now, dad.Key{Port: a.link.Port, Addr: a.linkLocal}, hw, false, out)
}

func (n *Node) linkDown(now engine.Now, in engine.LinkDown, out *engine.Effects) {
	a := n.accessOf(in.Port)
	if a == nil || !a.link.IsUp() {
		return
	}
	a.link.Down()
	n.dad.StopPort(in.Port)
	n.speaker.DisownPort(in.Port)
	if !a.ready {
		n.dropAddress(a, out) // its detection was cut short; it must be checked again
	}
	n.strategy.LinkDown(now, in.Port, out)
}

// facts turns what a link found out into addresses and tells the strategy.
func (n *Node) facts(now engine.Now, a *access, facts []attach.Fact, out *engine.Effects) {
	for _, f := range facts {
		switch f.Kind {
		case attach.Found:
			n.found(now, a, f.Router, out)
		case attach.Confirmed:
			n.confirmed(now, a, f.Router, out)
		case attach.Lost:
			n.dropAddress(a, out)
			// When the router was lost to another one, Found follows at once and says more.
			if f.Why != "moved" && f.Why != "renumbered" {
				n.strategy.AccessLost(now, a.link.Port, f.Why, out)
			}
		}
	}
}

// found settles at a new router: its gateway, and an address of its prefix.
func (n *Node) found(now engine.Now, a *access, r attach.Router, out *engine.Effects) {
	mtu := a.mtu
	if r.MTU >= ip6.MinMTU && r.MTU < mtu {
		mtu = r.MTU
	}
	out.Plane(plane.Op{Link: &plane.LinkOp{Port: a.link.Port, Link: plane.Link{Gateway: r.HW, MTU: mtu}}})
	a.atHome = r.Prefix == n.cfg.HomePrefix
	n.strategy.RouterFound(now, a.link.Port, out)
	if a.atHome {
		n.arriveHome(now, a, r, out)
		return
	}
	n.tryAddress(now, a, ip6.FromEUI64(r.Prefix, a.link.HW()), r.Multicast(), out)
}

// confirmed takes up the address again that was ready before the link went away. Its neighbour entries may be gone, so it is
// owned anew; duplicate detection need not be repeated at the same router (RFC 6275 §11.5.1 with RFC 6059's reasoning).
func (n *Node) confirmed(now engine.Now, a *access, r attach.Router, out *engine.Effects) {
	if !a.coa.IsValid() {
		n.found(now, a, r, out)
		return
	}
	if !a.atHome {
		n.speaker.Own(neighbor.Key{Port: a.link.Port, Addr: a.coa}, neighbor.Stance{HW: a.link.HW()})
	}
	n.strategy.RouterConfirmed(now, a.link.Port, out)
}

// tryAddress takes a care-of address and has it checked.
func (n *Node) tryAddress(now engine.Now, a *access, coa netip.Addr, delayed bool, out *engine.Effects) {
	a.coa, a.ready = coa, false
	optimistic := n.cfg.DAD == OptimisticDAD
	n.setLocal(coa, plane.Local{Port: a.link.Port, Tentative: !optimistic}, out)
	// An optimistic address is in use already, so waiting before its probe would only prolong the doubt (RFC 4429 §3.3).
	n.dad.Start(now, dad.Key{Port: a.link.Port, Addr: coa}, a.link.HW(), delayed && !optimistic, out)
	if optimistic {
		n.speaker.Own(neighbor.Key{Port: a.link.Port, Addr: coa}, neighbor.Stance{HW: a.link.HW(), Soft: true})
		a.ready = true
		n.strategy.AddressReady(now, a.link.Port, out)
	}
}

// detected takes a verdict of duplicate detection.
//
// spec MIP-07 FH-22
func (n *Node) detected(now engine.Now, v dad.Verdict, out *engine.Effects) {
	a := n.accessOf(v.Key.Port)
	if a == nil {
		return
	}
	if v.Duplicate {
		n.duplicate(now, a, v.Key.Addr, out)
		return
	}
	if v.Key.Addr != a.coa && v.Key.Addr != a.linkLocal {
		return
	}
	n.setLocal(v.Key.Addr, plane.Local{Port: a.link.Port}, out)
	n.speaker.Own(neighbor.Key{Port: a.link.Port, Addr: v.Key.Addr}, neighbor.Stance{HW: a.link.HW()})
	out.Event("address.unique", engine.A("address", v.Key.Addr))
	if v.Key.Addr == a.linkLocal {
		a.link.Source(a.linkLocal)
		return
	}
	if !a.ready {
		a.ready = true
		n.strategy.AddressReady(now, a.link.Port, out)
	}
}

// duplicate tries another address: a random identifier, since the one of the interface is taken.
func (n *Node) duplicate(now engine.Now, a *access, addr netip.Addr, out *engine.Effects) {
	out.Event("address.duplicate", engine.A("address", addr))
	n.removeLocal(addr, out)
	n.speaker.Disown(neighbor.Key{Port: a.link.Port, Addr: addr})
	a.attempts++
	if a.attempts > MaxAddressAttempts {
		n.dropAddress(a, out)
		n.strategy.AccessLost(now, a.link.Port, "every address is taken", out)
		return
	}
	if addr == a.linkLocal {
		a.linkLocal = n.randomAddress(netip.PrefixFrom(addr, 64))
		n.tryLinkLocal(now, a, a.link.HW(), out)
		return
	}
	if addr == a.coa {
		wasReady := a.ready
		a.coa, a.ready = netip.Addr{}, false
		if wasReady { // the optimistic node used it already
			n.strategy.AccessLost(now, a.link.Port, "address taken", out)
		}
		n.tryAddress(now, a, n.randomAddress(netip.PrefixFrom(addr, 64)), false, out)
	}
}

func (n *Node) dropAddress(a *access, out *engine.Effects) {
	if a.coa.IsValid() {
		n.dad.Stop(dad.Key{Port: a.link.Port, Addr: a.coa})
		n.speaker.Disown(neighbor.Key{Port: a.link.Port, Addr: a.coa})
		n.removeLocal(a.coa, out)
	}
	a.coa, a.ready, a.atHome = netip.Addr{}, false, false
}

// randomAddress draws an interface identifier; the universal bit stays clear (RFC 4291 §2.5.1).
func (n *Node) randomAddress(prefix netip.Prefix) netip.Addr {
	b := prefix.Addr().As16()
	n.rand.Read(b[8:])
	b[8] &^= 2
	return netip.AddrFrom16(b)
}

func (n *Node) setLocal(addr netip.Addr, l plane.Local, out *engine.Effects) {
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: addr, Local: l}})
}

func (n *Node) removeLocal(addr netip.Addr, out *engine.Effects) {
	out.Plane(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: addr}})
}
