package mn

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/machine/attach"
	"roam6/machine/dad"
	"roam6/machine/neighbor"
	"roam6/plane"
	"roam6/wire/ip6"
)

const (
	// MaxAddressAttempts is how many addresses are tried in a row on a link: IDGEN_RETRIES, RFC 7217 §5.
	MaxAddressAttempts = 3
	// AddressPause follows that many duplicates. RFC 4862 §5.4.5 would leave the link to its operator; a mobile node has
	// none at hand, and whoever claims every address on a link must not keep the node off it for ever.
	AddressPause = 10 * time.Second
)

// access is one link of the node: the router on it and the address formed there.
type access struct {
	link       attach.Link
	preference int
	mtu        int
	linkLocal  netip.Addr // invalid while none is left to try
	localOK    bool       // duplicate detection found it unique
	coa        netip.Addr // invalid while there is none; the home address at home
	atHome     bool
	ready      bool // the address may be used: unique, or optimistic
	checked    bool // duplicate detection found it unique, or must not be run
	vouched    bool // the router took it for this node alone before the node came (RFC 5568): good to speak from at once
	attempts   int  // addresses in a row found duplicate
	admission
}

func (n *Node) newAccess(c LinkConfig) *access {
	return &access{link: *attach.New(attach.Config{Port: c.Port, Home: n.id.prefix}, n.rand), preference: c.Preference}
}

// usable reports whether packets can be sent from the access's address now.
func (a *access) usable() bool { return a.ready && a.link.Usable() }

// Accesses lists the links for the strategy; see handover.Core.
func (n *Node) Accesses() []handover.Access {
	list := make([]handover.Access, 0, len(n.access))
	for _, a := range n.access {
		list = append(list, handover.Access{
			Port: a.link.Port, Preference: a.preference, Up: a.link.IsUp(),
			Found: a.link.Usable(), AtHome: a.atHome, CoA: a.coa, Ready: a.usable(),
		})
	}
	return list
}

// spec MIP-07
func (n *Node) linkUp(now engine.Now, in engine.LinkUp, out *engine.Effects) {
	a := n.accessOf(in.Port)
	if a == nil || n.arrived(now, a, in, out) {
		return
	}
	if a.link.IsUp() {
		n.pause(a, out) // the point of attachment changed under the link
	}
	n.pauses.Stop(in.Port)
	a.mtu, a.attempts = in.MTU, 0
	n.dropLinkLocal(a, out)
	n.tryLinkLocal(now, a, ip6.LinkLocal(in.HW), in.HW, out)
	a.link.Up(now, in, out)
	n.strategy.LinkUp(now, in.Port, out)
}

func (n *Node) linkDown(now engine.Now, in engine.LinkDown, out *engine.Effects) {
	a := n.accessOf(in.Port)
	if a == nil || !a.link.IsUp() {
		return
	}
	a.link.Down()
	n.pauses.Stop(in.Port)
	n.pause(a, out)
	n.strategy.LinkDown(now, in.Port, out)
}

// pause ends what runs on a link. An address that was not found unique yet is given up: it must be checked again.
func (n *Node) pause(a *access, out *engine.Effects) {
	n.dad.StopPort(a.link.Port)
	n.speaker.DisownPort(a.link.Port)
	a.localOK, a.lent = false, 0
	a.link.Source(netip.Addr{})
	if !a.checked {
		n.dropAddress(a, out)
	}
}

// tryLinkLocal takes a link-local address and has it checked. Even an optimistic one is no source of solicitations
// before that (RFC 4429 §3.2).
func (n *Node) tryLinkLocal(now engine.Now, a *access, addr netip.Addr, hw plane.HW, out *engine.Effects) {
	a.linkLocal = addr
	optimistic := n.cfg.DAD == OptimisticDAD
	n.setLocal(addr, plane.Local{Port: a.link.Port, Tentative: !optimistic}, out)
	if optimistic {
		n.speaker.Own(neighbor.Key{Port: a.link.Port, Addr: addr}, neighbor.Stance{HW: hw, Soft: true, Shy: true})
	}
	n.dad.Start(now, dad.Key{Port: a.link.Port, Addr: addr}, hw, false, out)
}

