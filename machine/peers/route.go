package peers

import (
	"slices"
	"strconv"
	"strings"

	"roam6/engine"
	"roam6/wire/diameter"
)

// destination is what the way of a request depends on.
type destination struct {
	host, realm diameter.AVP
	hasHost     bool
	hasRealm    bool
	recorded    bool // it has Route-Records
	loop        bool // one of them is this node
}

// look reads the destination of a request.
func (n *Node) look(m diameter.Message) (d destination) {
	for a := range m.All() {
		switch a.Key {
		case diameter.DestinationHost:
			d.host, d.hasHost = a, true
		case diameter.DestinationRealm:
			d.realm, d.hasRealm = a, true
		case diameter.RouteRecord:
			d.recorded = true
			d.loop = d.loop || a.IsIdentity(n.host)
		}
	}
	return d
}

// wayOf finds the route for a realm and an application, or nil.
func (n *Node) wayOf(realm diameter.AVP, app uint32) *way {
	var buf [diameter.MaxIdentity]byte
	for _, list := range [...][]way{n.routes[string(lowerInto(&buf, realm.Data))], n.routes["*"]} {
		for i := range list {
			if list[i].app == 0 || list[i].app == app {
				return &list[i]
			}
		}
	}
	return nil
}

func (n *Node) peerOf(host diameter.AVP) *peer {
	var buf [diameter.MaxIdentity]byte
	return n.byHost[string(lowerInto(&buf, host.Data))]
}

// speaks says whether requests of an application are answered here.
func (n *Node) speaks(app uint32) bool {
	if app == diameter.AppBase {
		return true
	}
	for _, a := range n.cfg.Apps {
		if a.ID == app && app != diameter.AppRelay {
			return true
		}
	}
	return false
}

// request decides about a request of a peer, RFC 6733 §6.1.
func (n *Node) request(p *peer, l *link, m diameter.Message) {
	d := n.look(m)
	w := n.wayOf(d.realm, m.App)
	ours := d.hasRealm && d.realm.IsIdentity(n.realm)
	switch {
	case d.loop:
		n.wrongWay(l, m, Loop, diameter.LoopDetected, "this node is in a Route-Record")
	case d.hasHost && d.host.IsIdentity(n.host), !d.hasHost && !d.hasRealm, !d.hasHost && (w == nil && ours || w != nil && w.action == Local):
		n.local(p, l, m)
	case m.Flags&diameter.Proxiable == 0:
		n.wrongWay(l, m, NotDelivered, diameter.UnableToDeliver, "for another node, without the P flag")
	case !w.sendsOn() && (!n.relay || n.cfg.Routed || !d.hasHost || n.peerOf(d.host) == nil):
		if ours || w != nil && !w.own {
			n.wrongWay(l, m, NotDelivered, diameter.UnableToDeliver, "Destination-Host is not a peer")
		} else {
			n.wrongWay(l, m, NoRoute, diameter.RealmNotServed, "no route to Destination-Realm")
		}
	case !w.sendsOn():
		n.relayOn(p, l, m, &d, nil)
	case w.action == Redirect:
		n.redirect(l, m, w)
	case w.action == Proxy:
		n.arrive(p, l, m, true, duplicate{})
	default:
		n.relayOn(p, l, m, &d, w)
	}
}

func (n *Node) wrongWay(l *link, m diameter.Message, reason string, code diameter.ResultCode, text string) {
	n.refuse(l, m, reason, &diameter.Error{Code: code, Text: text})
}

// unsent answers a request that no peer can take now.
func (n *Node) unsent(l *link, m diameter.Message, code diameter.ResultCode) {
	if code == diameter.TooBusy {
		n.wrongWay(l, m, Busy, code, "too many requests wait")
		return
	}
	n.wrongWay(l, m, NotDelivered, code, "no peer can be reached that would take it")
}

