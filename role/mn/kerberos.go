package mn

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"roam6/engine"
	keying "roam6/keying/krb5"
	"roam6/machine/tickets"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/krb5"
	"roam6/wire/lwkrb"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

// The node as a client of Kerberos: it logs on, and has the tickets ready that a handover may need (machine/tickets), all in the background. Nothing of
// it is waited for by anything else.
//
//	router found ─▶ realms? (RS) ─▶ realms of the networks around (RA) ─▶ wanted: their KDCs, and the name that their routers share
//	no binding   ─▶ token in a neighbour solicitation ─▶ access router (IAKERB) ─▶ KDC
//	binding      ─▶ datagram or stream from the home address ─▶ KDC

// Ask says how KDCs are reached.
type Ask string

// The ways.
const (
	AskKDC    Ask = "kdc"    // by packets from the home address, which need a binding
	AskRouter Ask = "router" // by the access router
	AskEither Ask = "either" // the second while there is no binding
)

// Kerberos is a mobile node's part in Kerberos.
type Kerberos struct {
	Principal string          // ann@HOME.EXAMPLE
	LongTerm  []byte          // shared with the home domain: keys are made of it (docs/kerberos.md)
	Keytab    []byte          // or the keys, as a keytab has them
	PKINIT    *tickets.PKINIT // or a certificate
	Ask       Ask             // "" is AskEither
	Realms    []tickets.Realm // whose KDCs are known
	Want      []string        // realms whose tickets are always wanted
	Routers   []string        // and access routers' principals
	// Life and Renew are how long tickets are wanted, and how long renewable; 0: tickets.DefaultLife, and not renewable.
	Life, Renew time.Duration
}

// Format prints who it is and no key, for every verb.
func (k Kerberos) Format(f fmt.State, _ rune) { io.WriteString(f, "{"+k.Principal+" [key]}") }

// Limits and times.
const (
	// MaxNear is how many realms are remembered that routers named; the one named the longest ago goes.
	MaxNear = 16
	// RealmsTries and RealmsWait are how often a router is asked for them that does not answer, and how long it has each time.
	RealmsTries = 3
	RealmsWait  = time.Second
	// SharedRouter begins the name that access routers of a trust domain share, docs/kerberos.md; the domain follows.
	SharedRouter = "mobileip/access."
)

const kerberosBind = "mn.kerberos" // of the port from which KDCs are asked

// kerberos is the state. Conns are named by nobody else in this role.
type kerberos struct {
	client  *tickets.Client
	realm   string // the node's own
	ask     Ask
	always  []krb5.Principal // wanted, whatever routers say
	on      bool
	way     tickets.Way
	port    plane.Port // the access whose router is the proxy
	router  netip.Addr
	streams []stream
	last    engine.Conn
	near    []string // realms that routers named, the last one last
	tries   int
	again   engine.Mono // to ask the router for realms; 0: not
	asked   netip.Addr  // the router that was asked
	unbound string      // why there is no UDP port
}

type stream struct {
	conn engine.Conn
	id   tickets.ID
	data []byte // to be written when it is open
}

// newKerberos makes the client; nil if there is no configuration for it.
func (n *Node) newKerberos(seed [32]byte) error {
	c := n.cfg.Kerberos
	if c == nil {
		return nil
	}
	id, err := krb5.ParsePrincipal(c.Principal)
	if err != nil {
		return err
	}
	cfg := tickets.Config{Client: id, Realms: c.Realms, Life: c.Life, Renew: c.Renew, Lightweight: true}
	if cfg.PKINIT = c.PKINIT; c.PKINIT == nil {
		if cfg.Keys, err = c.keys(id); err != nil {
			return err
		}
	}
	seed[0] ^= 2 // how KDCs answer changes nothing that the node draws otherwise
	client, err := tickets.New(cfg, engine.NewRand(seed))
	if err != nil {
		return err
	}
	k := &kerberos{client: client, realm: id.Realm, ask: c.Ask}
	for _, r := range c.Routers {
		p, err := krb5.ParsePrincipal(r)
		if err != nil {
			return err
		}
		k.always = append(k.always, p)
	}
	for _, r := range c.Want {
		k.always = append(k.always, k.kdcOf(r))
	}
	n.kerberos = k
	return nil
}

