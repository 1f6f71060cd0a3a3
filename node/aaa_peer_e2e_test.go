package node_test

import (
	"encoding/binary"
	"testing"
	"time"

	"roam6/engine"
	"roam6/scenario"
)

// lout stands where an AAA server should, and has bad manners.
type lout struct {
	server engine.Engine // the one that it could be
	rand   *engine.Rand
	met    map[engine.Conn]bool
	rude   func(e *lout, c engine.Conn, data []byte, out *engine.Effects) // data is nil when a connection opens
	polite bool                                                           // as long as peers introduce themselves
}

func (e *lout) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	switch in := in.(type) {
	case engine.Start, engine.Tick, engine.Result, engine.Closed:
		e.server.Handle(now, in, out)
	case engine.Opened:
		if e.polite {
			e.server.Handle(now, in, out)
		} else {
			e.rude(e, in.Conn, nil, out)
		}
	case engine.Stream:
		if e.polite && !e.met[in.Conn] {
			e.met[in.Conn] = true
			e.server.Handle(now, in, out)
		} else {
			e.rude(e, in.Conn, in.Data, out)
		}
	}
}

func (e *lout) Deadline() (engine.Mono, string) { return e.server.Deadline() }
func (e *lout) View() any                       { return e.server.View() }

func silence(*lout, engine.Conn, []byte, *engine.Effects) {}

func noise(e *lout, c engine.Conn, _ []byte, out *engine.Effects) {
	b := make([]byte, 256)
	e.rand.Read(b)
	out.Write(c, b)
}

// endless begins a message of 16 MB and goes on with it by a little.
func endless(_ *lout, c engine.Conn, data []byte, out *engine.Effects) {
	b := make([]byte, 1000)
	if copy(b, data) >= 20 {
		binary.BigEndian.PutUint32(b, 1<<24|0xfffffc)
	}
	out.Write(c, b)
}

// lies answers each request with an AVP that says that it is longer, or shorter, than it is.
func lies(avp uint32) func(*lout, engine.Conn, []byte, *engine.Effects) {
	return func(_ *lout, c engine.Conn, data []byte, out *engine.Effects) {
		if len(data) < 20 || data[4]&0x80 == 0 {
			return
		}
		b := append([]byte(nil), data[:20]...)
		binary.BigEndian.PutUint32(b, 1<<24|32)
		b[4] &^= 0x80
		b = binary.BigEndian.AppendUint32(b, 268)
		b = binary.BigEndian.AppendUint32(b, 0x40<<24|avp)
		out.Write(c, binary.BigEndian.AppendUint32(b, 2001))
	}
}

// Where the AAA server of a network should be is something that listens and answers nothing, answers with nonsense, or with messages whose
// lengths lie: its access routers tell why they drop it, tell mobile nodes that no server is in reach, and hold nothing of what it sends; the
// other network is as it was; and when the server is back all are let in by themselves.
//
// spec DM-01 DM-02
func TestNonsenseServer(t *testing.T) {
	const from, until = 9 * time.Second, 29 * time.Second
	for _, c := range []struct {
		name   string
		polite bool
		rude   func(*lout, engine.Conn, []byte, *engine.Effects)
		reason string
	}{
		{"listens only", false, silence, "peer-timeout"},
		{"CEA and then nothing", true, silence, "peer-silent"},
		{"random octets", false, noise, "diameter-garbage"},
		{"CEA and then random octets", true, noise, "diameter-garbage"},
		{"a message of 16 MB", true, endless, "diameter-garbage"},
		{"an AVP longer than its message", true, lies(0xffffff), "diameter-malformed"},
		{"an AVP of no octets", true, lies(0), "diameter-malformed"},
		{"an AVP shorter than its head", true, lies(7), "diameter-malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := inTrouble(t, "home", 70*time.Second, walk)
			w.late("mn3", 12*time.Second)
			w.act(scenario.Action{At: from, Verb: scenario.Restart, Node: "aaav-a"}, scenario.Action{At: until, Verb: scenario.Restart, Node: "aaav-a"})
			lives := 0
			w.wrap = func(node string, e engine.Engine) engine.Engine {
				if node != "aaav-a" {
					return e
				}
				if lives++; lives != 2 {
					return e
				}
				return &lout{server: e, rand: engine.NewRand([32]byte{1}), met: map[engine.Conn]bool{}, rude: c.rude, polite: c.polite}
			}
			w.run()
			w.must("ar1", c.reason, from, until)
			w.must("ar1", "access.refused", from, until, "mn3@home.example", "UNABLE_TO_DELIVER")
			w.soon("mn", 14*time.Second, 500*time.Millisecond) // in the other network
			w.soon("mn3", until, 10*time.Second)
			w.soon("mn", 50*time.Second, 500*time.Millisecond)
			w.idle(3)
			w.accounts()
		})
	}
}
