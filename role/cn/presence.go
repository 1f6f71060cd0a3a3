package cn

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/machine/attach"
	"roam6/machine/dad"
	"roam6/machine/neighbor"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// AddressPause is how long an address that somebody else on the link has is left alone.
const AddressPause = 10 * time.Second

// defaultMTU is what applications may send in one packet before the link has told its own.
const defaultMTU = 1500

// presence is the node on a link of its own: its kernel is silent there, and the address belongs to the applications behind
// the TUN device, so that the plane sees every packet between them and mobile nodes. That is how a mobile node at home lives.
type presence struct {
	port      plane.Port
	address   netip.Addr
	mtu       int
	link      *attach.Link
	dad       *dad.Detector
	speaker   neighbor.Speaker
	linkLocal netip.Addr
	ready     bool // the address was found unique
	retry     engine.Timers[struct{}]
}

func newPresence(c Config, rand *engine.Rand) *presence {
	prefix, err := c.Address.Prefix(64)
	if err != nil {
		panic("cn: " + err.Error()) // the address was checked
	}
	return &presence{
		port: c.Port, address: c.Address,
		link: attach.New(attach.Config{Port: c.Port, Home: prefix}, rand), dad: dad.New(dad.Config{}, rand),
	}
}

// start gives the address to the applications. Their packets leave by the link's router, once there is one.
func (s *presence) start(out *engine.Effects) {
	out.Plane(plane.Op{Host: &plane.HostOp{Addr: s.address, Host: plane.Host{MTU: defaultMTU, Default: true}}})
	out.Plane(plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(s.address, 128), Path: plane.Path{
		Side: plane.Mobile, Mode: plane.Direct, Out: s.port, Control: true,
	}}})
}

func (s *presence) up(now engine.Now, in engine.LinkUp, out *engine.Effects) {
	if in.Port != s.port {
		return
	}
	s.stop()
	s.linkLocal, s.mtu = ip6.LinkLocal(in.HW), in.MTU
	s.link.Up(now, in, out)
	s.check(now, s.linkLocal, out)
	s.check(now, s.address, out)
}

func (s *presence) down(in engine.LinkDown) {
	if in.Port == s.port {
		s.link.Down()
		s.stop()
	}
}

// stop ends what runs on the link: an address is checked again when it comes back.
func (s *presence) stop() {
	s.dad.StopPort(s.port)
	s.speaker.DisownPort(s.port)
	s.link.Source(netip.Addr{})
	s.ready, s.retry = false, engine.Timers[struct{}]{}
}

// check has an address probed; until then it is used for nothing.
func (s *presence) check(now engine.Now, a netip.Addr, out *engine.Effects) {
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: a, Local: plane.Local{Port: s.port, Tentative: true}}})
	s.dad.Start(now, dad.Key{Port: s.port, Addr: a}, s.link.HW(), false, out)
}

func (s *presence) deadline() (engine.Mono, string) {
	at, why := s.dad.Deadline()
	if t, w := s.link.Deadline(); t < at {
		at, why = t, w
	}
	if t, _ := s.retry.Next(); t < at {
		at, why = t, "address that was taken"
	}
	return at, why
}

func (s *presence) tick(now engine.Now, out *engine.Effects) {
	for _, v := range s.dad.Tick(now, out) {
		s.detected(now, v, out)
	}
	s.facts(s.link.Tick(now, out), out)
	if _, ok := s.retry.Pop(now.Mono); ok {
		s.check(now, s.address, out)
	}
}

// detected takes a verdict of duplicate detection. The address was given by hand, so there is no other to try.
func (s *presence) detected(now engine.Now, v dad.Verdict, out *engine.Effects) {
	a := v.Key.Addr
	key := neighbor.Key{Port: s.port, Addr: a}
	switch {
	case v.Duplicate:
		out.Event("address.duplicate", engine.A("address", a))
		out.Plane(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: a}})
		if a == s.address {
			s.retry.Set(struct{}{}, now.Mono.Add(AddressPause))
		}
	case a == s.linkLocal:
		out.Plane(plane.Op{Local: &plane.LocalOp{Addr: a, Local: plane.Local{Port: s.port}}})
		s.speaker.Own(key, neighbor.Stance{HW: s.link.HW()})
		s.link.Source(a)
	default:
		out.Event("address.unique", engine.A("address", a))
		s.ready = true
		out.Plane(plane.Op{Local: &plane.LocalOp{Addr: a, Local: plane.Local{Port: s.port, Proxy: true}}})
		s.speaker.Own(key, neighbor.Stance{HW: s.link.HW()})
		s.speaker.Announce(key, out)
	}
}

// facts keeps the plane's next hop that of the link's router.
func (s *presence) facts(list []attach.Fact, out *engine.Effects) {
	for _, f := range list {
		op := plane.Op{Link: &plane.LinkOp{Port: s.port, Link: f.Router.NextHop(s.mtu)}}
		if f.Kind == attach.Lost {
			op.Delete = true
			out.Event("router.lost", engine.A("router", f.Router.Addr), engine.S("reason", f.Why))
		}
		out.Plane(op)
	}
}

// neighbour takes neighbour discovery.
func (s *presence) neighbour(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	msg, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
	if err != nil {
		out.Drop("nd-malformed", engine.S("error", err.Error()))
		return
	}
	if v, ok := s.dad.Heard(in.Port, p, msg); ok {
		s.detected(now, v, out)
		return
	}
	switch m := msg.(type) {
	case *nd.RouterAdvertisement:
		s.facts(s.link.HeardRA(now, in.From, p, m, out), out)
	case *nd.NeighborAdvertisement:
		facts, reason := s.link.HeardNA(now, m, out)
		if reason != "" {
			out.Drop(reason, engine.A("from", p.Src))
		}
		s.facts(facts, out)
	case *nd.NeighborSolicitation:
		s.speaker.Heard(in.Port, in.From, p, m, out)
	}
}

// send sends a packet from the address through the router; without one it is dropped, and whoever waits for it asks again.
func (s *presence) send(data []byte, out *engine.Effects) {
	r, ok := s.link.Current()
	if data == nil || !ok || !s.link.Usable() || !s.ready {
		return
	}
	out.Send(s.port, r.HW, data)
}
