package admit

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
)

var (
	prefix = netip.MustParsePrefix("2001:db8:a:1::/64")
	client = netip.MustParseAddr("2001:db8:a:1::aaa")
	router = netip.MustParseAddr("2001:db8:a:1::1")
	arHW   = plane.HW{2, 0, 0, 0, 0, 0xff}
)

// world is a client and what it did.
type world struct {
	t    testing.TB
	c    *Client
	now  engine.Now
	out  engine.Effects
	sent []engine.Send
	drop map[string]int
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, drop: map[string]int{}, now: engine.Now{Mono: 1}}
	w.c = New(Config{Port: 1, Prefix: prefix, Address: client, Routers: []netip.Addr{router}, Network: "visited.example"}, engine.NewRand([32]byte{1}))
	w.c.Up(w.now, arHW)
	return w
}

// take collects the effects since the last call.
func (w *world) take() {
	for _, e := range w.out.List {
		switch e := e.(type) {
		case engine.Send:
			w.sent = append(w.sent, e)
		case engine.Event:
			if e.Name == engine.EventDrop {
				w.drop[e.Reason]++
			}
		}
	}
	w.out.Reset()
}

func (w *world) pass(d time.Duration) {
	for end := w.now.Mono.Add(d); ; {
		at, _ := w.c.Deadline()
		if at > end {
			w.now.Mono = end
			return
		}
		w.now.Mono = max(at, w.now.Mono)
		w.c.Tick(w.now, &w.out)
		w.take()
	}
}

// mobile is a station that asks.
type mobile struct {
	hw  plane.HW
	coa netip.Addr
	id  uint32
	n   uint64
}

func newMobile(n int) *mobile {
	hw := plane.HW{2, 1}
	binary.BigEndian.PutUint32(hw[2:], uint32(n))
	return &mobile{hw: hw, coa: ip6.FromEUI64(prefix, hw)}
}

// ask makes a request with a host challenge of its own.
func (m *mobile) ask(challenge []byte) *access.Request {
	m.n++
	host := binary.BigEndian.AppendUint64([]byte(m.hw[:]), m.n)
	return &access.Request{NAI: "user@home.example", CareOf: m.coa, LocalChallenge: challenge, HostChallenge: host, Auth: make([]byte, access.AuthLen)}
}

// packets are those of a request under a new identifier.
func (m *mobile) packets(r access.Message) [][]byte {
	m.id++
	return m.again(r)
}

func (m *mobile) again(r access.Message) (list [][]byte) {
	for _, part := range access.Split(r, m.id) {
		list = append(list, whole(m.coa, client, access.HopLimit, part))
	}
	return list
}

func whole(src, dst netip.Addr, hop uint8, part access.Part) []byte {
	p := ip6.Packet{Header: ip6.Header{HopLimit: hop, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6, Payload: part.Append(nil, src, dst)}
	return p.Append(nil)
}

// hear gives the client packets of a station.
func (w *world) hear(hw plane.HW, packets ...[]byte) (facts []Fact) {
	for _, b := range packets {
		p, err := ip6.Parse(b)
		if err != nil {
			w.t.Fatal(err)
		}
		facts = append(facts, w.c.Heard(w.now, engine.Packet{Port: 1, From: hw, Data: b}, &p, &w.out)...)
		w.take()
	}
	return facts
}

// ask lets a mobile node ask with the challenge of now.
func (w *world) ask(m *mobile) []Fact {
	return w.hear(m.hw, m.packets(m.ask(w.c.Access().LocalChallenge))...)
}

// pick is the one fact there must be.
func pick[F Fact](t testing.TB, facts []Fact) F {
	t.Helper()
	if len(facts) == 1 {
		if f, ok := facts[0].(F); ok {
			return f
		}
	}
	var want F
	t.Fatalf("facts %+v, want one %T", facts, want)
	return want
}

// let takes a mobile node through everything.
func (w *world) let(m *mobile) *access.Request {
	w.t.Helper()
	facts := w.ask(m)
	if len(facts) == 1 {
		if x, ok := facts[0].(Check); ok {
			facts = w.c.Checked(w.now, x.Addr, false, &w.out)
			w.take()
		}
	}
	r := pick[Request](w.t, facts)
	if !w.reply(r.Handle, good) {
		w.t.Fatal("reply is not taken")
	}
	return r.Message
}

var (
	good = &access.Reply{Result: uint32(diameter.Success), Auth: make([]byte, access.AuthLen), Lifetime: time.Hour}
	bad  = &access.Reply{Result: uint32(diameter.AuthenticationRejected)}
)

func (w *world) reply(h Handle, r *access.Reply) bool {
	ok := w.c.Reply(w.now, h, r, &w.out)
	w.take()
	return ok
}

// heard is the message of the packets sent since the last call, which went to one station.
func (w *world) heard(m *mobile) *access.Reply {
	w.t.Helper()
	var parts []access.Part
	for _, s := range w.sent {
		p, err := ip6.Parse(s.Data)
		if err != nil || p.Proto != ip6.ProtoICMPv6 || s.To != m.hw || s.Port != 1 || p.Dst != m.coa || p.Src != client || p.HopLimit != access.HopLimit {
			w.t.Fatalf("sent %+v, %v", s, err)
		}
		part, err := access.Parse(p.Src, p.Dst, p.Payload)
		if err != nil || part.ID != m.id {
			w.t.Fatalf("part %+v, %v", part, err)
		}
		parts = append(parts, part)
	}
	w.sent = nil
	if parts == nil {
		return nil
	}
	msg, err := access.Join(parts)
	if err != nil {
		w.t.Fatal(err)
	}
	return msg.(*access.Reply)
}

// sound looks at what must always hold.
func (w *world) sound() {
	c, waiting, joining := w.c, 0, 0
	for a, l := range c.sources { //order:any
		if len(l.waiting) == 0 || len(l.waiting) > MaxPerSource {
			w.t.Fatalf("source %v: %+v", a, l)
		}
		waiting += len(l.waiting)
	}
	for o, n := range c.begun { //order:any
		if n < 1 || n > MaxPerSource {
			w.t.Fatalf("%+v has begun %d messages", o, n)
		}
		joining += n
	}
	if waiting != len(c.handles) || waiting != c.used[0]+c.used[1] || waiting != c.pending.Len() || waiting > MaxExchanges {
		w.t.Fatalf("%d wait by source, %d by handle, %v by kind, %d by timer", waiting, len(c.handles), c.used, c.pending.Len())
	}
	if joining != len(c.messages) || joining != c.joining[0]+c.joining[1] || joining != c.parts[0].Len()+c.parts[1].Len() || joining > MaxMessages {
		w.t.Fatalf("%d messages by source, %d, %v by kind, %d by timer", joining, len(c.messages), c.joining, c.parts[0].Len()+c.parts[1].Len())
	}
	if len(c.exchanges) != waiting+c.answered.Len() || c.answered.Len() > MaxAnswered {
		w.t.Fatalf("%d exchanges, %d wait, %d answered", len(c.exchanges), waiting, c.answered.Len())
	}
	if len(c.now.pairs) > MaxPairs || len(c.last.pairs) > MaxPairs || c.rates.stations.len() > 2*MaxStations || c.rates.sources.len() > 2*MaxSources ||
		c.rates.known.len() > 2*MaxKnown || c.neighbours.len() > 2*MaxNeighbours {
		w.t.Fatalf("%d and %d pairs, %d stations, %d sources, %d known, %d neighbours", len(c.now.pairs), len(c.last.pairs), c.rates.stations.len(),
			c.rates.sources.len(), c.rates.known.len(), c.neighbours.len())
	}
}
