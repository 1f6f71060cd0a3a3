package peers

import (
	"slices"
	"strings"

	"roam6/engine"
	"roam6/wire/diameter"
)

// capabilities are what a peer said of itself in CER or CEA, RFC 6733 §5.3.
type capabilities struct {
	realm   string
	product string
	apps    []App
	relay   bool
	stateID uint32
}

// supports says whether requests of an application can go to this peer. Applications are told apart by their number alone here, as the
// header of a message does.
func (c *capabilities) supports(app uint32) bool {
	return c.relay || app == diameter.AppBase || slices.ContainsFunc(c.apps, func(a App) bool { return a.ID == app })
}

// readCapabilities takes them from a CER or CEA whose grammar has been checked.
func readCapabilities(m diameter.Message) (c capabilities, insecure bool) {
	secured, plain := false, false
	add := func(a diameter.AVP) {
		id, err := a.Uint32()
		switch {
		case err != nil || a.Key != diameter.AuthApplicationID && a.Key != diameter.AcctApplicationID:
		case id == diameter.AppRelay:
			c.relay = true
		case len(c.apps) < MaxApps:
			c.apps = append(c.apps, App{id, a.Key == diameter.AcctApplicationID})
		}
	}
	for a := range m.All() {
		switch a.Key {
		case diameter.OriginRealm:
			s, _ := a.Identity()
			c.realm = lower(s)
		case diameter.ProductName:
			c.product, _ = a.Text()
		case diameter.OriginStateID:
			c.stateID, _ = a.Uint32()
		case diameter.InbandSecurityID:
			v, _ := a.Uint32()
			secured, plain = secured || v != 0, plain || v == 0
		case diameter.VendorSpecificApplicationID:
			group, _ := a.Group()
			for g := range group.All() {
				add(g)
			}
		default:
			add(a)
		}
	}
	return c, secured && !plain
}

// common says whether there is anything to talk about, RFC 6733 §5.3: an application, or one of both passes messages on.
func (n *Node) common(c *capabilities) bool {
	return n.relay || c.relay || slices.ContainsFunc(c.apps, func(a App) bool { return slices.Contains(n.cfg.Apps, a) })
}

// describe adds what this node says of itself.
//
// spec DM-01
func (n *Node) describe(b *diameter.Builder, l *link) []byte {
	addrs := n.cfg.Addresses
	if len(addrs) == 0 {
		b.Addr(diameter.HostIPAddress, l.local)
	}
	for _, a := range addrs {
		b.Addr(diameter.HostIPAddress, a)
	}
	b.Uint32(diameter.VendorID, diameter.VendorRoam6).Text(diameter.ProductName, n.cfg.Product).Uint32(diameter.OriginStateID, n.stateID)
	b.Uint32(diameter.SupportedVendorID, diameter.VendorRoam6)
	for _, a := range n.cfg.Apps {
		if a.Acct {
			b.Uint32(diameter.AcctApplicationID, a.ID)
		} else {
			b.Uint32(diameter.AuthApplicationID, a.ID)
		}
	}
	return b.Done()
}

func (n *Node) sendCER(p *peer) {
	n.baseHop++
	n.endToEnd++
	b := n.own.Request(diameter.CapabilitiesExchange, diameter.AppBase, 0)
	raw := n.describe(n.Origin(b), p.i)
	diameter.SetHopByHop(raw, n.baseHop)
	diameter.SetEndToEnd(raw, n.endToEnd)
	n.write(p.i, raw)
}

// sendCEA answers the CER that was kept.
func (n *Node) sendCEA(p *peer) {
	p.caps = p.cer.caps
	b := n.own.Reply(diameter.Message{Header: p.cer.head}, diameter.Success, n.cfg.Host, n.cfg.Realm)
	n.write(p.r, n.describe(b, p.r))
	p.cer = nil
}

// first takes the first message of a connection that was accepted: a CER, or the end of it.
//
// spec DM-01 DM-23
func (n *Node) first(l *link, m diameter.Message) {
	if m.Command != diameter.CapabilitiesExchange || !m.IsRequest() {
		n.turnAway(l, NotCER)
		return
	}
	if err := diameter.Check(m); err != nil {
		n.refuseCER(l, m, BadGrammar, err.(*diameter.Error))
		return
	}
	host := claimed(m)
	caps, insecure := readCapabilities(m)
	p, reason, refusal := n.identify(l, lower(host), &caps)
	switch {
	case refusal != nil:
	case !n.common(&caps):
		reason, refusal = NothingCommon, &diameter.Error{Code: diameter.NoCommonApplication, Text: "no application in common"}
	case insecure:
		reason, refusal = NoSecurity, &diameter.Error{Code: diameter.NoCommonSecurity, Text: "security is not negotiated in CER here; use TLS from the start"}
	}
	if refusal != nil {
		n.refuseCER(l, m, reason, refusal)
		return
	}
	if p == nil {
		p = newPeer(lower(host), Peer{Host: host})
		p.realm, p.stranger = caps.realm, true
		n.byHost[p.host] = p
		n.strangers++
	}
	l.cer = &heldCER{head: m.Header, caps: caps}
	n.step(p, rConnCER, l, "")
}

