package ar

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"roam6/engine"
	"roam6/machine/admit"
	"roam6/machine/dad"
	"roam6/machine/neighbor"
	"roam6/machine/peers"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// AAA makes an access router an AAA client: draft-le-aaa-diameter-mobileipv6-04 §7.4, §9.3.
type AAA struct {
	Peers   peers.Config  // this node and the AAA servers of its network
	Network string        // visited network identifier; the realm of Peers when empty
	Clients []AAAClient   // the links on which mobile nodes are asked who they are
	Gate    bool          // what mobile nodes send on these links is sent on only while they have a session
	Session time.Duration // of sessions that come without Session-Timeout; 0: DefaultSession

	Accounting bool          // sessions are counted, and the home network told (RFC 6733 §9)
	Interim    time.Duration // between records of a session, where the home network sets nothing; 0: DefaultInterim
}

// AAAClient is the AAA client on an access link. Its address is the engine's, in the prefix of the link, and for nothing else: requests are
// taken from the link itself, with their hop limit and link-layer source.
type AAAClient struct {
	Port    plane.Port
	Address netip.Addr
}

// DefaultSession is how long a session lasts if the home network sets no end.
const DefaultSession = time.Hour

// Limits.
const (
	MaxSessions = 1 << 16          // more are told that there is no room (3004)
	MaxGuests   = 1 << 14          // nodes here on neighbouring routers' words, open or spent, beside the sessions
	MaxWords    = 1 << 12          // of them on one router's
	MaxTalks    = 1 << 12          // EAP conversations; the one that waits longest makes room
	TalkFor     = 30 * time.Second // between two rounds of EAP
	// Grace is how long a node may send that a neighbouring access router has announced, from when it was announced and again from when
	// it came, before it has authenticated itself here (RFC 5568 brought it; the draft knows nothing of fast handovers).
	Grace = 3 * time.Second
	// MaxGrace is how long it may in all, however often it is announced, until nothing has been open to it for GraceRest: nobody stays on the word
	// of others.
	MaxGrace  = 2 * Grace
	GraceRest = 30 * time.Second
)

// gatekeeper is the AAA client of a router: exchanges with mobile nodes (machine/admit), with AAA servers (machine/peers), and sessions.
type gatekeeper struct {
	cfg     AAA
	node    *peers.Node
	rand    *engine.Rand
	epochs  *engine.Rand // for what no other draw shall depend on
	doors   []*door
	dad     *dad.Detector
	speaker neighbor.Speaker

	asks     map[uint64]*ask // by number: requests on their way to the AAA servers
	number   uint64
	talks    map[netip.Addr]talk
	sessions map[netip.Addr]*session
	stations map[station]*session
	guests   int                       // of sessions: on others' words
	wordsOf  map[netip.Addr]int        // of them, by whose word
	timers   engine.Timers[netip.Addr] // ends of sessions
	talking  engine.Timers[netip.Addr] // of conversations
	books    *books                    // nil without accounting
}

// door is one access link.
type door struct {
	port    plane.Port
	prefix  netip.Prefix
	address netip.Addr
	client  *admit.Client
	hw      plane.HW
	checks  map[netip.Addr]plane.HW // addresses under duplicate detection, and who claims them
	epoch   uint32                  // epoch.go
}

func newGatekeeper(cfg AAA, links []*link, rand, epochs *engine.Rand) (*gatekeeper, error) {
	if cfg.Session <= 0 {
		cfg.Session = DefaultSession
	}
	if cfg.Network == "" {
		cfg.Network = cfg.Peers.Realm
	}
	for _, acct := range []bool{false, true} {
		if app := (peers.App{ID: diameter.AppMobileIPv6AAA, Acct: acct}); (!acct || cfg.Accounting) && !slices.Contains(cfg.Peers.Apps, app) {
			cfg.Peers.Apps = append(slices.Clone(cfg.Peers.Apps), app)
		}
	}
	node, err := peers.New(cfg.Peers, rand)
	if err != nil {
		return nil, err
	}
	g := &gatekeeper{cfg: cfg, node: node, rand: rand, epochs: epochs, dad: dad.New(dad.Config{}, rand),
		asks: map[uint64]*ask{}, talks: map[netip.Addr]talk{}, sessions: map[netip.Addr]*session{}, stations: map[station]*session{}, wordsOf: map[netip.Addr]int{}}
	if cfg.Accounting {
		g.books = newBooks(g, cfg.Interim)
	}
	for _, c := range cfg.Clients {
		i := slices.IndexFunc(links, func(l *link) bool { return l.cfg.Port == c.Port })
		if i < 0 || !links[i].cfg.Prefix.Contains(c.Address) || c.Address == links[i].cfg.Address {
			return nil, fmt.Errorf("AAA client %v on port %d: it needs an address of its own in the prefix of an access link", c.Address, c.Port)
		}
		if slices.ContainsFunc(g.doors, func(d *door) bool { return d.port == c.Port }) {
			return nil, fmt.Errorf("AAA client %v on port %d: there is one on this link", c.Address, c.Port)
		}
		d := &door{port: c.Port, prefix: links[i].cfg.Prefix, address: c.Address, checks: map[netip.Addr]plane.HW{}}
		of := admit.Config{Port: c.Port, Prefix: links[i].cfg.Prefix, Address: c.Address, Network: cfg.Network}
		if own := links[i].cfg.Address; own.IsValid() {
			of.Routers = append(of.Routers, own)
		}
		d.client = admit.New(of, rand)
		g.doors = append(g.doors, d)
	}
	return g, nil
}

