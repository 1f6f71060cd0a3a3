package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"roam6/engine"
)

var (
	door1 = netip.MustParseAddrPort("[::1]:3868")
	door2 = netip.MustParseAddrPort("[::1]:5658")
)

// peerOf is an engine that listens at Start, and answers what comes with what on says.
func peerOf(listen []engine.Listen, on func(in engine.Input, out *engine.Effects)) *script {
	return &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Start); ok {
			for _, l := range listen {
				out.Listen(l)
			}
		}
		if on != nil {
			on(in, out)
		}
	}}
}

// echo sends back what comes.
func echo(in engine.Input, out *engine.Effects) {
	if s, ok := in.(engine.Stream); ok {
		out.Write(s.Conn, s.Data)
	}
}

// after gives the inputs behind Start.
func after(s *script) []engine.Input { return s.inputs[1:] }

func TestStreamLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Memory{}
		e := peerOf([]engine.Listen{{Name: "peers", At: door1}}, func(in engine.Input, out *engine.Effects) {
			switch in := in.(type) {
			case engine.Opened:
				out.Write(in.Conn, []byte("hel"))
				out.Write(in.Conn, []byte("lo"))
			case engine.Stream:
				if in.Data[0] == 'q' {
					out.Write(in.Conn, []byte("bye"))
					out.Close(in.Conn)
					out.Write(in.Conn, []byte("too late"))
				}
			}
		})
		n := begin(t, Config{Host: m, Engines: []Engine{{"e", e}}})
		synctest.Wait()
		c, err := m.Reach(t.Context(), netip.Addr{}, door1)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 100)
		if k, err := c.Read(got); err != nil || string(got[:k]) != "hello" {
			t.Errorf("%q, %v: the writes of one turn are one", got[:k], err)
		}
		c.Write([]byte("abc"))
		synctest.Wait()
		c.Write([]byte("q"))
		if b, err := io.ReadAll(c); err != nil || string(b) != "bye" {
			t.Errorf("%q, %v", b, err)
		}
		synctest.Wait()
		from, to := door1, netip.MustParseAddrPort("[::1]:49152")
		want := []engine.Input{
			engine.Opened{Conn: 2, Listener: "peers", From: from, To: to}, engine.Stream{Conn: 2, Data: []byte("abc")},
			engine.Stream{Conn: 2, Data: []byte("q")}, engine.Closed{Conn: 2, Listener: "peers", Reason: engine.ReasonClosed},
		}
		if got := after(e); len(got) != 4 || got[0].(engine.Opened).Conn != 2 || !reflect.DeepEqual([]engine.Input{got[0], got[3]}, []engine.Input{want[0], want[3]}) {
			t.Errorf("%+v", got)
		}
		if st, err := n.Stats(t.Context()); err != nil || st.Streams != (StreamStats{Opened: 1, Busiest: 1, In: 4, Out: 8}) {
			t.Errorf("%+v, %v", st.Streams, err)
		}
	})
}

// Both ends in one node: each Conn is its engine's own, and everything about it comes between Opened and Closed.
func TestStreamBetweenEngines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := peerOf([]engine.Listen{{Name: "a", At: door1}}, echo)
		var got bytes.Buffer
		b := peerOf(nil, func(in engine.Input, out *engine.Effects) {
			switch in := in.(type) {
			case engine.Start:
				out.Dial(engine.Dial{Conn: 7, To: door1})
				out.Write(7, []byte("nobody hears this")) // not open yet
			case engine.Opened:
				for i := range 1000 {
					out.Write(in.Conn, fmt.Appendf(nil, "%04d", i))
				}
			case engine.Stream:
				if got.Write(in.Data); got.Len() == 4000 {
					out.Close(in.Conn)
				}
			}
		})
		begin(t, Config{Host: &Memory{}, Engines: []Engine{{"a", a}, {"b", b}}})
		synctest.Wait()
		var want bytes.Buffer
		for i := range 1000 {
			fmt.Fprintf(&want, "%04d", i)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%d octets came, not as they were written", got.Len())
		}
		ends := func(s *script) (out []engine.Input) { return []engine.Input{after(s)[0], after(s)[len(after(s))-1]} }
		from := netip.MustParseAddrPort("[::1]:49152")
		if got := ends(b); !reflect.DeepEqual(got, []engine.Input{engine.Opened{Conn: 7, From: from, To: door1}, engine.Closed{Conn: 7, Reason: engine.ReasonClosed}}) {
			t.Errorf("who dialled: %+v", got)
		}
		if got := ends(a); !reflect.DeepEqual(got[1], engine.Input(engine.Closed{Conn: 2, Listener: "a", Reason: engine.ReasonPeerClosed})) {
			t.Errorf("who accepted: %+v", got)
		}
	})
}

