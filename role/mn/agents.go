package mn

import (
	"net/netip"
	"strconv"
	"time"

	"roam6/engine"
	"roam6/machine/attach"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// Protocol constants, RFC 6275 §12.
const (
	InitialDHAADTimeout = 3 * time.Second
	DHAADRetries        = 4
)

// discovery is dynamic home agent address discovery: RFC 6275 §11.4.1.
type discovery struct {
	running bool
	id      uint16
	wait    time.Duration
	tries   int
	agents  []netip.Addr // of the last reply, the preferred first
	timers  engine.Timers[struct{}]
}

type routerFacts = attach.Router

func (d *discovery) deadline() (engine.Mono, string) {
	at, _ := d.timers.Next()
	return at, "home agent address discovery"
}

// discover asks the home link which home agents it has.
//
// spec MIP-05 RT-20
func (n *Node) discover(now engine.Now, out *engine.Effects) {
	d := &n.agents
	if d.running {
		return
	}
	*d = discovery{running: true, id: n.rand.Uint16(), wait: InitialDHAADTimeout}
	n.askAgents(now, out)
}

func (n *Node) askAgents(now engine.Now, out *engine.Effects) {
	d := &n.agents
	d.tries++
	d.timers.Set(struct{}{}, now.Mono.Add(d.wait))
	d.wait *= 2
	a := n.accessOf(n.home.port)
	if a == nil || !a.ready {
		return
	}
	p := ip6.Packet{Header: ip6.Header{Src: a.coa, Dst: ip6.HomeAgentsAnycast(n.cfg.HomePrefix)}, Proto: ip6.ProtoICMPv6}
	p.Payload = icmp6.Append(nil, p.Src, p.Dst, &icmp6.HomeAgentsRequest{ID: d.id})
	n.transmit(a, p.Append(nil), out)
}

func (n *Node) onHomeAgents(now engine.Now, p *ip6.Packet, m *icmp6.HomeAgentsReply, out *engine.Effects) {
	d := &n.agents
	if !d.running || m.ID != d.id {
		out.Drop("dhaad-unexpected", engine.A("from", p.Src))
		return
	}
	d.running = false
	d.timers = engine.Timers[struct{}]{}
	d.agents = m.Agents
	agent := p.Src // a reply that lists nobody speaks for its sender: RFC 6275 §11.4.1
	if len(m.Agents) > 0 {
		agent = m.Agents[0]
	}
	if !n.cfg.HomePrefix.Contains(agent) {
		out.Drop("dhaad-foreign-agent", engine.A("agent", agent))
		return
	}
	out.Event(engine.EventHomeRoundTrip, engine.S("exchange", "home agent discovery"))
	out.Event("home-agent.found", engine.A("agent", agent))
	n.home.agent = agent
	n.update(now, out)
}

func (n *Node) agentsTick(now engine.Now, out *engine.Effects) {
	d := &n.agents
	for _, ok := d.timers.Pop(now.Mono); ok; _, ok = d.timers.Pop(now.Mono) {
		if d.tries <= DHAADRetries {
			n.askAgents(now, out)
			continue
		}
		d.running = false
		out.Event(engine.EventFailed, engine.S("reason", "no home agent answered"))
		n.strategy.RegistrationFailed(now, n.home.port, "no home agent answered", out)
		// The home link may come back; ask again at the pace of a failed registration.
		d.tries, d.running = 0, true
		d.wait = InitialDHAADTimeout
		d.timers.Set(struct{}{}, now.Mono.Add(MaxBindackTimeout))
	}
}

func itoa(i int) string { return strconv.Itoa(i) }
