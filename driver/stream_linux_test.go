package driver

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roam6/engine"
)

// loopback is a Memory whose streams are real: sockets on ::1, and the loop waits in the kernel as on a machine.
type loopback struct {
	*Memory
	m *machine
}

func onLoopback(t testing.TB) loopback {
	t.Helper()
	h := loopback{&Memory{}, &machine{}}
	must(t, h.m.openSpace())
	var err error
	h.m.waiter, err = openWaiter()
	must(t, err)
	return h
}

func (h loopback) ListenStream(at netip.AddrPort) (net.Listener, error) { return h.m.ListenStream(at) }
func (h loopback) DialStream(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	return h.m.DialStream(ctx, from, to)
}
func (h loopback) Bind(at netip.AddrPort) (Socket, error) { return h.m.Bind(at) }
func (h loopback) Wait(d time.Duration)                   { h.m.waiter.wait(d) }
func (h loopback) Wake()                                  { h.m.waiter.wake() }
func (h loopback) Close() error {
	_ = h.m.space.Close()
	return h.m.waiter.close()
}

// port is one that was free just now.
func (h loopback) port(t testing.TB) netip.AddrPort {
	t.Helper()
	l, err := h.ListenStream(netip.MustParseAddrPort("[::1]:0"))
	if err != nil {
		t.Skipf("this host has no IPv6 on its loopback: %v", err)
	}
	defer l.Close()
	return addrPort(l.Addr())
}

// hear bounds every wait for the other side.
func hear[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return v
}

// served is a node with one engine that listens, and where it is reached.
func served(t testing.TB, on func(engine.Input, *engine.Effects)) (*Node, netip.AddrPort) {
	t.Helper()
	h := onLoopback(t)
	at := h.port(t)
	n := beginAny(t, Config{Host: h, Engines: []Engine{{"e", peerOf([]engine.Listen{{Name: "peers", At: at}}, on)}}})
	if _, err := n.Stats(t.Context()); err != nil { // Start is over
		t.Fatal(err)
	}
	return n, at
}

func beginAny(t testing.TB, c Config) *Node {
	t.Helper()
	n, err := New(c)
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- n.Run(context.Background()) }()
	t.Cleanup(func() {
		must(t, n.Close())
		must(t, <-done)
	})
	return n
}

func call(t testing.TB, at netip.AddrPort) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp6", at.String())
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// until waits for what another goroutine brings about.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("never: " + what)
		}
	}
}