// What cannot be done is answered with why, and told in words that say what to do.
func TestStreamRefusals(t *testing.T) {
	for name, c := range map[string]struct { //order:any
		do    func(out *engine.Effects)
		want  engine.Input
		words string
	}{
		"nobody there": {func(out *engine.Effects) { out.Dial(engine.Dial{Conn: 1, To: door2}) },
			engine.Closed{Conn: 1, Reason: engine.ReasonRefused}, "nobody listens"},
		"taken": {func(out *engine.Effects) { out.Listen(engine.Listen{Name: "other", At: door1}) },
			engine.Closed{Listener: "other", Reason: engine.ReasonAddressInUse}, "ss -Hltnp 'sport = :3868'"},
		"same name": {func(out *engine.Effects) { out.Listen(engine.Listen{Name: "peers", At: door2}) },
			engine.Closed{Listener: "peers", Reason: engine.ReasonNameInUse}, "listens already"},
		"no profile to listen": {func(out *engine.Effects) { out.Listen(engine.Listen{Name: "tls", At: door2, TLS: "secure"}) },
			engine.Closed{Listener: "tls", Reason: engine.ReasonNoProfile}, `no TLS profile "secure"; it has: mine`},
		"no profile to dial": {func(out *engine.Effects) { out.Dial(engine.Dial{Conn: 1, To: door1, TLS: "secure", Server: "x"}) },
			engine.Closed{Conn: 1, Reason: engine.ReasonNoProfile}, "dial [::1]:3868"},
		"no name": {func(out *engine.Effects) { out.Dial(engine.Dial{Conn: 1, To: door1, TLS: "mine"}) },
			engine.Closed{Conn: 1, Reason: engine.ReasonTLSName}, "must bear"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := peerOf([]engine.Listen{{Name: "peers", At: door1}}, func(in engine.Input, out *engine.Effects) {
					if _, ok := in.(engine.Start); ok {
						c.do(out)
					}
				})
				var words []string
				begin(t, Config{Host: &Memory{}, TLS: newAuthority(t).profiles(t, "mine"), Engines: []Engine{{"e", e}},
					OnEvent: func(_ time.Duration, _ string, ev engine.Event) { words = append(words, ev.Get("says")) }})
				synctest.Wait()
				if got := after(e); len(got) != 1 || !reflect.DeepEqual(got[0], c.want) {
					t.Errorf("%+v", got)
				}
				if len(words) != 1 || !strings.Contains(words[0], c.words) {
					t.Errorf("told %q", words)
				}
			})
		})
	}
}

// A peer that does not read is let go when engine.MaxUnsent waits for it; one that reads late gets all of it.
func TestStreamPeerDoesNotRead(t *testing.T) {
	for _, reads := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := &Memory{}
			e := peerOf([]engine.Listen{{Name: "peers", At: door1}}, func(in engine.Input, out *engine.Effects) {
				if in, ok := in.(engine.Opened); ok {
					for range engine.MaxUnsent / 1024 {
						out.Write(in.Conn, make([]byte, 1024))
					}
					if !reads {
						out.Write(in.Conn, []byte{1})
						out.Write(in.Conn, []byte{1})
					}
				}
			})
			begin(t, Config{Host: m, Engines: []Engine{{"e", e}}})
			synctest.Wait()
			c, err := m.Reach(t.Context(), netip.Addr{}, door1)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if reads {
				if k, err := io.ReadFull(c, make([]byte, engine.MaxUnsent)); err != nil {
					t.Errorf("%d, %v", k, err)
				}
				c.Close()
			}
			synctest.Wait()
			want := engine.ReasonPeerDoesNotRead
			if reads {
				want = engine.ReasonPeerClosed
			}
			if got := after(e); len(got) != 2 || got[1].(engine.Closed).Reason != want {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Close waits for what was written, but not for ever.
func TestStreamCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Memory{}
		var start time.Time
		var took time.Duration
		e := peerOf([]engine.Listen{{Name: "peers", At: door1}}, func(in engine.Input, out *engine.Effects) {
			switch in := in.(type) {
			case engine.Opened:
				start = time.Now()
				out.Write(in.Conn, []byte("never read"))
				out.Close(in.Conn)
				out.Close(in.Conn)
			case engine.Closed:
				took = time.Since(start)
			}
		})
		begin(t, Config{Host: m, Engines: []Engine{{"e", e}}})
		synctest.Wait()
		if _, err := m.Reach(t.Context(), netip.Addr{}, door1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * DrainTime)
		synctest.Wait()
		if got := after(e); len(got) != 2 || got[1].(engine.Closed).Reason != engine.ReasonNotDrained || took != DrainTime {
			t.Errorf("%+v after %v", got, took)
		}
	})
}

