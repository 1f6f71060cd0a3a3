package mn

import (
	"bytes"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/sa"
	"roam6/plane"
	wireaccess "roam6/wire/access"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

const nai = "mn1@home.example"

var longTerm = bytes.Repeat([]byte{9}, aaa.KeyLen)

// stranded is a node that has nothing but a name and a key.
func stranded(c *Config) {
	c.HomeAddress, c.HomePrefix, c.HomeAgent, c.Security = netip.Addr{}, netip.Prefix{}, netip.Addr{}, sa.Config{}
	c.NAI, c.AAA = nai, &AAA{LongTerm: longTerm}
}

// withAAA is one that has everything, and a key for being let in.
func withAAA(c *Config) { c.NAI, c.AAA = nai, &AAA{LongTerm: longTerm} }

func networkOf(r router) string { return r.prefix.String() + ".example" }

func clientOf(r router) netip.Addr { return r.prefix.Addr().Next() }

// asking is a router's advertisement that says who lets nodes in.
func (r router) asking() *nd.RouterAdvertisement {
	return &nd.RouterAdvertisement{HopLimit: 64, Lifetime: r.lifetime, Options: nd.Options{SourceHW: r.hw, Prefixes: []nd.Prefix{pio(r.prefix, time.Hour, time.Hour)},
		Access: &nd.Access{LocalChallenge: bytes.Repeat([]byte{r.hw[5]}, 8), Network: networkOf(r), Client: clientOf(r)}}}
}

func (b *bench) closed(port plane.Port, r router) []engine.Effect {
	b.t.Helper()
	return b.nd(port, r.hw, r.addr(), ip6.AllNodes, r.asking())
}

// question is a request as the AAA client reads it.
type question struct {
	*wireaccess.Request
	id   uint32
	port plane.Port
	r    router
}

// questions finds the requests among effects.
func (b *bench) questions(effects []engine.Effect) (list []question) {
	b.t.Helper()
	for _, e := range effects {
		s, ok := e.(engine.Send)
		if !ok {
			continue
		}
		p, _ := ip6.Parse(s.Data)
		if p.Proto != ip6.ProtoICMPv6 || !wireaccess.IsAccess(p.Payload) {
			continue
		}
		part, err := wireaccess.Parse(p.Src, p.Dst, p.Payload)
		if err != nil {
			b.t.Fatal(err)
		}
		m, err := wireaccess.Join([]wireaccess.Part{part})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, r := range []router{ar1, ar2, home} {
			if p.Dst == clientOf(r) && s.To == r.hw {
				list = append(list, question{m.(*wireaccess.Request), part.ID, s.Port, r})
			}
		}
	}
	return list
}

func (b *bench) question(effects []engine.Effect) question {
	b.t.Helper()
	list := b.questions(effects)
	if len(list) != 1 {
		b.t.Fatalf("%d requests, want 1", len(list))
	}
	return list[0]
}

// longTerm is the long-term key, or what EAP made in its place.
func (b *bench) longTerm() []byte {
	if b.secret != nil {
		return b.secret
	}
	return longTerm
}

func (b *bench) keyOf(q question) aaa.Key {
	b.t.Helper()
	k, err := aaa.NewKey(b.longTerm(), aaa.Identity(q.NAI, q.HomeAddress), networkOf(q.r))
	if err != nil {
		b.t.Fatal(err)
	}
	return k
}

// reply makes the packet of a reply that the home network signed, unless it is unsigned.
func (b *bench) reply(q question, r *wireaccess.Reply, signed bool) engine.Packet {
	b.t.Helper()
	if signed {
		x := aaa.Exchange{HostChallenge: q.HostChallenge, LocalChallenge: q.LocalChallenge, CareOf: q.CareOf, Request: q.Covered()}
		r.Auth = b.keyOf(q).Greeting(x, r.Covered())
	}
	p := ip6.Packet{Header: ip6.Header{Src: clientOf(q.r), Dst: q.CareOf, HopLimit: 255}, Proto: ip6.ProtoICMPv6}
	p.Payload = wireaccess.Split(r, q.id)[0].Append(nil, p.Src, p.Dst)
	return engine.Packet{Port: q.port, From: q.r.hw, Data: p.Append(nil)}
}

// granted is a reply that grants, with the keys asked for: the home agent of the bench has its end of them then.
func (b *bench) granted(q question, binding []byte) *wireaccess.Reply {
	b.t.Helper()
	r := &wireaccess.Reply{Result: 2001, Lifetime: time.Hour, Binding: binding}
	for _, k := range q.Keys {
		const spi = 0x4444
		d := wireaccess.KeyData{Use: k.Use, Method: wireaccess.Random, Algorithm: wireaccess.AESGCM, SPI: spi, Lifetime: 2 * time.Hour, Value: bytes.Repeat([]byte{byte(q.id)}, 32)}
		use := aaa.Use(k.Use)
		s, err := b.keyOf(q).Session(use, d.Value)
		if k.Methods&wireaccess.DiffieHellman != 0 {
			own, _ := aaa.NewPrivate(bytes.Repeat([]byte{byte(q.id) | 1}, 32))
			d.Method, d.Value = wireaccess.DiffieHellman, own.Public()
			d.MAC = b.keyOf(q).Vouch(use, q.HostChallenge, k.Public, d.Value, spi)
			s, err = own.Session(aaa.Parties{Use: use, Mobile: aaa.Identity(q.NAI, q.HomeAddress), Visited: networkOf(q.r), MobilePublic: k.Public, PeerPublic: d.Value})
		}
		if err != nil {
			b.t.Fatal(err)
		}
		r.Keys = append(r.Keys, d)
		if use != aaa.HomeAgent {
			continue
		}
		toAgent, toMobile := s.ESP(aaa.HomeAgent, aaa.Identity(q.NAI, q.HomeAddress), haAddr.String(), spi, k.SPI)
		if b.ha, err = sa.New(sa.Config{ESP: &sa.ESPConfig{OutSPI: k.SPI, InSPI: spi, OutKey: toMobile, InKey: toAgent}}, "mn"); err != nil {
			b.t.Fatal(err)
		}
	}
	return r
}

// plainAck is the acknowledgement of an update that was not protected, or that an AAA server made.
func plainAck(q question, seq uint16) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: haAddr, Dst: q.CareOf}, Routing2: hoa, Proto: ip6.ProtoMH}
	p.Payload = mh.Append(nil, haAddr, hoa, &mh.BindingAck{Seq: seq, Lifetime: 400 * time.Second})
	return p.Append(nil)
}

