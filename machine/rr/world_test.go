package rr

import (
	"container/heap"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/correspond"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

var (
	hoa  = netip.MustParseAddr("2001:db8:1::10")
	coa  = netip.MustParseAddr("2001:db8:a::10")
	coa2 = netip.MustParseAddr("2001:db8:b::10")
	cn   = netip.MustParseAddr("2001:db8:c::1")
	cn2  = netip.MustParseAddr("2001:db8:d::1")
)

// world is a mobile node, its correspondents, a home agent that knows where the node is, and a network between them,
// in virtual time.
type world struct {
	t     testing.TB
	m     *Mobile
	cns   map[netip.Addr]*correspond.Node
	names []netip.Addr // of cns, in order
	now   time.Duration
	queue flights
	sent  uint64
	away  netip.Addr // what the home agent knows; invalid: at home or nothing

	delay func(p *ip6.Packet, m mh.Message) []time.Duration // of each copy that arrives; nil: 10 ms
	dead  map[netip.Addr]bool                               // correspondents that answer nothing

	routes map[netip.Addr]netip.Addr // of the mobile node: what Ready and Gone told
	tape   []string                  // all messages, as they are sent
	seqs   map[string]bool
	events []engine.Event
	each   func() // called after everything that happens
}

type flight struct {
	at   time.Duration
	seq  uint64
	data []byte
}

type flights []flight

func (f flights) Len() int { return len(f) }
func (f flights) Less(i, j int) bool {
	return f[i].at < f[j].at || f[i].at == f[j].at && f[i].seq < f[j].seq
}
func (f flights) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)   { *f = append(*f, x.(flight)) }
func (f *flights) Pop() any     { x := (*f)[len(*f)-1]; *f = (*f)[:len(*f)-1]; return x }

func newWorld(t testing.TB, cfg Config, seed byte, peers ...netip.Addr) *world {
	cfg.HomeAddress = hoa
	w := &world{
		t: t, m: New(cfg, engine.NewRand([32]byte{seed})), cns: map[netip.Addr]*correspond.Node{}, names: peers,
		dead: map[netip.Addr]bool{}, routes: map[netip.Addr]netip.Addr{}, seqs: map[string]bool{},
	}
	for i, a := range peers {
		w.restart(a, byte(i)+seed+100)
	}
	return w
}

// restart makes a correspondent forget all.
func (w *world) restart(a netip.Addr, seed byte) {
	w.cns[a] = correspond.New(correspond.Config{}, engine.NewRand([32]byte{seed, 1}))
}

func (w *world) at() engine.Now { return engine.Now{Mono: engine.Mono(w.now)} }

func (w *world) do(f func(now engine.Now, out *engine.Effects) []Fact) {
	w.t.Helper()
	var out engine.Effects
	facts := f(w.at(), &out)
	for _, e := range out.List {
		w.events = append(w.events, e.(engine.Event))
	}
	for _, x := range facts {
		w.act(x)
	}
}

func (w *world) act(x Fact) {
	w.t.Helper()
	switch x.Kind {
	case Straight, Through:
		if x.CoA != w.m.coa || x.Kind == Through && w.away != x.CoA {
			w.t.Errorf("%v: sent by an access that is not there: %+v", w.now, x)
		}
		w.send(x.Packet, x.Kind)
	case Ready:
		if w.routes[x.Peer] == x.CoA || x.CoA != w.m.coa {
			w.t.Errorf("%v: ready twice, or elsewhere: %+v", w.now, x)
		}
		w.routes[x.Peer] = x.CoA
	case Gone:
		if !w.routes[x.Peer].IsValid() || w.routes[x.Peer] != x.CoA {
			w.t.Errorf("%v: gone what was not there: %+v", w.now, x)
		}
		delete(w.routes, x.Peer)
	}
}

func parse(t testing.TB, data []byte) (ip6.Packet, mh.Message) {
	t.Helper()
	p, err := ip6.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return p, m
}

