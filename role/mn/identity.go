package mn

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/sa"
	"roam6/plane"
)

// identity is who the node is in its home network: what the configuration says, and what the home network assigned where that says
// nothing (grant.go). Addresses are invalid and sa is nil while nobody has said.
type identity struct {
	home   netip.Addr
	prefix netip.Prefix // of home
	agent  netip.Addr   // invalid: found by DHAAD
	sa     *sa.SA       // with agent

	lent  bool        // sa has keys of the home AAA server,
	ends  engine.Mono // which are good until then,
	renew engine.Mono // and to be renewed from then on
}

// homePrefixBits is the length of the home prefix that is taken for an assigned home address.
const homePrefixBits = 64

// nobody reports whether the node has no home address yet: there is nothing then to bind, and nowhere for applications' packets to
// come from.
func (i *identity) nobody() bool { return !i.home.IsValid() }

// isHome reports whether a prefix is the home link's.
func (i *identity) isHome(p netip.Prefix) bool { return p.IsValid() && p == i.prefix }

// stale reports whether keys of the home AAA server are to be renewed.
func (i *identity) stale(now engine.Now) bool { return i.lent && i.renew <= now.Mono }

// called is the node's in records and events of associations.
func (n *Node) called() string {
	if n.cfg.HomeAddress.IsValid() || n.cfg.NAI == "" {
		return n.cfg.HomeAddress.String()
	}
	return n.cfg.NAI
}

// adopt takes up home address and home agent that were assigned.
//
// spec DM-18
func (n *Node) adopt(now engine.Now, home, agent netip.Addr, out *engine.Effects) {
	n.learnAgent(agent) // and discovery, if it runs, is over
	n.id.agent = agent
	out.Event("home-agent.found", engine.A("agent", agent))
	if home == n.id.home {
		return
	}
	n.be(home)
	out.Event("home-address", engine.A("hoa", home))
	n.present(out)
	n.Hold(now, out)
}

// be makes an assigned address the home address.
func (n *Node) be(home netip.Addr) {
	n.id.home, n.id.prefix = home, netip.PrefixFrom(home, homePrefixBits).Masked()
	for _, a := range n.access {
		a.link.SetHome(n.id.prefix)
	}
	if err := n.newRouting(); err != nil {
		panic("mn: " + err.Error()) // the same keys were taken before
	}
}

// present gives the host its home address.
func (n *Node) present(out *engine.Effects) {
	out.Plane(plane.Op{Host: &plane.HostOp{Addr: n.id.home, Host: plane.Host{MTU: tunnelMTU, Default: true}}})
	n.startFlows(out)
}

// useKeys puts keys of the home AAA server to use, and those before out of it.
func (n *Node) useKeys(c *sa.ESPConfig, out *engine.Effects) error {
	s, err := sa.New(sa.Config{ESP: c}, n.called())
	if err != nil {
		return err
	}
	if n.id.lent && n.id.sa != nil {
		n.id.sa.Forget(out)
	}
	n.id.sa, n.id.lent = s, true
	return nil
}

// rekey gives up keys of the home AAA server that the home agent does not seem to have: others are asked for.
func (n *Node) rekey(now engine.Now, out *engine.Effects) bool {
	r := &n.home
	a := n.accessOf(r.port)
	if !n.id.lent || n.id.sa == nil || a == nil || a.applicant == nil || !a.applicant.Known() {
		return false
	}
	out.Event("keys.given-up", engine.A("agent", r.agent))
	n.id.sa.Forget(out)
	n.id.sa = nil
	out.Persist(identityBucket, identityKey, nil)
	r.tries = 0
	n.update(now, out)
	return true
}

// forget gives up what was assigned, and the binding with it; the next request asks for all of it. It is false if nothing was assigned.
func (n *Node) forget(now engine.Now, why string, out *engine.Effects) bool {
	r := &n.home
	if n.id.agent == n.cfg.HomeAgent && n.id.home == n.cfg.HomeAddress {
		return false
	}
	if n.id.lent && n.id.sa != nil {
		n.id.sa.Forget(out)
		n.id.sa = nil
	}
	out.Persist(identityBucket, identityKey, nil)
	out.Event("home-agent.forgotten", engine.A("agent", r.agent), engine.S("reason", why))
	bound := r.phase == current
	if n.id.agent, r.agent = n.cfg.HomeAgent, n.cfg.HomeAgent; bound {
		r.phase = updating
	}
	r.timers = engine.Timers[homeTimer]{}
	r.expires, r.until, r.tries, r.opened, r.acked, r.told = 0, 0, 0, plane.Path{}, netip.Addr{}, netip.Addr{}
	n.follow(now, out)
	n.attend(now, out) // the ways of further care-of addresses
	n.Hold(now, out)
	if n.id.home != n.cfg.HomeAddress {
		out.Event("home-address.forgotten", engine.A("hoa", n.id.home), engine.S("reason", why))
		n.leaveHome(now, out)
	}
	n.giveUp(now, why, out)
	n.strategy.RegistrationFailed(now, r.port, why, out)
	return true
}