func (n *Node) dropLinkLocal(a *access, out *engine.Effects) {
	if a.linkLocal.IsValid() {
		n.dad.Stop(dad.Key{Port: a.link.Port, Addr: a.linkLocal})
		n.speaker.Disown(neighbor.Key{Port: a.link.Port, Addr: a.linkLocal})
		n.removeLocal(a.linkLocal, out)
	}
	a.linkLocal, a.localOK = netip.Addr{}, false
}

// facts turns what a link found out into addresses and tells the strategy.
func (n *Node) facts(now engine.Now, a *access, facts []attach.Fact, out *engine.Effects) {
	for _, f := range facts {
		switch f.Kind {
		case attach.Found:
			a.arrivedAt(now, f.Router, out)
			n.found(now, a, f.Router, out)
		case attach.Confirmed:
			n.confirmed(now, a, f.Router, out)
		case attach.Lost:
			a.left(f.Why, out)
			n.dropAddress(a, out)
			out.Event("router.lost", engine.A("router", f.Router.Addr), engine.S("reason", f.Why))
			// When the router was lost to another one, Found follows at once and says more.
			if f.Why != attach.Moved && f.Why != attach.Renumbered {
				n.strategy.AccessLost(now, a.link.Port, f.Why, out)
			}
		}
	}
}

// found settles at a new router: its gateway, and an address of its prefix.
func (n *Node) found(now engine.Now, a *access, r attach.Router, out *engine.Effects) {
	n.gateway(a, r, out)
	n.pauses.Stop(a.link.Port)
	a.attempts = 0
	if a.coa.IsValid() {
		n.dropAddress(a, out)
	}
	a.atHome = n.id.isHome(r.Prefix)
	if a.atHome {
		n.arriveHome(now, a, r, out)
		return
	}
	n.strategy.RouterFound(now, a.link.Port, out)
	n.tryAddress(now, a, ip6.FromEUI64(r.Prefix, a.link.HW()), r.Multicast(), out)
}

func (n *Node) gateway(a *access, r attach.Router, out *engine.Effects) {
	out.Plane(plane.Op{Link: &plane.LinkOp{Port: a.link.Port, Link: r.NextHop(a.mtu)}})
}

// confirmed takes up the address again that was there before the link went away; duplicate detection is not repeated
// for it on a link that is known again (RFC 6059 §5.8).
func (n *Node) confirmed(now engine.Now, a *access, r attach.Router, out *engine.Effects) {
	if !a.coa.IsValid() || !a.ready {
		n.found(now, a, r, out)
		return
	}
	n.gateway(a, r, out)
	if !a.atHome { // the home address is taken up by Register: who may answer for it depends on the binding
		n.speaker.Own(neighbor.Key{Port: a.link.Port, Addr: a.coa}, neighbor.Stance{HW: a.link.HW()})
		n.speakFrom(a)
	}
	n.strategy.RouterConfirmed(now, a.link.Port, out)
}

// tryAddress takes an address and has it checked. A home address was set by hand, for which RFC 4429 §3.1 advises
// against optimism.
func (n *Node) tryAddress(now engine.Now, a *access, coa netip.Addr, delayed bool, out *engine.Effects) {
	a.coa, a.ready, a.checked, a.vouched = coa, false, false, false
	optimistic := n.cfg.DAD == OptimisticDAD && !a.atHome
	n.setLocal(coa, plane.Local{Port: a.link.Port, Tentative: !optimistic}, out)
	// An optimistic address is in use already, so waiting before its probe would only prolong the doubt (RFC 4429 §3.3).
	n.dad.Start(now, dad.Key{Port: a.link.Port, Addr: coa}, a.link.HW(), delayed && !optimistic, out)
	if optimistic {
		n.speaker.Own(neighbor.Key{Port: a.link.Port, Addr: coa}, neighbor.Stance{HW: a.link.HW(), Soft: true, Shy: true})
		a.ready = true
		n.strategy.AddressReady(now, a.link.Port, out)
	}
}