// keys are those of the client, one a type: of its long-term key, or the newest of its keytab.
func (c *Kerberos) keys(id krb5.Principal) (list []keying.Key, err error) {
	if len(c.LongTerm) > 0 {
		for _, e := range keying.ETypes() {
			k, err := keying.SubscriberKey(e, c.LongTerm, id.String())
			if err != nil {
				return nil, err
			}
			list = append(list, k)
		}
		return list, nil
	}
	entries, err := krb5.ParseKeytab(c.Keytab)
	if err != nil {
		return nil, err
	}
	for _, e := range keying.ETypes() {
		var newest *krb5.KeytabEntry
		for i := range entries {
			x := &entries[i]
			if x.Principal.Equal(id) && keying.EType(x.Key.EType) == e && (newest == nil || x.KVNO > newest.KVNO) {
				newest = x
			}
		}
		if newest == nil {
			continue
		}
		k, err := keying.NewKey(e, newest.Key.Value)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("the keytab has no key of %v with an encryption type from 17 to 20", id)
	}
	return list, nil
}

// kdcOf is the TGT of a realm, as the node's own realm names it.
func (k *kerberos) kdcOf(realm string) krb5.Principal {
	return krb5.Principal{Name: krb5.TGS(realm), Realm: k.realm}
}

// sharedOf is the name that the access routers of a realm share.
func sharedOf(realm string) krb5.Principal {
	p, _ := krb5.ParsePrincipal(SharedRouter + strings.ToLower(realm) + "@" + realm)
	return p
}

// attendTickets brings the client where the node is; called at the end of each turn.
//
// spec RT-30 RT-40
func (n *Node) attendTickets(now engine.Now, out *engine.Effects) {
	k := n.kerberos
	if k == nil {
		return
	}
	a := n.proxyAccess()
	var router netip.Addr
	if a != nil {
		r, _ := a.link.Current()
		router = r.Addr
		if router != k.asked || a.link.Port != k.port {
			k.asked, k.port, k.tries, k.again = router, a.link.Port, 0, now.Mono
		}
		n.askRealms(now, a, out)
	} else {
		k.asked, k.again = netip.Addr{}, 0
	}
	way := tickets.Proxy
	switch direct := n.home.phase == current && (n.home.atHome || n.home.bound(now)); {
	case direct && k.ask != AskRouter:
		way = tickets.Direct
	case k.ask == AskKDC, a == nil, k.on && k.way == tickets.Direct && n.home.expires > now.Mono: // the last: it moves, and is bound again soon
		return
	}
	if k.on && way == k.way && (way == tickets.Direct || router == k.router) {
		return
	}
	k.way, k.router = way, router
	facts := k.client.Through(now, way, out)
	if !k.on {
		k.on = true
		facts = append(facts, k.client.Start(now, out)...)
		for _, p := range k.always {
			more, _ := k.client.Want(now, p, out)
			facts = append(facts, more...)
		}
	}
	n.ticketFacts(now, facts, out)
}

// proxyAccess is the access whose router is spoken to: the first with a router, and an address to speak from.
func (n *Node) proxyAccess() *access {
	for _, a := range n.access {
		if _, ok := a.link.Current(); ok && a.link.IsUp() && n.sourceOn(a).IsValid() {
			return a
		}
	}
	return nil
}

// sourceOn is what the node speaks from to a router of the link.
func (n *Node) sourceOn(a *access) netip.Addr {
	switch {
	case a.localOK:
		return a.linkLocal
	case a.checked, a.vouched:
		return a.coa
	}
	return netip.Addr{}
}

