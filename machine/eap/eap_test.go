package eap

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"roam6/engine"
	"roam6/keying/gpsk"
	wire "roam6/wire/eap"
)

const (
	nai    = "mn1@home.example"
	server = "aaah.home.example"
)

var longTerm = bytes.Repeat([]byte("0123456789abcdef"), 2)

func secret(t fataler, psk []byte) gpsk.Key {
	t.Helper()
	k, err := gpsk.NewKey(psk)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// walked are the edges that tests took.
var walked = map[state]map[state]bool{}

func walk(from, to state) {
	if walked[from] == nil {
		walked[from] = map[state]bool{}
	}
	walked[from][to] = true
}

// pair is a conversation.
type pair struct {
	t      fataler
	peer   *Peer
	server *Server
	last   struct{ peer, server Outcome }
}

// with makes a pair; change may edit what each is told.
func with(t fataler, seed byte, change func(p *PeerConfig, s *ServerConfig)) *pair {
	t.Helper()
	p := PeerConfig{Identity: nai, Server: server, Key: secret(t, longTerm)}
	s := ServerConfig{Name: server, Peer: nai, Key: secret(t, longTerm)}
	if change != nil {
		change(&p, &s)
	}
	rand := engine.NewRand([32]byte{seed})
	x := &pair{t: t}
	var err error
	if x.peer, err = NewPeer(p, rand); err != nil {
		t.Fatal(err)
	}
	if x.server, err = NewServer(s, rand); err != nil {
		t.Fatal(err)
	}
	return x
}

func suites(list ...gpsk.Suite) func(p *PeerConfig, s *ServerConfig) {
	return func(p *PeerConfig, s *ServerConfig) { p.Suites, s.Suites = list, list }
}

// toPeer hands a packet over and checks that what is refused changes nothing.
func (x *pair) toPeer(b []byte) []byte {
	x.t.Helper()
	before, from := glance(x.peer), x.peer.state
	out, o := x.peer.Handle(b)
	x.last.peer = o
	walk(from, x.peer.state)
	if out == nil && o.Result == Going && o.Reason == "" {
		x.t.Errorf("%x: the peer says nothing and gives no reason", b)
	}
	if out == nil && o.Result == Going && before != glance(x.peer) {
		x.t.Errorf("%x refused as %q:\n%s\n%s", b, o.Reason, before, glance(x.peer))
	}
	if _, ok := x.peer.Keys(); ok != (x.peer.result == Succeeded) {
		x.t.Errorf("keys: %v", ok)
	}
	if k, ok := x.peer.Proven(); ok != (x.peer.state == proved || x.peer.result == Succeeded) || ok != k.Valid() {
		x.t.Errorf("proven keys: %v", ok)
	}
	return out
}

func (x *pair) toServer(b []byte) []byte {
	x.t.Helper()
	before, from := glance(x.server), x.server.state
	out, o := x.server.Handle(b)
	x.last.server = o
	walk(from, x.server.state)
	if out == nil && (o.Reason == "" || before != glance(x.server)) {
		x.t.Errorf("%x refused as %q:\n%s\n%s", b, o.Reason, before, glance(x.server))
	}
	return out
}

// glance is all of an end that does not hide.
func glance(v any) string {
	switch v := v.(type) {
	case *Peer:
		return fmt.Sprintf("%s %s %q %d %x %x %x", v.state, v.result, v.why, v.rounds, v.request, v.response, v.run)
	case *Server:
		return fmt.Sprintf("%s %s %q %q %d %x %x", v.state, v.result, v.why, v.identity, v.id, v.request, v.response)
	}
	return ""
}

// converse carries a request and what follows it between the ends until one is silent. It returns what was carried.
func (x *pair) converse(request []byte) (packets [][]byte) {
	x.t.Helper()
	for request != nil && len(packets) < 40 {
		response := x.toPeer(request)
		packets = append(packets, request)
		if response == nil {
			break
		}
		packets = append(packets, response)
		request = x.toServer(response)
	}
	return packets
}

// agreed says whether both succeeded, with equal keys.
func (x *pair) agreed() bool {
	x.t.Helper()
	a, one := x.peer.Keys()
	b, two := x.server.Keys()
	return one && two && a.Equal(b) && bytes.Equal(a.MSK(), b.MSK()) && bytes.Equal(a.EMSK(), b.EMSK()) && len(a.MSK()) == 64 &&
		bytes.Equal(a.SessionID(), b.SessionID())
}

func TestConversation(t *testing.T) { //spec DM-06
	for _, c := range []struct {
		name   string
		change func(p *PeerConfig, s *ServerConfig)
		suite  gpsk.Suite
	}{
		{"default", nil, gpsk.SHA256},
		{"AES", suites(gpsk.AES), gpsk.AES},
		{"the peer prefers", func(p *PeerConfig, _ *ServerConfig) { p.Suites = []gpsk.Suite{gpsk.AES, gpsk.SHA256} }, gpsk.AES},
		{"a short key", func(p *PeerConfig, s *ServerConfig) { p.Key = secret(t, longTerm[:16]); s.Key = p.Key }, gpsk.AES},
		{"any server", func(p *PeerConfig, _ *ServerConfig) { p.Server = "" }, gpsk.SHA256},
		{"a name of its own", func(p *PeerConfig, s *ServerConfig) { p.Name = "card 7"; s.Peer = "card 7" }, gpsk.SHA256},
	} {
		for _, begun := range []bool{false, true} {
			x := with(t, 1, c.change)
			first := x.server.Start
			if begun {
				first = func() []byte { return x.toServer(x.peer.Begin()) }
			}
			packets := x.converse(first())
			if !x.agreed() {
				t.Errorf("%s: the peer %+v, the server %+v, %d packets", c.name, x.last.peer, x.last.server, len(packets))
				continue
			}
			if k, _ := x.peer.Keys(); k.Suite() != c.suite || x.server.Identity() != nai || x.peer.State() != "succeeded" || x.server.State() != "succeeded" {
				t.Errorf("%s: suite %d, identity %q", c.name, k.Suite(), x.server.Identity())
			}
			want := 7 // Identity twice, GPSK-1 to GPSK-4, Success
			if begun {
				want = 5
			}
			if len(packets) != want {
				t.Errorf("%s: %d packets, want %d", c.name, len(packets), want)
			}
			for _, p := range packets {
				if len(p) > 1020 { // RFC 3748 §3.1: no fragmentation is needed
					t.Errorf("a packet of %d octets", len(p))
				}
			}
		}
	}
}

// Whatever is wrong, neither end succeeds, and both know why.
func TestFailures(t *testing.T) {
	other := bytes.Repeat([]byte{7}, 32)
	for name, c := range map[string]struct { //order:any
		change       func(p *PeerConfig, s *ServerConfig)
		peer, server string
	}{
		"wrong key at the peer": {func(p *PeerConfig, _ *ServerConfig) { p.Key = secret(t, other) }, Refused, WrongMAC},
		"unknown peer":          {func(_ *PeerConfig, s *ServerConfig) { s.Key = gpsk.Key{}; s.Peer = "" }, Refused, UnknownPeer},
		"wrong name":            {func(_ *PeerConfig, s *ServerConfig) { s.Peer = "mn2@home.example" }, Refused, UnknownPeer},
		"not authorized":        {func(_ *PeerConfig, s *ServerConfig) { s.Denied = true }, Denied, NotAuthorized},
		"wrong server":          {func(p *PeerConfig, _ *ServerConfig) { p.Server = "aaah.other.example" }, WrongServer, NoMethod},
		"no common suite": {func(p *PeerConfig, s *ServerConfig) {
			p.Suites, s.Suites = []gpsk.Suite{gpsk.AES}, []gpsk.Suite{gpsk.SHA256}
		}, NoSuite, NoMethod},
	} {
		x := with(t, 2, c.change)
		packets := x.converse(x.server.Start())
		if x.peer.result != Failed || x.server.result != Failed || x.last.peer.Reason != c.peer || x.last.server.Reason != c.server {
			t.Errorf("%s: the peer %+v, the server %+v after %d packets, want %q and %q", name, x.last.peer, x.last.server, len(packets), c.peer, c.server)
		}
		for _, k := range []gpsk.Keys{x.peer.keys, x.server.keys} {
			if k.Valid() && !bytes.Equal(k.MSK(), make([]byte, gpsk.MSKLen)) {
				t.Errorf("%s: keys are left", name)
			}
		}
	}
}

// An unknown peer sees what one with a wrong key sees.
func TestUnknownPeerLooksLikeWrongKey(t *testing.T) {
	runs := make([][][]byte, 2)
	for i, key := range []gpsk.Key{{}, secret(t, bytes.Repeat([]byte{7}, 32))} {
		x := with(t, 3, func(_ *PeerConfig, s *ServerConfig) { s.Key = key })
		runs[i] = x.converse(x.server.Start())
	}
	if fmt.Sprintf("%x", runs[0]) != fmt.Sprintf("%x", runs[1]) {
		t.Errorf("\n%x\n%x", runs[0], runs[1])
	}
}

// Whatever is lost once, the lower layer's repetition finds the conversation as it was: a request answered by the same response, a
// response by the same request.
func TestRepetitions(t *testing.T) {
	x := with(t, 4, nil)
	response := x.peer.Begin()
	if !bytes.Equal(response, x.peer.Begin()) {
		t.Error("Begin gives two identities")
	}
	for x.peer.result == Going {
		request := x.toServer(response)
		if again := x.toServer(append(bytes.Clone(response), "padding"...)); !bytes.Equal(again, request) || x.last.server.Reason != Repeated {
			t.Fatalf("the server: %x, then %x, %+v", request, again, x.last.server)
		}
		next := x.toPeer(request)
		if x.peer.result != Going {
			break
		}
		if again := x.toPeer(request); !bytes.Equal(again, next) || x.last.peer.Reason != Repeated {
			t.Fatalf("the peer: %x, then %x, %+v", next, again, x.last.peer)
		}
		response = next
	}
	if !x.agreed() {
		t.Errorf("the peer %+v, the server %+v", x.last.peer, x.last.server)
	}
	if out := x.toServer(response); out == nil || x.last.server != (Outcome{Succeeded, Repeated, nil}) {
		t.Errorf("a Success that was lost: %x, %+v", out, x.last.server)
	}
}

// A server may begin with another method, a notification or an Expanded Type of the same one.
func TestNegotiation(t *testing.T) {
	x := with(t, 5, nil)
	ask := func(q wire.Packet) wire.Packet {
		t.Helper()
		q.Code = wire.Request
		p, err := wire.Parse(x.toPeer(q.Append(nil)))
		if err != nil || p.ID != q.ID || p.Code != wire.Response || p.Expanded != q.Expanded {
			t.Fatalf("%v: %+v, %v, %+v", q.Method, p, err, x.last.peer)
		}
		return p
	}
	for _, q := range []wire.Packet{{ID: 1, Method: wire.MD5, Data: []byte("x")}, {ID: 2, Method: wire.Method{Vendor: 20, Type: 6}, Expanded: true}} {
		if list, err := wire.ParseNak(ask(q)); err != nil || len(list) != 1 || list[0] != wire.GPSK || x.last.peer.Reason != NoMethod {
			t.Errorf("%v: %v, %v", q.Method, list, err)
		}
	}
	if p := ask(wire.Packet{ID: 3, Method: wire.Notification, Data: []byte("hello")}); p.Method != wire.Notification || len(p.Data) != 0 {
		t.Errorf("%+v", p)
	}
	if p := ask(wire.Packet{ID: 4, Method: wire.Identity, Expanded: true}); string(p.Data) != nai {
		t.Errorf("%+v", p)
	}
	m := &wire.GPSK1{Server: []byte(server), Suites: x.peer.suites}
	if p := ask(wire.Packet{ID: 5, Method: wire.GPSK, Expanded: true, Data: m.Append(nil)}); p.Method != wire.GPSK || p.Data[0] != byte(wire.OpGPSK2) {
		t.Errorf("%+v", p)
	}
}

func TestRoundsAreLimited(t *testing.T) {
	x := with(t, 6, nil)
	for i := range MaxRounds {
		if out := x.toPeer(wire.Packet{Code: wire.Request, ID: uint8(i), Method: wire.Notification}.Append(nil)); out == nil {
			t.Fatalf("round %d: %+v", i, x.last.peer)
		}
	}
	if out := x.toPeer(wire.Packet{Code: wire.Request, ID: 99, Method: wire.Notification}.Append(nil)); out != nil || x.last.peer != (Outcome{Failed, TooManyRounds, nil}) {
		t.Errorf("%x, %+v", out, x.last.peer)
	}

	x = with(t, 6, nil) // what was proved stays so
	gpsk3 := x.toServer(x.toPeer(x.toServer(x.peer.Begin())))
	gpsk4 := x.toPeer(gpsk3)
	for i := 1; x.last.peer.Reason != TooManyRounds; i++ {
		b := bytes.Clone(gpsk3)
		b[1] += byte(i)
		if x.toPeer(b); i > MaxRounds {
			t.Fatalf("round %d: %+v", i, x.last.peer)
		}
	}
	if x.peer.rounds != MaxRounds || x.peer.state != proved {
		t.Errorf("%s after %d rounds", x.peer.State(), x.peer.rounds)
	}
	if x.toServer(gpsk4); x.server.result != Succeeded {
		t.Errorf("the server: %+v", x.last.server)
	}
}

// Either end can be given up wherever it stands. Then no key is left, of which somebody who knows what overwritten keys are could make use,
// and it takes nothing more.
func TestGivenUp(t *testing.T) {
	for stage := -2; stage <= success; stage++ { // -2: nothing was said, -1: the server has asked for the identity
		x, next := with(t, 8, nil), []byte(nil)
		switch {
		case stage >= gpsk1:
			next = x.reach(stage)
		case stage == -1:
			next = x.server.Start()
		}
		peer, server := x.peer.state, x.server.state
		results := [2]Result{x.peer.result, x.server.result}
		x.peer.End()
		x.server.End()
		if peer != over {
			walk(peer, x.peer.state)
		}
		if server != over {
			walk(server, x.server.state)
		}
		for i, r := range []Result{x.peer.result, x.server.result} {
			if want := max(results[i], Failed); results[i] == Going && r != want || results[i] != Going && r != results[i] {
				t.Errorf("stage %d: %v, was %v", stage, r, results[i])
			}
		}
		for _, k := range []gpsk.Keys{x.peer.keys, x.server.keys} {
			if k.Valid() && !bytes.Equal(k.MSK(), make([]byte, gpsk.MSKLen)) {
				t.Errorf("stage %d: keys are left", stage)
			}
		}
		zeros := secret(t, make([]byte, len(longTerm)))
		for _, k := range []gpsk.Key{x.peer.cfg.Key, x.server.cfg.Key} {
			if !k.Derive(gpsk.Run{Suite: gpsk.SHA256}).Equal(zeros.Derive(gpsk.Run{Suite: gpsk.SHA256})) {
				t.Errorf("stage %d: the pre-shared key is left", stage)
			}
		}
		if out := x.toPeer(next); out != nil || x.last.peer.Reason == "" {
			t.Errorf("stage %d: the peer answers %x", stage, out)
		}
		if out := x.toServer(packet(x.server.id, wire.Response, wire.Identity, []byte(nai))); out != nil || x.last.server.Reason != Over {
			t.Errorf("stage %d: the server answers %x, %+v", stage, out, x.last.server)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	key, long := secret(t, longTerm), string(make([]byte, 255))
	rand := engine.NewRand([32]byte{})
	for name, p := range map[string]PeerConfig{ //order:any
		"no identity": {Key: key}, "no key": {Identity: nai}, "long identity": {Identity: long, Key: key}, "long server": {Identity: nai, Server: long, Key: key},
		"long name": {Identity: nai, Name: long, Key: key}, "suite": {Identity: nai, Key: key, Suites: []gpsk.Suite{9}},
		"short key": {Identity: nai, Key: secret(t, longTerm[:16]), Suites: []gpsk.Suite{gpsk.SHA256}},
	} {
		if x, err := NewPeer(p, rand); x != nil || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, s := range map[string]ServerConfig{ //order:any
		"no name": {Peer: nai, Key: key}, "no peer": {Name: server, Key: key}, "long name": {Name: long, Peer: nai, Key: key}, "suite": {Name: server, Peer: nai, Key: key, Suites: []gpsk.Suite{0}},
	} {
		if x, err := NewServer(s, rand); x != nil || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	x := with(t, 1, nil)
	x.converse(x.server.Start())
	keys, _ := x.peer.Keys()
	for _, v := range []any{x.peer, *x.peer, x.peer.cfg, x.server, *x.server, x.server.cfg, keys} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			s := strings.ToLower(fmt.Sprintf(verb, v))
			for _, secret := range [][]byte{longTerm, keys.MSK(), keys.EMSK()} {
				for _, form := range []string{"%s", "%x", "%d", "%#v"} {
					if shown := fmt.Sprintf(form, secret[:8]); strings.Contains(s, strings.Trim(shown, "[]")) {
						t.Errorf("%s of %T shows %s", verb, v, shown)
					}
				}
			}
		}
	}
}

func TestIdentity(t *testing.T) {
	x := with(t, 9, nil)
	if s, ok := Identity(x.peer.Begin()); s != nai || !ok {
		t.Errorf("%q, %v", s, ok)
	}
	for _, b := range [][]byte{nil, x.server.Start(), {3, 0, 0, 4}} {
		if s, ok := Identity(b); ok {
			t.Errorf("%x: %q", b, s)
		}
	}
}
