package peers

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
)

// talker is a node with two open peers, x and y, relaying between them and answering for its realm.
type talker struct {
	n       *Node
	now     engine.Now
	out     engine.Effects
	x, y    engine.Conn
	written map[engine.Conn][]byte
	closed  map[engine.Conn]bool
	facts   int
}

func newTalker(t testing.TB) *talker {
	n, err := New(Config{Host: "m" + domain, Realm: "r" + domain, Apps: []App{{ID: diameter.AppRelay}, {ID: diameter.AppMobileIPv6AAA}},
		Listen: []Listen{{Name: "in", At: addr(1)}}, Peers: []Peer{{Host: "x" + domain}, {Host: "y" + domain}},
		Routes: []Route{{Realm: "far" + domain, Via: []string{"y" + domain}}}}, engine.NewRand([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	k := &talker{n: n, x: 2, y: 4, written: map[engine.Conn][]byte{}, closed: map[engine.Conn]bool{}, now: engine.Now{Mono: 1, Wall: time.Unix(1_700_000_000, 0)}}
	n.Start(k.now, &k.out)
	var l lone
	for c, who := range map[engine.Conn]string{k.x: "x" + domain, k.y: "y" + domain} { //order:any
		k.in(engine.Opened{Conn: c, Listener: "in", From: addr(1), To: addr(int(c))})
		k.in(engine.Stream{Conn: c, Data: l.caps(0, who)})
	}
	if !n.Open("x.example") || !n.Open("y.example") {
		t.Fatal("not open")
	}
	clear(k.written)
	return k
}

func (k *talker) in(in engine.Input) {
	k.out.Reset()
	for _, f := range k.n.Handle(k.now, in, &k.out) {
		k.facts++
		if a, ok := f.(Arrived); ok {
			k.n.Answer(k.now, &k.out, a.Handle, k.n.Builder().Reply(a.Message, diameter.Success, "m"+domain, "r"+domain).Done())
		}
	}
	for _, e := range k.out.List {
		switch e := e.(type) {
		case engine.Write:
			k.written[e.Conn] = append(k.written[e.Conn], e.Data...)
		case engine.Close:
			k.closed[e.Conn] = true
		}
	}
}

// request builds one for a realm.
func (k *talker) request(realm string, endToEnd uint32) []byte {
	var b diameter.Builder
	raw := b.Request(diameter.SessionTermination, diameter.AppMobileIPv6AAA, diameter.Proxiable).Text(diameter.SessionID, "s;1;2").
		Text(diameter.OriginHost, "x"+domain).Text(diameter.OriginRealm, "r"+domain).Text(diameter.DestinationRealm, realm).
		Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA).Uint32(diameter.TerminationCause, 1).
		Bytes(diameter.Class, make([]byte, 300)).Done()
	diameter.SetEndToEnd(raw, endToEnd)
	diameter.SetHopByHop(raw, endToEnd)
	return raw
}

// TestCuts: however a stream comes in pieces, the same is said and sent on.
func TestCuts(t *testing.T) {
	var l lone
	l.p = &peer{host: "x" + domain}
	var stream []byte
	k := newTalker(t)
	var b diameter.Builder
	stream = append(stream, k.request("far"+domain, 1)...)
	stream = append(stream, b.Request(diameter.DeviceWatchdog, 0, 0).Text(diameter.OriginHost, "x"+domain).Text(diameter.OriginRealm, "r"+domain).Done()...)
	stream = append(stream, k.request("r"+domain, 2)...)
	stream = append(stream, k.request("nowhere"+domain, 3)...)
	stream = append(stream, k.request("far"+domain, 4)...)
	k.in(engine.Stream{Conn: k.x, Data: slices.Clone(stream)})
	x, y := k.written[k.x], k.written[k.y]
	if len(x) < 300 || len(y) < 800 {
		t.Fatalf("%d and %d octets", len(x), len(y))
	}
	for cut := 1; cut < len(stream); cut++ {
		k := newTalker(t)
		for _, part := range [][]byte{stream[:cut], stream[cut:]} {
			data := slices.Clone(part)
			k.in(engine.Stream{Conn: k.x, Data: data})
			clear(data) // it is the engine's no longer
		}
		if !bytes.Equal(k.written[k.y], y) || len(k.written[k.x]) != len(x) {
			t.Fatalf("cut at %d: %d and %d octets, want %d and %d", cut, len(k.written[k.x]), len(k.written[k.y]), len(x), len(y))
		}
	}
	k = newTalker(t)
	for i := range stream {
		k.in(engine.Stream{Conn: k.x, Data: []byte{stream[i]}})
	}
	if !bytes.Equal(k.written[k.y], y) {
		t.Error("octet by octet")
	}
}

// FuzzStream feeds a peer's and a stranger's stream with anything, in pieces. Nothing panics, what is written are messages, no more of them
// than were read, and the memory held is bounded.
func FuzzStream(f *testing.F) {
	var l lone
	var k talker
	f.Add([]byte{}, uint16(7))
	f.Add(k.request("far"+domain, 1), uint16(50))
	f.Add(append(k.request("r"+domain, 1), k.request("r"+domain, 1)...), uint16(1000))
	f.Add(l.caps(0, "x"+domain), uint16(3))
	f.Add(l.caps(diameter.Success, "x"+domain), uint16(3))
	var b diameter.Builder
	f.Add(append(k.request("far"+domain, 1), b.Request(diameter.DisconnectPeer, 0, 0).Text(diameter.OriginHost, "x"+domain).
		Text(diameter.OriginRealm, "r"+domain).Uint32(diameter.DisconnectCause, 0).Done()...), uint16(9))
	f.Fuzz(func(t *testing.T, data []byte, size uint16) {
		k := newTalker(t)
		k.in(engine.Opened{Conn: 6, Listener: "in", From: addr(1), To: addr(6)})
		read := 0
		for _, c := range []engine.Conn{k.x, 6} {
			for part := range slices.Chunk(data, int(size)+1) {
				k.in(engine.Stream{Conn: c, Data: slices.Clone(part)})
				if l := k.n.links[c]; l != nil && len(l.in) > diameter.MaxMessage+len(part) {
					t.Fatalf("%d octets are kept", len(l.in))
				}
			}
			for rest := data; len(rest) > 0; read++ {
				raw, r, err := diameter.Next(rest, 0)
				if rest = r; raw == nil || err != nil {
					break
				}
			}
		}
		k.now.Mono = k.now.Mono.Add(time.Hour)
		for at, _ := k.n.Deadline(); at <= k.now.Mono; at, _ = k.n.Deadline() {
			k.in(engine.Tick{})
		}
		messages := 0
		for c, raw := range k.written { //order:any
			for len(raw) > 0 {
				one, rest, err := diameter.Next(raw, 0)
				if _, bad := diameter.Parse(one); err != nil || bad != nil || one == nil {
					t.Fatalf("written to %d: %v %v", c, err, bad)
				}
				raw = rest
				messages++
			}
		}
		if messages > 2*read+8 { // each may be sent on and then be answered; and there are watchdogs
			t.Fatalf("%d messages for %d", messages, read)
		}
		if k.n.octets != 0 || k.n.held != 0 || k.n.age.n != 0 {
			t.Fatalf("something stays: %+v", k.n.View())
		}
	})
}

// TestRelayAllocates nothing but the place of a Write in the effects.
func TestRelayAllocates(t *testing.T) {
	k := newTalker(t)
	const batch = 32
	var requests []byte
	for i := range uint32(batch) {
		requests = append(requests, k.request("far"+domain, i)...)
	}
	var b diameter.Builder
	answer := b.Reply(diameter.Message{Header: diameter.Header{Command: diameter.SessionTermination, App: diameter.AppMobileIPv6AAA}}, diameter.Success, "y"+domain, "r"+domain).Done()
	in, back := make([]byte, len(requests)), make([]byte, 0, batch*len(answer))
	var question engine.Input = engine.Stream{Conn: k.x, Data: in}
	n := testing.AllocsPerRun(100, func() {
		copy(in, requests)
		k.out.Reset()
		k.n.Handle(k.now, question, &k.out)
		sent := k.out.List[0].(engine.Write).Data
		for back = back[:0]; len(sent) > 0; {
			raw, rest, _ := diameter.Next(sent, 0)
			h, _ := diameter.ParseHeader(raw)
			diameter.SetHopByHop(answer, h.HopByHop)
			diameter.SetEndToEnd(answer, h.EndToEnd)
			back, sent = append(back, answer...), rest
		}
		k.out.Reset()
		k.n.Handle(k.now, engine.Stream{Conn: k.y, Data: back}, &k.out)
	})
	if n > 3 || k.n.count.Relayed < 100*batch { // two Writes, and the Stream above
		t.Errorf("%v allocations for %d messages, %+v", n, batch, k.n.count)
	}
}

// BenchmarkRelay is a request from x to y and its answer back, in batches as streams bring them; an operation is both ways of one message.
func BenchmarkRelay(b *testing.B) {
	for _, batch := range []int{1, 32} {
		b.Run(map[int]string{1: "one", 32: "32"}[batch], func(b *testing.B) {
			k := newTalker(b)
			var requests, answers []byte
			for i := range batch {
				raw := k.request("far"+domain, uint32(i))
				requests = append(requests, raw...)
			}
			var builder diameter.Builder
			one := builder.Reply(diameter.Message{Header: diameter.Header{Command: diameter.SessionTermination, App: diameter.AppMobileIPv6AAA, Flags: diameter.Proxiable}},
				diameter.Success, "y"+domain, "far"+domain).Bytes(diameter.Class, make([]byte, 300)).Done()
			for range batch {
				answers = append(answers, one...)
			}
			size := len(one)
			in, back := make([]byte, len(requests)), make([]byte, len(answers))
			var question, reply engine.Input = engine.Stream{Conn: k.x, Data: in}, engine.Stream{Conn: k.y, Data: back}
			b.ReportAllocs()
			b.SetBytes(int64(len(requests)+len(answers)) / int64(batch))
			for i := 0; i < b.N; i += batch {
				copy(in, requests)
				copy(back, answers)
				k.out.Reset()
				k.n.Handle(k.now, question, &k.out)
				sent := k.out.List[0].(engine.Write).Data
				for j := range batch {
					raw, rest, _ := diameter.Next(sent, 0)
					h, _ := diameter.ParseHeader(raw)
					sent = rest
					diameter.SetHopByHop(back[j*size:], h.HopByHop)
					diameter.SetEndToEnd(back[j*size:], h.EndToEnd)
				}
				k.out.Reset()
				k.n.Handle(k.now, reply, &k.out)
				if k.out.List[0].(engine.Write).Conn != k.x {
					b.Fatal("no answer")
				}
			}
			if k.n.age.n != 0 {
				b.Fatal("not answered")
			}
		})
	}
}