// askRealms asks the router which realms are around (draft-koodli-mobileip-fastv6-02 §6.1.1), a few times.
//
// spec FH-17
func (n *Node) askRealms(now engine.Now, a *access, out *engine.Effects) {
	k := n.kerberos
	if k.again == 0 || now.Mono < k.again {
		return
	}
	if k.tries++; k.tries > RealmsTries {
		k.again = 0
		return
	}
	k.again = now.Mono.Add(RealmsWait)
	n.toRouter(a, &nd.RouterSolicitation{Options: nd.Options{SourceHW: a.link.HW(), Handover: &subopt.Handover{RealmsWanted: true}}}, out)
}

// toRouter sends a message of neighbour discovery to the router of an access.
func (n *Node) toRouter(a *access, m nd.Message, out *engine.Effects) bool {
	r, ok := a.link.Current()
	src := n.sourceOn(a)
	if !ok || !src.IsValid() {
		return false
	}
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: src, Dst: r.Addr}, Proto: ip6.ProtoICMPv6}
	p.Payload = nd.Append(nil, src, r.Addr, m)
	data := p.Append(nil)
	if a.mtu > 0 && len(data) > a.mtu { // neighbour discovery has no fragments: RFC 6980
		return false
	}
	out.Send(a.link.Port, r.HW, data)
	return true
}

// realmsHeard takes what the router says of realms.
func (n *Node) realmsHeard(now engine.Now, a *access, in engine.Packet, p *ip6.Packet, ra *nd.RouterAdvertisement, out *engine.Effects) {
	k, h := n.kerberos, ra.Options.Handover
	if k == nil || h == nil || len(h.Realms) == 0 {
		return
	}
	if r, ok := a.link.Current(); !ok || p.Src != r.Addr || in.From != r.HW || k.asked != r.Addr || k.tries == 0 {
		out.Drop("realms-unasked", engine.A("from", p.Src))
		return
	}
	k.again = 0
	var facts []tickets.Fact
	for _, r := range h.Realms {
		if !lwkrb.ValidRealm(r) {
			continue
		}
		if i := slices.Index(k.near, r); i >= 0 {
			k.near = append(slices.Delete(k.near, i, i+1), r)
			continue
		}
		if len(k.near) == MaxNear {
			for _, p := range k.ticketsFor(k.near[0]) {
				if !slices.ContainsFunc(k.always, p.Equal) {
					facts = append(facts, k.client.Unwant(now, p, out)...)
				}
			}
			k.near = slices.Delete(k.near, 0, 1)
		}
		k.near = append(k.near, r)
		for _, p := range k.ticketsFor(r) {
			more, ok := k.client.Want(now, p, out)
			if facts = append(facts, more...); !ok {
				out.Event("kerberos.too-many-tickets", engine.A("server", p))
			}
		}
	}
	out.Event("kerberos.realms", engine.A("router", p.Src), engine.S("realms", strings.Join(h.Realms, " ")))
	n.ticketFacts(now, facts, out)
}

// ticketsFor is what the node wants of a realm.
func (k *kerberos) ticketsFor(realm string) []krb5.Principal {
	list := []krb5.Principal{sharedOf(realm)}
	if realm != k.realm {
		list = append(list, k.kdcOf(realm))
	}
	return list
}

// tokenHeard takes a token of the access router; false if the advertisement has none.
func (n *Node) tokenHeard(now engine.Now, a *access, in engine.Packet, p *ip6.Packet, na *nd.NeighborAdvertisement, out *engine.Effects) bool {
	k, h := n.kerberos, na.Options.Handover
	if k == nil || h == nil || len(h.Kerberos) == 0 {
		return false
	}
	if r, ok := a.link.Current(); !ok || p.Src != r.Addr || in.From != r.HW || !k.on {
		out.Drop("token-unasked", engine.A("from", p.Src))
		return true
	}
	n.ticketFacts(now, k.client.HeardToken(now, h.Kerberos, out), out)
	return true
}

