package driver

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/engine"
)

// own gives the loopback of the test's namespace addresses.
func own(t testing.TB, addrs ...string) {
	t.Helper()
	lo := raise(t, "lo")
	for _, a := range addrs {
		p := netip.MustParsePrefix(a)
		bits := p.Addr().BitLen()
		at := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), bits)}}
		if p.Addr().Is6() {
			at.Flags = unix.IFA_F_NODAD
		}
		must(t, netlink.AddrAdd(lo, at))
		// Where there is no detection either, the kernel makes the route to an address of its own a moment later.
		until(t, a+" is there", func() bool {
			routes, err := netlink.RouteGetWithOptions(at.IP, &netlink.RouteGetOptions{OifIndex: lo.Attrs().Index})
			return err == nil && len(routes) == 1 && routes[0].Type == unix.RTN_LOCAL
		})
	}
}

// freeUDP is a port that was free just now, in both families.
func freeUDP(t testing.TB) uint16 {
	t.Helper()
	c, err := net.ListenPacket("udp", ":0")
	must(t, err)
	defer c.Close()
	return addrPort(c.LocalAddr()).Port()
}

// askAt is a socket that hears answers only from where it asks.
func askAt(t testing.TB, at netip.AddrPort) net.Conn {
	t.Helper()
	c, err := net.Dial("udp", at.String())
	must(t, err)
	t.Cleanup(func() { c.Close() })
	must(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// answered asks, and compares the answer.
func answered(t testing.TB, c net.Conn, question []byte) {
	t.Helper()
	_, err := c.Write(question)
	must(t, err)
	got, want := make([]byte, engine.MaxDatagram+1), make([]byte, len(question))
	n, err := c.Read(got)
	for i := range question {
		want[i] = question[i] ^ 0xff
	}
	if err != nil || !bytes.Equal(got[:n], want) {
		t.Errorf("%v: %d octets, want %d, %v", c.RemoteAddr(), n, len(want), err)
	}
}

// throughSockets runs a node with one engine, and waits for its Start.
func throughSockets(t testing.TB, e *script) *Node {
	t.Helper()
	n := beginAny(t, Config{Host: onLoopback(t), Engines: []Engine{{"e", e}}})
	_, err := n.Stats(t.Context())
	must(t, err)
	return n
}

// In a namespace of its own, the loop in another: each family, each address: what is asked at one is answered from it, whatever the kernel would choose, of any size, none included.
func TestDatagramSocketsAnswerFromWhereTheyWereAsked(t *testing.T) {
	fresh(t)
	own(t, "2001:db8::1/128", "2001:db8::2/128", "fe80::7/64", "192.0.2.1/32", "192.0.2.2/32")
	lo, err := net.InterfaceByName("lo")
	must(t, err)
	for _, c := range []struct {
		at             string // * is everywhere
		answers, quiet []string
	}{
		{"*", []string{"2001:db8::1", "2001:db8::2", "::1", "fe80::7%lo", "192.0.2.1", "192.0.2.2", "127.0.0.1", "127.8.8.8"}, nil},
		{"::", []string{"2001:db8::2", "::1"}, []string{"192.0.2.1"}},
		{"0.0.0.0", []string{"192.0.2.2", "127.0.0.1"}, []string{"2001:db8::1"}},
		{"2001:db8::2", []string{"2001:db8::2"}, []string{"2001:db8::1", "192.0.2.1"}},
		{"192.0.2.2", []string{"192.0.2.2"}, []string{"192.0.2.1", "2001:db8::2"}},
		{fmt.Sprintf("fe80::7%%%d", lo.Index), []string{"fe80::7%lo"}, []string{"2001:db8::2"}},
	} {
		port := freeUDP(t)
		at, _ := netip.ParseAddr(c.at)
		seen := make(chan engine.Datagram, 100)
		throughSockets(t, binds([]engine.Bind{{Name: "kdc", At: netip.AddrPortFrom(at, port)}}, func(in engine.Input, out *engine.Effects) {
			if d, ok := in.(engine.Datagram); ok {
				d.Data = bytes.Clone(d.Data)
				seen <- d
			}
			answers(in, out)
		}))
		for _, a := range c.answers {
			conn := askAt(t, netip.AddrPortFrom(netip.MustParseAddr(a), port))
			for _, size := range []int{1, 0, 1500, engine.MaxDatagram} {
				answered(t, conn, bytes.Repeat([]byte{7}, size))
				d := hear(t, seen)
				from := addrPort(conn.LocalAddr())
				if want := strings.Replace(a, "%lo", fmt.Sprintf("%%%d", lo.Index), 1); d.Local.String() != want || d.Name != "kdc" || d.Peer.Port() != from.Port() ||
					d.Peer.Addr().WithZone("") != from.Addr().WithZone("") {
					t.Errorf("bound to %s: %+v to %s", c.at, d, a)
				}
			}
		}
		for _, a := range c.quiet {
			conn := askAt(t, netip.AddrPortFrom(netip.MustParseAddr(a), port))
			_, err := conn.Write([]byte("?"))
			must(t, err)
			if _, err := conn.Read(make([]byte, 9)); err == nil || !strings.Contains(err.Error(), "refused") {
				t.Errorf("bound to %s: %s: %v", c.at, a, err)
			}
		}
	}
}

// A port of the host's choice, which is how a client asks: nobody else has it, and the answer comes there.
func TestDatagramSocketsClient(t *testing.T) {
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	defer server.Close()
	to := addrPort(server.LocalAddr())
	got := make(chan engine.Datagram, 10)
	throughSockets(t, binds([]engine.Bind{{Name: "client"}}, func(in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Start:
			out.Datagram(engine.Datagram{Name: "client", Peer: to, Data: []byte("question")})
		case engine.Datagram:
			in.Data = bytes.Clone(in.Data)
			got <- in
		}
	}))
	must(t, server.SetDeadline(time.Now().Add(patience)))
	b := make([]byte, 100)
	n, from, err := server.ReadFromUDPAddrPort(b)
	if err != nil || string(b[:n]) != "question" {
		t.Fatalf("%q, %v", b[:n], err)
	}
	_, err = server.WriteToUDPAddrPort([]byte("answer"), from)
	must(t, err)
	if d := hear(t, got); string(d.Data) != "answer" || d.Peer != to || d.Local != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("%+v", d)
	}
}