// embedded opens the update of a request.
func (b *bench) embedded(q question) (sent, bool) {
	b.t.Helper()
	if q.Binding == nil {
		return sent{}, false
	}
	p, err := ip6.Parse(q.Binding)
	if err != nil {
		b.t.Fatal(err)
	}
	if p.Proto == ip6.ProtoESP {
		list := b.updates([]engine.Effect{engine.Send{Port: q.port, Data: q.Binding}})
		if len(list) != 1 {
			b.t.Fatalf("the home agent cannot open the update")
		}
		return list[0], true
	}
	m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if err != nil {
		b.t.Fatal(err)
	}
	return sent{m.(*mh.BindingUpdate), p, q.port, plane.HW{}}, true
}

func count(effects []engine.Effect, event string) (n int) {
	for _, e := range effects {
		if ev, ok := e.(engine.Event); ok && ev.Name == event {
			n++
		}
	}
	return n
}

// settle has a stranded node let in at a router, with everything assigned.
func (b *bench) settle(port plane.Port, r router) {
	b.t.Helper()
	b.up(port)
	q := b.question(b.closed(port, r))
	b.do(b.reply(q, b.granted(q, plainAck(q, 7)), true))
	b.want(plane.Tunnel, coaOf(r.prefix, hw1), "bound")
}

// stay lets time pass at a router that answers when it is probed, and gives the effects.
func (b *bench) stay(d time.Duration, port plane.Port, r router) (all []engine.Effect) {
	b.t.Helper()
	for end := b.now.Mono.Add(d); b.now.Mono < end; {
		effects := b.pass(min(time.Second, end.Sub(b.now.Mono)))
		all = append(all, effects...)
		if list, _ := b.neighbours(effects, port); len(list) > 0 {
			all = append(all, b.na(port, r)...)
		}
	}
	return all
}
