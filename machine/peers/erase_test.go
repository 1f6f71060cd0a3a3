package peers

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
)

// What a request held, keys perhaps, does not stay in memory that the node keeps: when it is answered, and no fact shows it any more, it is
// overwritten; so is that of one that nobody answers.
func TestRequestsAreErased(t *testing.T) {
	for _, answered := range []bool{true, false} {
		w := newWorld(t)
		server := w.add("server", func(c *Config) { c.Peers = []Peer{{Host: name("client")}} })
		client := w.add("client", func(c *Config) {
			c.Listen, c.Peers = nil, []Peer{peerTo(server)}
			c.Routes = []Route{{Realm: "*", Via: []string{name("server")}}}
		})
		server.quiet = true
		w.start()
		w.run(time.Second)
		secret := []byte("a session key")
		for i := range 3 {
			client.fill(uint64(i), diameter.AppMobileIPv6AAA, diameter.Proxiable, func(b *diameter.Builder) {
				b.Text(diameter.DestinationRealm, realm("server")).Bytes(diameter.Class, bytes.Repeat(secret, 3-i))
			})
		}
		w.run(20 * time.Millisecond)
		if len(server.n.served) != 3 {
			t.Fatalf("%d requests", len(server.n.served))
		}
		if answered {
			for i := range server.n.served {
				h := Handle(server.n.served[i].gen)<<32 | Handle(i)
				m, ok := server.n.Message(h)
				if !ok {
					t.Fatal("unreadable")
				}
				var out engine.Effects
				server.n.Answer(w.clock(), &out, h, server.n.Builder().Reply(m, diameter.Success, name("server"), realm("server")).Done())
				if !bytes.Contains(m.Raw, secret) {
					t.Error("overwritten while the facts of this Handle may show it")
				}
			}
			var out engine.Effects
			server.n.Handle(w.clock(), engine.Tick{}, &out)
		} else {
			w.run(ServeAge + time.Second)
		}
		for i := range server.n.served {
			s := &server.n.served[i]
			if s.used || bytes.Contains(s.raw[:cap(s.raw)], secret) {
				t.Errorf("answered %v: request %d: in use %v, %q", answered, i, s.used, s.raw[:cap(s.raw)])
			}
		}
		if len(server.n.spent) != 0 {
			t.Error("requests are remembered")
		}
	}
}

// What a node sent on or asked itself, and what it answered, keys perhaps, does not stay in its memory either: requests under way go when they
// are answered, answers when they are kept no longer for copies, and so does what connections gathered, out and in.
func TestMessagesAreErased(t *testing.T) {
	w := newWorld(t)
	server := w.add("server", func(c *Config) { c.Peers = []Peer{{Host: name("middle")}} })
	middle := w.add("middle", func(c *Config) {
		c.Apps = append(c.Apps, App{ID: diameter.AppRelay})
		c.Peers = []Peer{peerTo(server), {Host: name("client")}}
		c.Routes = []Route{{Realm: realm("server"), Via: []string{name("server")}}}
	})
	client := w.add("client", func(c *Config) {
		c.Listen, c.Peers = nil, []Peer{peerTo(middle)}
		c.Routes = []Route{{Realm: "*", Via: []string{name("middle")}}}
	})
	w.start()
	w.run(time.Second)
	secret := []byte("a session key")
	for i := range 3 {
		client.fill(uint64(i), diameter.AppMobileIPv6AAA, diameter.Proxiable, func(b *diameter.Builder) {
			b.Text(diameter.DestinationRealm, realm("server")).Bytes(diameter.Class, bytes.Repeat(secret, 3-i))
		})
	}
	var slots, outs [][]byte
	for _, h := range []*host{client, middle} {
		w.run(w.delay + time.Millisecond)
		for i := range h.n.slots {
			slots = append(slots, h.n.slots[i].buf)
		}
	}
	for _, l := range middle.n.links {
		outs = append(outs, l.out)
	}
	if len(slots) != 6 || !holds(slots, secret) || !holds(outs, secret) {
		t.Fatalf("%d requests under way; the test does not see their memory", len(slots))
	}
	w.run(time.Second)
	if len(client.answers) != 3 {
		t.Fatalf("%d answers", len(client.answers))
	}
	if holds(slots, secret) {
		t.Error("requests that were answered are still readable")
	}
	w.run(WatchdogInterval + WatchdogJitter)
	if holds(outs, secret) {
		t.Error("what was written to a connection is still readable")
	}
}

// An answer is overwritten when it is kept no longer, though nobody asks anything any more; and at once, with its Write, where no copy of its
// request can come.
func TestAnswersAreErased(t *testing.T) {
	w := newWorld(t)
	server := w.add("server", func(c *Config) { c.Peers = []Peer{{Host: name("client")}} })
	client := w.add("client", func(c *Config) {
		c.Listen, c.Peers = nil, []Peer{peerTo(server)}
		c.Routes = []Route{{Realm: "*", Via: []string{name("server")}}}
	})
	server.quiet = true
	w.start()
	w.run(time.Second)
	secret := []byte("a session key")
	var kept [][]byte
	for i, code := range []diameter.ResultCode{diameter.Success, diameter.TooBusy, diameter.Success} {
		client.ask(uint64(i), "", realm("server"))
		w.run(20 * time.Millisecond)
		var out engine.Effects
		for k := range server.n.served {
			if s := &server.n.served[k]; s.used {
				m, _ := diameter.Parse(s.raw)
				raw := server.n.Builder().Reply(m, code, name("server"), realm("server")).Bytes(diameter.Class, secret).Done()
				server.n.Answer(w.clock(), &out, Handle(s.gen)<<32|Handle(k), raw)
			}
		}
		for _, e := range out.List {
			if e, ok := e.(engine.Write); ok {
				kept = append(kept, e.Data)
			}
		}
		w.run(time.Minute)
	}
	if len(kept) != 3 || !bytes.Contains(kept[0], secret) || bytes.Contains(kept[1], secret) {
		t.Fatalf("%d answers; %q, %q", len(kept), kept[0], kept[1])
	}
	w.run(AnsweredAge - 2*time.Minute)
	if holds(kept[:2], secret) || !holds(kept, secret) || len(server.n.done.list) != 1 {
		t.Errorf("%d answers are kept, of them readable: %v %v", len(server.n.done.list), holds(kept[:2], secret), holds(kept[2:], secret))
	}
	w.run(2 * time.Minute)
	if holds(kept, secret) || len(server.n.done.list) != 0 || server.n.doneArmed {
		t.Errorf("%d answers are kept, readable: %v", len(server.n.done.list), holds(kept, secret))
	}
}

// holds says whether any memory has a secret in it, beyond its length too.
func holds(list [][]byte, secret []byte) bool {
	return slices.ContainsFunc(list, func(b []byte) bool { return bytes.Contains(b[:cap(b)], secret) })
}

// A certificate with many names, or long ones, makes no long line.
func TestNamesToldAreBounded(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"a", "b", "c", "d", "e"}, "a b c d"},
		{[]string{strings.Repeat("x", 1000)}, strings.Repeat("x", MaxNamesSays)},
		{[]string{"x" + strings.Repeat("é", 1000)}, "x" + strings.Repeat("é", MaxNamesSays/2-1)},
	} {
		var out engine.Effects
		n := &Node{out: &out}
		n.refused(&link{names: c.names}, "h", WrongName, "why")
		if got := out.List[0].(engine.Event).Get("certificate"); got != c.want {
			t.Errorf("%q", got)
		}
	}
}
