package sim

import (
	"fmt"
	"net/netip"
	"slices"

	"roam6/engine"
	"roam6/sim/tcp"
)

// door is one Listen.
type door struct {
	r       *runner
	name    string
	at      netip.AddrPort
	tls     bool
	half    int // handshakes of TCP
	open    int // connections
	shaking int // of them in their handshake
}

// listen opens a port, or says why not.
func (k *sockets) listen(r *runner, e engine.Listen) {
	if !e.At.Addr().IsValid() {
		e.At = netip.AddrPortFrom(netip.IPv6Unspecified(), e.At.Port())
	}
	reason, words := "", ""
	switch {
	case k.named(r, e.Name):
		reason, words = engine.ReasonNameInUse, "there is a Listen or a Bind of this name"
	case e.TLS != "" && !slices.Contains(k.profiles, e.TLS):
		reason, words = engine.ReasonNoProfile, k.hasNot(e.TLS)
	case !k.n.couldHave(e.At.Addr()):
		reason, words = engine.ReasonNoAddress, "the node's kernel does not have the address"
	case taken(k.doors, e.At):
		reason, words = engine.ReasonAddressInUse, "another Listen has address and port"
	default:
		k.doors[e.At] = &door{r: r, name: e.Name, at: e.At, tls: e.TLS != ""}
		return
	}
	r.complain(reason, "listen %v: %s", e.At, words)
	r.tell(engine.Closed{Listener: e.Name, Reason: reason})
}

// named reports whether an engine uses a name already, for a Listen or a Bind.
func (k *sockets) named(r *runner, name string) bool {
	for _, d := range k.doors { //order:any
		if d.r == r && d.name == name {
			return true
		}
	}
	return k.bound(r, name) != nil
}

// taken reports whether somebody has an address and port already.
func taken[T any](all map[netip.AddrPort]T, at netip.AddrPort) bool {
	for other := range all { //order:any
		if other.Port() == at.Port() && (other == at || other.Addr().IsUnspecified() || at.Addr().IsUnspecified()) {
			return true
		}
	}
	return false
}

func (k *sockets) hasNot(profile string) string {
	return fmt.Sprintf("the node's configuration has no TLS profile %q; it has: %q", profile, k.profiles)
}

// dial begins to connect.
func (k *sockets) dial(r *runner, d engine.Dial) {
	if !d.Conn.Dialled() || k.open[connKey{r, d.Conn}] != nil {
		panic(fmt.Sprintf("sim: engine %s dials with Conn %d, which is even or in use", r.name, d.Conn))
	}
	reason, words := "", ""
	var src addr16
	switch {
	case d.TLS != "" && !slices.Contains(k.profiles, d.TLS):
		reason, words = engine.ReasonNoProfile, k.hasNot(d.TLS)
	case d.TLS != "" && d.Server == "":
		reason, words = engine.ReasonTLSName, "TLS needs the name that the peer's certificate must bear"
	case k.dials >= MaxDials:
		reason, words = engine.ReasonTooMany, "too many are under way"
	default:
		if src, reason = k.n.sourceTo(d.To.Addr(), d.From); reason != "" {
			words = reason
		}
	}
	if reason != "" {
		r.complain(reason, "dial %v: %s", d.To, words)
		r.tell(engine.Closed{Conn: d.Conn, Reason: reason})
		return
	}
	w := k.n.w
	s := &socket{r: r, conn: d.Conn, pair: pair{here: src, there: d.To.Addr().As16(), distance: d.To.Port()}}
	k.choosePort(&s.pair)
	s.tcp = tcp.Dial(w.now, s.pair.local, s.pair.distance, uint32(k.draw.Uint64()), k.n.mtuTo(s.pair.there))
	if d.TLS != "" {
		s.secure = &secure{client: true, server: d.Server, identity: k.n.plan.Identity}
	}
	k.add(s)
	k.open[connKey{r, d.Conn}] = s
	k.dials++
	s.dialing = true
	s.limit, s.limitAs = w.now+DialTimeout, engine.ReasonTimeout
	s.touch()
}

// choosePort takes the next port that makes the pair a new one.
func (k *sockets) choosePort(p *pair) {
	for range lastPort - firstPort + 1 {
		if k.port++; k.port > lastPort {
			k.port = firstPort
		}
		p.local = k.port
		if k.byPair[*p] == nil {
			return
		}
	}
}

// has reports whether the kernel, or on a user-space node its applications, have an address.
func (n *node) has(a addr16) bool { return n.own[a] != nil || n.userland && n.mirror.host(a) }

// sourceTo is the address that something is sent from to another, or why there is none; from is the one asked for, if any.
func (n *node) sourceTo(peer, from netip.Addr) (addr16, string) {
	if !peer.Is6() {
		return addr16{}, engine.ReasonUnreachable
	}
	to := addr16(peer.As16())
	r := n.route(to)
	switch {
	case from.IsValid() && (!from.Is6() || !n.has(from.As16())):
		return addr16{}, engine.ReasonNoAddress
	case n.own[to] == nil && !n.userland && !n.mirror.captured(to) && r == nil && n.mirror.mtu == 0, to.multicast():
		return addr16{}, engine.ReasonUnreachable
	case from.IsValid():
		return from.As16(), ""
	case n.has(to):
		return to, ""
	case n.userland && len(n.mirror.hosts) > 0:
		return n.mirror.hosts[0], ""
	}
	var out *iface
	if r != nil {
		out = r.out
	}
	if src, ok := n.source(out); ok {
		return src, ""
	}
	return addr16{}, engine.ReasonUnreachable
}

// mtuTo is the MTU of the interface by which packets for an address leave.
func (n *node) mtuTo(a addr16) int {
	if r := n.route(a); r != nil && !n.userland {
		return r.out.mtu
	}
	if n.mirror.mtu > 0 {
		return n.mirror.mtu
	}
	return DefaultMTU
}

// greet answers a SYN for a port on which an engine listens; false if there is none.
func (k *sockets) greet(p pair, syn *tcp.Segment) bool {
	d := k.doors[netip.AddrPortFrom(p.here.addr(), p.local)]
	if d == nil {
		d = k.doors[netip.AddrPortFrom(netip.IPv6Unspecified(), p.local)]
	}
	if d == nil {
		return false
	}
	if d.half >= MaxBacklog {
		k.n.w.drop(dropBacklog)
		return true
	}
	d.half++
	s := &socket{r: d.r, door: d, pair: p, half: true}
	s.tcp = tcp.Accept(k.n.w.now, syn, uint32(k.draw.Uint64()), k.n.mtuTo(p.there))
	if d.tls {
		s.secure = &secure{identity: k.n.plan.Identity}
	}
	k.add(s)
	s.touch()
	return true
}

// connected is the end of TCP's handshake.
func (s *socket) connected() {
	k := s.k
	d := s.door
	if d != nil {
		s.half = false
		d.half--
		full := ""
		switch {
		case d.open >= MaxAccepted:
			full = dropStreams
		case d.tls && d.shaking >= MaxHandshakes:
			full = dropHandshakes
		}
		if full != "" {
			k.n.w.drop(full)
			s.tcp.Abort()
			s.end(engine.ReasonTooMany)
			return
		}
		d.open++
		s.admitted = true
	}
	if s.secure == nil {
		s.ready(nil)
		return
	}
	s.secure.begun = true
	if d != nil {
		d.shaking++
		s.shaking = true
	}
	s.limit, s.limitAs = min(s.limit, k.n.w.now+HandshakeTimeout), engine.ReasonTLSTimeout
	s.arm()
	if s.secure.client {
		s.hello()
	}
}
