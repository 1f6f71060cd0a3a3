package peers

import (
	"bytes"
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