func (g *gatekeeper) doorOf(port plane.Port) *door {
	for _, d := range g.doors {
		if d.port == port {
			return d
		}
	}
	return nil
}

// start closes the gates, before anybody can come.
func (g *gatekeeper) start(now engine.Now, in engine.Start, out *engine.Effects) {
	for _, d := range g.doors {
		if g.cfg.Gate {
			all := plane.GateKey{From: netip.PrefixFrom(netip.IPv6Unspecified(), 0), Port: d.port}
			out.Plane(plane.Op{Gate: &plane.GateOp{Key: all, Gate: plane.Gate{}}})
		}
		out.Plane(plane.Op{Local: &plane.LocalOp{Addr: d.address, Local: plane.Local{Port: d.port}}})
	}
	g.node.Start(now, out)
	if g.books != nil {
		g.books.restore(now, in.Records, out)
	}
	g.recall(in.Records)
	g.resume(now, in.Records, out)
	for _, d := range g.doors {
		if d.epoch == 0 {
			g.lost(d, out)
		}
	}
}

func (g *gatekeeper) linkUp(now engine.Now, in engine.LinkUp) {
	if d := g.doorOf(in.Port); d != nil {
		d.hw = in.HW
		d.client.Up(now, in.HW)
		g.speaker.Own(neighbor.Key{Port: d.port, Addr: d.address}, neighbor.Stance{HW: in.HW, Router: true, Source: ip6.LinkLocal(in.HW)})
	}
}

// linkDown ends what depends on the link: who was there must ask again.
func (g *gatekeeper) linkDown(now engine.Now, in engine.LinkDown, out *engine.Effects) {
	d := g.doorOf(in.Port)
	if d == nil {
		return
	}
	d.client.Down()
	clear(d.checks)
	g.dad.StopPort(d.port)
	g.speaker.DisownPort(d.port)
	for _, s := range g.list() {
		if s.door == d {
			g.become(now, s, ended, "link down", out)
			d.epoch = 0
		}
	}
	if d.epoch == 0 { // for who has not seen it go down
		g.lost(d, out)
	}
}

// stream takes an input of the Diameter node.
func (g *gatekeeper) stream(now engine.Now, in engine.Input, out *engine.Effects) {
	for _, f := range g.node.Handle(now, in, out) {
		switch f := f.(type) {
		case peers.Answered:
			g.answered(now, f.Ctx, f.Message, out)
		case peers.Unable:
			g.unable(now, f.Ctx, f.Code, out)
		case peers.Arrived: // an AAA client is asked nothing
			no := &diameter.Error{Code: diameter.CommandUnsupported, Text: "this is an AAA client"}
			g.node.Refuse(now, out, f.Handle, no)
		case peers.PeerUp:
			out.Event("aaa.peer-up", engine.S("host", f.Host))
			if g.books != nil {
				g.books.peerUp(now, out)
			}
		case peers.PeerDown:
			out.Event("aaa.peer-down", engine.S("host", f.Host), engine.S("why", f.Why))
		}
	}
}

// request takes a message of the access exchange.
func (g *gatekeeper) request(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	d := g.doorOf(in.Port)
	if d == nil {
		out.Drop("access-no-client", engine.A("from", p.Src))
		return
	}
	g.facts(now, d, d.client.Heard(now, in, p, out), out)
}