// What a socket cannot do is told with what to do about it; what a datagram cannot is counted.
func TestDatagramSocketsRefusals(t *testing.T) {
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{})
	must(t, err)
	defer taken.Close()
	port := addrPort(taken.LocalAddr()).Port()
	for _, c := range []struct {
		at    netip.AddrPort
		want  string
		words string
	}{
		{netip.AddrPortFrom(netip.Addr{}, port), engine.ReasonAddressInUse, fmt.Sprintf("bind UDP *:%d: bind: address already in use; see who has it: ss -Hlunp", port)},
		{netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), engine.ReasonAddressInUse, "ss -Hlunp"},
		{netip.MustParseAddrPort("[2001:db8:dead::1]:88"), engine.ReasonNoAddress, "ip address add 2001:db8:dead::1/64"},
		{netip.MustParseAddrPort("192.0.2.99:88"), engine.ReasonNoAddress, "ip address add 192.0.2.99/24"},
	} {
		end, words := make(chan engine.Closed, 1), make(chan string, 10)
		beginAny(t, Config{Host: onLoopback(t), OnEvent: func(_ time.Duration, _ string, ev engine.Event) { words <- ev.Get("says") },
			Engines: []Engine{{"e", binds([]engine.Bind{{Name: "x", At: c.at}}, func(in engine.Input, _ *engine.Effects) {
				if in, ok := in.(engine.Closed); ok {
					end <- in
				}
			})}}})
		if e, said := hear(t, end), hear(t, words); e != (engine.Closed{Listener: "x", Reason: c.want}) || !strings.Contains(said, c.words) {
			t.Errorf("%v: %+v: %s", c.at, e, said)
		}
	}
	here, nobody := netip.MustParseAddrPort("127.0.0.1:9"), netip.MustParseAddr("192.0.2.99")
	n := throughSockets(t, binds([]engine.Bind{{Name: "x"}}, func(in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Start); ok {
			for _, d := range []engine.Datagram{{Peer: here, Local: nobody}, {Peer: here, Local: netip.IPv6Loopback()}, {Peer: netip.MustParseAddrPort("[::1]:9"), Local: nobody},
				{Peer: netip.MustParseAddrPort("[::1]:9"), Local: netip.MustParseAddr("2001:db8:dead::1")}, {}, {Peer: netip.AddrPortFrom(here.Addr(), 0)}} {
				d.Name, d.Data = "x", []byte("lost")
				out.Datagram(d)
			}
			out.Datagram(engine.Datagram{Name: "x", Peer: here, Data: make([]byte, engine.MaxDatagram+1)})
		}
	}))
	st, err := n.Stats(t.Context())
	if err != nil || st.Drops[string(DropNoWay)] != 6 || st.Drops[string(DropTooBig)] != 1 || st.Datagrams.Out != 0 {
		t.Errorf("%v, %+v, %v", st.Drops, st.Datagrams, err)
	}
}

