package mn

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/machine/attach"
	"roam6/machine/eap"
	"roam6/machine/enrol"
	"roam6/machine/sa"
	wireaccess "roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// Being let into networks that ask who comes, and having home agent, home address and keys of the home network:
// draft-le-aaa-diameter-mobileipv6-04. The node asks where a router's advertisement says so: at every AAA client that is new to it, for
// every care-of address, before the session ends, and when it lacks something (§7.3.1, §9.2.1). A Binding Update that is due then
// travels with the request (§4.4) and its acknowledgement with the reply, so that being let in costs no round trip of its own. At
// home nothing is asked.

// AAA is what the node shares with its home AAA server, and what it wants of it. Config.NAI names the node there; without one its home
// address does.
type AAA struct {
	LongTerm []byte // aaa.KeyLen octets; with EAP 16 to 64
	EAP      *EAP   // nil: challenges are answered
	// Methods are the ways to keys with the home agent; 0 is wireaccess.Random. Keys are asked for when Config.Security is none.
	Methods wireaccess.Methods
	Domain  Domain // where home agent and home address shall be, when the node has neither
	// RouterKey asks for a key with each access router too (§10), at every router anew. Both ends have it then and nothing is protected by
	// it: handovers are proved by Config.HandoverKeys. The View names its SPIs.
	RouterKey bool
}

// Format prints no key, for every verb.
func (c AAA) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "{LongTerm:[key] Methods:%d Domain:%q}", c.Methods, string(c.Domain))
}

// Methods are ways to keys with the home agent, any number of them.
type Methods = wireaccess.Methods

// The ways, draft-le-aaa-diameter-mobileipv6-04 §10.
const (
	RandomKeys = wireaccess.Random
	DHKeys     = wireaccess.DiffieHellman
)

// Domain is one that home agents are in.
type Domain string

// The domains, §9.2.1.
const (
	AnyDomain     Domain = "any" // also when empty
	HomeDomain    Domain = "home"
	VisitedDomain Domain = "visited"
)

const (
	eventLetIn        = "authenticated" // scenario.EventAuthenticated
	homeNetworkSilent = "home network does not answer"
)

// MissedFor is how long a home agent may be missing before another is asked for, and with it another home address.
const MissedFor = 30 * time.Second

// admission is what an access has to do with AAA.
type admission struct {
	applicant *enrol.Applicant // nil without AAA
	offer     *nd.Access       // of the last advertisement of router
	router    netip.Addr
	asked     asked
	routerKey *enrol.Key  // shared with the access router
	lent      engine.Mono // trust.go; 0: nothing
}

// asked is what the request that is out stands for.
type asked struct {
	at     engine.Mono
	update bool   // it carries the registration's update,
	sa     *sa.SA // under this association; nil: in the clear
	peer   *eap.Peer
}

func (n *Node) newAdmissions() error {
	if n.cfg.AAA == nil {
		return nil
	}
	if len(n.cfg.AAA.LongTerm) == 0 {
		return errors.New("a long-term key is needed")
	}
	if n.cfg.NAI == "" && n.id.nobody() {
		return errors.New("a node without a home address needs a NAI: nothing else names it")
	}
	longTerm := n.cfg.AAA.LongTerm
	if n.cfg.AAA.EAP != nil {
		if _, err := n.peer(); err != nil {
			return err
		}
		longTerm = nil
	}
	for _, a := range n.access {
		e, err := enrol.New(enrol.Config{Port: a.link.Port, NAI: n.cfg.NAI, LongTerm: longTerm}, n.rand)
		if err != nil {
			return err
		}
		a.applicant = e
	}
	return nil
}

// offered takes note of what the router in use says of access; arrivedAt and stays act on it.
func (a *access) offered(in engine.Packet, p *ip6.Packet, ra *nd.RouterAdvertisement) (current bool) {
	r, ok := a.link.Current()
	if a.applicant == nil || !ok || p.Src != r.Addr || in.From != r.HW {
		return false
	}
	a.offer, a.router = ra.Options.Access, r.Addr
	return true
}

// arrivedAt begins with a network anew.
func (a *access) arrivedAt(now engine.Now, r attach.Router, out *engine.Effects) {
	if a.applicant == nil {
		return
	}
	a.left("another router", out)
	if a.offer != nil && a.router == r.Addr {
		a.applicant.Advertised(now, a.offer, out)
	}
}

