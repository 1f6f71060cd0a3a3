package mn

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"roam6/engine"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// Protocol constants, RFC 6275 §12.
const (
	InitialDHAADTimeout = 3 * time.Second
	DHAADRetries        = 4
)

// AskInterval is the least time between two requests: a node that flaps between links must not flood its home link.
const AskInterval = time.Second

// discovery is dynamic home agent address discovery: RFC 6275 §11.4.1.
type discovery struct {
	running bool
	id      uint16
	wait    time.Duration
	tries   int
	asked   engine.Mono  // the last request
	ever    bool         // there was one
	agents  []netip.Addr // of the last reply, the preferred first
	timers  engine.Timers[struct{}]
}

func (d *discovery) deadline() (engine.Mono, string) {
	at, _ := d.timers.Next()
	return at, "home agent address discovery"
}

// after is the agent that comes after another in the last reply; invalid when that was the last.
func (d *discovery) after(agent netip.Addr) netip.Addr {
	if i := slices.Index(d.agents, agent); i >= 0 && i+1 < len(d.agents) {
		return d.agents[i+1]
	}
	return netip.Addr{}
}

// discover asks the home link which home agents it has. A request that is out is sent again: the node may have moved since. On
// the home link itself nothing is asked, since the home address may not be used yet; advertisements tell (agentAtHome).
//
// spec MIP-05 RT-20
func (n *Node) discover(now engine.Now, out *engine.Effects) {
	d := &n.agents
	if n.home.leaving {
		d.running, d.timers = false, engine.Timers[struct{}]{}
		return
	}
	if !d.running {
		d.running, d.id = true, n.rand.Uint16()
	}
	d.wait, d.tries = InitialDHAADTimeout, 0
	if d.ever && now.Mono.Sub(d.asked) < AskInterval {
		d.timers.Set(struct{}{}, d.asked.Add(AskInterval))
		return
	}
	n.askAgents(now, out)
}

func (n *Node) askAgents(now engine.Now, out *engine.Effects) {
	d := &n.agents
	a := n.accessOf(n.home.port)
	if a == nil || !a.usable() || a.atHome {
		d.timers.Stop(struct{}{}) // Register asks again when there is an access
		return
	}
	d.tries++
	d.timers.Set(struct{}{}, now.Mono.Add(d.wait))
	d.wait *= 2
	d.asked, d.ever = now.Mono, true
	p := ip6.Packet{Header: ip6.Header{Src: a.coa, Dst: ip6.HomeAgentsAnycast(n.id.prefix)}, Proto: ip6.ProtoICMPv6}
	p.Payload = icmp6.Append(nil, p.Src, p.Dst, &icmp6.HomeAgentsRequest{ID: d.id, MobileRouters: len(n.inside.carried) > 0})
	n.transmit(a, p.Append(nil), out)
}

// onHomeAgents takes the answer. Nobody protects it, so it is believed only as far as the home prefix goes, and a false one costs
// an attempt at registration: unanswered, the next agent is tried, then discovery again.
func (n *Node) onHomeAgents(now engine.Now, p *ip6.Packet, m *icmp6.HomeAgentsReply, out *engine.Effects) {
	d := &n.agents
	if !d.running || m.ID != d.id {
		out.Drop("dhaad-unexpected", engine.A("from", p.Src))
		return
	}
	named := m.Agents
	if len(named) == 0 { // a reply that lists nobody speaks for its sender: RFC 6275 §11.4.1
		named = []netip.Addr{p.Src}
	}
	agents := slices.DeleteFunc(slices.Clone(named), func(a netip.Addr) bool {
		return !n.id.prefix.Contains(a) || a == n.id.home || a == ip6.HomeAgentsAnycast(n.id.prefix)
	})
	if len(agents) == 0 {
		out.Drop("dhaad-foreign-agent", engine.A("agent", named[0]))
		return
	}
	d.running, d.agents = false, agents
	d.timers = engine.Timers[struct{}]{}
	out.Event(engine.EventHomeRoundTrip, engine.S("exchange", "home agent discovery"))
	out.Event("home-agent.found", engine.A("agent", agents[0]))
	n.home.agent = agents[0]
	n.home.tries, n.home.wait = 0, n.home.firstWait(now)
	n.update(now, out)
}

func (n *Node) agentsTick(now engine.Now, out *engine.Effects) {
	d := &n.agents
	for _, ok := d.timers.Pop(now.Mono); ok; _, ok = d.timers.Pop(now.Mono) {
		if !d.running {
			continue
		}
		if a := n.accessOf(n.home.port); a != nil && d.tries > 0 {
			a.link.Doubt(now, out)
		}
		if d.tries <= DHAADRetries {
			n.askAgents(now, out)
			continue
		}
		// The home link may come back; ask again at the pace of a failed registration.
		d.tries, d.wait = 0, InitialDHAADTimeout
		d.timers.Set(struct{}{}, now.Mono.Add(MaxBindackTimeout))
		out.Event(engine.EventFailed, engine.S("reason", "no home agent answered"))
		n.strategy.RegistrationFailed(now, n.home.port, "no home agent answered", out)
	}
}

func itoa(i int) string { return strconv.Itoa(i) }