// identify finds out who sent a CER, or why it is refused. A nil peer without refusal is a stranger who may come in.
//
// spec DM-23
func (n *Node) identify(l *link, host string, caps *capabilities) (p *peer, reason string, e *diameter.Error) {
	unknown := func(reason, text string) (*peer, string, *diameter.Error) {
		return nil, reason, &diameter.Error{Code: diameter.UnknownPeer, Text: text}
	}
	p = n.byHost[host]
	switch {
	case host == n.host:
		return unknown(OwnHost, "Origin-Host is the name of this node")
	case l.tls != "" && !l.proves(host):
		return unknown(WrongName, "the certificate does not bear Origin-Host")
	case p == nil && (!n.cfg.Strangers || l.tls == ""):
		return unknown(UnknownHost, "Origin-Host is not among the peers")
	case p == nil && n.strangers >= MaxStrangers:
		return nil, TooManyStrangers, &diameter.Error{Code: diameter.TooBusy, Text: "too many peers"}
	case p == nil:
		return nil, "", nil
	case p.cfg.TLS != "" && p.cfg.TLS != l.tls:
		return nil, WithoutTLS, &diameter.Error{Code: diameter.NoCommonSecurity, Text: "this peer must connect where it is expected, with TLS"}
	case p.cfg.From.IsValid() && !p.cfg.From.Contains(l.remote.Addr().Unmap()):
		return unknown(WrongSource, "Origin-Host does not connect from this address")
	case p.realm != "" && p.realm != caps.realm:
		return unknown(WrongRealm, "Origin-Realm is not that of this peer")
	}
	return p, "", nil
}

func (n *Node) refuseCER(l *link, m diameter.Message, reason string, e *diameter.Error) {
	n.refused(l, lower(claimed(m)), reason, e.Text)
	b := n.own.Refuse(m, e, n.cfg.Host, n.cfg.Realm)
	n.write(l, n.describe(b, l))
	n.turnAway(l, reason)
}

// claimed is who the sender of a message says he is, as he writes it; "" of one that says nothing, or what is no name.
func claimed(m diameter.Message) string {
	a, _ := m.Find(diameter.OriginHost)
	host, _ := a.Identity()
	return host
}

// refused tells that somebody is not let in, or not gone on with: who he says he is, where he is, and the names that he proved.
func (n *Node) refused(l *link, host, reason, why string) {
	names := strings.Join(l.names[:min(len(l.names), MaxNames)], " ")
	names = strings.ToValidUTF8(names[:min(len(names), MaxNamesSays)], "")
	n.out.List = append(n.out.List, engine.Event{Name: EventRefused, Reason: reason, Attrs: []engine.Attr{engine.S("peer", host), engine.A("from", l.remote),
		engine.S("why", why), engine.S("certificate", names)}})
}

// onCEA takes the answer to our CER.
//
// spec DM-01
func (n *Node) onCEA(l *link, m diameter.Message) {
	p := l.p
	wrong := func(reason string) {
		n.drop(reason, p.host)
		if reason != RefusedUs {
			n.refused(l, p.host, reason, "it calls itself "+claimed(m))
		}
		n.step(p, iRcvNonCEA, l, reason)
	}
	if m.Command != diameter.CapabilitiesExchange || m.IsRequest() {
		wrong(NotOpen)
		return
	}
	if code := resultOf(m); code != diameter.Success {
		a, _ := m.Find(diameter.ErrorMessage)
		says, _ := a.Text()
		says = strings.ToValidUTF8(says[:min(len(says), MaxSays)], "")
		n.out.List = append(n.out.List, engine.Event{Name: EventRefusedUs, Attrs: []engine.Attr{engine.S("peer", p.host), engine.A("result", code), engine.S("says", says)}})
		wrong(RefusedUs)
		return
	}
	if diameter.Check(m) != nil {
		wrong(BadGrammar)
		return
	}
	caps, _ := readCapabilities(m)
	host, _ := m.Find(diameter.OriginHost)
	switch {
	case !host.IsIdentity(p.host):
		wrong(UnknownHost)
	case p.realm != "" && p.realm != caps.realm:
		wrong(WrongRealm)
	case !n.common(&caps):
		wrong(NothingCommon)
	default:
		p.caps = caps
		n.step(p, iRcvCEA, l, "")
	}
}

// resultOf is the Result-Code of an answer, 0 if it has none.
func resultOf(m diameter.Message) diameter.ResultCode {
	a, _ := m.Find(diameter.ResultCodeAVP)
	v, err := a.Uint32()
	if err != nil {
		return 0
	}
	return diameter.ResultCode(v)
}