// send puts a packet into the network. kind is that of the mobile node's fact, 0 for the others.
func (w *world) send(data []byte, kind Kind) {
	w.t.Helper()
	p, m := parse(w.t, data)
	line := fmt.Sprintf("%v %v>%v %T", w.now, p.Src, p.Dst, m)
	if bu, ok := m.(*mh.BindingUpdate); ok {
		id := fmt.Sprint(p.Dst, bu.Seq)
		if w.seqs[id] {
			w.t.Errorf("%s: sequence number %d used twice", line, bu.Seq)
		}
		w.seqs[id] = true
	}
	w.tape = append(w.tape, strings.Replace(line, "*mh.", "", 1))
	copies := []time.Duration{10 * time.Millisecond}
	if w.delay != nil {
		copies = w.delay(&p, m)
	}
	for _, d := range copies {
		w.sent++
		heap.Push(&w.queue, flight{w.now + d, w.sent, data})
	}
}

// arrive delivers a packet, or loses it where nobody is.
func (w *world) arrive(data []byte) {
	w.t.Helper()
	p, m := parse(w.t, data)
	if n := w.cns[p.Dst]; n != nil {
		if !w.dead[p.Dst] {
			var out engine.Effects
			w.answer(n.Heard(w.at(), &p, m, &out))
		}
		return
	}
	switch {
	case p.Dst == w.m.coa && w.m.coa.IsValid():
		w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Heard(now, &p, m, false, out) })
	case p.Dst == hoa && w.away.IsValid() && w.away == w.m.coa:
		w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Heard(now, &p, m, true, out) })
	}
}

func (w *world) answer(a correspond.Answer) {
	if a.Packet != nil {
		w.send(a.Packet, 0)
	}
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	for end := w.now + d; ; {
		next := end + 1
		if due, _ := w.m.Deadline(); due != engine.Never {
			next = min(next, time.Duration(due))
		}
		for _, a := range w.names {
			if due, _ := w.cns[a].Deadline(); due != engine.Never {
				next = min(next, time.Duration(due))
			}
		}
		if len(w.queue) > 0 {
			next = min(next, w.queue[0].at)
		}
		if next > end {
			w.now = end
			return
		}
		w.now = max(w.now, next)
		w.step()
		if w.each != nil {
			w.each()
		}
	}
}

func (w *world) step() {
	w.t.Helper()
	if len(w.queue) > 0 && w.queue[0].at <= w.now {
		w.arrive(heap.Pop(&w.queue).(flight).data)
		return
	}
	if due, _ := w.m.Deadline(); due <= engine.Mono(w.now) {
		w.do(w.m.Tick)
		return
	}
	for _, a := range w.names {
		if due, _ := w.cns[a].Deadline(); due <= engine.Mono(w.now) {
			var out engine.Effects
			for _, x := range w.cns[a].Tick(w.at(), &out) {
				w.answer(x)
			}
		}
	}
}

// attach moves the node to a care-of address that the home agent knows at once.
func (w *world) attach(coa netip.Addr) {
	w.t.Helper()
	w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Arrived(now, coa, out) })
	w.register(coa, time.Hour)
}

func (w *world) register(coa netip.Addr, life time.Duration) {
	w.t.Helper()
	w.away = coa
	w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Registered(now, now.Mono.Add(life), out) })
}

func (w *world) home() {
	w.t.Helper()
	w.away = netip.Addr{}
	w.do(w.m.Home)
}

func (w *world) wanted(a netip.Addr) {
	w.t.Helper()
	w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Wanted(now, a, out) })
}

func (w *world) used(a netip.Addr) {
	w.t.Helper()
	w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Used(now, a, out) })
}

// believes reports whether a correspondent takes packets with our home address from a care-of address.
func (w *world) believes(cn, coa netip.Addr) bool {
	p := &ip6.Packet{Header: ip6.Header{Src: coa, Dst: cn}, HomeAddress: hoa, Proto: ip6.ProtoUDP}
	return !w.cns[cn].Stranger(w.at(), p)
}

// count is how many messages of a type were sent.
func (w *world) count(kind string) (n int) {
	for _, line := range w.tape {
		if strings.HasSuffix(line, " "+kind) {
			n++
		}
	}
	return n
}

// drops lists the reasons of dropped messages.
func (w *world) drops() (list []string) {
	for _, e := range w.events {
		if e.Name == engine.EventDrop {
			list = append(list, e.Reason)
		}
	}
	return list
}