func (g *gatekeeper) facts(now engine.Now, d *door, facts []admit.Fact, out *engine.Effects) {
	for _, f := range facts {
		switch f := f.(type) {
		case admit.Check:
			d.checks[f.Addr] = f.HW
			if !g.dad.Start(now, dad.Key{Port: d.port, Addr: f.Addr}, d.hw, false, out) {
				g.checked(now, d, f.Addr, true, out)
			}
		case admit.Request:
			g.ask(now, d, f, out)
		}
	}
}

func (g *gatekeeper) checked(now engine.Now, d *door, a netip.Addr, duplicate bool, out *engine.Effects) {
	delete(d.checks, a)
	g.facts(now, d, d.client.Checked(now, a, duplicate, out), out)
}

// neighbour takes neighbour discovery: questions for the client's address, answers to duplicate detection, and who has which address.
// A mobile node that answers for the address it claims has it; one that probes it itself says nothing about others.
//
// spec DM-09
func (g *gatekeeper) neighbour(now engine.Now, in engine.Packet, p *ip6.Packet, m nd.Message, out *engine.Effects) {
	d := g.doorOf(in.Port)
	if d == nil {
		return
	}
	about := p.Src
	switch m := m.(type) {
	case *nd.NeighborSolicitation:
		if g.speaker.Heard(in.Port, in.From, p, m, out) {
			if !g.held(p.Src, in.From) {
				d.client.Neighbour(now, p.Src, in.From)
			}
			return
		}
		if p.Src.IsUnspecified() && d.checks[m.Target] == in.From {
			return
		}
	case *nd.NeighborAdvertisement:
		about = m.Target
		if hw, ok := d.checks[about]; ok && hw == in.From && (m.Options.TargetHW == hw || m.Options.TargetHW == plane.HW{}) {
			if !g.held(about, hw) {
				g.dad.Stop(dad.Key{Port: d.port, Addr: about})
				g.checked(now, d, about, false, out)
			}
			return
		}
	default:
		return
	}
	if v, ok := g.dad.Heard(in.Port, p, m); ok {
		g.checked(now, d, v.Key.Addr, true, out)
		return
	}
	if !g.held(about, in.From) {
		d.client.Neighbour(now, about, in.From)
	}
}

// held says whether another station has a session with an address: then whoever says that it has it must wait whether that one answers.
func (g *gatekeeper) held(a netip.Addr, hw plane.HW) bool {
	s := g.sessions[a]
	return s != nil && s.standing == admitted && s.hw != hw
}

func (g *gatekeeper) tick(now engine.Now, out *engine.Effects) {
	g.stream(now, engine.Tick{}, out)
	for _, v := range g.dad.Tick(now, out) {
		if d := g.doorOf(v.Key.Port); d != nil {
			g.checked(now, d, v.Key.Addr, v.Duplicate, out)
		}
	}
	for _, d := range g.doors {
		d.client.Tick(now, out)
	}
	for coa, ok := g.talking.Pop(now.Mono); ok; coa, ok = g.talking.Pop(now.Mono) {
		delete(g.talks, coa)
	}
	for coa, ok := g.timers.Pop(now.Mono); ok; coa, ok = g.timers.Pop(now.Mono) {
		g.sessionDue(now, coa, out)
	}
	if g.books != nil {
		g.books.tick(now, out)
	}
}

func (g *gatekeeper) deadline() (engine.Mono, string) {
	at, why := g.node.Deadline()
	if t, w := g.dad.Deadline(); t < at {
		at, why = t, w
	}
	if t, _ := g.timers.Next(); t < at {
		at, why = t, "end of a session"
	}
	if t, _ := g.talking.Next(); t < at {
		at, why = t, "next round of EAP"
	}
	if g.books != nil {
		if t, _ := g.books.timers.Next(); t < at {
			at, why = t, "accounting"
		}
	}
	for _, d := range g.doors {
		if t, w := d.client.Deadline(); t < at {
			at, why = t, w
		}
	}
	return at, why
}

// realmOf is the realm of a NAI, RFC 7542 §2.5: where the home AAA server is. Who has none, or only a home address, is for the servers
// of this network to place.
func (g *gatekeeper) realmOf(nai string) string {
	if i := strings.LastIndexByte(nai, '@'); i >= 0 {
		return nai[i+1:]
	}
	return g.cfg.Peers.Realm
}

// isAccess says whether a packet is for the gatekeeper.
func isAccess(p *ip6.Packet) bool { return p.Proto == ip6.ProtoICMPv6 && access.IsAccess(p.Payload) }
