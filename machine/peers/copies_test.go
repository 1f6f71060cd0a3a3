package peers

import (
	"fmt"
	"testing"
	"time"

	"roam6/wire/diameter"
)

// TestCopies: what is not the same request to the last octet has not its answer, for that may hold keys. What agents on the way add does not count.
//
// spec DM-23
func TestCopies(t *testing.T) {
	of := func(with func(*diameter.Builder), session, host string, endToEnd uint32) duplicate {
		var b diameter.Builder
		b.Request(diameter.SessionTermination, diameter.AppMobileIPv6AAA, 0).Text(diameter.SessionID, session).Text(diameter.OriginHost, host).
			Text(diameter.OriginRealm, "r").Text(diameter.DestinationRealm, "d").Uint32(diameter.TerminationCause, 1)
		if with != nil {
			with(&b)
		}
		raw := b.Done()
		diameter.SetEndToEnd(raw, endToEnd)
		m, err := diameter.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return duplicateOf(m)
	}
	one := of(nil, "s;1", "host.a", 7)
	if one != of(func(b *diameter.Builder) { b.Text(diameter.RouteRecord, "x") }, "s;1", "host.a", 7) {
		t.Error("a Route-Record makes another of it")
	}
	for i, other := range []duplicate{of(nil, "s;2", "host.a", 7), of(nil, "s;1", "host.b", 7), of(nil, "s;1", "host.a", 8),
		of(func(b *diameter.Builder) { b.Bytes(diameter.Class, nil) }, "s;1", "host.a", 7)} {
		if other == one {
			t.Errorf("%d is taken for a copy", i)
		}
	}
	for n := range 9 { // each octet counts, also those before padding
		for k := range n {
			x, y := make([]byte, n), make([]byte, n)
			y[k] = 1
			if of(func(b *diameter.Builder) { b.Bytes(diameter.Class, x) }, "s", "h", 1) == of(func(b *diameter.Builder) { b.Bytes(diameter.Class, y) }, "s", "h", 1) {
				t.Errorf("octet %d of %d does not count", k, n)
			}
		}
	}
}

// TestServedOctets: the requests of one peer that the owner has not answered take MaxPeerOctets at most.
func TestServedOctets(t *testing.T) {
	w := newWorld(t)
	server := w.add("server", func(c *Config) { c.Peers = []Peer{{Host: name("client")}} })
	client := w.add("client", func(c *Config) {
		c.Listen, c.Peers = nil, []Peer{peerTo(server)}
		c.Routes = []Route{{Realm: "*", Via: []string{name("server")}}}
	})
	server.quiet = true
	w.start()
	w.run(time.Second)
	const size = 60 << 10
	for i := range 2 * MaxPeerOctets / size {
		client.fill(uint64(i), diameter.AppMobileIPv6AAA, diameter.Proxiable, func(b *diameter.Builder) {
			b.Text(diameter.DestinationRealm, realm("server")).Bytes(diameter.Class, append(make([]byte, size), fmt.Sprint(i)...))
		})
		w.run(20 * time.Millisecond)
		if n := server.n.held; n > MaxPeerOctets+size+1024 {
			t.Fatalf("%d octets held", n)
		}
		client.n.expire()
		for j := range client.n.slots { // the client's own limit is not what is tested
			if client.n.slots[j].used {
				client.n.release(int32(j))
			}
		}
	}
	if server.drops[NotDelivered]+server.drops[Busy] == 0 {
		t.Errorf("%d octets held, drops %v", server.n.held, server.drops)
	}
}
