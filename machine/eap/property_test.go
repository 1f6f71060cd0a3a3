package eap

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"roam6/engine"
	"roam6/keying/gpsk"
	wire "roam6/wire/eap"
)

// world is some conversations between the same two, on a network that belongs to the adversary: it keeps every packet, hands any of
// them to anybody in any order, and changes them.
type world struct {
	pairs []*pair
	known [][]byte
}

func newWorld(t *rapid.T) *world {
	w := &world{}
	for i := range rapid.IntRange(1, 3).Draw(t, "conversations") {
		list := rapid.SampledFrom([][]gpsk.Suite{nil, {gpsk.AES}, {gpsk.AES, gpsk.SHA256}}).Draw(t, "suites")
		w.pairs = append(w.pairs, with(t, byte(i+1), suites(list...)))
	}
	return w
}

func (w *world) hear(b []byte) {
	if b != nil {
		w.known = append(w.known, b)
	}
}

// packet is one the adversary knows, or makes of it.
func (w *world) packet(t *rapid.T) []byte {
	if len(w.known) == 0 {
		return rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "octets")
	}
	b := bytes.Clone(rapid.SampledFrom(w.known).Draw(t, "packet"))
	switch rapid.SampledFrom([]string{"as it is", "as it is", "as it is", "identifier", "bit", "ended"}).Draw(t, "change") {
	case "identifier":
		b[1] = w.known[rapid.IntRange(0, len(w.known)-1).Draw(t, "of")][1]
	case "bit":
		i := rapid.IntRange(0, 8*len(b)-1).Draw(t, "bit")
		b[i/8] ^= 1 << (i % 8)
	case "ended": // a forged Success or Failure
		b = wire.Packet{Code: rapid.SampledFrom([]wire.Code{wire.Success, wire.Failure}).Draw(t, "code"), ID: b[1]}.Append(nil)
	}
	return b
}

// check: whoever succeeded shares its keys with exactly one at the other end, who has them already; a server that succeeded with one who
// proved the server's key too.
func (w *world) check(t *rapid.T) {
	t.Helper()
	for _, x := range w.pairs {
		if keys, ok := x.server.Keys(); ok {
			if n := w.count(func(y *pair) bool {
				return (y.peer.state == proved || y.peer.result == Succeeded) && y.peer.keys.Equal(keys)
			}); n != 1 {
				t.Fatalf("a server succeeded, %d peers have its keys", n)
			}
		}
		if keys, ok := x.peer.Keys(); ok {
			if n := w.count(func(y *pair) bool {
				return (y.server.state == proving || y.server.result == Succeeded) && y.server.keys.Equal(keys)
			}); n != 1 {
				t.Fatalf("a peer succeeded, %d servers have its keys", n)
			}
		}
	}
}

func (w *world) count(is func(*pair) bool) (n int) {
	for _, x := range w.pairs {
		if is(x) {
			n++
		}
	}
	return n
}

// TestAdversary: whatever is repeated, reordered, changed or swapped between conversations, nobody succeeds alone.
func TestAdversary(t *testing.T) { //spec DM-06
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		some := func() *pair { return rapid.SampledFrom(w.pairs).Draw(t, "whose") }
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(*rapid.T) { w.hear(some().peer.Begin()) },
			"start": func(*rapid.T) { x := some(); w.hear(x.server.Start()) },
			"peer":  func(t *rapid.T) { w.hear(some().toPeer(w.packet(t))) },
			"server": func(t *rapid.T) {
				w.hear(some().toServer(w.packet(t)))
			},
			"honestly": func(t *rapid.T) { // so that there is something to replay
				x := some()
				for _, b := range x.converse(x.toServer(x.peer.Begin())) {
					w.hear(b)
				}
			},
			"": w.check,
		})
	})
}

// TestLossAndRepetition: packets are lost, repeated and late in any way; as long as the peer's side repeats what was not answered, both
// succeed.
func TestLossAndRepetition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := with(t, rapid.Byte().Draw(t, "seed"), nil)
		response := x.peer.Begin()
		late := [][]byte{response}
		for range 200 {
			request := x.toServer(response)
			late = append(late, request)
			switch rapid.SampledFrom([]string{"lost", "arrives", "arrives", "late"}).Draw(t, "fate") {
			case "late":
				request = rapid.SampledFrom(late).Draw(t, "which")
				fallthrough
			case "arrives":
				if request == nil {
					break
				}
				if next := x.toPeer(request); next != nil {
					response = next
					late = append(late, next)
				}
			}
			if x.peer.result != Going {
				break
			}
		}
		if !x.agreed() {
			t.Fatalf("the peer %+v %s, the server %+v %s", x.last.peer, x.peer.State(), x.last.server, x.server.State())
		}
	})
}

// Anything at all may come, at any time.
func FuzzHandle(f *testing.F) {
	for stage := gpsk1; stage <= success; stage++ {
		x := with(f, 1, nil)
		f.Add(stage, x.reach(stage))
	}
	f.Fuzz(func(t *testing.T, stage int, b []byte) {
		if stage < gpsk1 || stage > success {
			return
		}
		x := with(t, 1, nil)
		good := x.reach(stage)
		peer, server := x.peer.result, x.server.result
		x.toPeer(b)
		x.toServer(b)
		if bytes.HasPrefix(b, good) {
			return
		}
		if x.peer.result == Succeeded && peer == Going || x.server.result == Succeeded && server == Going {
			t.Fatalf("stage %d: %x makes an end succeed", stage, b)
		}
	})
}

func BenchmarkConversation(b *testing.B) {
	for _, suite := range DefaultSuites {
		b.Run("suite"+string('0'+rune(suite)), func(b *testing.B) {
			rand, key := engine.NewRand([32]byte{}), secret(b, longTerm)
			for b.Loop() {
				p, _ := NewPeer(PeerConfig{Identity: nai, Key: key, Suites: []gpsk.Suite{suite}}, rand)
				s, _ := NewServer(ServerConfig{Name: server, Peer: nai, Key: key}, rand)
				next := p.Begin()
				for p.result == Going {
					next, _ = s.Handle(next)
					next, _ = p.Handle(next)
				}
				if s.result != Succeeded {
					b.Fatal(s.State())
				}
			}
		})
	}
}
