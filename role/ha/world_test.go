package ha

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/advertise"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

var (
	haAddr = netip.MustParseAddr("2001:db8:0:1::a")
	prefix = netip.MustParsePrefix("2001:db8:0:1::/64")
	hoa    = netip.MustParseAddr("2001:db8:0:1::100")
	coa    = netip.MustParseAddr("2001:db8:a:1::1")
	coa2   = netip.MustParseAddr("2001:db8:a:2::1")
	haHW   = plane.HW{2, 0, 0, 0, 0, 1}
	mnHW   = plane.HW{2, 0, 0, 0, 0, 9}
)

const homePort = plane.Port(1)

// bench is a home agent on a desk with one mobile node's keys beside it.
type bench struct {
	t    *testing.T
	cfg  Config
	a    *Agent
	mn   *sa.SA // the mobile node's end
	now  engine.Now
	out  engine.Effects
	disk map[string]engine.Record // what Persist wrote
}

func espPair() (agent, mobile sa.Config) {
	k1, k2 := bytes.Repeat([]byte{1}, 20), bytes.Repeat([]byte{2}, 20)
	return sa.Config{ESP: &sa.ESPConfig{OutSPI: 0x2002, InSPI: 0x2001, OutKey: k2, InKey: k1}},
		sa.Config{ESP: &sa.ESPConfig{OutSPI: 0x2001, InSPI: 0x2002, OutKey: k1, InKey: k2}}
}

func authPair() (agent, mobile sa.Config) {
	c := sa.Config{Auth: &sa.AuthConfig{SPI: 300, Key: bytes.Repeat([]byte{3}, 32)}}
	return c, c
}

func newBench(t *testing.T, pair func() (sa.Config, sa.Config), change func(*Config)) *bench {
	t.Helper()
	agent, mobile := pair()
	cfg := Config{
		Address: haAddr, Port: homePort, Prefix: prefix, MaxLifetime: 10 * time.Minute,
		Advertise: advertise.Config{
			Port: homePort, Prefix: prefix, Address: haAddr, IntervalMin: time.Second, IntervalMax: time.Second,
			Lifetime: 30 * time.Minute, DelayMax: 500 * time.Millisecond, Valid: time.Hour, Preferred: time.Hour,
		},
		Mobiles: []Mobile{{HomeAddress: hoa, Security: agent}},
	}
	if change != nil {
		change(&cfg)
	}
	end, err := sa.New(mobile, "ha")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, cfg: cfg, mn: end, disk: map[string]engine.Record{}}
	b.now.Wall = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b.boot()
	return b
}

// boot starts the agent, for the first time or again after a crash, with what it persisted.
func (b *bench) boot() {
	b.t.Helper()
	a, err := New(b.cfg, [32]byte{7})
	if err != nil {
		b.t.Fatal(err)
	}
	b.a = a
	var start engine.Start
	for _, key := range sortedKeys(b.disk) {
		start.Records = append(start.Records, b.disk[key])
	}
	b.do(start)
	b.do(engine.LinkUp{Port: homePort, Name: "home", HW: haHW, MTU: 1500})
}

// do hands over one input and keeps what it persisted.
func (b *bench) do(in engine.Input) []engine.Effect {
	return b.run(func() { b.a.Handle(b.now, in, &b.out) })
}

// run does anything with the agent and keeps what it persisted.
func (b *bench) run(f func()) []engine.Effect {
	b.out.List = nil
	f()
	for _, e := range b.out.List {
		if p, ok := e.(engine.Persist); ok {
			if p.Value == nil {
				delete(b.disk, p.Bucket+"/"+p.Key)
			} else {
				b.disk[p.Bucket+"/"+p.Key] = engine.Record(p)
			}
		}
	}
	return b.out.List
}

// pass lets time go by and gives the effects of every tick on the way.
func (b *bench) pass(d time.Duration) []engine.Effect {
	var all []engine.Effect
	end := b.now.Mono.Add(d)
	for {
		at, _ := b.a.Deadline()
		if at > end {
			break
		}
		at = max(at, b.now.Mono)
		b.now.Wall = b.now.Wall.Add(at.Sub(b.now.Mono))
		b.now.Mono = at
		all = append(all, b.do(engine.Tick{})...)
	}
	b.now.Wall = b.now.Wall.Add(end.Sub(b.now.Mono))
	b.now.Mono = end
	return all
}

