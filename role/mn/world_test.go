package mn

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/enrol"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

var (
	homePrefix = netip.MustParsePrefix("2001:db8:0:1::/64")
	hoa        = netip.MustParseAddr("2001:db8:0:1::100")
	haAddr     = netip.MustParseAddr("2001:db8:0:1::a")
	prefixA    = netip.MustParsePrefix("2001:db8:a:1::/64")
	prefixB    = netip.MustParsePrefix("2001:db8:b:1::/64")
	hw1        = plane.HW{2, 0, 0, 0, 1, 1}
	hw2        = plane.HW{2, 0, 0, 0, 1, 2}
	stranger   = netip.MustParseAddr("2001:db8:ffff::66")
)

const (
	wlan = plane.Port(1) // preferred
	wwan = plane.Port(2)
)

// router is one that the bench plays.
type router struct {
	hw       plane.HW
	prefix   netip.Prefix
	lifetime time.Duration
	agent    bool
	pio      []nd.Prefix // instead of prefix, when set
}

var (
	ar1  = router{hw: plane.HW{2, 0, 0, 0, 9, 1}, prefix: prefixA, lifetime: 30 * time.Minute}
	ar2  = router{hw: plane.HW{2, 0, 0, 0, 9, 2}, prefix: prefixB, lifetime: 30 * time.Minute}
	home = router{hw: plane.HW{2, 0, 0, 0, 9, 9}, prefix: homePrefix, lifetime: 30 * time.Minute, agent: true}
)

func (r router) addr() netip.Addr { return ip6.LinkLocal(r.hw) }

// bench is a mobile node on a desk. The home agent beside it is played by hand: sent holds the updates it got.
type bench struct {
	t      testing.TB
	cfg    Config
	n      *Node
	ha     *sa.SA // the home agent's end
	secret []byte // of the last conversation of EAP; nil: the long-term key
	now    engine.Now
	out    engine.Effects
	disk   map[string]engine.Record
	all    []engine.Effect // since the last call of flush
	// The plane as the effects so far make it.
	path   plane.Path
	locals map[netip.Addr]plane.Local
	routes map[plane.Pair]plane.Route
	table  plane.Table
}

func keys(kind string) (mobile, agent sa.Config) {
	if kind == "auth" {
		c := sa.Config{Auth: &sa.AuthConfig{SPI: 300, Key: bytes.Repeat([]byte{3}, 32)}}
		return c, c
	}
	k1, k2 := bytes.Repeat([]byte{1}, 20), bytes.Repeat([]byte{2}, 20)
	return sa.Config{ESP: &sa.ESPConfig{OutSPI: 0x2001, InSPI: 0x2002, OutKey: k1, InKey: k2}},
		sa.Config{ESP: &sa.ESPConfig{OutSPI: 0x2002, InSPI: 0x2001, OutKey: k2, InKey: k1}}
}

func newBench(t testing.TB, change func(*Config)) *bench {
	t.Helper()
	cfg := Config{
		HomeAddress: hoa, HomePrefix: homePrefix, HomeAgent: haAddr, Strategy: "mipv6", DAD: OptimisticDAD,
		Lifetime: 420 * time.Second, HoldPackets: 64, HoldAge: time.Second,
		Links: []LinkConfig{{Port: wlan, Preference: 1}, {Port: wwan, Preference: 2}},
	}
	var agent sa.Config
	cfg.Security, agent = keys("esp")
	if change != nil {
		change(&cfg)
	}
	if cfg.Security.Auth != nil {
		_, agent = keys("auth")
	}
	end, err := sa.New(agent, "mn")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, cfg: cfg, ha: end, disk: map[string]engine.Record{}}
	b.now.Wall = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b.boot()
	return b
}

func (b *bench) boot() {
	b.t.Helper()
	n, err := New(b.cfg, [32]byte{7})
	if err != nil {
		b.t.Fatal(err)
	}
	b.n, b.locals, b.path, b.routes = n, map[netip.Addr]plane.Local{}, plane.Path{}, map[plane.Pair]plane.Route{}
	b.table = plane.Table{}
	var start engine.Start
	var names []string
	for name := range b.disk {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		start.Records = append(start.Records, b.disk[name])
	}
	b.do(start)
}

// do hands over one input, keeps what it persisted and wanted of the plane, and checks what must always hold.
func (b *bench) do(in engine.Input) []engine.Effect {
	b.t.Helper()
	b.out.List = nil
	before := b.shut()
	b.n.Handle(b.now, in, &b.out)
	if before != 0 && before == b.shut() {
		b.patient(before)
	}
	for _, e := range b.out.List {
		switch e := e.(type) {
		case engine.Persist:
			if e.Value == nil {
				delete(b.disk, e.Bucket+"/"+e.Key)
			} else {
				b.disk[e.Bucket+"/"+e.Key] = engine.Record(e)
			}
		case engine.Plane:
			b.apply(e.Op)
		case engine.Send:
			if _, err := ip6.Parse(e.Data); err != nil {
				b.t.Fatalf("the node sent what does not parse: %v", err)
			}
		}
	}
	b.all = append(b.all, b.out.List...)
	b.invariants(in)
	return b.out.List
}

