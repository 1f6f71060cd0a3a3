package ha

import (
	"roam6/engine"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/esp"
	"roam6/wire/ip6"
)

// Mobility headers between mobile nodes and their correspondents, where the two ends have keys for a tunnel (RFC 6275
// §10.4.6, RFC 4877 §4.2). Without keys the plane tunnels them as any packet.

// tunnelOf finds the mobile node whose tunnel a packet names.
func (a *Agent) tunnelOf(p *ip6.Packet) *mobile {
	if p.Proto != ip6.ProtoESP || len(a.tunnels) == 0 {
		return nil
	}
	spi, _, err := esp.Peek(p.Payload)
	if err != nil {
		return nil
	}
	return a.tunnels[spi]
}

// fromTunnel sends on what a mobile node sent through its tunnel: mobility headers from its home address, and those only,
// from the care-of address it is bound to.
//
// spec MIP-02 MIP-04
func (a *Agent) fromTunnel(m *mobile, p *ip6.Packet, out *engine.Effects) {
	inner, data, reason := m.tunnel.Unwrap(p)
	switch {
	case reason != "":
	case m.binding == nil || !m.binding.holds(p.Src):
		reason = "tunnel-not-bound"
	case inner.Src != m.hoa || inner.Proto != ip6.ProtoMH || inner.HomeAddress.IsValid() || !ip6.Routable(inner.Dst) || inner.Dst == a.cfg.Address:
		reason = "tunnel-selector" // RFC 4301 §5.2: the association is for this traffic alone
	}
	if reason != "" {
		out.Drop(reason, engine.A("hoa", m.hoa), engine.A("from", p.Src))
		return
	}
	m.tunnel.SA().Commit(out)
	a.send(data, out)
}

// intercepted sends a mobility header for the home address of a mobile node that is away to it, protected.
//
// spec MIP-02 MIP-04
func (a *Agent) intercepted(m *mobile, in engine.Packet, out *engine.Effects) {
	if m.binding == nil || m.tunnel == nil {
		out.Drop("mh-not-for-us", engine.A("to", m.hoa))
		return
	}
	a.send(m.tunnel.Wrap(a.cfg.Address, m.binding.CoA(), in.Data, out), out)
}

// addTunnel takes up the tunnel of a mobile node, if it has one.
func (a *Agent) addTunnel(m *mobile, c *sa.ESPConfig) error {
	t, err := sa.NewTunnel(c, m.hoa.String())
	if t == nil || err != nil {
		return err
	}
	m.tunnel = t
	if a.tunnels == nil {
		a.tunnels = make(map[uint32]*mobile)
	}
	a.tunnels[t.SA().InSPI()] = m
	return nil
}

// protections are all associations of the mobile nodes.
func (a *Agent) protections() []*sa.SA {
	all := make([]*sa.SA, 0, len(a.order)+len(a.tunnels))
	for _, m := range a.order {
		if m == nil {
			continue
		}
		all = append(all, m.sa)
		if m.tunnel != nil {
			all = append(all, m.tunnel.SA())
		}
	}
	return all
}

// path is how the plane carries a bound home address: mobility headers are ours to protect if there are keys.
func (a *Agent) path(b *binding) plane.Path {
	p := plane.Path{
		Side: plane.Agent, Mode: plane.Tunnel, Local: a.cfg.Address, Remote: b.CoA(), Out: plane.Kernel, Capture: true,
		Control: b.m.tunnel != nil, Mark: true, Settle: SettleFor, Limit: SettlePackets,
	}
	if b.m.keptPrevious() {
		p.Dedup = CopyWindow
	}
	if len(b.Several) > 0 { // all ways stand at once: none is the way before, and who wants order pays for it
		p.Mark, p.Settle = false, 0
		if b.m.multi == Bicast {
			p.Dedup = CopyWindow
		}
	}
	return p
}
