package driver

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"roam6/engine"
)

var (
	anyKDC   = netip.AddrPortFrom(netip.Addr{}, 88)
	stranger = netip.MustParseAddrPort("[2001:db8::5]:40000")
	kdcAddr  = netip.MustParseAddrPort("[2001:db8::1]:88")
)

// binds is an engine that opens ports at Start.
func binds(at []engine.Bind, on func(in engine.Input, out *engine.Effects)) *script {
	return peerOf(nil, func(in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Start); ok {
			for _, b := range at {
				out.Bind(b)
			}
		}
		if on != nil {
			on(in, out)
		}
	})
}

// answers sends back what came, upside down, edited in place.
func answers(in engine.Input, out *engine.Effects) {
	if d, ok := in.(engine.Datagram); ok {
		for i := range d.Data {
			d.Data[i] ^= 0xff
		}
		out.Datagram(d)
	}
}

func TestDatagramLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		m := &Memory{OnDatagram: func(from, to netip.AddrPort, data []byte) { sent = append(sent, fmt.Sprint(from, to, data)) }}
		e := binds([]engine.Bind{{Name: "kdc", At: anyKDC}}, answers)
		n := begin(t, Config{Host: m, Engines: []Engine{{"e", e}}})
		synctest.Wait()
		v4 := netip.MustParseAddrPort("192.0.2.5:40000")
		if !m.Throw(stranger, kdcAddr, []byte{1, 2}) || !m.Throw(v4, netip.MustParseAddrPort("192.0.2.1:88"), nil) {
			t.Fatal("the port is not open")
		}
		if m.Throw(stranger, netip.AddrPortFrom(kdcAddr.Addr(), 89), nil) {
			t.Error("a port is open that nobody asked for")
		}
		synctest.Wait()
		if want := []string{fmt.Sprint(kdcAddr, stranger, []byte{0xfe, 0xfd}), fmt.Sprint("192.0.2.1:88 ", v4, []byte{})}; !reflect.DeepEqual(sent, want) {
			t.Errorf("%q, want %q", sent, want)
		}
		st, err := n.Stats(t.Context())
		if err != nil || st.Datagrams != (DatagramStats{Bound: 1, In: 2, Out: 2, InOctets: 2, OutOctets: 2}) || len(st.Drops) > 0 {
			t.Errorf("%+v, %v, %v", st.Datagrams, st.Drops, err)
		}
	})
}

// What no engine could answer, or could not hold, does not come to one, and is counted; what cannot be sent is counted too.
func TestDatagramDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Memory{}
		e := binds([]engine.Bind{{Name: "kdc", At: anyKDC}}, func(in engine.Input, out *engine.Effects) {
			if _, ok := in.(engine.Start); ok {
				out.Datagram(engine.Datagram{Name: "other", Peer: stranger})
				out.Datagram(engine.Datagram{Name: "kdc", Peer: stranger})
				out.Datagram(engine.Datagram{Name: "kdc", Peer: stranger, Data: make([]byte, engine.MaxDatagram+1)})
			}
		})
		n := begin(t, Config{Host: m, Engines: []Engine{{"e", e}}})
		synctest.Wait()
		for _, to := range []string{"[ff02::1]:88", "224.0.0.1:88", "255.255.255.255:88"} {
			m.Throw(stranger, netip.MustParseAddrPort(to), []byte("x"))
		}
		m.Throw(netip.AddrPortFrom(stranger.Addr(), 0), kdcAddr, []byte("x"))
		m.Throw(stranger, kdcAddr, make([]byte, engine.MaxDatagram+1))
		synctest.Wait()
		st, err := n.Stats(t.Context())
		want := map[string]int{string(DropNotUnicast): 4, string(DropTooBig): 2, string(DropNoWay): 1}
		if err != nil || !reflect.DeepEqual(st.Drops, want) || st.Datagrams != (DatagramStats{Bound: 1}) || len(after(e)) > 0 {
			t.Errorf("%v, want %v; %+v, %v; %v", st.Drops, want, st.Datagrams, after(e), err)
		}
	})
}

