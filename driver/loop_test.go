package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is an engine whose answers a test writes down.
type script struct {
	on       func(now engine.Now, in engine.Input, out *engine.Effects)
	deadline engine.Mono
	inputs   []engine.Input
}

func (s *script) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	s.inputs = append(s.inputs, in)
	if s.on != nil {
		s.on(now, in, out)
	}
}
func (s *script) Deadline() (engine.Mono, string) { return s.deadline, "the test" }
func (s *script) View() any                       { return len(s.inputs) }

// log collects what a node did, in order.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *log) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.lines
	l.lines = nil
	return out
}

type memStore struct {
	log  *log
	recs []engine.Record
	err  error
}

func (s *memStore) Load() ([]engine.Record, error) { return s.recs, nil }
func (s *memStore) Put(bucket, key string, value []byte) error {
	s.log.add("put %s %s %s", bucket, key, value)
	return s.err
}

var (
	coa = netip.MustParseAddr("2001:db8:a::1")
	cn  = netip.MustParseAddr("2001:db8:c::1")
	hoa = netip.MustParseAddr("2001:db8:1::a")
)

// control is a packet that the plane gives to the engines once coa is a Local: an ICMPv6 message of an unknown type.
func control(t testing.TB) []byte {
	t.Helper()
	payload := []byte{150, 0, 0, 0, 1, 2, 3, 4}
	sum := ip6.Checksum(cn, coa, ip6.ProtoICMPv6, payload)
	payload[2], payload[3] = byte(sum>>8), byte(sum)
	p := ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Proto: ip6.ProtoICMPv6, Payload: payload}
	return p.Append(nil)
}

func localOp(a netip.Addr, l plane.Local) plane.Op {
	return plane.Op{Local: &plane.LocalOp{Addr: a, Local: l}}
}

// begin runs a node in the current bubble and stops it at the end of the test.
func begin(t *testing.T, c Config) *Node {
	t.Helper()
	n, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.Run(context.Background()) }()
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return n
}

func TestLoopKeepsTheOrderOfEffects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		m := &Memory{
			OnSend:  func(p plane.Port, _ plane.HW, d []byte) error { l.add("send %d %d", p, d[len(d)-1]); return nil },
			OnApply: func(op plane.Op) error { l.add("apply %v", op.Local.Addr); return nil },
		}
		pkt := control(t)
		e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
			switch in := in.(type) {
			case engine.Start:
				out.Plane(localOp(coa, plane.Local{Port: 1}))
				out.Persist("seq", "ha", []byte("7"))
				out.Send(1, plane.HW{1}, pkt)
				out.Event("hello")
			case engine.Command:
				out.Reply(engine.Reply{ID: in.ID, Data: []byte(in.Verb)})
			}
		}}
		n := begin(t, Config{Name: "mn", Host: m, Store: &memStore{log: &l}, Engines: []Engine{{"mn", e}},
			OnEvent: func(_ time.Duration, eng string, ev engine.Event) { l.add("event %s %s", eng, ev.Name) }})
		synctest.Wait()
		want := []string{"apply 2001:db8:a::1", "put mn/seq ha 7", "send 1 4", "event mn hello"}
		if got := l.take(); !slices.Equal(got, want) {
			t.Errorf("effects of Start:\n got %q\nwant %q", got, want)
		}
		if !m.Deliver(Arrival{Port: 1, From: plane.HW{9}, Data: pkt}) {
			t.Fatal("the node takes no packet")
		}
		synctest.Wait()
		if p, ok := e.inputs[len(e.inputs)-1].(engine.Packet); !ok || p.Port != 1 || p.From != (plane.HW{9}) || !bytes.Equal(p.Data, pkt) {
			t.Errorf("the engine was given %#v", e.inputs[len(e.inputs)-1])
		}
		r, err := n.Command(context.Background(), "", "ask", nil)
		if err != nil || string(r.Data) != "ask" {
			t.Errorf("reply %+v, %v", r, err)
		}
		if v, err := n.Views(context.Background()); err != nil || v["mn"] != 3 {
			t.Errorf("views %v, %v", v, err)
		}
		if st, err := n.Stats(context.Background()); err != nil || st.Packets != 1 || st.Inputs != 3 {
			t.Errorf("stats %+v, %v", st, err)
		}
	})
}

func TestTicksComeNeverEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		e := &script{}
		e.deadline = engine.Mono(1500*time.Millisecond + 1)
		e.on = func(now engine.Now, in engine.Input, _ *engine.Effects) {
			if _, ok := in.(engine.Tick); ok {
				at = append(at, time.Duration(now.Mono))
				e.deadline = engine.Never
				if len(at) < 3 {
					e.deadline = now.Mono.Add(time.Second)
				}
			}
		}
		begin(t, Config{Host: &Memory{}, Engines: []Engine{{"e", e}}})
		time.Sleep(time.Minute)
		synctest.Wait()
		d := 1500*time.Millisecond + 1
		if want := []time.Duration{d, d + time.Second, d + 2*time.Second}; !slices.Equal(at, want) {
			t.Errorf("ticks at %v, want %v", at, want)
		}
	})
}

func TestFailedPersistEndsTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		e := &script{deadline: engine.Never, on: func(_ engine.Now, _ engine.Input, out *engine.Effects) {
			out.Persist("seq", "ha", nil)
			out.Send(1, plane.HW{}, make([]byte, 40))
		}}
		m := &Memory{OnSend: func(plane.Port, plane.HW, []byte) error { l.add("sent"); return nil }}
		n, err := New(Config{Name: "ha", Host: m, Store: &memStore{log: &l, err: errors.New("disk full")}, Engines: []Engine{{"ha", e}}})
		if err != nil {
			t.Fatal(err)
		}
		err = n.Run(context.Background())
		if err == nil || !strings.Contains(err.Error(), "disk full") || !strings.Contains(err.Error(), "seq/ha") {
			t.Errorf("Run: %v", err)
		}
		if got := l.take(); slices.Contains(got, "sent") {
			t.Error("something was sent after a Persist that failed")
		}
		n.Close()
	})
}

func TestStartGetsOwnRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memStore{log: &log{}, recs: []engine.Record{{Bucket: "a/x", Key: "1"}, {Bucket: "b/x", Key: "2"}}}
		a, b := &script{deadline: engine.Never}, &script{deadline: engine.Never}
		begin(t, Config{Host: &Memory{}, Store: store, Engines: []Engine{{"a", a}, {"b", b}}})
		synctest.Wait()
		if r := b.inputs[0].(engine.Start).Records; len(r) != 1 || r[0].Key != "2" || r[0].Bucket != "x" {
			t.Errorf("engine b started with %+v", r)
		}
	})
}

func TestInjectedLinksAreCompleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Memory{}
		known := engine.LinkUp{Port: 2, Name: "wlan0", HW: plane.HW{2}, MTU: 1400}
		m.SetLink(known, false)
		a, b := &script{deadline: engine.Never}, &script{deadline: engine.Never}
		n := begin(t, Config{Host: m, Engines: []Engine{{"a", a}, {"b", b}}})
		n.Inject("", engine.LinkUp{Port: 2, Attachment: "ap1"})
		n.Inject("a", engine.LinkDown{Port: 2})
		synctest.Wait()
		known.Attachment = "ap1"
		if len(a.inputs) != 3 || a.inputs[1] != engine.Input(known) || a.inputs[2] != engine.Input(engine.LinkDown{Port: 2}) {
			t.Errorf("engine a was given %+v", a.inputs)
		}
		if len(b.inputs) != 2 {
			t.Errorf("engine b was given %+v", b.inputs)
		}
		m.SetLink(engine.LinkUp{Port: 1}, true)
		synctest.Wait()
		if _, ok := b.inputs[2].(engine.LinkUp); !ok {
			t.Errorf("engine b was given %+v", b.inputs[2])
		}
	})
}

func TestDropsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := map[string]int{}
		m := &Memory{OnSend: func(plane.Port, plane.HW, []byte) error { return DropQueueFull }}
		e := &script{deadline: engine.Never, on: func(_ engine.Now, _ engine.Input, out *engine.Effects) {
			out.Drop("bad-mac")
			out.Send(1, plane.HW{}, make([]byte, 40))
		}}
		n := begin(t, Config{Host: m, Engines: []Engine{{"e", e}}, OnDrop: func(r string, k int) { got[r] += k }})
		synctest.Wait()
		m.Deliver(Arrival{Port: 1, Data: []byte("no packet")})
		synctest.Wait()
		st, err := n.Stats(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if got["bad-mac"] != 1 || got[string(DropQueueFull)] != 1 || got[plane.DropMalformed] != 1 || len(got) != len(st.Drops) {
			t.Errorf("drops %v, stats %v", got, st.Drops)
		}
	})
}

func TestUnansweredCommandEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := begin(t, Config{Name: "x", Host: &Memory{}, Engines: []Engine{{"a", &script{deadline: engine.Never}}, {"b", &script{deadline: engine.Never}}}})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := n.Command(ctx, "a", "shrug", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		if _, err := n.Command(ctx, "", "shrug", nil); err == nil || !strings.Contains(err.Error(), "a, b") {
			t.Errorf("err = %v, want the engines' names", err)
		}
	})
}

func TestNewRefusesNonsense(t *testing.T) {
	e := &script{}
	for name, c := range map[string]Config{
		"two engines are named":      {Engines: []Engine{{"a", e}, {"a", e}}},
		"needs a name":               {Engines: []Engine{{"", e}}},
		"ports count from 1":         {Links: []Link{{Port: 0, Ifname: "eth0"}}},
		"two links have port 1":      {Links: []Link{{Port: 1, Ifname: "a"}, {Port: 1, Ifname: "b"}}},
		"a is given to two ports":    {Links: []Link{{Port: 1, Ifname: "a"}, {Port: 2, Ifname: "a"}}},
		"every engine needs a name ": {Engines: []Engine{{"a", nil}}},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRunAfterClose(t *testing.T) {
	n, err := New(Config{Host: &Memory{}})
	if err != nil {
		t.Fatal(err)
	}
	n.Inject("", engine.Tick{})
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if err := n.Run(context.Background()); !errors.Is(err, ErrStopped) {
		t.Errorf("Run after Close: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
	if _, err := n.Table(context.Background()); !errors.Is(err, ErrStopped) {
		t.Errorf("Table after Close: %v", err)
	}
}