// detected takes a verdict of duplicate detection.
//
// spec MIP-07 FH-22
func (n *Node) detected(now engine.Now, v dad.Verdict, out *engine.Effects) {
	a := n.accessOf(v.Key.Port)
	if a == nil || v.Key.Addr != a.coa && v.Key.Addr != a.linkLocal {
		return
	}
	if v.Duplicate {
		out.Event("address.duplicate", engine.A("address", v.Key.Addr))
		n.removeLocal(v.Key.Addr, out)
		n.speaker.Disown(neighbor.Key{Port: a.link.Port, Addr: v.Key.Addr})
		n.duplicate(now, a, v.Key.Addr, out)
		return
	}
	out.Event("address.unique", engine.A("address", v.Key.Addr))
	a.attempts = 0
	if v.Key.Addr == a.linkLocal {
		a.localOK = true
		n.own(a, v.Key.Addr, out)
		n.speakFrom(a)
		return
	}
	a.checked = true
	if !a.atHome { // the home address is taken up by Register
		n.own(a, v.Key.Addr, out)
		n.speakFrom(a)
	}
	if !a.ready {
		a.ready = true
		n.strategy.AddressReady(now, a.link.Port, out)
	}
}

// own answers for an address without reserve from now on.
func (n *Node) own(a *access, addr netip.Addr, out *engine.Effects) {
	n.setLocal(addr, plane.Local{Port: a.link.Port}, out)
	n.speaker.Own(neighbor.Key{Port: a.link.Port, Addr: addr}, neighbor.Stance{HW: a.link.HW()})
}

// speakFrom gives the link the address it may solicit from: the link-local one, or the care-of address while that one is in
// doubt. Never the home address (RFC 6275 §11.5.3).
func (n *Node) speakFrom(a *access) {
	switch {
	case a.localOK:
		a.link.Source(a.linkLocal)
	case a.checked && !a.atHome:
		a.link.Source(a.coa)
	default:
		a.link.Source(netip.Addr{})
	}
}

// duplicate tries another address: a random identifier, since the one of the interface is taken.
func (n *Node) duplicate(now engine.Now, a *access, addr netip.Addr, out *engine.Effects) {
	port := a.link.Port
	a.attempts++
	if addr == a.linkLocal {
		a.linkLocal, a.localOK = netip.Addr{}, false
		n.speakFrom(a)
		if a.attempts <= MaxAddressAttempts {
			n.tryLinkLocal(now, a, n.randomAddress(addr), a.link.HW(), out)
			return
		}
		n.pauses.Set(port, now.Mono.Add(AddressPause))
		return
	}
	if a.atHome {
		n.homeAddressTaken(now, a, out)
		return
	}
	wasReady := a.ready
	a.coa, a.ready, a.checked, a.vouched = netip.Addr{}, false, false, false
	exhausted := a.attempts > MaxAddressAttempts
	switch {
	case exhausted:
		n.pauses.Set(port, now.Mono.Add(AddressPause))
		n.strategy.AccessLost(now, port, "every address is taken", out)
		return
	case wasReady: // the optimistic node used it already
		n.strategy.AccessLost(now, port, "address taken", out)
	}
	n.tryAddress(now, a, n.randomAddress(addr), false, out)
}

// pauseTick tries again what was found taken too often.
func (n *Node) pauseTick(now engine.Now, out *engine.Effects) {
	for port, ok := n.pauses.Pop(now.Mono); ok; port, ok = n.pauses.Pop(now.Mono) {
		a := n.accessOf(port)
		a.attempts = 0
		if !a.linkLocal.IsValid() {
			n.tryLinkLocal(now, a, n.randomAddress(linkLocalPrefix), a.link.HW(), out)
		}
		r, ok := a.link.Current()
		if ok && a.link.Usable() && !a.coa.IsValid() {
			n.found(now, a, r, out)
		}
	}
}

var linkLocalPrefix = netip.MustParseAddr("fe80::")

func (n *Node) dropAddress(a *access, out *engine.Effects) {
	if a.coa.IsValid() {
		n.dad.Stop(dad.Key{Port: a.link.Port, Addr: a.coa})
		n.speaker.Disown(neighbor.Key{Port: a.link.Port, Addr: a.coa})
		n.removeLocal(a.coa, out)
	}
	a.coa, a.ready, a.checked, a.vouched, a.atHome = netip.Addr{}, false, false, false, false
	n.speakFrom(a)
}

// randomAddress draws an interface identifier behind the prefix of an address; the universal bit stays clear (RFC 4291 §2.5.1).
func (n *Node) randomAddress(like netip.Addr) netip.Addr {
	b := like.As16()
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