// shut is the link by which the node registers, while the network there has not let it in, nor lets it pass on another's word; 0 for none.
func (b *bench) shut() plane.Port {
	r := &b.n.home
	a := b.n.accessOf(r.port)
	if a == nil || !a.usable() || a.atHome || a.coa != r.coa || a.applicant == nil || !a.applicant.Known() || a.applicant.Admitted(b.now, a.coa) || b.n.passes(b.now, a) {
		return 0
	}
	return r.port
}

// patient checks that a node which is not let in sends no update past the gate, and does something about it.
func (b *bench) patient(port plane.Port) {
	b.t.Helper()
	coa := b.n.accessOf(port).coa.String()
	for _, e := range b.out.List {
		if ev, ok := e.(engine.Event); ok && ev.Name == "binding.update" && ev.Get("by") != "aaa" && ev.Get("coa") == coa {
			b.t.Fatalf("an update by port %d, which is shut", port)
		}
	}
	if s := b.n.accessOf(port).applicant.State(); s == enrol.Idle || s == enrol.Granted {
		b.t.Fatalf("shut out by port %d, and %s", port, s)
	}
}

func (b *bench) apply(op plane.Op) {
	b.table.Apply(op)
	switch {
	case op.Path != nil && op.Path.Inner.Addr() != hoa:
	case op.Path != nil && op.Delete:
		b.path = plane.Path{}
	case op.Path != nil:
		b.path = op.Path.Path
	case op.Route != nil && op.Delete:
		delete(b.routes, op.Route.Pair)
	case op.Route != nil:
		b.routes[op.Route.Pair] = op.Route.Route
	case op.Local != nil && op.Delete:
		delete(b.locals, op.Local.Addr)
	case op.Local != nil:
		b.locals[op.Local.Addr] = op.Local.Local
	}
}

// invariants are what every sequence of inputs must keep.
func (b *bench) invariants(in engine.Input) {
	b.t.Helper()
	n, r := b.n, &b.n.home
	a := n.accessOf(b.path.Out)
	if _, tick := in.(engine.Tick); tick {
		if at, why := n.Deadline(); at <= b.now.Mono {
			b.t.Fatalf("after a tick at %v the deadline is %v (%s): a spin", b.now.Mono, at, why)
		}
	}
	if b.cfg.Strategy == "fmipv6" {
		return // its packets go on while an update is out: package sim/check has what holds for it
	}
	b.ways()
	standby := n.multihomed() && r.phase == updating && slices.ContainsFunc(n.several.acked, func(x bound) bool { return x.coa == b.path.Local })
	registered := r.phase == current && n.accessOf(r.port).usable() && (r.atHome || n.accessOf(r.port).coa == r.coa)
	switch b.path.Mode {
	case plane.Tunnel:
		if !standby && (!registered || r.atHome || b.path.Local != r.coa || b.path.Remote != r.agent) || standby && (n.accessAt(b.path.Local) == nil || !r.bound(b.now)) {
			b.t.Fatalf("a tunnel %+v, but the registration is %v by %v (usable %v)", b.path, r.phase, r.coa, n.accessOf(r.port).usable())
		}
		if l, ok := b.locals[b.path.Local]; !ok || l.Tentative {
			b.t.Fatalf("tunnel from %v, which the plane does not know as usable", b.path.Local)
		}
	case plane.Direct:
		if !a.usable() || !a.atHome {
			b.t.Fatalf("direct by port %d, which is not home or not usable", b.path.Out)
		}
	case plane.Hold:
		if registered {
			b.t.Fatalf("held, though registered (%v, at home %v)", r.coa, r.atHome)
		}
		if b.path.Limit != b.cfg.HoldPackets || b.path.Age != b.cfg.HoldAge {
			b.t.Fatalf("held without bounds: %+v", b.path)
		}
	default:
		if !n.id.nobody() || registered {
			b.t.Fatalf("the path is %q", b.path.Mode)
		}
	}
	for pair, route := range b.routes {
		if a := n.accessAt(route.CareOf); route.Side == plane.Mobile && (a == nil || a.atHome || a.link.Port != route.Out) {
			b.t.Fatalf("%v goes straight from %v by port %d, which cannot be used", pair, route.CareOf, route.Out)
		}
	}
	switch state := n.strategy.State(); {
	case n.id.nobody():
	case state == "bound" && b.path.Mode == plane.Hold, state != "bound" && b.path.Mode == plane.Tunnel && !standby:
		b.t.Fatalf("strategy %s, path %s", state, b.path.Mode)
	}
	if _, err := json.Marshal(n.View()); err != nil {
		b.t.Fatalf("the view: %v", err)
	}
	if len(n.agents.agents) > icmp6.MaxAgents || len(b.locals) > 2*len(b.cfg.Links) {
		b.t.Fatalf("%d agents, %d addresses", len(n.agents.agents), len(b.locals))
	}
}