// stays takes the newest word of the router in use: a new challenge, or that it does not ask any more.
func (a *access) stays(now engine.Now, out *engine.Effects) {
	switch {
	case a.offer != nil:
		a.applicant.Advertised(now, a.offer, out)
	case a.applicant.Known():
		a.left("the network asks nobody any more", out)
	}
}

func (a *access) left(why string, out *engine.Effects) {
	if a.applicant != nil {
		a.applicant.Leave(why, out)
		a.asked.over()
		a.routerKey, a.lent = nil, 0
	}
}

// lacks reports whether there is something that only the home network can give: without it there is no registration.
func (n *Node) lacks(now engine.Now) bool {
	return n.id.nobody() || !n.home.agent.IsValid() || n.id.sa == nil || n.id.stale(now)
}

// mustAsk reports whether nothing may be sent by an access before the network has been asked.
//
// spec DM-08
func (n *Node) mustAsk(now engine.Now, a *access) bool {
	e := a.applicant
	if e == nil || a.atHome || !e.Known() {
		return false
	}
	return !e.Admitted(now, a.coa) || e.State() != enrol.Resting && (e.Due() || n.lacks(now))
}

// enter asks to be let in by an access. It reports whether an update that is due need not be sent: it travels with the request, or has to
// wait for what comes of it.
//
// spec DM-08 DM-21
func (n *Node) enter(now engine.Now, a *access, out *engine.Effects) bool {
	if !n.mustAsk(now, a) {
		return false
	}
	e, r := a.applicant, &n.home
	passes := e.Admitted(now, a.coa) || n.passes(now, a)
	if w, asks := e.Asks(); asks && w.CareOf == a.coa {
		if a.asked.update && a.link.Port == r.port {
			r.tries = max(r.tries, 1)
		}
		return a.asked.update || !passes
	}
	if e.State() == enrol.Resting {
		return true
	}
	router, _ := a.link.Current()
	w := enrol.Want{Home: n.id.home, CareOf: a.coa, Via: router.HW, Features: n.features(), Keys: n.wishes(now, a)}
	mine := a.link.Port == r.port && a.coa == r.coa
	if mine && !passes {
		out.Step("authenticating", "home network", engine.A("coa", a.coa))
	}
	a.asked.over()
	a.asked.at, w.EAP = now.Mono, n.converse(a)
	if passes && !e.Admitted(now, a.coa) {
		e.Ask(now, w, out)
		return false
	}
	if mine && r.agent.IsValid() && !n.id.nobody() && (r.phase == updating || n.lacks(now)) {
		a.asked.update, a.asked.sa = true, n.id.sa
		r.timers.Stop(retransmit)
		r.tries = 0
		w.Binding = n.compose(now, a, "aaa", out)
		r.told = netip.Addr{} // the home agent is not asked before the home network has agreed
	}
	e.Ask(now, w, out)
	return true
}

// features are the flags for what the node lacks, in the combinations of §9.2.1's table.
//
// spec DM-15
func (n *Node) features() (f wireaccess.Features) {
	p, a := n.id.nobody(), !n.home.agent.IsValid()
	if p {
		f |= wireaccess.HomeAddressRequested
	}
	if a {
		f |= wireaccess.HomeAgentRequested
	}
	switch d := n.cfg.AAA.Domain; {
	case p && d == HomeDomain:
		f |= wireaccess.OnlyInHomeDomain
	case p && a && d == VisitedDomain:
		f |= wireaccess.AgentInVisited
	}
	return f
}

// wishes are the keys to ask for.
//
// spec DM-19 DM-20
func (n *Node) wishes(now engine.Now, a *access) (list []wireaccess.KeyRequest) {
	m := n.cfg.AAA.Methods
	if m == 0 {
		m = wireaccess.Random
	}
	if n.id.sa == nil || n.id.stale(now) {
		list = append(list, wireaccess.KeyRequest{Use: wireaccess.HomeAgent, Methods: m})
	}
	if n.cfg.AAA.RouterKey && (a.routerKey == nil || !a.applicant.Admitted(now, a.coa) || a.applicant.Due()) {
		list = append(list, wireaccess.KeyRequest{Use: wireaccess.AccessRouter, Methods: m})
	}
	return list
}

