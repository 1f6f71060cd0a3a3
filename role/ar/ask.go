package ar

import (
	"bytes"
	"errors"
	"net/netip"
	"strconv"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/admit"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// ask is a request on its way to the AAA servers.
type ask struct {
	door    *door
	handle  admit.Handle
	coa     netip.Addr
	hw      plane.HW
	name    string // aaa.Identity of the mobile node
	user    string
	home    netip.Addr
	session string
	again   bool   // the session was there when this was asked
	offer   *offer // for the key of mobile node and router; nil: none was asked for
}

// offer is this end of a key exchange, draft-le §10.
type offer struct {
	method       access.Methods
	mnSPI, spi   uint32
	mobilePublic []byte
	private      aaa.Private // with Diffie-Hellman
}

// talk is an EAP conversation between two rounds: which session it is, and which server has its state.
type talk struct {
	session, host string
	again         bool
	hw            plane.HW
}

// ask turns a mobile node's request into an ARR, §7.4 and §9.3 of the draft.
//
// spec DM-09
func (g *gatekeeper) ask(now engine.Now, d *door, f admit.Request, out *engine.Effects) {
	m := f.Message
	a := &ask{door: d, handle: f.Handle, coa: m.CareOf, hw: f.HW, user: m.NAI, home: m.HomeAddress, name: aaa.Identity(m.NAI, m.HomeAddress)}
	if old := g.sessions[a.coa]; !g.room(a.coa) || (old == nil || old.standing != admitted) && !g.books.room(m.NAI) {
		g.refuse(now, a, uint32(diameter.TooBusy), out)
		return
	}
	route := mip6aaa.Route{OriginHost: g.cfg.Peers.Host, OriginRealm: g.cfg.Peers.Realm, DestinationRealm: g.realmOf(m.NAI)}
	t, talking := g.talks[a.coa]
	switch s := g.sessions[a.coa]; {
	case talking && t.hw == a.hw && m.EAP != nil:
		a.session, a.again, route.DestinationHost = t.session, t.again, t.host
	case s != nil && s.standing == admitted && s.hw == a.hw && s.name == a.name:
		a.session, a.again = s.id, true // authenticated again: RFC 6733 §8.3 has the session go on
	default:
		a.session = g.node.NewSessionID()
	}
	route.Session = a.session
	arr := mip6aaa.FromRequest(m, g.cfg.Network, route)
	if a.offer = g.offer(m.Keys); a.offer != nil {
		arr.Peer = []mip6aaa.PeerKey{a.offer.tell()}
	}
	g.number++
	g.asks[g.number] = a
	if !g.node.Request(now, out, arr.Octets(g.node.Builder()), g.number) {
		g.unable(now, g.number, uint32(diameter.UnableToDeliver), out)
	}
}

// offer makes this end's part of the key that a mobile node wants to share with the router: by Diffie-Hellman if the node can, since then
// nobody between learns it.
//
// spec DM-19 DM-20
func (g *gatekeeper) offer(keys []access.KeyRequest) *offer {
	for _, k := range keys {
		if k.Use != access.AccessRouter {
			continue
		}
		o := &offer{method: access.Random, mnSPI: k.SPI, spi: uint32(g.rand.Uint64()>>32) | access.MinSPI}
		if k.Methods&access.DiffieHellman != 0 {
			o.method, o.private, o.mobilePublic = access.DiffieHellman, aaa.DrawPrivate(g.rand), k.Public
		}
		return o
	}
	return nil
}

func (o *offer) tell() mip6aaa.PeerKey {
	k := mip6aaa.PeerKey{Use: access.AccessRouter, Method: o.method, PeerSPI: o.spi}
	if o.method == access.DiffieHellman {
		k.Public = o.private.Public()
	}
	return k
}

// errKey says that the answer has no use for the offer.
var errKey = errors.New("the key distribution is missing or not the one that was offered")

// take makes the key of what the servers answered.
//
// spec DM-19 DM-20
func (o *offer) take(ara *mip6aaa.ARA, name, network string) (*sharedKey, error) {
	k := mip6aaa.FindPeerKey(ara.Peer, access.AccessRouter)
	if k == nil || k.Method != o.method || k.MNSPI != o.mnSPI || k.Lifetime <= 0 || o.method == access.DiffieHellman && !bytes.Equal(k.Public, o.mobilePublic) {
		return nil, errKey
	}
	s := &sharedKey{mnSPI: o.mnSPI, routerSPI: o.spi, lifetime: k.Lifetime}
	var err error
	if o.method == access.Random {
		s.session, err = aaa.NewSession(k.Material)
	} else {
		s.session, err = o.private.Session(aaa.Parties{
			Use: aaa.AccessRouter, Mobile: name, Visited: network, MobilePublic: o.mobilePublic, PeerPublic: o.private.Public()})
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// answered turns an ARA into what the mobile node is told, and opens its gate if the home network says so: before the mobile node hears of it,
// so that nothing it sends then is lost.
//
// spec DM-06 DM-09
func (g *gatekeeper) answered(now engine.Now, number uint64, m diameter.Message, out *engine.Effects) {
	a := g.asks[number]
	if a == nil {
		if g.books != nil {
			g.books.answered(now, number, m, out)
		}
		return
	}
	delete(g.asks, number)
	ara, err := mip6aaa.ParseARA(m)
	if err != nil || ara.Session != a.session {
		out.Drop("ara-malformed", engine.A("coa", a.coa))
		g.refuse(now, a, uint32(diameter.UnableToComply), out)
		return
	}
	var s *session
	var told engine.Effects
	waits := a.door.client.Reply(now, a.handle, ara.Reply(), &told)
	g.endTalk(a.coa)
	switch {
	case !waits:
		out.Drop("ara-too-late", engine.A("coa", a.coa))
	case ara.Code.Success():
		s = g.admit(now, a, ara, out)
	case ara.Code == diameter.MultiRoundAuth:
		g.beginTalk(now, a, ara, out)
	default: // a session that the node has goes on: whoever speaks in its name could end it else
		g.refused(a, uint32(ara.Code), out)
	}
	out.List = append(out.List, told.List...)
	if s != nil {
		s.keep(now, out)
	}
	if s != nil && g.books != nil { // behind the reply, which waits for no record
		g.books.open(now, s, ara.Interim, out)
	}
	mip6aaa.ErasePeerKeys(ara.Peer)
}

// admit begins a session, or goes on with it.
//
// spec DM-09
func (g *gatekeeper) admit(now engine.Now, a *ask, ara *mip6aaa.ARA, out *engine.Effects) *session {
	s := g.sessions[a.coa]
	if s != nil && s.standing == admitted && s.id != a.session {
		g.become(now, s, ended, "another session", out)
		s = nil
	}
	if s == nil {
		s = &session{coa: a.coa, door: a.door}
		if a.again { // it ended meanwhile, and its name with it: no two sessions have one account
			a.session = g.node.NewSessionID()
		}
	}
	g.settle(now, s, a.name, a.hw, out)
	s.id, s.user, s.home = a.session, a.user, a.home
	if ara.Home.IsValid() {
		s.home = ara.Home
	}
	if ara.Agent.IsValid() {
		s.agent = ara.Agent
	}
	if a.offer != nil {
		key, err := a.offer.take(ara, a.name, g.cfg.Network)
		if err != nil {
			out.Drop("ara-key", engine.A("coa", a.coa), engine.S("error", err.Error()))
		} else {
			if s.key != nil {
				s.key.session.Erase()
			}
			s.key = key
			out.Event(engine.EventKeyUse, engine.A("coa", a.coa), engine.S("spi", strconv.FormatUint(uint64(key.routerSPI), 10)))
		}
	}
	life := ara.Lifetime
	if life <= 0 {
		life = g.cfg.Session
	}
	s.ends = now.Mono.Add(life)
	g.become(now, s, admitted, "", out)
	g.timers.Set(s.coa, s.ends)
	out.Event("access.granted", engine.A("coa", s.coa), engine.S("nai", s.user), engine.S("lifetime", life.String()))
	return s
}

// beginTalk keeps a conversation. The oldest makes room: anybody can begin one, and who goes on does so at once.
func (g *gatekeeper) beginTalk(now engine.Now, a *ask, ara *mip6aaa.ARA, out *engine.Effects) {
	if _, oldest := g.talking.Next(); len(g.talks) >= MaxTalks {
		out.Drop("talks-full", engine.A("coa", oldest))
		g.endTalk(oldest)
	}
	g.talks[a.coa] = talk{a.session, ara.OriginHost, a.again, a.hw}
	g.talking.Set(a.coa, now.Mono.Add(TalkFor))
}

func (g *gatekeeper) endTalk(coa netip.Addr) {
	delete(g.talks, coa)
	g.talking.Stop(coa)
}

// unable tells the mobile node that there is no answer.
//
// spec DM-09
func (g *gatekeeper) unable(now engine.Now, number uint64, code uint32, out *engine.Effects) {
	if a := g.asks[number]; a != nil {
		delete(g.asks, number)
		g.refuse(now, a, code, out)
	} else if g.books != nil {
		g.books.unable(now, number, out)
	}
}

// refuse is a refusal of this end's own.
func (g *gatekeeper) refuse(now engine.Now, a *ask, code uint32, out *engine.Effects) {
	g.refused(a, code, out)
	a.door.client.Reply(now, a.handle, &access.Reply{Result: code}, out)
}

func (g *gatekeeper) refused(a *ask, code uint32, out *engine.Effects) {
	out.Event("access.refused", engine.A("coa", a.coa), engine.S("nai", a.user), engine.S("result", diameter.ResultCode(code).String()))
}
