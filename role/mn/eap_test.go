package mn

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/keying/gpsk"
	"roam6/machine/eap"
	"roam6/machine/enrol"
	"roam6/machine/sa"
	"roam6/plane"
	wireaccess "roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/mh"
)

var psk = bytes.Repeat([]byte{5}, 16) // too short for anything but EAP

// byEAP is a stranded node that authenticates by EAP.
func byEAP(c *Config) {
	stranded(c)
	c.AAA = &AAA{LongTerm: psk, EAP: &EAP{Server: "aaah.home.example"}}
}

// server is the home network's end of a conversation.
func server(t *testing.T, key []byte) *eap.Server {
	t.Helper()
	k, err := gpsk.NewKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := eap.NewServer(eap.ServerConfig{Name: "aaah.home.example", Peer: nai, Key: k}, engine.NewRand([32]byte{6}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// answer is the home network's answer to a round: the next one, or the end with what it grants.
func (b *bench) answer(s *eap.Server, q question) (in engine.Packet, o eap.Outcome) {
	b.t.Helper()
	next, o := s.Handle(q.EAP)
	if next == nil {
		b.t.Fatalf("%x: %s", q.EAP, o.Reason)
	}
	r := &wireaccess.Reply{Result: uint32(diameter.MultiRoundAuth), EAP: next}
	switch o.Result {
	case eap.Failed:
		r.Result = 4001
	case eap.Succeeded:
		keys, _ := s.Keys()
		b.secret, _ = aaa.Exported(keys.EMSK(), aaa.Identity(q.NAI, q.HomeAddress), networkOf(q.r))
		r = b.granted(q, plainAck(q, 7))
		if u, ok := b.embedded(q); ok {
			r.Binding = plainAck(q, u.Seq)
			if u.Packet.Proto == 50 {
				r.Binding = b.ack(u, mh.Accepted, nil).Data
			}
		}
		r.EAP = next
	}
	return b.reply(q, r, o.Result == eap.Succeeded), o
}

// converse goes on from a request to the end.
func (b *bench) converse(s *eap.Server, q question) (effects []engine.Effect, o eap.Outcome) {
	b.t.Helper()
	for range 4 {
		var in engine.Packet
		if in, o = b.answer(s, q); o.Result != eap.Going {
			return b.do(in), o
		}
		q = b.question(b.do(in))
	}
	b.t.Fatal("too many rounds")
	return nil, o
}

// A node with a name and a short key is let in by EAP and has all it lacks; when it moves, again, with its update on the way.
func TestEAP(t *testing.T) { //spec DM-06 DM-18 DM-19
	for _, methods := range []Methods{RandomKeys, DHKeys} {
		b := newBench(t, func(c *Config) { byEAP(c); c.AAA.Methods = methods })
		b.up(wlan)
		q := b.question(b.closed(wlan, ar1))
		if name, ok := eap.Identity(q.EAP); q.Auth != nil || q.HostChallenge != nil || !ok || name != nai || q.Features == 0 || len(q.Keys) != 1 {
			t.Fatalf("asked for %+v", q.Request)
		}
		if v := b.n.View().(View).Links[0]; v.EAP != "idle" {
			t.Errorf("the view says %q", v.EAP)
		}
		effects, _ := b.converse(server(t, psk), q)
		b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
		if count(effects, eventLetIn) != 1 || b.n.accessOf(wlan).asked != (asked{}) {
			t.Error("not let in, or the conversation is kept")
		}
		b.down(wlan)
		b.up(wlan)
		q = b.question(b.closed(wlan, ar2))
		if q.Binding == nil || len(q.Keys) != 0 || q.EAP == nil {
			t.Fatalf("asked for %+v", q.Request)
		}
		b.converse(server(t, psk), q)
		b.want(plane.Tunnel, coaOf(prefixB, hw1), "bound")
	}
}

// Requests and replies get lost: the same octets come again, and the same answer; then the rounds go on.
func TestEAPLosesRounds(t *testing.T) { //spec DM-06
	b := newBench(t, byEAP)
	b.up(wlan)
	s, q := server(t, psk), b.question(b.closed(wlan, ar1))
	for range 3 {
		again := b.question(b.pass(enrol.FirstWait)) // the request was lost
		if again.id != q.id || !bytes.Equal(again.EAP, q.EAP) {
			t.Fatal("not the same request")
		}
		if _, o := b.answer(s, q); o.Result == eap.Failed { // the reply is lost
			t.Fatal(o)
		}
		again = b.question(b.pass(2 * enrol.FirstWait))
		in, o := b.answer(s, again)
		if o.Reason != eap.Repeated {
			t.Fatalf("answered anew: %v", o)
		}
		effects := b.do(in)
		if o.Result == eap.Succeeded {
			break
		}
		q = b.question(effects)
		if late := b.do(in); len(b.questions(late)) != 0 {
			t.Error("a reply that comes twice is answered twice")
		}
	}
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
}

// Whoever has another key is not believed, whichever end it is.
func TestEAPWrongKey(t *testing.T) { //spec DM-06
	b := newBench(t, byEAP)
	b.up(wlan)
	effects, o := b.converse(server(t, bytes.Repeat([]byte{6}, 16)), b.question(b.closed(wlan, ar1)))
	if o.Reason != eap.WrongMAC || b.has(effects, engine.EventFailed) {
		t.Fatal(o, "or an unproven refusal counts at once")
	}
	b.pass(10 * time.Second)
	if a := b.n.accessOf(wlan); a.applicant.State() != enrol.Resting || a.asked.peer != nil || !b.n.id.nobody() {
		t.Errorf("it is %s", a.applicant.State())
	}
	if !b.has(b.all, "access.refused") {
		t.Error("nobody hears that it was refused")
	}
	// A network that has no key makes no GPSK-3, and its Success is none; nor is one that it signs with a key of its own.
	b = newBench(t, byEAP)
	b.up(wlan)
	q := b.question(b.closed(wlan, ar1))
	in, _ := b.answer(server(t, psk), q)
	q = b.question(b.do(in))
	b.secret = bytes.Repeat([]byte{1}, aaa.KeyLen)
	for _, r := range []*wireaccess.Reply{{Result: 2001, EAP: []byte{3, q.EAP[1], 0, 4}}, {Result: uint32(diameter.MultiRoundAuth), EAP: []byte{3, q.EAP[1], 0, 4}}, {Result: uint32(diameter.MultiRoundAuth), EAP: []byte{1, 9, 0, 5, 51}}} {
		for _, signed := range []bool{false, true} {
			effects := b.do(b.reply(q, r, signed))
			if len(b.questions(effects)) != 0 || b.has(effects, eventLetIn) || len(b.drops(effects)) == 0 {
				t.Errorf("%+v is taken", r)
			}
		}
	}
}

// A server that is started again knows nothing of the conversation, and refuses what comes. The node rests and begins anew.
func TestEAPServerRestarts(t *testing.T) { //spec DM-06
	b := newBench(t, byEAP)
	b.up(wlan)
	in, _ := b.answer(server(t, psk), b.question(b.closed(wlan, ar1)))
	q := b.question(b.do(in))
	next, o := server(t, psk).Handle(q.EAP)
	if next != nil || o.Reason != eap.Unexpected {
		t.Fatal(o)
	}
	b.do(b.reply(q, &wireaccess.Reply{Result: 4001}, false))
	var again []question
	for range 40 {
		again = b.questions(b.stay(time.Second, wlan, ar1))
		if again = slices.DeleteFunc(again, func(x question) bool { return x.id == q.id }); len(again) > 0 {
			break
		}
	}
	if len(again) == 0 {
		t.Fatal("nothing is asked again")
	}
	if _, ok := eap.Identity(again[0].EAP); !ok {
		t.Fatalf("goes on with %x", again[0].EAP)
	}
	b.converse(server(t, psk), again[0])
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
}

// A node that moves in the middle begins anew; what comes late from the old network changes nothing.
func TestEAPMoves(t *testing.T) { //spec DM-06 DM-08
	b := newBench(t, byEAP)
	b.up(wlan)
	in, _ := b.answer(server(t, psk), b.question(b.closed(wlan, ar1)))
	b.question(b.do(in))
	b.down(wlan)
	b.up(wlan)
	q := b.question(b.closed(wlan, ar2))
	if _, ok := eap.Identity(q.EAP); !ok {
		t.Fatalf("goes on with %x", q.EAP)
	}
	if len(b.questions(b.do(in))) != 0 {
		t.Error("answers the network before")
	}
	b.converse(server(t, psk), q)
	b.want(plane.Tunnel, coaOf(prefixB, hw1), "bound")
}

func TestEAPConfig(t *testing.T) {
	for name, change := range map[string]func(*Config){ //order:any
		"a short key": func(c *Config) { c.AAA.LongTerm = psk[1:] },
		"no key":      func(c *Config) { c.AAA.LongTerm = nil },
		"a long name": func(c *Config) { c.AAA.EAP.Name = string(bytes.Repeat([]byte{'n'}, 255)) },
		"no EAP":      func(c *Config) { c.AAA.EAP = nil },
	} {
		b := newBench(t, nil)
		byEAP(&b.cfg)
		change(&b.cfg)
		if _, err := New(b.cfg, [32]byte{}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	b := newBench(t, func(c *Config) {
		byEAP(c)
		c.NAI, c.HomeAddress, c.HomePrefix, c.Security = "", hoa, netip.PrefixFrom(hoa, 64).Masked(), sa.Config{}
	})
	b.up(wlan)
	if name, _ := eap.Identity(b.question(b.closed(wlan, ar1)).EAP); name != hoa.String() {
		t.Errorf("it is called %q", name)
	}
}