// ways checks what goes along with the path: the networks as the home address, and further ways by other accesses that work.
func (b *bench) ways() {
	b.t.Helper()
	n := b.n
	homes := 1
	if n.id.nobody() {
		homes = 0
	}
	if got := len(b.table.Paths); got != homes+len(n.inside.carried) || len(b.table.Hosts) != homes {
		b.t.Fatalf("%d paths, want one for the home address and each of %v", got, n.inside.carried)
	}
	for inner := range n.inners() {
		if n.id.nobody() {
			if p := b.table.Paths[inner]; p.Mode != plane.Hold {
				b.t.Fatalf("%v goes by %v without a home address", inner, p)
			}
			continue
		}
		if p := b.table.Paths[inner]; p.Mode != b.path.Mode || p.Local != b.path.Local || p.Remote != b.path.Remote || p.Out != b.path.Out || p.Control != (inner.Addr() == hoa) {
			b.t.Fatalf("%v goes by %v, the home address by %v", inner, p, b.path)
		}
	}
	for key, w := range b.table.Ways { //order:any
		if key.ID == lingerWay {
			continue
		}
		a := n.accessAt(w.Local)
		_, path := b.table.Paths[key.Inner]
		if !path || !n.multihomed() || a == nil || a.atHome || n.bidOf(a) != key.ID || w.Out != a.link.Port || w.Local == b.path.Local && b.path.Mode == plane.Tunnel {
			b.t.Fatalf("way %v by %v beside the path %v", key, w, b.path)
		}
		if w.Copy && (n.several.on != Bicast || w.Until <= 0 || b.path.Dedup == 0) {
			b.t.Fatalf("copies by %v, path %v", w, b.path)
		}
	}
}

// to moves the clocks to a time.
func (b *bench) to(at engine.Mono) {
	b.now.Wall = b.now.Wall.Add(at.Sub(b.now.Mono))
	b.now.Mono = at
}

// pass lets time go by and gives the effects of every tick on the way.
func (b *bench) pass(d time.Duration) []engine.Effect {
	b.t.Helper()
	var all []engine.Effect
	for end := b.now.Mono.Add(d); ; {
		at, _ := b.n.Deadline()
		if at > end {
			b.to(end)
			return all
		}
		b.to(max(at, b.now.Mono))
		all = append(all, b.do(engine.Tick{})...)
	}
}

func (b *bench) up(port plane.Port) []engine.Effect {
	b.t.Helper()
	return b.do(engine.LinkUp{Port: port, Name: "x", HW: map[plane.Port]plane.HW{wlan: hw1, wwan: hw2}[port], MTU: 1500})
}

func (b *bench) down(port plane.Port) []engine.Effect {
	b.t.Helper()
	return b.do(engine.LinkDown{Port: port})
}

