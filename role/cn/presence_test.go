package cn

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/mip"
	"roam6/machine/correspond"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

var (
	coa      = netip.MustParseAddr("2001:db8:a::99")
	ownHW    = plane.HW{2, 0, 0, 0, 0, 7}
	routerHW = plane.HW{2, 0, 0, 0, 0, 1}
)

const port = plane.Port(1)

// desk is a correspondent on a link of its own, and what its plane has been told.
type desk struct {
	t     *testing.T
	n     *Node
	now   engine.Now
	table plane.Table
	out   engine.Effects
}

func newDesk(t *testing.T, rules ...correspond.Rule) *desk {
	d := &desk{t: t, n: New(Config{Address: self, Port: port, Bind: correspond.Config{Rules: rules}}, [32]byte{1})}
	d.do(engine.Start{})
	return d
}

func (d *desk) do(in engine.Input) []engine.Effect {
	d.out.List = nil
	d.n.Handle(d.now, in, &d.out)
	for _, e := range d.out.List {
		if p, ok := e.(engine.Plane); ok {
			d.table.Apply(p.Op)
		}
	}
	return d.out.List
}

func (d *desk) pass(span time.Duration) {
	for end := d.now.Mono.Add(span); ; {
		at, _ := d.n.Deadline()
		if at > end {
			d.now.Mono = end
			return
		}
		d.now.Mono = max(at, d.now.Mono)
		d.do(engine.Tick{})
	}
}

func (d *desk) nd(src, dst netip.Addr, m nd.Message) []engine.Effect {
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst, HopLimit: nd.HopLimit}, Proto: ip6.ProtoICMPv6, Payload: nd.Append(nil, src, dst, m)}
	return d.do(engine.Packet{Port: port, From: routerHW, Data: p.Append(nil)})
}

func (d *desk) router(lifetime time.Duration) {
	prefix, _ := self.Prefix(64)
	d.nd(ip6.LinkLocal(routerHW), ip6.AllNodes, &nd.RouterAdvertisement{Lifetime: lifetime, Options: nd.Options{SourceHW: routerHW,
		Prefixes: []nd.Prefix{{Prefix: prefix, OnLink: true, Autonomous: true, Valid: time.Hour, Preferred: time.Hour}}}})
}

func (d *desk) sent(effects []engine.Effect) (list []ip6.Packet, drops []string) {
	for _, e := range effects {
		switch e := e.(type) {
		case engine.Send:
			p, err := ip6.Parse(e.Data)
			if err != nil || e.Port != port {
				d.t.Fatalf("%v by port %d", err, e.Port)
			}
			list = append(list, p)
		case engine.Event:
			if e.Name == engine.EventDrop {
				drops = append(drops, e.Reason)
			}
		}
	}
	return list, drops
}

// The address is the applications' once it is found unique; the link's router is the plane's next hop while it is one.
//
// spec MIP-04 MIP-07
func TestPresence(t *testing.T) {
	d := newDesk(t)
	if h := d.table.Hosts[self]; !h.Default {
		t.Errorf("%+v", d.table.Hosts)
	}
	if p := d.table.Paths[netip.PrefixFrom(self, 128)]; p.Mode != plane.Direct || p.Out != port || !p.Control {
		t.Errorf("%+v", p)
	}
	d.do(engine.LinkUp{Port: port, Name: "eth0", HW: ownHW, MTU: 1400})
	if !d.table.Locals[self].Tentative {
		t.Error("the address is used before it is checked")
	}
	d.router(time.Hour)
	d.pass(3 * time.Second)
	if l := d.table.Locals[self]; l.Tentative || !l.Proxy {
		t.Errorf("%+v", l)
	}
	if l := d.table.Links[port]; l.Gateway != routerHW || l.MTU != 1400 {
		t.Errorf("%+v", l)
	}
	asked := d.nd(ip6.LinkLocal(routerHW), ip6.SolicitedNode(self), &nd.NeighborSolicitation{Target: self, Options: nd.Options{SourceHW: routerHW}})
	if list, _ := d.sent(asked); len(list) != 1 || list[0].Src != self {
		t.Errorf("asked where the address is: %+v", list)
	}
	d.router(0)
	if _, have := d.table.Links[port]; have {
		t.Error("the router is none any more")
	}
	d.do(engine.LinkDown{Port: port})
	d.do(engine.LinkUp{Port: port, Name: "eth0", HW: ownHW, MTU: 1400})
	if !d.table.Locals[self].Tentative {
		t.Error("on a link that came back the address is not checked again")
	}
}

// An address that somebody else has is left alone, and tried again later.
//
// spec MIP-07
func TestTaken(t *testing.T) {
	d := newDesk(t)
	d.do(engine.LinkUp{Port: port, Name: "eth0", HW: ownHW, MTU: 1500})
	d.nd(self, ip6.AllNodes, &nd.NeighborAdvertisement{Target: self, Override: true, Options: nd.Options{TargetHW: plane.HW{2, 9}}})
	if _, have := d.table.Locals[self]; have {
		t.Error("it is used all the same")
	}
	d.pass(AddressPause + 3*time.Second)
	if l := d.table.Locals[self]; !l.Proxy || !d.n.View().(View).Ready {
		t.Errorf("not taken up when it was free again: %+v", l)
	}
}