// leaveHome takes the home address away from the host, with all that the plane has for it.
func (n *Node) leaveHome(now engine.Now, out *engine.Effects) {
	f := &n.routes
	if f.mobile != nil {
		n.act(f.mobile.Lost(now, out), out)
	}
	if f.old != 0 {
		out.Plane(plane.Op{Delete: true, Way: &plane.WayOp{Key: n.lingerKey()}})
	}
	*f = routing{tunnel: f.tunnel}
	for len(n.ahead.forwards) > 0 {
		n.Unforwarded(now, n.ahead.forwards[0].CoA, out)
	}
	n.stopFlows(out)
	out.Plane(plane.Op{Delete: true, Path: &plane.PathOp{Inner: netip.PrefixFrom(n.id.home, n.id.home.BitLen())}})
	out.Plane(plane.Op{Delete: true, Host: &plane.HostOp{Addr: n.id.home}})
	out.Persist(seqBucket, n.id.home.String(), nil)
	n.id.home, n.id.prefix = n.cfg.HomeAddress, n.cfg.HomePrefix
	for _, a := range n.access {
		a.link.SetHome(n.id.prefix)
	}
}

// What was assigned survives a restart: the node asks for the same home address again, and its home agent knows its keys.
const (
	identityBucket = "mn/identity"
	identityKey    = "home"
	identityLen    = 16 + 16 + 4 + 4 + 8 + 4 + 2*aaa.ESPKeyLen
)

// persistIdentity writes home address, home agent, the SPIs to and from it, the end of the keys in seconds since 1970, the seconds that they had
// left then, and the keys to and from it.
func (n *Node) persistIdentity(now engine.Now, c *sa.ESPConfig, out *engine.Effects) {
	home, agent := n.id.home.As16(), n.home.agent.As16()
	b := append(home[:], agent[:]...)
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, c.OutSPI), c.InSPI)
	left := n.id.ends.Sub(now.Mono)
	b = binary.BigEndian.AppendUint64(b, uint64(now.Wall.Add(left).Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(min((left+time.Second-1)/time.Second, math.MaxUint32)))
	out.Persist(identityBucket, identityKey, append(append(b, c.OutKey...), c.InKey...))
}

// restoreIdentity takes back what was assigned in an earlier life, where the configuration says nothing else.
func (n *Node) restoreIdentity(now engine.Now, rec engine.Record, out *engine.Effects) {
	if n.cfg.AAA == nil || rec.Bucket != identityBucket || len(rec.Value) != identityLen {
		return
	}
	b := rec.Value
	home, agent := netip.AddrFrom16([16]byte(b)), netip.AddrFrom16([16]byte(b[16:]))
	ends := time.Unix(int64(binary.BigEndian.Uint64(b[40:])), 0)
	if n.cfg.HomeAddress.IsValid() && home != n.cfg.HomeAddress || n.cfg.HomeAgent.IsValid() && agent != n.cfg.HomeAgent {
		return // configured anew
	}
	n.id.agent, n.home.agent = agent, agent
	if n.id.nobody() {
		n.be(home)
	}
	most := time.Duration(binary.BigEndian.Uint32(b[48:])) * time.Second
	left := min(ends.Sub(now.Wall), most) // a clock that was stepped back prolongs nothing
	if n.id.sa != nil || left <= 0 {
		return
	}
	c := &sa.ESPConfig{OutSPI: binary.BigEndian.Uint32(b[32:]), InSPI: binary.BigEndian.Uint32(b[36:]), OutKey: b[52 : 52+aaa.ESPKeyLen], InKey: b[52+aaa.ESPKeyLen:]}
	if n.useKeys(c, out) == nil {
		n.id.ends, n.id.renew = now.Mono.Add(left), now.Mono.Add(left-left/5)
	}
}