func (b *bench) nd(port plane.Port, from plane.HW, src, dst netip.Addr, m nd.Message) []engine.Effect {
	b.t.Helper()
	p := ip6.Packet{Header: ip6.Header{HopLimit: 255, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6, Payload: nd.Append(nil, src, dst, m)}
	return b.do(engine.Packet{Port: port, From: from, Data: p.Append(nil)})
}

func (b *bench) ra(port plane.Port, r router) []engine.Effect {
	b.t.Helper()
	m := &nd.RouterAdvertisement{HopLimit: 64, Lifetime: r.lifetime, HomeAgent: r.agent, Options: nd.Options{SourceHW: r.hw, Prefixes: r.pio}}
	if r.pio == nil {
		m.Options.Prefixes = []nd.Prefix{pio(r.prefix, time.Hour, time.Hour)}
	}
	if r.agent {
		m.Options.Prefixes[0].RouterAddr, m.Options.Prefixes[0].Addr = true, haAddr
		m.Options.HomeAgent = &nd.HomeAgentInfo{Lifetime: r.lifetime}
	}
	return b.nd(port, r.hw, r.addr(), ip6.AllNodes, m)
}

func pio(p netip.Prefix, valid, preferred time.Duration) nd.Prefix {
	return nd.Prefix{Prefix: p, OnLink: true, Autonomous: true, Valid: valid, Preferred: preferred}
}

// na answers the node's probes of a router.
func (b *bench) na(port plane.Port, r router) []engine.Effect {
	b.t.Helper()
	dst := ip6.LinkLocal(b.n.accessOf(port).link.HW())
	return b.nd(port, r.hw, r.addr(), dst, &nd.NeighborAdvertisement{Router: true, Solicited: true, Override: true, Target: r.addr(), Options: nd.Options{TargetHW: r.hw}})
}

// taken claims an address that the node probes.
func (b *bench) taken(port plane.Port, addr netip.Addr) []engine.Effect {
	b.t.Helper()
	return b.nd(port, plane.HW{2, 6}, addr, ip6.AllNodes, &nd.NeighborAdvertisement{Override: true, Target: addr, Options: nd.Options{TargetHW: plane.HW{2, 6}}})
}

// sent is an update as the home agent reads it.
type sent struct {
	*mh.BindingUpdate
	ip6.Packet
	port plane.Port
	to   plane.HW
}

// updates finds the binding updates among effects; each is opened once.
func (b *bench) updates(effects []engine.Effect) []sent {
	b.t.Helper()
	var list []sent
	for _, e := range effects {
		s, ok := e.(engine.Send)
		if !ok {
			continue
		}
		p, _ := ip6.Parse(s.Data)
		if p.Proto != ip6.ProtoESP && p.Proto != ip6.ProtoMH {
			continue
		}
		got, reason := b.ha.Receive(b.now, &p)
		if bu, ok := got.MH.(*mh.BindingUpdate); ok && reason == "" {
			list = append(list, sent{bu, p, s.Port, s.To})
		}
	}
	return list
}

// update is the one update among effects.
func (b *bench) update(effects []engine.Effect) sent {
	b.t.Helper()
	list := b.updates(effects)
	if len(list) != 1 {
		b.t.Fatalf("%d updates, want 1", len(list))
	}
	return list[0]
}

// ack makes the acknowledgement of an update.
func (b *bench) ack(u sent, status mh.Status, change func(*mh.BindingAck)) engine.Packet {
	ba := &mh.BindingAck{Status: status, Seq: u.Seq, Lifetime: u.Lifetime, MobileRouter: u.MobileRouter && status.Accepted()}
	for _, o := range u.Options.Bindings {
		ba.Options.Bindings = append(ba.Options.Bindings, mh.BindingID{ID: o.ID})
	}
	if change != nil {
		change(ba)
	}
	p := ip6.Packet{Header: ip6.Header{Src: haAddr, Dst: u.Src}, Routing2: hoa}
	if u.Src == hoa {
		p.Routing2 = netip.Addr{}
	}
	var scratch engine.Effects
	return engine.Packet{Port: u.port, Data: b.ha.Protect(b.now, p, ba, &scratch)}
}

// attach brings the node to a router and its registration to an end.
func (b *bench) attach(port plane.Port, r router) sent {
	b.t.Helper()
	b.up(port)
	u := b.update(b.ra(port, r))
	b.do(b.ack(u, mh.Accepted, nil))
	return u
}

func (b *bench) drops(effects []engine.Effect) []string {
	var list []string
	for _, e := range effects {
		if ev, ok := e.(engine.Event); ok && ev.Name == engine.EventDrop {
			list = append(list, ev.Reason)
		}
	}
	return list
}

func (b *bench) has(effects []engine.Effect, event string) bool {
	return slices.ContainsFunc(effects, func(e engine.Effect) bool { ev, ok := e.(engine.Event); return ok && ev.Name == event })
}

// neighbours finds the neighbour discovery sent on a link, with its sources.
func (b *bench) neighbours(effects []engine.Effect, port plane.Port) (list []nd.Message, packets []ip6.Packet) {
	b.t.Helper()
	for _, e := range effects {
		s, ok := e.(engine.Send)
		if !ok || s.Port != port {
			continue
		}
		p, _ := ip6.Parse(s.Data)
		if m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload); err == nil && p.Proto == ip6.ProtoICMPv6 {
			list, packets = append(list, m), append(packets, p)
		}
	}
	return list, packets
}

// want checks path and strategy together.
func (b *bench) want(mode plane.Mode, local netip.Addr, state string) {
	b.t.Helper()
	if b.path.Mode != mode || b.path.Local != local || b.n.strategy.State() != state {
		b.t.Errorf("path %s from %v in state %s; want %s from %v in %s", b.path.Mode, b.path.Local, b.n.strategy.State(), mode, local, state)
	}
}

func coaOf(p netip.Prefix, hw plane.HW) netip.Addr { return ip6.FromEUI64(p, hw) }

// view is the node's View as text, to compare states.
func (b *bench) view() string {
	v, err := json.Marshal(b.n.View())
	if err != nil {
		b.t.Fatal(err)
	}
	return string(v)
}