// Who floods a port has that port's places and no more: what does not fit is lost and counted, and another port and a stream of the same
// engine are served meanwhile.
func TestDatagramSocketsFlood(t *testing.T) {
	const flood = 50_000
	h := onLoopback(t)
	stream := h.port(t)
	flooded, calm := freeUDP(t), freeUDP(t)
	here := netip.IPv6Loopback()
	most := 0
	var n *Node
	e := binds([]engine.Bind{{Name: "flooded", At: netip.AddrPortFrom(here, flooded)}, {Name: "calm", At: netip.AddrPortFrom(here, calm)}},
		func(in engine.Input, out *engine.Effects) {
			switch in := in.(type) {
			case engine.Start:
				out.Listen(engine.Listen{Name: "peers", At: stream})
			case engine.Datagram:
				if in.Name == "calm" {
					answers(in, out)
					return
				}
				s := &n.loop.streams
				s.inbox.mu.Lock()
				most = max(most, len(s.inbox.list)+len(s.taken)-s.at)
				s.inbox.mu.Unlock()
				for start := time.Now(); time.Since(start) < 20*time.Microsecond; { // an engine that has work to do
				}
			default:
				echo(in, out)
			}
		})
	n, err := New(Config{Host: h, Engines: []Engine{{"e", e}}})
	must(t, err)
	runs(t, n)
	conn := call(t, stream)
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	other := askAt(t, netip.AddrPortFrom(here, calm))
	sent := make(chan int)
	go func() {
		c, err := net.Dial("udp", netip.AddrPortFrom(here, flooded).String())
		n := 0
		for ; err == nil && n < flood; n++ {
			_, err = c.Write([]byte("0123456789"))
		}
		sent <- n
	}()
	for served := 0; ; served++ {
		answered(t, other, []byte("datagram"))
		b := make([]byte, 6)
		_, err := conn.Write([]byte("stream"))
		must(t, err)
		if _, err := io.ReadFull(conn, b); err != nil || string(b) != "stream" {
			t.Fatalf("%q, %v", b, err)
		}
		select {
		case k := <-sent:
			if k != flood || served == 0 {
				t.Errorf("%d sent, %d answers meanwhile", k, served)
			}
			enough(t, n, netip.AddrPortFrom(here, flooded), flood, &most)
			return
		default:
		}
	}
}

// enough compares what a flooded port has taken and lost with what was sent to it.
func enough(t *testing.T, n *Node, at netip.AddrPort, sent int, most *int) {
	t.Helper()
	c := askAt(t, at) // the kernel tells of what it has lost with the next one
	stats := func() Stats {
		st, err := n.Stats(t.Context())
		must(t, err)
		return st
	}
	until(t, "all is read or lost", func() bool {
		_, err := c.Write([]byte("one more"))
		must(t, err)
		sent++
		st := stats()
		return int(st.Datagrams.In)+st.Drops[string(DropDatagrams)] >= sent-10
	})
	st := stats()
	if lost := st.Drops[string(DropDatagrams)]; lost == 0 || lost >= sent {
		t.Errorf("%d of %d lost", lost, sent)
	}
	_ = n.do(t.Context(), func() {
		if *most > MaxHeard+8 { // a few of the others
			t.Errorf("%d waited at a time", *most)
		}
	})
}

// runs runs a node until the test is over, and waits for its Start.
func runs(t testing.TB, n *Node) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- n.Run(t.Context()) }()
	t.Cleanup(func() {
		must(t, n.Close())
		must(t, <-done)
	})
	_, err := n.Stats(t.Context())
	must(t, err)
}

// A neighbour that is not there, and a peer that does not read: the loop waits for neither, and others are answered.
func TestDatagramSocketsSilentPeer(t *testing.T) {
	fresh(t)
	own(t)
	wire(t)
	neighbour(t) // this host has 2001:db8:a::ff on v1: nobody answers for others of its prefix
	port := freeUDP(t)
	deaf, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	must(t, err)
	defer deaf.Close()
	silent := []netip.AddrPort{netip.MustParseAddrPort("[2001:db8:a::77]:9"), addrPort(deaf.LocalAddr())}
	n := throughSockets(t, binds([]engine.Bind{{Name: "kdc", At: netip.AddrPortFrom(netip.Addr{}, port)}}, func(in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Datagram); ok {
			for i := range 200 {
				out.Datagram(engine.Datagram{Name: "kdc", Peer: silent[i%2], Data: make([]byte, 1200)})
			}
		}
		answers(in, out)
	}))
	c := askAt(t, netip.AddrPortFrom(netip.IPv6Loopback(), port))
	for i := range 50 {
		answered(t, c, []byte{byte(i)})
	}
	st, err := n.Stats(t.Context())
	if sum := int(st.Datagrams.Out) + st.Drops[string(DropQueueFull)] + st.Drops[string(DropNoWay)]; err != nil || st.Datagrams.In != 50 || sum != 50*201 {
		t.Errorf("%+v, %v, %v", st.Datagrams, st.Drops, err)
	}
}

// BenchmarkDatagrams asks an engine, some questions under way at a time: questions a second, there and back.
func BenchmarkDatagrams(b *testing.B) {
	for _, window := range []int{1, 32} {
		b.Run(fmt.Sprint(window), func(b *testing.B) {
			port := freeUDP(b)
			throughSockets(b, binds([]engine.Bind{{Name: "kdc", At: netip.AddrPortFrom(netip.Addr{}, port)}}, func(in engine.Input, out *engine.Effects) {
				if d, ok := in.(engine.Datagram); ok {
					out.Datagram(d)
				}
			}))
			c, err := net.Dial("udp", netip.AddrPortFrom(netip.IPv6Loopback(), port).String())
			must(b, err)
			defer c.Close()
			buf := make([]byte, messageSize)
			b.ReportAllocs()
			for left := b.N; left > 0; left -= window {
				for range min(window, left) {
					c.Write(buf)
				}
				for range min(window, left) {
					c.Read(buf)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "questions/s")
		})
	}
}