// ticketFacts carries octets to KDCs, and opens what streams they need.
func (n *Node) ticketFacts(now engine.Now, facts []tickets.Fact, out *engine.Effects) {
	k := n.kerberos
	for i := 0; i < len(facts); i++ {
		switch f := facts[i].(type) {
		case tickets.Send:
			switch f.Way {
			case tickets.Datagram:
				if k.unbound != "" { // perhaps it can be had now
					k.unbound = ""
					out.Bind(engine.Bind{Name: kerberosBind})
				}
				out.Datagram(engine.Datagram{Name: kerberosBind, Peer: f.KDC, Data: f.Data})
			case tickets.Stream:
				k.hangUp(f.Exchange, out)
				k.last += 2
				conn := k.last - 1
				k.streams = append(k.streams, stream{conn, f.Exchange, f.Data})
				out.Dial(engine.Dial{Conn: conn, To: f.KDC})
			case tickets.Proxy:
				if a := n.accessOf(k.port); a == nil || !n.toRouter(a, n.carrying(a, f.Data), out) {
					out.Drop("token-not-sent", engine.S("octets", itoa(len(f.Data))))
				}
			}
		case tickets.Over:
			k.hangUp(f.Exchange, out)
		}
	}
}

// carrying is a neighbour solicitation with a token.
func (n *Node) carrying(a *access, token []byte) nd.Message {
	r, _ := a.link.Current()
	return &nd.NeighborSolicitation{Target: r.Addr, Options: nd.Options{SourceHW: a.link.HW(), Handover: &subopt.Handover{Kerberos: token}}}
}

// hangUp ends the stream of an exchange.
func (k *kerberos) hangUp(id tickets.ID, out *engine.Effects) {
	if i := slices.IndexFunc(k.streams, func(s stream) bool { return s.id == id }); i >= 0 {
		out.Close(k.streams[i].conn)
		k.streams = slices.Delete(k.streams, i, i+1)
	}
}

// fromKDC takes what comes over the host's sockets.
func (n *Node) fromKDC(now engine.Now, in engine.Input, out *engine.Effects) {
	k := n.kerberos
	if k == nil {
		return
	}
	of := func(c engine.Conn) int {
		return slices.IndexFunc(k.streams, func(s stream) bool { return s.conn == c })
	}
	switch in := in.(type) {
	case engine.Datagram:
		if in.Name == kerberosBind {
			n.ticketFacts(now, k.client.HeardFrom(now, in.Peer, in.Data, out), out)
		}
	case engine.Opened:
		if i := of(in.Conn); i >= 0 {
			out.Write(in.Conn, k.streams[i].data)
		}
	case engine.Stream:
		if i := of(in.Conn); i >= 0 {
			n.ticketFacts(now, k.client.HeardStream(now, k.streams[i].id, in.Data, out), out)
		}
	case engine.Closed:
		if in.Listener == kerberosBind {
			k.unbound = in.Reason
			out.Event("kerberos.no-port", engine.S("reason", in.Reason))
			return
		}
		if i := of(in.Conn); i >= 0 {
			id := k.streams[i].id
			k.streams = slices.Delete(k.streams, i, i+1)
			n.ticketFacts(now, k.client.Lost(now, id, out), out)
		}
	}
}

// KerberosView is what is known of KDCs and tickets.
type KerberosView struct {
	Waits  string       `json:"waits,omitempty"`  // why it has not begun
	Realms []string     `json:"realms,omitempty"` // around, as routers say
	Client tickets.View `json:"client"`
}

func (k *kerberos) view() *KerberosView {
	if k == nil {
		return nil
	}
	v := &KerberosView{Realms: slices.Clone(k.near), Client: k.client.View()}
	switch {
	case k.unbound != "":
		v.Waits = "no UDP port: " + k.unbound
	case !k.on && k.ask == AskKDC:
		v.Waits = "for a binding"
	case !k.on:
		v.Waits = "for an access router"
	}
	return v
}

func (k *kerberos) deadline() (engine.Mono, string) {
	if k == nil {
		return engine.Never, ""
	}
	at, why := k.client.Deadline()
	if k.again != 0 && k.tries <= RealmsTries && k.again < at {
		return k.again, "realms around"
	}
	return at, why
}

// Tickets are those that are good, the node's own TGT first; nil without Kerberos.
func (n *Node) Tickets(now engine.Now) []*tickets.Ticket {
	if n.kerberos == nil {
		return nil
	}
	return n.kerberos.client.Tickets(now)
}