// A peer that sends faster than the engine takes is stopped: no more than MaxUnread of it is in memory.
func TestStreamBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Memory{}
		hold := make(chan struct{})
		e := peerOf([]engine.Listen{{Name: "peers", At: door1}}, func(in engine.Input, _ *engine.Effects) {
			if _, ok := in.(engine.Opened); ok {
				<-hold
			}
		})
		begin(t, Config{Host: m, Engines: []Engine{{"e", e}}})
		synctest.Wait()
		c, err := m.Reach(t.Context(), netip.Addr{}, door1)
		if err != nil {
			t.Fatal(err)
		}
		const all = 8 * MaxUnread
		sent := 0
		go func() {
			for range all / 1024 {
				k, err := c.Write(make([]byte, 1024))
				if sent += k; err != nil {
					return
				}
			}
		}()
		synctest.Wait()
		if sent == 0 || sent > MaxUnread {
			t.Errorf("%d octets were taken", sent)
		}
		close(hold)
		synctest.Wait()
		if c.Close(); sent != all {
			t.Errorf("%d octets of %d when the engine took them", sent, all)
		}
	})
}

// A Dial that nobody answers ends in time; one that is closed before ends at once.
func TestStreamDialEnds(t *testing.T) {
	for _, early := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := &Memory{OnDial: func(ctx context.Context, _ netip.Addr, _ netip.AddrPort) (netConn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}}
			var took time.Duration
			start := time.Now()
			e := peerOf(nil, func(in engine.Input, out *engine.Effects) {
				switch in.(type) {
				case engine.Start:
					if out.Dial(engine.Dial{Conn: 1, To: door1}); early {
						out.Close(1)
					}
				case engine.Closed:
					took = time.Since(start)
				}
			})
			begin(t, Config{Host: m, Engines: []Engine{{"e", e}}})
			time.Sleep(time.Minute)
			synctest.Wait()
			reason, want := engine.ReasonTimeout, DialTimeout
			if early {
				reason, want = engine.ReasonClosed, 0
			}
			if got := after(e); len(got) != 1 || got[0] != engine.Input(engine.Closed{Conn: 1, Reason: reason}) || took != want {
				t.Errorf("%+v after %v", got, took)
			}
		})
	}
}

func TestStreamTooManyDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Memory{OnDial: func(ctx context.Context, _ netip.Addr, _ netip.AddrPort) (netConn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		e := peerOf(nil, func(in engine.Input, out *engine.Effects) {
			if _, ok := in.(engine.Start); ok {
				for i := range MaxDials + 1 {
					out.Dial(engine.Dial{Conn: engine.Conn(2*i + 1), To: door1})
				}
			}
		})
		begin(t, Config{Host: m, Engines: []Engine{{"e", e}}})
		synctest.Wait()
		if got := after(e); len(got) != 1 || got[0] != engine.Input(engine.Closed{Conn: 2*MaxDials + 1, Reason: engine.ReasonTooMany}) {
			t.Errorf("%+v", got)
		}
	})
}

// An engine that dials by a name that is not its own has a fault, and the node says which.
func TestStreamDialOfANameInUse(t *testing.T) {
	for _, conns := range [][]engine.Conn{{2}, {0}, {3, 3}} {
		synctest.Test(t, func(t *testing.T) {
			e := peerOf(nil, func(in engine.Input, out *engine.Effects) {
				for _, c := range conns {
					out.Dial(engine.Dial{Conn: c, To: door1})
				}
			})
			n, err := New(Config{Host: &Memory{}, Engines: []Engine{{"e", e}}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if what := fmt.Sprint(recover()); !strings.Contains(what, fmt.Sprintf("engine e dials with Conn %d", conns[0])) {
					t.Errorf("%v: %s", conns, what)
				}
				n.Close()
			}()
			_ = n.Run(t.Context())
		})
	}
}

// What follows a Persist is not written before the record is durable, and is then what it was.
func TestStreamWriteAfterPersist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, l := &Memory{}, &log{}
		e := peerOf([]engine.Listen{{Name: "peers", At: door1}}, func(in engine.Input, out *engine.Effects) {
			if in, ok := in.(engine.Stream); ok {
				out.Persist("seq", "peer", in.Data)
				out.Write(in.Conn, in.Data)
			}
		})
		begin(t, Config{Host: m, Store: &memStore{log: l}, Engines: []Engine{{"e", e}}})
		synctest.Wait()
		c, err := m.Reach(t.Context(), netip.Addr{}, door1)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 3)
		for _, s := range []string{"one", "two"} {
			c.Write([]byte(s))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != s {
				t.Errorf("%q, %v", got, err)
			}
			if put := l.take(); !slices.Equal(put, []string{"put e/seq peer " + s}) {
				t.Errorf("%q", put)
			}
		}
		c.Close()
	})
}