// seek asks at every access that is used and closed to the node, or about to be, and gives up asking at others.
//
// spec DM-08
func (n *Node) seek(now engine.Now, out *engine.Effects) {
	if n.cfg.AAA == nil {
		return
	}
	for _, a := range n.access {
		used := a.link.IsUp() && a.ready && !a.atHome && (a.link.Port == n.home.port && a.coa == n.home.coa || n.multihomed())
		switch s := a.applicant.State(); {
		case !used:
			a.applicant.Stop("not used", out)
		case !a.usable(), s != enrol.Idle && s != enrol.Granted:
		case !a.applicant.Admitted(now, a.coa), a.applicant.Due():
			n.enter(now, a, out)
		}
	}
}

// examined answers the AAA client, which looks whether the care-of address of a request is another's (§7.4). Its probe would be another
// node's, and end the address, if the node did not know what it is about: duplicate detection may still run here too. The answer is for
// the client alone, so it goes to all nodes at its station (RFC 6085): the others need not wake up for it.
//
// spec DM-09
func (n *Node) examined(a *access, in engine.Packet, p *ip6.Packet, m nd.Message, out *engine.Effects) bool {
	ns, ok := m.(*nd.NeighborSolicitation)
	if !ok || a.applicant == nil || !p.Src.IsUnspecified() || ns.Target != a.coa || !a.usable() || a.atHome {
		return false
	}
	w, asks := a.applicant.Asks()
	r, _ := a.link.Current()
	if !asks || w.CareOf != a.coa || in.From != r.HW {
		return false
	}
	n.arrival(a, r.HW, out)
	return true
}

// heardReply takes an AAA Reply.
func (n *Node) heardReply(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	a := n.accessOf(in.Port)
	if a.applicant == nil {
		out.Drop("access-unexpected", engine.A("from", p.Src))
		return
	}
	n.admissionFacts(now, a, a.applicant.Heard(now, p, out), out)
}

func (n *Node) admissionTick(now engine.Now, out *engine.Effects) {
	for _, a := range n.access {
		if a.applicant != nil {
			n.admissionFacts(now, a, a.applicant.Tick(now, out), out)
			n.lentTick(now, a, out)
		}
	}
}

func (n *Node) admissionFacts(now engine.Now, a *access, facts []enrol.Fact, out *engine.Effects) {
	for _, f := range facts {
		switch f := f.(type) {
		case *enrol.Grant:
			n.letIn(now, a, f, out)
		case enrol.Refused:
			n.keptOut(now, a, f, "home network refuses: "+itoa(int(f.Result)), out)
		case enrol.Silent:
			n.keptOut(now, a, enrol.Refused{}, homeNetworkSilent, out)
		case enrol.Round:
			n.round(now, a, f, out)
		case enrol.Rested:
			if r := &n.home; a.link.Port == r.port && (r.phase == updating || r.tries > 0) {
				n.update(now, out)
			}
		} // Due and Ended: seek looks at every access after each input
	}
}

// isGone reports whether a result says that the home agent is not to be had any more, so that what the home network once assigned is worth
// nothing: the request to it was wrong, or it is not allowed (docs/diameter.md). That there is none just now, a transient failure (RFC 6733
// §7.1.4), must be said for as long as it takes to start one again: applications lose their connections with the home address.
func (n *Node) isGone(now engine.Now, result diameter.ResultCode) bool {
	r := &n.home
	switch {
	case result != diameter.ErrorNoHomeAgent:
		return result == diameter.ErrorBadHOR || result == diameter.ErrorHomeAgentNotAllowed
	case r.missed == 0:
		r.missed = max(now.Mono, 1)
	}
	return now.Mono.Sub(r.missed) >= MissedFor
}

// keptOut goes on when an access stays closed: by another one if there is one. While a session lasts, only its renewal failed.
func (n *Node) keptOut(now engine.Now, a *access, f enrol.Refused, why string, out *engine.Effects) {
	r := &n.home
	a.asked.over()
	if f.Proven && n.isGone(now, f.Result) && n.forget(now, why, out) || a.link.Port != r.port {
		return
	}
	if a.applicant.Admitted(now, a.coa) {
		if r.tries > 0 {
			n.update(now, out)
		}
		return
	}
	n.shutOut(now, a, out)
	if r.tries = 0; r.phase == updating {
		out.Event(engine.EventFailed, engine.S("reason", why))
		n.strategy.RegistrationFailed(now, r.port, why, out)
	}
}
