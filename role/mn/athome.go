package mn

import (
	"net/netip"

	"roam6/engine"
	"roam6/machine/attach"
	"roam6/machine/neighbor"
	"roam6/plane"
	"roam6/wire/nd"
)

// Coming home, being there and leaving: RFC 6275 §11.5.5. Who answers for the home address on the home link changes hands with
// the binding, and at no time may both the node and its home agent think it is theirs:
//
//	before the update that removes the binding   the home agent; the node neither probes nor uses the address
//	from that update to its acknowledgement      both: the node answers its solicitor only, since that may be the home agent
//	after it                                     the node, which announces so
//	once the node registers somewhere else       nobody, then the home agent

// arriveHome prepares the return. While a binding may exist the address must not be probed, since the home agent
// would answer; when none can exist it is like any address, and the node checks it.
//
// spec MIP-01
func (n *Node) arriveHome(now engine.Now, a *access, r attach.Router, out *engine.Effects) {
	if !n.home.agent.IsValid() && r.Agent && r.Global.IsValid() && r.Global != n.id.home {
		n.learnAgent(r.Global)
	}
	if n.home.until <= now.Mono {
		n.strategy.RouterFound(now, a.link.Port, out)
		n.tryAddress(now, a, n.id.home, r.Multicast(), out)
		return
	}
	a.coa, a.ready, a.checked = n.id.home, true, true
	n.strategy.RouterFound(now, a.link.Port, out)
	n.strategy.AddressReady(now, a.link.Port, out)
}

func (n *Node) learnAgent(agent netip.Addr) {
	n.home.agent = agent
	n.agents.running, n.agents.timers = false, engine.Timers[struct{}]{}
}

// homeAddressTaken goes on when somebody on the home link answered for the home address. It may be our home agent with a
// binding of a life we know nothing of: the update that removes it tells.
func (n *Node) homeAddressTaken(now engine.Now, a *access, out *engine.Effects) {
	n.home.taken = true
	a.coa, a.ready, a.checked = n.id.home, true, true
	n.strategy.AddressReady(now, a.link.Port, out)
}

// homeLost gives the home address up for a while: it is in use on the home link, and not by our home agent.
func (n *Node) homeLost(now engine.Now, out *engine.Effects) {
	const why = "home address is used by another node on the home link"
	r := &n.home
	r.taken, r.leaving, r.phase = false, false, unbound
	r.timers = engine.Timers[homeTimer]{}
	out.Event(engine.EventFailed, engine.S("reason", why))
	a := n.accessOf(r.port)
	n.dropAddress(a, out)
	n.pauses.Set(r.port, now.Mono.Add(AddressPause))
	n.strategy.AccessLost(now, r.port, why, out)
}

// expectAtHome makes the acknowledgement deliverable: the home agent may have to solicit the home address first.
func (n *Node) expectAtHome(a *access, out *engine.Effects) {
	n.setLocal(n.id.home, plane.Local{Port: a.link.Port}, out)
	n.speaker.Own(n.homeKey(a), neighbor.Stance{HW: a.link.HW(), Shy: true})
}

// takeHome makes the home address the node's own on the home link: neighbour discovery for it comes here, its packets go
// to the applications.
func (n *Node) takeHome(a *access, out *engine.Effects) {
	n.setLocal(n.id.home, plane.Local{Port: a.link.Port, Proxy: true}, out)
	n.speaker.Own(n.homeKey(a), neighbor.Stance{HW: a.link.HW(), Router: len(n.inside.carried) > 0})
}

// giveUpHome leaves the home address to the home agent, which is about to check that nobody else has it.
func (n *Node) giveUpHome(out *engine.Effects) {
	for _, a := range n.access {
		if a.atHome && n.speaker.Owns(n.homeKey(a)) {
			n.speaker.Disown(n.homeKey(a))
			n.removeLocal(n.id.home, out)
		}
	}
}

// retreat holds packets that a node on its way from home still sent by the home link, once that link is gone too.
func (n *Node) retreat(now engine.Now, out *engine.Effects) {
	if n.home.opened.Mode != plane.Direct {
		return
	}
	if a := n.accessOf(n.home.opened.Out); !a.usable() || !a.atHome {
		n.Hold(now, out)
	}
}

// settledAtHome ends the return: the home address is plain on the link again, and every node there is told.
func (n *Node) settledAtHome(now engine.Now, a *access, out *engine.Effects) {
	r := &n.home
	r.phase, r.atHome, r.leaving, r.taken = current, true, false, false
	r.expires, r.renewAt, r.until = engine.Never, engine.Never, 0
	r.timers = engine.Timers[homeTimer]{}
	clear(r.silent)
	out.Event(engine.EventRegistered, engine.A("hoa", n.id.home), engine.A("coa", n.id.home), engine.S("port", itoa(int(r.port))))
	if !a.usable() || !a.atHome {
		return // Register takes it up when the link is back
	}
	n.open(a, out)
	n.speaker.Announce(n.homeKey(a), out)
	n.strategy.Registered(now, r.port, out)
}

// agentAtHome learns the home agent from the advertisements of the home link, where discovery by anycast would have to use
// the home address (RFC 6275 §11.5.5 forbids it before the binding is removed).
func (n *Node) agentAtHome(now engine.Now, a *access, ra *nd.RouterAdvertisement, out *engine.Effects) {
	if n.home.agent.IsValid() || !a.atHome || !ra.HomeAgent {
		return
	}
	for _, p := range ra.Options.Prefixes {
		if p.RouterAddr && p.Prefix == n.id.prefix && p.Addr != n.id.home {
			n.learnAgent(p.Addr)
			if n.home.phase == updating && n.home.port == a.link.Port {
				n.update(now, out)
			}
			return
		}
	}
}