// Many connections at a time, each with its octets in order, none with another's.
func TestStreamSocketsMany(t *testing.T) {
	const conns, rounds = 200, 20
	n, at := served(t, echo)
	var wg sync.WaitGroup
	for i := range conns {
		c := call(t, at)
		wg.Go(func() {
			got := make([]byte, 64)
			for r := range rounds {
				want := fmt.Sprintf("%032d%032d", i, r)
				if _, err := c.Write([]byte(want)); err != nil {
					t.Error(err)
					return
				}
				if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
					t.Errorf("%q, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
	st, err := n.Stats(t.Context())
	if want := (StreamStats{Open: conns, Opened: conns, Busiest: conns, In: conns * rounds * 64, Out: conns * rounds * 64}); err != nil || st.Streams != want {
		t.Errorf("%+v, %v", st.Streams, err)
	}
}

// Each way in which a peer may leave has its word, and others are served meanwhile.
func TestStreamSocketsEnds(t *testing.T) {
	closed := make(chan engine.Closed, 10)
	_, at := served(t, func(in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Stream:
			for i, n := 0, int(in.Data[0]); i < n; i++ {
				out.Write(in.Conn, make([]byte, 1<<16))
			}
			out.Write(in.Conn, []byte{1})
		case engine.Closed:
			closed <- in
		}
	})
	for _, c := range []struct {
		name string
		do   func(c *net.TCPConn)
		want string
	}{
		{"half", func(c *net.TCPConn) { must(t, c.CloseWrite()) }, engine.ReasonPeerClosed},
		{"whole", func(c *net.TCPConn) { must(t, c.Close()) }, engine.ReasonPeerClosed},
		{"reset", func(c *net.TCPConn) { must(t, c.SetLinger(0)); must(t, c.Close()) }, engine.ReasonReset},
		{"slow reader", func(c *net.TCPConn) { // the kernels of both ends take several MiB first
			for {
				if _, err := c.Write([]byte{8}); err != nil {
					return
				}
				select {
				case end := <-closed:
					closed <- end
					return
				case <-time.After(time.Millisecond):
				}
			}
		}, engine.ReasonPeerDoesNotRead},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, silent, other := call(t, at), call(t, at), call(t, at)
			c.do(conn)
			if end := hear(t, closed); end.Reason != c.want || end.Listener != "peers" {
				t.Errorf("%+v, want %s", end, c.want)
			}
			other.Write([]byte{0})
			if _, err := io.ReadFull(other, make([]byte, 1)); err != nil {
				t.Errorf("another is not served: %v", err)
			}
			silent.Close()
			other.Close()
			hear(t, closed)
			hear(t, closed)
		})
	}
}

// All that was written before a Close comes to the peer, whatever the peer was just sending.
func TestStreamSocketsCloseLosesNothing(t *testing.T) {
	const size = engine.MaxUnsent
	_, at := served(t, func(in engine.Input, out *engine.Effects) {
		if in, ok := in.(engine.Opened); ok {
			out.Write(in.Conn, make([]byte, size))
			out.Close(in.Conn)
		}
	})
	c := call(t, at)
	go func() {
		for range 100 {
			if _, err := c.Write(make([]byte, 1000)); err != nil {
				return
			}
		}
	}()
	if b, err := io.ReadAll(c); err != nil || len(b) != size {
		t.Errorf("%d octets of %d, %v", len(b), size, err)
	}
}

// A flood of connections, all from here, costs those who are there nothing: beyond the limit each is reset.
func TestStreamSocketsLimit(t *testing.T) {
	const flood = 10_000
	n, at := served(t, echo)
	first := call(t, at)
	for range MaxAcceptedFrom - 1 {
		call(t, at)
	}
	until(t, "all accepted", func() bool {
		st, err := n.Stats(t.Context())
		return err == nil && st.Streams.Open == MaxAcceptedFrom
	})
	var refused atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range flood / 20 {
				c, err := net.Dial("tcp6", at.String())
				if err == nil {
					_, err = c.Read(make([]byte, 1))
					c.Close()
				}
				if err != nil {
					refused.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if got := refused.Load(); got != flood {
		t.Errorf("%d of %d were refused", got, flood)
	}
	first.Write([]byte("still there"))
	if b := make([]byte, 11); true {
		if _, err := io.ReadFull(first, b); err != nil || string(b) != "still there" {
			t.Errorf("%q, %v", b, err)
		}
	}
	st, err := n.Stats(t.Context())
	if err != nil || st.Streams.Open != MaxAcceptedFrom || st.Drops[string(DropStreams)] == 0 {
		t.Errorf("%+v, %v", st, err)
	}
	first.Close()
	until(t, "room again", func() bool {
		c, err := net.Dial("tcp6", at.String())
		if err != nil { // reset before Dial saw it open: still full
			return false
		}
		defer c.Close()
		c.Write([]byte{1})
		_, err = io.ReadFull(c, make([]byte, 1))
		return err == nil
	})
}

// What a socket cannot do is told with what to do about it.
func TestStreamSocketsRefusals(t *testing.T) {
	h := onLoopback(t)
	at := h.port(t)
	taken, err := h.ListenStream(at)
	must(t, err)
	defer taken.Close()
	free := onLoopback(t).port(t)
	missing := netip.MustParseAddr("2001:db8:dead::1")
	for _, c := range []struct {
		do    func(out *engine.Effects)
		want  string
		words string
	}{
		{func(out *engine.Effects) { out.Listen(engine.Listen{Name: "x", At: at}) }, engine.ReasonAddressInUse, "ss -Hltnp"},
		{func(out *engine.Effects) { out.Listen(engine.Listen{Name: "x", At: netip.AddrPortFrom(missing, 3868)}) }, engine.ReasonNoAddress, "ip address add 2001:db8:dead::1/64"},
		{func(out *engine.Effects) { out.Dial(engine.Dial{Conn: 1, To: free}) }, engine.ReasonRefused, "nobody listens"},
		{func(out *engine.Effects) { out.Dial(engine.Dial{Conn: 1, To: at, From: missing}) }, engine.ReasonNoAddress, "source address 2001:db8:dead::1"},
	} {
		got := make(chan engine.Closed, 1)
		words := make(chan string, 10)
		beginAny(t, Config{Host: onLoopback(t), OnEvent: func(_ time.Duration, _ string, ev engine.Event) { words <- ev.Get("says") },
			Engines: []Engine{{"e", peerOf(nil, func(in engine.Input, out *engine.Effects) {
				switch in := in.(type) {
				case engine.Start:
					c.do(out)
				case engine.Closed:
					got <- in
				}
			})}}})
		if end, said := hear(t, got), hear(t, words); end.Reason != c.want || !strings.Contains(said, c.words) {
			t.Errorf("%+v: %s", end, said)
		}
	}
}

// A Dial comes from the address that it asks for.
func TestStreamSocketsFrom(t *testing.T) {
	got := make(chan engine.Opened, 2)
	keep := func(in engine.Input, _ *engine.Effects) {
		if o, ok := in.(engine.Opened); ok {
			got <- o
		}
	}
	_, at := served(t, keep)
	beginAny(t, Config{Host: onLoopback(t), Engines: []Engine{{"e", peerOf(nil, func(in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Start); ok {
			out.Dial(engine.Dial{Conn: 1, To: at, From: netip.IPv6Loopback()})
		}
		keep(in, out)
	})}}})
	a, b := hear(t, got), hear(t, got)
	if a.From != b.To || a.To != b.From || a.From.Addr() != netip.IPv6Loopback() {
		t.Errorf("%+v, %+v", a, b)
	}
}

// IPv4 is as good, for both ends; addresses are told in their own form.
func TestStreamSocketsIPv4(t *testing.T) {
	here := netip.MustParseAddr("127.0.0.1")
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	at := addrPort(l.Addr())
	must(t, l.Close())
	opened, got := make(chan engine.Opened, 2), make(chan string, 1)
	beginAny(t, Config{Host: onLoopback(t), Engines: []Engine{{"e", peerOf([]engine.Listen{{Name: "peers", At: at}}, func(in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Start:
			out.Dial(engine.Dial{Conn: 1, To: at, From: here})
		case engine.Opened:
			opened <- in
			if in.Conn.Dialled() {
				out.Write(in.Conn, []byte("hello"))
			}
		case engine.Stream:
			got <- string(in.Data)
		}
	})}}})
	a, b := hear(t, opened), hear(t, opened)
	if a.From != b.To || a.To != b.From || a.From.Addr() != here || a.To.Addr() != here || a.From != at && a.To != at {
		t.Errorf("%+v, %+v", a, b)
	}
	if said := hear(t, got); said != "hello" {
		t.Errorf("%q", said)
	}
}

// A node that ends waits for a peer that does not read no longer than EndDrain.
func TestStreamSocketsNodeEnds(t *testing.T) {
	h := onLoopback(t)
	at := h.port(t)
	opened := make(chan bool, 1)
	n, err := New(Config{Host: h, Engines: []Engine{{"e", peerOf([]engine.Listen{{Name: "peers", At: at}}, func(in engine.Input, out *engine.Effects) {
		if o, ok := in.(engine.Opened); ok {
			out.Write(o.Conn, make([]byte, engine.MaxUnsent))
			opened <- true
		}
	})}}})
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- n.Run(context.Background()) }()
	_, err = n.Stats(t.Context())
	must(t, err)
	call(t, at)
	hear(t, opened)
	start := time.Now()
	must(t, n.Close())
	must(t, <-done)
	if took := time.Since(start); took > EndDrain+patience/2 {
		t.Errorf("it took %v", took)
	}
}

// A namespace that the thread of the loop is not in: sockets belong to the one where New was called.
func TestStreamSocketsNamespace(t *testing.T) {
	fresh(t)
	raise(t, "lo")
	h := onLoopback(t)
	at := h.port(t)
	l := make(chan error, 1)
	go func() { // another thread, of another namespace
		s, err := h.ListenStream(at)
		if err == nil {
			defer s.Close()
			go func() {
				c, err := h.DialStream(context.Background(), netip.Addr{}, at)
				if err == nil {
					c.Close()
				}
			}()
			var c net.Conn
			if c, err = s.Accept(); err == nil {
				c.Close()
			}
		}
		l <- err
	}()
	if err := hear(t, l); err != nil {
		t.Error(err)
	}
}

// messageSize is about what a Diameter message has.
const messageSize = 500

// BenchmarkStreams sends messages to an engine that sends each back with a Write of its own, window messages at a time on each
// connection: messages a second, there and back.
func BenchmarkStreams(b *testing.B) {
	for _, conns := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(conns), func(b *testing.B) {
			var parts [1024]struct{ rest []byte }
			_, at := served(b, func(in engine.Input, out *engine.Effects) {
				s, ok := in.(engine.Stream)
				if !ok {
					return
				}
				data, rest := s.Data, &parts[int(s.Conn)%len(parts)].rest
				if len(*rest) > 0 { // complete the message that was cut
					n := min(messageSize-len(*rest), len(data))
					*rest, data = append(*rest, data[:n]...), data[n:]
					if len(*rest) < messageSize {
						return
					}
					out.Write(s.Conn, *rest)
					*rest = nil
				}
				for ; len(data) >= messageSize; data = data[messageSize:] {
					out.Write(s.Conn, data[:messageSize])
				}
				*rest = append(*rest, data...)
			})
			const window = 64
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for range conns {
				c := call(b, at)
				wg.Go(func() {
					buf := make([]byte, window*messageSize)
					for left := b.N / conns; left > 0; left -= window {
						n := min(window, left) * messageSize
						if _, err := c.Write(buf[:n]); err != nil {
							b.Error(err)
							return
						}
						if _, err := io.ReadFull(c, buf[:n]); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// Without an address a port is open at all of them, IPv6 and IPv4.
func TestStreamSocketsEveryAddress(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	must(t, err)
	port := addrPort(l.Addr()).Port()
	must(t, l.Close())
	opened := make(chan engine.Opened, 4)
	here := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
	beginAny(t, Config{Host: onLoopback(t), Engines: []Engine{{"e", peerOf([]engine.Listen{{Name: "any", At: netip.AddrPortFrom(netip.Addr{}, port)}}, func(in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Start:
			for i, a := range here {
				out.Dial(engine.Dial{Conn: engine.Conn(2*i + 1), To: netip.AddrPortFrom(a, port)})
			}
		case engine.Opened:
			opened <- in
		case engine.Closed:
			t.Errorf("%+v", in)
		}
	})}}})
	seen := map[netip.Addr]int{}
	for range 4 {
		seen[hear(t, opened).To.Addr()]++
	}
	if seen[here[0]] != 2 || seen[here[1]] != 2 {
		t.Errorf("%v", seen)
	}
}
