package admit

import (
	"net/netip"

	"roam6/engine"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
)

// Heard takes a packet with a message of package access (access.IsAccess), parsed as p.
//
// spec DM-04 DM-09
func (c *Client) Heard(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) []Fact {
	drop := func(reason string) []Fact {
		out.Drop(reason, engine.A("from", p.Src))
		return nil
	}
	if reason := c.misplaced(in, p); reason != "" {
		return drop(reason)
	}
	kind, reason := c.rates.allow(now, in.From, p.Src)
	if reason != "" {
		return drop(reason)
	}
	part, err := access.Parse(p.Src, p.Dst, p.Payload)
	switch {
	case err != nil:
		return drop("access-malformed")
	case part.Subtype != access.SubtypeRequest:
		return drop("access-not-a-request")
	}
	k := key{p.Src, part.ID}
	parts, reason := c.join(now, sender{origin{p.Src, in.From}, part.ID}, part, kind)
	if reason != "" {
		return drop(reason)
	}
	if parts == nil {
		return nil
	}
	sum := digestOf(parts)
	if e := c.exchanges[k]; e != nil && e.digest == sum {
		if e.hw != in.From {
			return drop("access-other-station")
		}
		c.count.repeated++
		c.send(e, out)
		return nil
	}
	m, err := access.Join(parts)
	if err != nil {
		return drop("access-malformed")
	}
	e := &exchange{key: k, kind: kind, hw: in.From, digest: sum, ask: m.(*access.Request)}
	if reason := c.judge(now, e, out); reason != "" {
		return drop(reason)
	}
	return c.start(now, e, out)
}

// misplaced looks at what costs nothing to look at.
func (c *Client) misplaced(in engine.Packet, p *ip6.Packet) string {
	switch {
	case !c.up || in.Port != c.cfg.Port || p.Dst != c.cfg.Address:
		return "access-not-for-us"
	case p.HopLimit != access.HopLimit:
		return "access-hop-limit" // it came from another link
	case p.HomeAddress.IsValid() || p.Routing2.IsValid() || p.Fragment != nil:
		return "access-headers"
	case !station(in.From) || in.From == c.hw:
		return "access-bad-station"
	case !c.careOf(p.Src):
		return "access-bad-source"
	}
	return ""
}

// judge decides whether a request is taken. If not, nothing changes but a count and what may be refused.
func (c *Client) judge(now engine.Now, e *exchange, out *engine.Effects) (reason string) {
	ch, old, l := c.fresh(e.ask.LocalChallenge), c.exchanges[e.key], c.sources[e.src]
	switch {
	case e.ask.CareOf != e.src:
		return "access-care-of"
	case ch == nil:
		c.count.stale++
		c.refuse(now, e, &access.Reply{Result: uint32(diameter.AuthenticationRejected), LocalChallenge: c.now.value}, out)
		return "access-stale"
	case ch.taken(e.ask.HostChallenge):
		return "access-replayed"
	case old != nil && old.state != answered:
		return "access-identifier-in-use"
	case l != nil && len(l.waiting) >= MaxPerSource:
		return "access-in-progress"
	case l != nil && len(l.waiting) > 0 && l.waiting[0].hw != e.hw:
		return "access-contended" // two stations say that they have this address; the first one's claim is being looked at
	case !room(c.used, e.kind, MaxExchanges):
		c.refuse(now, e, &access.Reply{Result: uint32(diameter.TooBusy)}, out)
		return "access-busy"
	}
	return ""
}

// refuse sends a reply of our own that nobody keeps.
func (c *Client) refuse(now engine.Now, e *exchange, m *access.Reply, out *engine.Effects) {
	if !c.rates.refusals.Take(now.Mono, RefuseBurst, RefuseRate) {
		return
	}
	e.reply = c.packets(e.key, m)
	c.send(e, out)
}

// start takes a request: duplicate detection first, unless the router knows the station as the one that has the address.
//
// spec DM-09
func (c *Client) start(now engine.Now, e *exchange, out *engine.Effects) []Fact {
	if old := c.exchanges[e.key]; old != nil {
		c.become(old, gone)
	}
	c.take(now, c.fresh(e.ask.LocalChallenge), e.ask.HostChallenge)
	c.handle++
	e.handle = c.handle
	c.count.requests++
	c.pending.Set(e.key, now.Mono.Add(PendingFor))
	if hw, ok := c.Owner(now, e.src); ok && hw == e.hw {
		c.become(e, waiting)
		return []Fact{c.request(e, out)}
	}
	asked := c.sources[e.src] != nil && c.sources[e.src].checking()
	c.become(e, checking)
	if asked {
		return nil
	}
	return []Fact{Check{e.src, e.hw}}
}

func (l *load) checking() bool {
	for _, e := range l.waiting {
		if e.state == checking {
			return true
		}
	}
	return false
}

func (c *Client) request(e *exchange, out *engine.Effects) Fact {
	m := e.ask
	e.ask = nil
	out.Event("access.requested", engine.A("coa", e.src), engine.S("nai", m.NAI))
	return Request{e.handle, m, e.hw}
}

// Checked tells what duplicate detection found about the address of a Check.
//
// spec DM-09
func (c *Client) Checked(now engine.Now, a netip.Addr, duplicate bool, out *engine.Effects) (facts []Fact) {
	l := c.sources[a]
	if l == nil {
		return nil
	}
	for _, e := range append([]*exchange(nil), l.waiting...) {
		switch {
		case e.state != checking:
		case duplicate:
			out.Drop("access-duplicate", engine.A("from", a))
			c.answer(now, e, &access.Reply{Result: uint32(diameter.InvalidAVPValue)}, out)
		default:
			c.neighbours.put(now, a, e.hw)
			c.become(e, waiting)
			facts = append(facts, c.request(e, out))
		}
	}
	return facts
}

// Reply answers a Request. It is false when the request is not waited for any more: it took too long, or the link went down.
//
// spec DM-09
func (c *Client) Reply(now engine.Now, h Handle, m *access.Reply, out *engine.Effects) bool {
	e := c.handles[h]
	if e == nil || e.state != waiting {
		return false
	}
	c.rates.learn(now, e.hw, m)
	c.answer(now, e, m, out)
	return true
}

func (c *Client) answer(now engine.Now, e *exchange, m *access.Reply, out *engine.Effects) {
	if c.answered.Len() >= MaxAnswered {
		_, oldest := c.answered.Next()
		c.become(c.exchanges[oldest], gone)
	}
	e.reply = c.packets(e.key, m)
	c.become(e, answered)
	c.answered.Set(e.key, now.Mono.Add(AnsweredFor))
	c.count.replies++
	c.send(e, out)
}

// packets writes a reply.
func (c *Client) packets(k key, m *access.Reply) (list [][]byte) {
	p := ip6.Packet{Header: ip6.Header{HopLimit: access.HopLimit, Src: c.cfg.Address, Dst: k.src}, Proto: ip6.ProtoICMPv6}
	for _, part := range access.Split(m, k.id) {
		p.Payload = part.Append(nil, p.Src, p.Dst)
		list = append(list, p.Append(nil))
	}
	return list
}

// send gives the station the reply, if there is one yet. Engines give packets away with their effects, so each is sent as a copy.
func (c *Client) send(e *exchange, out *engine.Effects) {
	for _, p := range e.reply {
		out.Send(c.cfg.Port, e.hw, append([]byte(nil), p...))
	}
}
