package peers

import (
	"roam6/engine"
	"roam6/wire/diameter"
)

// message takes one whole message from a connection.
func (n *Node) message(l *link, raw []byte) {
	m, err := diameter.Parse(raw)
	if err != nil {
		n.malformed(l, m, err.(*diameter.Error))
		return
	}
	p := l.p
	switch {
	case p == nil:
		n.first(l, m)
	case l == p.i && (p.state == WaitICEA || p.state == WaitReturns):
		n.onCEA(l, m)
	case p.state == Closing:
		n.closing(l, m)
	case l != p.link():
		n.drop(NotOpen, p.host) // it speaks before the election is over
	default:
		n.open(p, l, m)
	}
}

// open takes a message of an open peer.
func (n *Node) open(p *peer, l *link, m diameter.Message) {
	p.count.In++
	n.hear(p, m.Command == diameter.DeviceWatchdog && !m.IsRequest() && m.HopByHop == p.dwrHop && p.dwr)
	switch m.Command {
	case diameter.CapabilitiesExchange, diameter.DisconnectPeer, diameter.DeviceWatchdog:
		n.base(p, l, m)
	default:
		if m.IsRequest() {
			n.request(p, l, m)
		} else {
			n.answer(p, m)
		}
	}
}

// base takes what concerns the connection itself, RFC 6733 §5.3 to §5.5.
func (n *Node) base(p *peer, l *link, m diameter.Message) {
	if m.IsRequest() {
		if err := diameter.Check(m); err != nil {
			n.refuse(l, m, BadGrammar, err.(*diameter.Error))
			return
		}
	}
	switch {
	case m.Command == diameter.CapabilitiesExchange:
		n.drop(NotOpen, p.host) // capabilities do not change while a connection is open, RFC 6737 is not spoken
	case m.Command == diameter.DeviceWatchdog && m.IsRequest():
		n.restarted(p, m)
		n.write(l, n.own.Reply(m, diameter.Success, n.cfg.Host, n.cfg.Realm).Uint32(diameter.OriginStateID, n.stateID).Done())
	case m.Command == diameter.DeviceWatchdog:
		n.restarted(p, m)
	case m.IsRequest():
		a, _ := m.Find(diameter.DisconnectCause)
		cause, _ := a.Uint32()
		p.away = cause != diameter.DisconnectCauseRebooting
		n.write(l, n.own.Reply(m, diameter.Success, n.cfg.Host, n.cfg.Realm).Done())
		n.step(p, rcvDPR, l, Disconnected)
	default:
		n.drop(AnswerUnexpected, p.host) // a DPA that nobody asked for
	}
}

// closing waits for DPA, or for the other's end of the connection.
func (n *Node) closing(l *link, m diameter.Message) {
	switch {
	case m.Command == diameter.DisconnectPeer && !m.IsRequest():
		n.step(l.p, rcvDPA, l, Stopped)
	case m.Command == diameter.DisconnectPeer: // both at once
		n.write(l, n.own.Reply(m, diameter.Success, n.cfg.Host, n.cfg.Realm).Done())
	default:
		n.drop(NotOpen, l.p.host)
	}
}

// restarted tells that a peer lost its state, RFC 6733 §8.16.
func (n *Node) restarted(p *peer, m diameter.Message) {
	a, ok := m.Find(diameter.OriginStateID)
	if id, err := a.Uint32(); ok && err == nil && id != p.caps.stateID {
		if p.caps.stateID != 0 {
			n.out.Event("peer.restarted", engine.S("peer", p.host))
		}
		p.caps.stateID = id
	}
}

func (n *Node) sendDWR(p *peer) {
	p.dwr, p.asked = true, n.now.Mono
	p.dwrHop = n.sendBase(p, n.Origin(n.own.Request(diameter.DeviceWatchdog, diameter.AppBase, 0)).Uint32(diameter.OriginStateID, n.stateID).Done())
}

func (n *Node) sendDPR(p *peer) {
	n.sendBase(p, n.Origin(n.own.Request(diameter.DisconnectPeer, diameter.AppBase, 0)).Uint32(diameter.DisconnectCause, diameter.DisconnectCauseRebooting).Done())
}

func (n *Node) sendBase(p *peer, raw []byte) uint32 {
	n.baseHop++
	n.endToEnd++
	diameter.SetHopByHop(raw, n.baseHop)
	diameter.SetEndToEnd(raw, n.endToEnd)
	n.write(p.link(), raw)
	return n.baseHop
}

// malformed answers a message whose frame is wrong, if it is a request and may be answered. Its end is known, so that the stream goes on.
func (n *Node) malformed(l *link, m diameter.Message, e *diameter.Error) {
	switch {
	case l.p == nil:
		n.turnAway(l, Malformed)
	case l != l.p.link():
		n.breakOff(l, Malformed)
	case !m.IsRequest():
		n.drop(Malformed, l.p.host)
	default:
		n.refuse(l, m, Malformed, e)
	}
}

// refuse answers a request with what is wrong with it, or with its way.
func (n *Node) refuse(l *link, m diameter.Message, reason string, e *diameter.Error) {
	n.out.Drop(reason, engine.S("peer", l.p.host), engine.A("result", e.Code))
	n.count.Refused++
	n.write(l, n.refusal(m, e))
}