// relayOn sends a request on as it is. In the steady state it allocates nothing but what Effects do for a Write.
func (n *Node) relayOn(p *peer, l *link, m diameter.Message, d *destination, w *way) {
	i, ok := n.take(len(m.Raw), p)
	if !ok {
		n.unsent(l, m, diameter.TooBusy)
		return
	}
	s := &n.slots[i]
	s.buf = diameter.Relay(s.buf, m, 0, p.host)
	n.filled(i, m, p)
	s.kind, s.from, s.fromHop = relayed, l, m.HopByHop
	n.aim(s, d, w)
	to, code := n.pick(s)
	if to == nil || len(s.buf) > diameter.MaxMessage {
		n.release(i)
		n.unsent(l, m, code)
		return
	}
	n.send(i, to, false)
}

// aim enters where a request may go.
func (n *Node) aim(s *slot, d *destination, w *way) {
	s.recorded = d.recorded
	if w != nil {
		s.via = w.via
	}
	if d.hasHost {
		s.direct = n.peerOf(d.host)
	}
	if n.cfg.Routed && s.back != nil && !slices.Contains(s.via, s.direct) {
		s.direct = nil
	}
}

// Request sends an own request by its Destination-Host and Destination-Realm; its identifiers are set here. If it says true, exactly one
// Answered or Unable with ctx follows within MaxAge, never in the same input; if false, nothing: there is no peer to send it to, or too much waits.
func (n *Node) Request(now engine.Now, out *engine.Effects, raw []byte, ctx uint64) bool {
	n.enter(now, out)
	m, err := diameter.Parse(raw)
	if err != nil || !m.IsRequest() {
		panic("peers: Request is given what is not a request")
	}
	i, ok := n.take(len(raw), nil)
	if !ok {
		n.drop(Busy, "")
		return false
	}
	s := &n.slots[i]
	n.endToEnd++
	s.buf = append(s.buf, raw...)
	diameter.SetEndToEnd(s.buf, n.endToEnd)
	m.EndToEnd = n.endToEnd
	n.filled(i, m, nil)
	s.kind, s.ctx = ownRequest, ctx
	d := n.look(m)
	n.aim(s, &d, n.wayOf(d.realm, m.App))
	p, code := n.pick(s)
	if p == nil || len(raw) > diameter.MaxMessage {
		n.release(i)
		n.out.Drop(NotDelivered, engine.A("result", code))
		return false
	}
	n.send(i, p, false)
	return true
}

// redirect tells whom to ask, RFC 6733 §6.1.8.
func (n *Node) redirect(l *link, m diameter.Message, w *way) {
	b := n.own.Reply(m, diameter.RedirectIndication, n.cfg.Host, n.cfg.Realm)
	for _, uri := range w.hosts {
		b.Text(diameter.RedirectHost, uri)
	}
	n.count.Redirected++
	n.write(l, b.Done())
}

// redirectURI is a host as Redirect-Host, RFC 6733 §4.3.1, with its port if that is known.
func redirectURI(host string, p *peer) string {
	switch {
	case p == nil:
		return "aaa://" + host
	case p.cfg.At.IsValid() && p.cfg.TLS != "":
		return "aaas://" + host + ":" + strconv.Itoa(int(p.cfg.At.Port())) + ";transport=tcp"
	case p.cfg.At.IsValid():
		return "aaa://" + host + ":" + strconv.Itoa(int(p.cfg.At.Port())) + ";transport=tcp"
	}
	return "aaa://" + host
}

// follow aims a request at the first Redirect-Host that is an open peer. Others cannot be dialled: this node knows no addresses of names, and
// whom it trusts is in its configuration.
func (n *Node) follow(s *slot, m diameter.Message) bool {
	if s.redirects == MaxRedirects {
		return false
	}
	for a := range m.All() {
		if a.Key != diameter.RedirectHost {
			continue
		}
		uri, err := a.Text()
		_, host, found := strings.Cut(lower(uri), "://")
		if end := strings.IndexAny(host, ":;"); end >= 0 {
			host = host[:end]
		}
		p := n.byHost[host]
		if err != nil || !found || p == nil || p == s.p || p.watch != Okay {
			continue
		}
		s.redirects++
		s.direct, s.via, s.tried = p, nil, 0
		return true
	}
	return false
}