// Tests are answered, forged updates change nothing, and without a router there is no answer. The whole exchange is in
// package node's end to end tests.
//
// spec MIP-04
func TestBindings(t *testing.T) {
	d := newDesk(t)
	d.do(engine.LinkUp{Port: port, Name: "eth0", HW: ownHW, MTU: 1500})
	test := ip6.Packet{Header: ip6.Header{Src: coa, Dst: self}, Proto: ip6.ProtoMH}
	test.Payload = mh.Append(nil, coa, self, &mh.CareOfTestInit{Cookie: [8]byte{5}})
	arrive := func(p ip6.Packet) ([]ip6.Packet, []string) {
		return d.sent(d.do(engine.Packet{Port: port, From: routerHW, Data: p.Append(nil)}))
	}
	if list, _ := arrive(test); len(list) != 0 {
		t.Errorf("answered before the address was checked: %+v", list)
	}
	d.router(time.Hour)
	d.pass(3 * time.Second)
	if list, drops := arrive(test); len(list) != 1 || list[0].Dst != coa || len(drops) != 0 {
		t.Errorf("%+v %v", list, drops)
	}
	forged := &mh.BindingUpdate{Seq: 1, Ack: true, Lifetime: time.Minute}
	forged.Options.Nonces, forged.Options.BindingAuth = &mh.NonceIndices{}, make([]byte, 12)
	p := ip6.Packet{Header: ip6.Header{Src: coa, Dst: self}, HomeAddress: hoa, Proto: ip6.ProtoMH}
	p.Payload = mh.Append(nil, hoa, self, forged)
	list, drops := arrive(p)
	if !slices.Equal(drops, []string{correspond.NonceUnknown}) || len(list) != 1 || len(d.table.Routes) != 0 {
		t.Errorf("%v, %d answers, routes %v", drops, len(list), d.table.Routes)
	}
	if list, _ = arrive(p); len(list) != 0 {
		t.Error("what proves nothing is answered as often as it comes")
	}
	user := ip6.Packet{Header: ip6.Header{Src: netip.MustParseAddr("2001:db8:a::98"), Dst: self}, HomeAddress: hoa, Proto: ip6.ProtoUDP, Payload: make([]byte, 8)}
	if list, drops = arrive(user); !slices.Equal(drops, []string{"no-binding"}) || len(list) != 1 {
		t.Errorf("%v %+v", drops, list)
	}
	if list, _ := d.sent(d.do(engine.Packet{Port: 2, Data: test.Append(nil)})); len(list) != 0 {
		t.Error("answered what came by another role's link")
	}
}

// A care-of address that errors say is not reached, and go on to say, is given up: packets go to the home address again.
//
// spec MIP-04
func TestUnreachable(t *testing.T) {
	d := newDesk(t)
	d.do(engine.LinkUp{Port: port, Name: "eth0", HW: ownHW, MTU: 1500})
	d.router(time.Hour)
	d.pass(3 * time.Second)
	arrive := func(src, home netip.Addr, payload []byte) mh.Message {
		p := ip6.Packet{Header: ip6.Header{Src: src, Dst: self}, HomeAddress: home, Proto: ip6.ProtoMH, Payload: payload}
		list, drops := d.sent(d.do(engine.Packet{Port: port, From: routerHW, Data: p.Append(nil)}))
		if len(list) != 1 {
			t.Fatalf("%d answers, %v", len(list), drops)
		}
		m, err := mh.Parse(list[0].Src, list[0].EffectiveDst(), list[0].Payload)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	home := arrive(hoa, netip.Addr{}, mh.Append(nil, hoa, self, &mh.HomeTestInit{})).(*mh.HomeTest)
	careOf := arrive(coa, netip.Addr{}, mh.Append(nil, coa, self, &mh.CareOfTestInit{})).(*mh.CareOfTest)
	bu := &mh.BindingUpdate{Seq: 1, Ack: true, Lifetime: 5 * time.Minute}
	bu.Options.Nonces = &mh.NonceIndices{Home: home.NonceIndex, CareOf: careOf.NonceIndex}
	bu.Options.BindingAuth = make([]byte, mip.AuthLen)
	arrive(coa, hoa, mh.AppendSigned(nil, hoa, self, bu, func(covered []byte) []byte {
		return mip.Authenticator(mip.Kbm(&home.Keygen, &careOf.Keygen), coa, self, covered)
	}))
	if len(d.table.Routes) != 1 {
		t.Fatal("not bound")
	}
	told := engine.Traffic{Mobile: hoa, Peer: self, Straight: true, Unreachable: coa}
	for range correspond.UnreachableErrors {
		d.do(engine.Traffic{Mobile: hoa, Peer: self, Straight: true, Unreachable: peer})
		d.do(told)
		if len(d.table.Routes) != 1 {
			t.Fatal("given up at once")
		}
		d.now.Mono = d.now.Mono.Add(time.Second)
	}
	d.now.Mono = d.now.Mono.Add(correspond.UnreachableSpan)
	if d.do(told); len(d.table.Routes) != 0 {
		t.Error("kept, though nothing arrives")
	}
}