// A Bind that cannot be is answered with why, and told in words that say what to do; Listen and Bind share names.
func TestDatagramRefusals(t *testing.T) {
	for name, c := range map[string]struct { //order:any
		do    func(out *engine.Effects)
		want  string
		words string
	}{
		"taken":           {func(out *engine.Effects) { out.Bind(engine.Bind{Name: "x", At: anyKDC}) }, engine.ReasonAddressInUse, "ss -Hlunp 'sport = :88'"},
		"same name":       {func(out *engine.Effects) { out.Bind(engine.Bind{Name: "kdc", At: kdcAddr}) }, engine.ReasonNameInUse, "listens already"},
		"name of stream":  {func(out *engine.Effects) { out.Bind(engine.Bind{Name: "peers", At: kdcAddr}) }, engine.ReasonNameInUse, "listens already"},
		"name of a port":  {func(out *engine.Effects) { out.Listen(engine.Listen{Name: "kdc", At: kdcAddr}) }, engine.ReasonNameInUse, "listens already"},
		"one beyond many": {bindMany, engine.ReasonTooMany, "has 64 already"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := binds([]engine.Bind{{Name: "kdc", At: anyKDC}}, func(in engine.Input, out *engine.Effects) {
					if _, ok := in.(engine.Start); ok {
						out.Listen(engine.Listen{Name: "peers", At: door1})
						c.do(out)
					}
				})
				var words []string
				begin(t, Config{Host: &Memory{}, Engines: []Engine{{"e", e}}, OnEvent: func(_ time.Duration, _ string, ev engine.Event) {
					words = append(words, ev.Name+" "+ev.Get("says"))
				}})
				synctest.Wait()
				in := after(e)
				if len(in) != 1 || in[0].(engine.Closed).Reason != c.want || in[0].(engine.Closed).Conn != 0 || in[0].(engine.Closed).Listener == "" {
					t.Fatalf("%+v, want %s", in, c.want)
				}
				if len(words) != 1 || !strings.HasPrefix(words[0], EventStream) || !strings.Contains(words[0], c.words) {
					t.Errorf("%q, want %q", words, c.words)
				}
			})
		})
	}
}

func bindMany(out *engine.Effects) {
	for i := range MaxBinds {
		out.Bind(engine.Bind{Name: fmt.Sprint(i), At: netip.AddrPortFrom(netip.Addr{}, 0)})
	}
}

// failing is a Host whose port breaks after the first datagram.
type failing struct{ *Memory }

type failingPort struct {
	Socket
	come bool
}

func (h failing) Bind(at netip.AddrPort) (Socket, error) {
	s, err := h.Memory.Bind(at)
	return &failingPort{Socket: s}, err
}

func (s *failingPort) Receive(b []byte) (Heard, error) {
	if s.come {
		return Heard{}, os.NewSyscallError("recvmsg", syscall.EACCES)
	}
	s.come = true
	return s.Socket.Receive(b)
}

// A port that ends is told once, behind what came by it, and its name and address can be used again.
func TestDatagramPortEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := failing{&Memory{}}
		again := 0
		e := binds([]engine.Bind{{Name: "kdc", At: anyKDC}}, func(in engine.Input, out *engine.Effects) {
			if _, ok := in.(engine.Closed); ok && again == 0 {
				again++
				out.Bind(engine.Bind{Name: "kdc", At: anyKDC})
			}
		})
		n := begin(t, Config{Host: h, Engines: []Engine{{"e", e}}})
		for i := range 2 {
			synctest.Wait()
			if !h.Throw(stranger, kdcAddr, []byte{byte(i)}) {
				t.Error("not open")
			}
		}
		synctest.Wait()
		came := func(i byte) engine.Input {
			return engine.Datagram{Name: "kdc", Peer: stranger, Local: kdcAddr.Addr(), Data: []byte{i}}
		}
		end := engine.Closed{Listener: "kdc", Reason: engine.ReasonNoPermission}
		if want := []engine.Input{came(0), end, came(1), end}; !reflect.DeepEqual(after(e), want) {
			t.Errorf("%+v", after(e))
		}
		if st, err := n.Stats(t.Context()); err != nil || st.Datagrams.Bound != 0 {
			t.Errorf("%+v, %v", st.Datagrams, err)
		}
	})
}

// What follows a Persist waits for it, whatever comes meanwhile: octets that the engine edits again must not go with it.
func TestDatagramBehindPersist(t *testing.T) {
	list := []engine.Effect{engine.Datagram{Data: []byte("abc")}}
	kept := lasting(list)
	list[0].(engine.Datagram).Data[0] = 'x'
	if got := kept[0].(engine.Datagram).Data; !bytes.Equal(got, []byte("abc")) {
		t.Errorf("%q", got)
	}
}

// A journal of datagrams gives the same effects again.
func TestDatagramReplay(t *testing.T) {
	var journal bytes.Buffer
	make2 := func() *script { return binds([]engine.Bind{{Name: "kdc", At: anyKDC}}, answers) }
	synctest.Test(t, func(t *testing.T) {
		m := &Memory{OnDatagram: func(_, _ netip.AddrPort, _ []byte) {}}
		n := begin(t, Config{Host: m, Journal: &journal, Engines: []Engine{{"e", make2()}}})
		synctest.Wait()
		for i := range 5 {
			m.Throw(stranger, kdcAddr, []byte{byte(i), 2, 3})
		}
		synctest.Wait()
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	text := journal.String()
	done, err := Replay(strings.NewReader(text), []Engine{{"e", make2()}})
	if err != nil || done.Inputs != 6 || done.Effects != 6 {
		t.Errorf("%+v, %v", done, err)
	}
	other := binds([]engine.Bind{{Name: "kdc", At: kdcAddr}}, answers)
	var d *Difference
	if _, err = Replay(strings.NewReader(text), []Engine{{"e", other}}); !errors.As(err, &d) {
		t.Errorf("another address: %v", err)
	}
}