// A journal of streams and queries gives the same again.
func TestStreamReplay(t *testing.T) {
	var journal bytes.Buffer
	make1 := func() *script {
		return peerOf([]engine.Listen{{Name: "peers", At: door1}}, func(in engine.Input, out *engine.Effects) {
			switch in := in.(type) {
			case engine.Stream:
				for i := range in.Data {
					in.Data[i] ^= 1 // as an agent edits a header
				}
				out.Query(engine.Query{ID: uint64(in.Conn), Table: "t", Key: string(in.Data)})
				out.Write(in.Conn, in.Data)
			case engine.Result:
				out.Write(engine.Conn(in.ID), in.Value)
				out.Close(engine.Conn(in.ID))
			case engine.Closed:
				out.Event("over", engine.S("why", in.Reason))
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		m := &Memory{}
		begin(t, Config{Host: m, Journal: &journal, Engines: []Engine{{"e", make1()}},
			Query: func(_ context.Context, table, key string, _ []byte) ([]byte, error) { return []byte(table + key), nil }})
		synctest.Wait()
		c, err := m.Reach(t.Context(), netip.Addr{}, door1)
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte("abc"))
		if b, _ := io.ReadAll(c); string(b) != "`cbt`cb" {
			t.Errorf("%q", b)
		}
		c.Close()
		synctest.Wait()
	})
	got, err := Replay(bytes.NewReader(journal.Bytes()), []Engine{{"e", make1()}})
	if err != nil || got.End != EndStopped || got.Inputs != 5 || got.Effects != 6 {
		t.Errorf("%+v, %v", got, err)
	}
	other := bytes.Replace(journal.Bytes(), []byte(`"YWJj"`), []byte(`"YWJk"`), 1)
	if _, err := Replay(bytes.NewReader(other), []Engine{{"e", make1()}}); !IsDifference(err) {
		t.Errorf("other octets: %v", err)
	}
}

// deaf is a connection whose peer has reset it: writes fail, what came before is still to be read.
type deaf struct {
	net.Conn
	failed chan struct{} // closed by the first write
	said   error
	gone   chan struct{} // closed by Close
}

func (d *deaf) Write([]byte) (int, error) {
	close(d.failed)
	return 0, syscall.EPIPE
}

func (d *deaf) Read([]byte) (int, error) {
	<-d.failed
	time.Sleep(time.Millisecond) // of the bubble: whoever would close it because of the write has done so
	select {
	case <-d.gone:
		return 0, net.ErrClosed
	default:
		return 0, d.said
	}
}

func (d *deaf) Close() error {
	select {
	case <-d.gone:
	default:
		close(d.gone)
	}
	return nil
}

// The alert of a peer that reset the connection is heard also where a write fails first: with TLS 1.3 it is all that tells who dials why it is
// not let in.
func TestStreamLastWords(t *testing.T) { //spec DM-23
	for _, c := range []struct {
		said   error
		reason string
		event  bool
	}{
		{&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, engine.ReasonTLS, true},
		{io.EOF, engine.ReasonPeerClosed, false},
		{os.ErrDeadlineExceeded, engine.ReasonReset, false}, // nothing more came
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &streams{inbox: inbox{wake: func() {}}, ctx: t.Context()}
			st := newStream(s, &slot{Engine: Engine{Name: "e"}})
			near, far := net.Pipe()
			defer far.Close()
			d := &deaf{Conn: near, failed: make(chan struct{}), said: c.said, gone: make(chan struct{})}
			st.have(d)
			st.hand([]byte("hello"))
			st.live(d, engine.Opened{Names: []string{"a.example.org"}})
			all := s.inbox.swap(nil)
			last := all[len(all)-1]
			if got := last.in.(engine.Closed); got.Reason != c.reason || (last.tell != nil) != c.event {
				t.Errorf("%v: %+v, %v", c.said, got, last.tell)
			}
		})
	}
}
