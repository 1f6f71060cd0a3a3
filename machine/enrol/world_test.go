package enrol

import (
	"bytes"
	"net/netip"
	"testing"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// Results as replies carry them.
const (
	success    = uint32(diameter.Success)
	multiRound = uint32(diameter.MultiRoundAuth)
)

var (
	coa    = netip.MustParseAddr("2001:db8:a:1::9")
	client = netip.MustParseAddr("2001:db8:a:1::1")
	hoa    = netip.MustParseAddr("2001:db8:1::100")
	agent  = netip.MustParseAddr("2001:db8:1::a")
	via    = plane.HW{2, 0, 0, 0, 9, 1}
	secret = bytes.Repeat([]byte{7}, aaa.KeyLen)
)

const (
	network = "visited.example"
	nai     = "mn1@home.example"
)

// desk is an applicant with the network played by hand.
type desk struct {
	t    testing.TB
	a    *Applicant
	now  engine.Now
	out  engine.Effects
	rand *engine.Rand // the network's
}

func newDesk(t testing.TB, change func(*Config)) *desk {
	t.Helper()
	c := Config{Port: 3, NAI: nai, LongTerm: secret}
	if change != nil {
		change(&c)
	}
	a, err := New(c, engine.NewRand([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, a: a, rand: engine.NewRand([32]byte{2})}
	d.a.Advertised(d.now, advertisement(1), &d.out)
	return d
}

func advertisement(challenge byte) *nd.Access {
	return &nd.Access{LocalChallenge: bytes.Repeat([]byte{challenge}, 8), Network: network, Client: client}
}

func plain() Want { return Want{CareOf: coa, Via: via} }

func (d *desk) ask(w Want) {
	d.t.Helper()
	if !d.a.Ask(d.now, w, &d.out) {
		d.t.Fatal("nothing was asked")
	}
}

// sent takes the packets sent since the last call.
func (d *desk) sent() (list []engine.Send) {
	for _, e := range d.out.List {
		if s, ok := e.(engine.Send); ok {
			list = append(list, s)
		}
	}
	d.out.Reset()
	return list
}

// request reads the one request among what was sent, and checks how it was sent.
func (d *desk) request() (*access.Request, uint32) {
	d.t.Helper()
	return d.read(d.sent())
}

func (d *desk) read(sent []engine.Send) (*access.Request, uint32) {
	d.t.Helper()
	var parts []access.Part
	for _, s := range sent {
		p, err := ip6.Parse(s.Data)
		if err != nil || p.HopLimit != access.HopLimit || p.Src != coa || p.Dst != client || s.Port != 3 || s.To != via || len(s.Data) > ip6.MinMTU {
			d.t.Fatalf("sent %+v to %v by %d: %v", p.Header, s.To, s.Port, err)
		}
		part, err := access.Parse(p.Src, p.Dst, p.Payload)
		if err != nil {
			d.t.Fatal(err)
		}
		parts = append(parts, part)
	}
	m, err := access.Join(parts)
	if err != nil {
		d.t.Fatal(err)
	}
	return m.(*access.Request), parts[0].ID
}

func keyOf(t testing.TB, r *access.Request) aaa.Key {
	t.Helper()
	k, err := aaa.NewKey(secret, aaa.Identity(r.NAI, r.HomeAddress), network)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// signed is a reply with the home network's authentication data.
func signed(t testing.TB, r *access.Request, reply *access.Reply) *access.Reply {
	t.Helper()
	reply.Auth = keyOf(t, r).Greeting(exchangeOf(r), reply.Covered())
	return reply
}

// packets are those of a reply.
func packets(id uint32, reply *access.Reply) (list [][]byte) {
	for _, part := range access.Split(reply, id) {
		list = append(list, packet(part, client, coa, access.HopLimit))
	}
	return list
}

func packet(part access.Part, src, dst netip.Addr, hops uint8) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst, HopLimit: hops}, Proto: ip6.ProtoICMPv6}
	p.Payload = part.Append(nil, src, dst)
	return p.Append(nil)
}

func (d *desk) hear(list ...[]byte) (facts []Fact) {
	d.t.Helper()
	for _, b := range list {
		p, err := ip6.Parse(b)
		if err != nil {
			d.t.Fatal(err)
		}
		facts = append(facts, d.a.Heard(d.now, &p, &d.out)...)
	}
	return facts
}

// reply hands over a reply and gives the one fact it caused.
func (d *desk) reply(id uint32, r *access.Reply) Fact {
	d.t.Helper()
	facts := d.hear(packets(id, r)...)
	if len(facts) > 1 {
		d.t.Fatalf("%d facts: %v", len(facts), facts)
	}
	if len(facts) == 0 {
		return nil
	}
	return facts[0]
}

// dropped is the reason of the last drop.
func (d *desk) dropped() (reason string) {
	for _, e := range d.out.List {
		if ev, ok := e.(engine.Event); ok && ev.Name == engine.EventDrop {
			reason = ev.Reason
		}
	}
	return reason
}

// pass lets time pass up to the next deadline and gives its facts.
func (d *desk) pass() []Fact {
	d.t.Helper()
	at, _ := d.a.Deadline()
	if at == engine.Never {
		d.t.Fatal("it waits for nothing")
	}
	d.now.Mono = at
	return d.a.Tick(d.now, &d.out)
}
