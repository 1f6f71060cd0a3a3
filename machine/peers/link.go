package peers

import (
	"net/netip"
	"slices"
	"strings"

	"roam6/engine"
	"roam6/wire/diameter"
)

// link is one connection.
type link struct {
	id       engine.Conn
	p        *peer  // whose it is; nil while an accepted one has sent no CER
	listener string // that accepted it
	caller   bool   // one of those that have sent no CER
	tls      string // the profile it is protected by
	names    []string
	local    netip.Addr
	remote   netip.AddrPort
	cer      *heldCER
	in       []byte // the beginning of a message
	out      []byte // messages to be written at the end of Handle
	sent     int    // octets of it that have been
	gone     bool   // closed; nothing is read or written any more
}

func (n *Node) dial(p *peer) {
	l := &link{id: n.nextConn, p: p, tls: p.cfg.TLS}
	n.nextConn += 2
	n.links[l.id], p.i = l, l
	d := engine.Dial{Conn: l.id, To: p.cfg.At, TLS: p.cfg.TLS}
	if p.cfg.TLS != "" {
		d.Server = p.cfg.Server
	}
	n.out.Dial(d)
}

// close ends a connection after what was written.
func (n *Node) close(l *link) {
	if l == nil || l.gone {
		return
	}
	n.flush(l)
	n.out.Close(l.id)
	n.forget(l)
}

func (n *Node) forget(l *link) {
	n.waited(l)
	n.spend(l.in)
	l.gone, l.in = true, nil
	delete(n.links, l.id)
}

// waited takes a connection from those that have sent no CER.
func (n *Node) waited(l *link) {
	if l.caller {
		l.caller = false
		n.timers.Stop(timer{what: caller, c: l.id})
		n.waiting[l.listener]--
		if n.waitingFrom[l.from()]--; n.waitingFrom[l.from()] == 0 {
			delete(n.waitingFrom, l.from())
		}
	}
}

// from is the network that a connection came from.
func (l *link) from() netip.Prefix {
	a := l.remote.Addr().Unmap()
	p, _ := a.Prefix(min(64, a.BitLen()))
	return p
}

// write sends a message. Inside Handle what goes to one connection is gathered; outside, where nobody knows when the memory is the
// engine's again, it is copied.
func (n *Node) write(l *link, raw []byte) {
	switch {
	case l == nil || l.gone:
	case n.inHandle:
		if len(l.out) == 0 {
			n.written = append(n.written, l)
		}
		l.out = append(l.out, raw...)
	default:
		n.out.Write(l.id, slices.Clone(raw))
	}
}

// flush writes what was gathered.
func (n *Node) flush(l *link) {
	if l.sent < len(l.out) {
		n.out.Write(l.id, l.out[l.sent:])
		l.sent = len(l.out)
	}
}

func (n *Node) onOpened(in engine.Opened) {
	if in.Conn.Dialled() {
		if l := n.links[in.Conn]; l != nil {
			l.names, l.local, l.remote = in.Names, in.From.Addr().Unmap(), in.To
			n.connected(l)
		}
		return
	}
	i := slices.IndexFunc(n.cfg.Listen, func(l Listen) bool { return l.Name == in.Listener })
	if i < 0 || n.links[in.Conn] != nil {
		return // another room's connection
	}
	l := &link{id: in.Conn, listener: in.Listener, tls: n.cfg.Listen[i].TLS, names: in.Names, local: in.From.Addr().Unmap(), remote: in.To}
	n.links[l.id] = l
	if n.waiting[l.listener] >= MaxWaiting || n.waitingFrom[l.from()] >= MaxWaitingFrom || n.stopped {
		n.turnAway(l, TooManyWaiting)
		return
	}
	l.caller = true
	n.waiting[l.listener]++
	n.waitingFrom[l.from()]++
	n.timers.Set(timer{what: caller, c: l.id}, n.now.Mono.Add(CERWait))
}

// connected goes on with a connection that we dialled.
//
// spec DM-23
func (n *Node) connected(l *link) {
	if l.tls != "" && !l.proves(l.p.host) {
		n.drop(WrongName, l.p.host)
		n.refused(l, l.p.host, WrongName, "the certificate does not bear its name")
		n.step(l.p, iConnNack, l, WrongName)
		return
	}
	n.step(l.p, iConnAck, l, "")
}

// proves says whether the certificate of the peer bears a name.
func (l *link) proves(host string) bool {
	return slices.ContainsFunc(l.names, func(s string) bool { return lower(s) == host })
}

// turnAway closes a connection that is nobody's.
func (n *Node) turnAway(l *link, reason string) {
	n.out.Drop(reason, engine.A("from", l.remote))
	n.close(l)
}

func (n *Node) onClosed(in engine.Closed) {
	if in.Conn == 0 {
		i := slices.IndexFunc(n.cfg.Listen, func(l Listen) bool { return l.Name == in.Listener })
		if i >= 0 && !n.stopped {
			n.out.Drop(NotListening, engine.S("listener", in.Listener), engine.S("why", in.Reason))
			n.timers.Set(timer{what: listening, c: engine.Conn(i)}, n.now.Mono.Add(MaxBackoff))
		}
		return
	}
	l := n.links[in.Conn]
	if l == nil {
		return
	}
	n.forget(l)
	n.ended(l, in.Reason)
}

// ended tells the peer's state machine of a connection that is no more.
func (n *Node) ended(l *link, why string) {
	switch p := l.p; {
	case p == nil:
	case l == p.r:
		n.step(p, rPeerDisc, l, why)
	case l == p.i && (p.state == WaitConnAck || p.state == WaitConnAckElect):
		n.step(p, iConnNack, l, why)
	case l == p.i:
		n.step(p, iPeerDisc, l, why)
	}
}

// onStream cuts messages from what came.
func (n *Node) onStream(in engine.Stream) {
	l := n.links[in.Conn]
	if l == nil {
		return
	}
	buf := in.Data
	if len(l.in) > 0 {
		l.in = append(l.in, buf...)
		buf = l.in
	}
	for {
		limit := diameter.MaxMessage
		if l.p == nil || !l.p.state.open() {
			limit = MaxCER
		}
		raw, rest, err := diameter.Next(buf, limit)
		if err != nil {
			n.breakOff(l, Garbage)
			return
		}
		if raw == nil {
			break
		}
		buf = rest
		if n.message(l, raw); l.gone {
			return
		}
	}
	n.keep(l, buf)
}

// keep holds the beginning of a message until the rest comes. Facts of this Handle may show what stood before it in the same
// memory, so that it is not moved there.
func (n *Node) keep(l *link, rest []byte) {
	switch {
	case len(rest) == 0:
		n.spend(l.in)
		l.in = nil
	case len(l.in) == 0 || len(rest) < len(l.in):
		n.spend(l.in)
		l.in = append(make([]byte, 0, max(2*len(rest), 4<<10)), rest...)
	}
}

// breakOff ends a connection on which nothing can be understood.
func (n *Node) breakOff(l *link, reason string) {
	if l.p == nil {
		n.turnAway(l, reason)
		return
	}
	n.drop(reason, l.p.host)
	n.close(l)
	n.ended(l, reason)
}

// lower is a name in lower case as domain names are compared: ASCII letters alone.
func lower(s string) string { return strings.ToLower(s) }

// lowerInto writes an identity in lower case into memory of the caller.
func lowerInto(dst *[diameter.MaxIdentity]byte, b []byte) []byte {
	if len(b) > len(dst) {
		return nil
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst[i] = c
	}
	return dst[:len(b)]
}
