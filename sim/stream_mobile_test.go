package sim

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/scenario"
)

// A mobile node's engine dials from its home address: segments go through its plane and its home agent's tunnel, and are no larger than the
// tunnel carries.
func TestStreamFromHomeAddress(t *testing.T) {
	p := home()
	p.Nodes[3].Config = []byte("x")
	p.Actions = []scenario.Action{{At: time.Second, Verb: scenario.Command, Node: "mn"}}
	p.Flows = nil
	at := netip.MustParseAddrPort("[2001:db8:d::7]:3868")
	said := bytes.Repeat([]byte("0123456789abcdef"), 2000)
	by := homeScripts()
	moving, got := by["mn"], log{}
	by["mn"] = func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		moving(s, now, in, out)
		got.note(now, in)
		switch in := in.(type) {
		case engine.Command:
			out.Dial(engine.Dial{Conn: 1, To: at})
		case engine.Opened:
			out.Write(in.Conn, said)
		}
	}
	by["cn"] = func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Start:
			out.Listen(engine.Listen{Name: "x", At: at})
		case engine.Stream:
			out.Write(in.Conn, in.Data)
		}
	}
	rec, _ := run(t, p, by)
	if !bytes.Equal(got.octets(1), said) {
		t.Errorf("%d octets came back; drops %v", len(got.octets(1)), rec.drops)
	}
	if o, ok := got[0].in.(engine.Opened); !ok || o.From.Addr() != addr("2001:db8:f::99") {
		t.Errorf("%+v", got[0])
	}
}