// update makes a protected binding update as the mobile node would: under ESP the care-of address is in an option too.
func (b *bench) update(bu *mh.BindingUpdate, from netip.Addr) []byte {
	if o := &bu.Options; b.mn.Kind() == sa.ESP && bu.Lifetime > 0 && !o.AltCareOf.IsValid() && len(o.Bindings) == 0 {
		o.AltCareOf = from
	}
	return b.bare(bu, from)
}

// bare makes one with no options of its own.
func (b *bench) bare(bu *mh.BindingUpdate, from netip.Addr) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: from, Dst: haAddr}, HomeAddress: hoa}
	if from == hoa {
		p.HomeAddress = netip.Addr{}
	}
	var scratch engine.Effects
	return b.mn.Protect(b.now, p, bu, &scratch)
}

func bu(seq uint16, lifetime time.Duration) *mh.BindingUpdate {
	return &mh.BindingUpdate{Seq: seq, Ack: true, Home: true, Lifetime: lifetime}
}

func (b *bench) deliver(data []byte) []engine.Effect {
	return b.do(engine.Packet{Port: plane.Kernel, Data: bytes.Clone(data)})
}

// bind registers coa and waits for duplicate detection.
func (b *bench) bind(seq uint16, from netip.Addr) *mh.BindingAck {
	b.t.Helper()
	effects := b.deliver(b.update(bu(seq, 5*time.Minute), from))
	effects = append(effects, b.pass(1100*time.Millisecond)...)
	ba, _ := b.ack(effects)
	if ba == nil {
		b.t.Fatal("no binding acknowledgement")
	}
	return ba
}

// ack finds the acknowledgement among effects, opened with the mobile node's keys, and the packet that carried it.
func (b *bench) ack(effects []engine.Effect) (*mh.BindingAck, ip6.Packet) {
	b.t.Helper()
	for _, p := range b.packets(effects, plane.Kernel) {
		got, reason := b.mn.Receive(b.now, &p)
		if reason != "" {
			continue
		}
		if ba, ok := got.MH.(*mh.BindingAck); ok {
			return ba, p
		}
	}
	return nil, ip6.Packet{}
}

func (b *bench) packets(effects []engine.Effect, port plane.Port) []ip6.Packet {
	b.t.Helper()
	var list []ip6.Packet
	for _, e := range effects {
		if s, ok := e.(engine.Send); ok && s.Port == port {
			p, err := ip6.Parse(s.Data)
			if err != nil {
				b.t.Fatalf("the agent sent what does not parse: %v", err)
			}
			list = append(list, p)
		}
	}
	return list
}

// neighbours finds the neighbour discovery messages sent on the home link.
func (b *bench) neighbours(effects []engine.Effect) []nd.Message {
	b.t.Helper()
	var list []nd.Message
	for _, p := range b.packets(effects, homePort) {
		m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
		if err != nil {
			b.t.Fatalf("the agent sent bad neighbour discovery: %v", err)
		}
		list = append(list, m)
	}
	return list
}

func (b *bench) onLink(src, dst netip.Addr, m nd.Message) []engine.Effect {
	p := ip6.Packet{Header: ip6.Header{HopLimit: 255, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6, Payload: nd.Append(nil, src, dst, m)}
	return b.do(engine.Packet{Port: homePort, From: mnHW, Data: p.Append(nil)})
}

func drops(effects []engine.Effect) []string {
	var list []string
	for _, e := range effects {
		if ev, ok := e.(engine.Event); ok && ev.Name == engine.EventDrop {
			list = append(list, ev.Reason)
		}
	}
	return list
}

func has[T engine.Effect](effects []engine.Effect, match func(T) bool) bool {
	for _, e := range effects {
		if x, ok := e.(T); ok && match(x) {
			return true
		}
	}
	return false
}

// view is the agent's View as text, to compare states.
func (b *bench) view() string {
	v, err := json.Marshal(b.a.View())
	if err != nil {
		b.t.Fatal(err)
	}
	return string(v)
}

func sortedKeys(m map[string]engine.Record) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	for i := range keys {
		for j := i + 1; j < len(keys); j++ {
			if keys[j] < keys[i] {
				keys[i], keys[j] = keys[j], keys[i]
			}
		}
	}
	return keys
}
