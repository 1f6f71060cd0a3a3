package aaa

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"roam6/keying/esp"
)

const (
	mn      = "nai:mn1@home.example"
	visited = "visited.example"
	agent   = "2001:db8:1::1"
)

// ramp is n octets that count up from first.
func ramp(first, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(first + i)
	}
	return b
}

func exchange() Exchange {
	return Exchange{HostChallenge: ramp(0x21, 16), LocalChallenge: ramp(0x11, 8),
		CareOf: netip.MustParseAddr("2001:db8:a:1:0:ff:fe00:a01"), Request: []byte("the request")}
}

func key(t *testing.T, longTerm []byte, mn, visited string) Key {
	t.Helper()
	k, err := NewKey(longTerm, mn, visited)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ours(t *testing.T) Key { return key(t, ramp(0, 32), mn, visited) }

// The values were computed by a Python program that shares no code with this one: HKDF and X25519 of the package cryptography 48.0 (on
// OpenSSL 3), HMAC of the standard library, the fields put together by hand as the comments of this package say.
func TestVectors(t *testing.T) { //spec DM-05 DM-19 DM-20
	k, x := ours(t), exchange()
	s, err := k.Session(HomeAgent, ramp(0x40, 32))
	if err != nil {
		t.Fatal(err)
	}
	toPeer, toMobile := s.ESP(HomeAgent, mn, agent, 512, 256)
	a, b := private(t, 0x80), private(t, 0xa0)
	p := Parties{AccessRouter, mn, visited, a.Public(), b.Public()}
	dh, err := a.Session(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"answer", k.Answer(x), "160e37645ec4fa6ebe2e7f345d140bcf"},
		{"greeting", k.Greeting(x, []byte("the reply")), "7e1317ea674de7392c974d43e5881a6e"},
		{"session", s.Octets(), "4e6f1a17bcf3d536720d6e35c1e29217c9845d9d51a91b93ae206979f69ead4b"},
		{"to peer", toPeer, "57bcae7c0305136578209eea50f64b038a9cf3cc9f8ab8a3f0c756fca15f65f5ecf6c457"},
		{"to mobile", toMobile, "0577e7e9e8b3d8558bf90a88d070773a152698913cd860fda5e23543aa643fe7a3624f73"},
		{"public a", a.Public(), "493e82fc74464a59268817623d2053c5eb8e2cc4a988b4fee179ec6b010d531d"},
		{"public b", b.Public(), "605a725d2a4adfeeb1a29e17edd621c1b7593ee8cdbc44ac6c4ab6e2f805d23c"},
		{"diffie-hellman", dh.Octets(), "3d198da8de5972328eb9e73192dbabd6c93b966412ec57c86da86f2924aed631"},
		{"vouch", k.Vouch(AccessRouter, x.HostChallenge, a.Public(), b.Public(), 513), "9489adbe0c6f2717eee39728e2772ace"},
	} {
		if hex.EncodeToString(c.got) != c.want {
			t.Errorf("%s: %x, want %s", c.name, c.got, c.want)
		}
	}
}

func private(t *testing.T, first int) Private {
	t.Helper()
	p, err := NewPrivate(ramp(first, PublicLen))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// flip calls f with every one-bit change of b, one after the other.
func flip(b []byte, f func(changed []byte)) {
	for i := range 8 * len(b) {
		c := slices.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		f(c)
	}
}

// Each bit of each input matters, on both authenticators, and the moving of octets between fields too.
func TestEveryBitMatters(t *testing.T) { //spec DM-05
	x, reply := exchange(), []byte("the reply")
	answer, greeting := ours(t).Answer(x), ours(t).Greeting(x, reply)
	if !ours(t).VerifyAnswer(exchange(), answer) || !ours(t).VerifyGreeting(exchange(), []byte("the reply"), greeting) {
		t.Fatal("what is right is refused")
	}
	refused := func(what string, k Key, x Exchange, reply []byte) {
		t.Helper()
		if k.VerifyGreeting(x, reply, greeting) {
			t.Errorf("%s: the network's is taken", what)
		}
		if what != "reply" && k.VerifyAnswer(x, answer) {
			t.Errorf("%s: the mobile node's is taken", what)
		}
	}
	field := func(what string, of func(*Exchange) *[]byte) {
		base := exchange()
		flip(*of(&base), func(c []byte) {
			x := exchange()
			*of(&x) = c
			refused(what, ours(t), x, reply)
		})
	}
	field("host challenge", func(x *Exchange) *[]byte { return &x.HostChallenge })
	field("local challenge", func(x *Exchange) *[]byte { return &x.LocalChallenge })
	field("request", func(x *Exchange) *[]byte { return &x.Request })
	a := x.CareOf.As16()
	flip(a[:], func(c []byte) {
		x := exchange()
		x.CareOf = netip.AddrFrom16([16]byte(c))
		refused("care-of address", ours(t), x, reply)
	})
	flip(reply, func(c []byte) { refused("reply", ours(t), x, c) })
	flip(ramp(0, 32), func(c []byte) { refused("long-term key", key(t, c, mn, visited), x, reply) })
	flip([]byte(mn), func(c []byte) { refused("identity", key(t, ramp(0, 32), string(c), visited), x, reply) })
	flip([]byte(visited), func(c []byte) { refused("network", key(t, ramp(0, 32), mn, string(c)), x, reply) })

	moved := exchange()
	moved.HostChallenge, moved.LocalChallenge = append(moved.HostChallenge, moved.LocalChallenge[0]), moved.LocalChallenge[1:]
	refused("an octet moved", ours(t), moved, reply)
	flip(answer, func(c []byte) {
		if ours(t).VerifyAnswer(x, c) {
			t.Errorf("%x is taken for %x", c, answer)
		}
	})
	for _, bad := range [][]byte{nil, answer[:15], append(slices.Clone(answer), 0), greeting} {
		if ours(t).VerifyAnswer(x, bad) {
			t.Errorf("%x is taken", bad)
		}
	}
}

// Every key of every purpose, party and number is another one.
func TestKeysAreApart(t *testing.T) { //spec DM-19
	seen := map[string]string{}
	add := func(what string, b []byte) {
		t.Helper()
		if other, ok := seen[string(b)]; ok {
			t.Errorf("%s is the same as %s", what, other)
		}
		seen[string(b)] = what
	}
	for _, k := range []Key{ours(t), key(t, ramp(1, 32), mn, visited), key(t, ramp(0, 32), mn+"x", visited), key(t, ramp(0, 32), mn, visited+"x")} {
		for _, use := range []Use{HomeAgent, AccessRouter} {
			for _, random := range [][]byte{ramp(0, 32), ramp(1, 32)} {
				s, err := k.Session(use, random)
				if err != nil {
					t.Fatal(err)
				}
				add("a session", s.Octets())
				for _, p := range []struct {
					mn, peer string
					out, in  uint32
				}{{mn, agent, 512, 256}, {mn, agent, 256, 512}, {mn, agent, 512, 257}, {mn, "2001:db8:1::2", 512, 256}, {mn + "x", agent, 512, 256}} {
					toPeer, toMobile := s.ESP(use, p.mn, p.peer, p.out, p.in)
					add("an ESP key to the peer", toPeer)
					add("an ESP key to the mobile node", toMobile)
				}
			}
		}
	}
}

// What comes out is what an association takes, and a packet of one end opens at the other.
func TestESPKeysFit(t *testing.T) { //spec DM-19
	s, err := ours(t).Session(HomeAgent, ramp(9, 32))
	if err != nil {
		t.Fatal(err)
	}
	peer, err := NewSession(s.Octets()) // as it comes over Diameter
	if err != nil {
		t.Fatal(err)
	}
	a, _ := s.ESP(HomeAgent, mn, agent, 512, 256)
	b, _ := peer.ESP(HomeAgent, mn, agent, 512, 256)
	mine, err := esp.NewKey(a)
	if err != nil {
		t.Fatal(err)
	}
	its, err := esp.NewKey(b)
	if err != nil {
		t.Fatal(err)
	}
	next, clear, err := esp.Open(esp.Seal(nil, mine, 512, 1, 135, []byte("update")), its, 1)
	if err != nil || next != 135 || string(clear) != "update" {
		t.Errorf("%d %q %v", next, clear, err)
	}
}

func TestSizesAreRefused(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := NewKey(make([]byte, n), mn, visited); err == nil || !strings.Contains(err.Error(), "use 32") {
			t.Errorf("a long-term key of %d octets: %v", n, err)
		}
		if _, err := NewSession(make([]byte, n)); err == nil {
			t.Errorf("a session key of %d octets is taken", n)
		}
		if _, err := ours(t).Session(HomeAgent, make([]byte, n)); err == nil {
			t.Errorf("a random number of %d octets is taken", n)
		}
		if _, err := NewPrivate(make([]byte, n)); err == nil || !strings.Contains(err.Error(), fmt.Sprint(n, " octets")) {
			t.Errorf("a secret of %d octets: %v", n, err)
		}
	}
	for _, c := range [][2]string{{"", visited}, {mn, ""}} {
		if _, err := NewKey(make([]byte, 32), c[0], c[1]); err == nil {
			t.Errorf("%q is taken", c)
		}
	}
}

func TestIdentity(t *testing.T) {
	home := netip.MustParseAddr("2001:db8:1::100")
	for _, c := range []struct {
		nai  string
		home netip.Addr
		want string
	}{
		{"mn1@home.example", netip.Addr{}, "nai:mn1@home.example"},
		{"mn1@home.example", home, "nai:mn1@home.example"},
		{"", home, "home:2001:db8:1::100"},
		{"2001:db8:1::100", home, "nai:2001:db8:1::100"},
	} {
		if got := Identity(c.nai, c.home); got != c.want {
			t.Errorf("%q %v: %q, want %q", c.nai, c.home, got, c.want)
		}
	}
}

// holder keeps keys where no method of theirs is called when it prints.
type holder struct {
	k Key
	s Session
	p Private
}

func TestNothingPrints(t *testing.T) {
	secret := ramp(0x80, 32)
	k := key(t, secret, mn, visited)
	s, err := NewSession(secret)
	if err != nil {
		t.Fatal(err)
	}
	p := private(t, 0x80)
	js, err := json.Marshal([]any{k, s, p})
	if err != nil {
		t.Fatal(err)
	}
	all := string(js)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		all += fmt.Sprintf(verb+verb+verb+verb, k, s, p, holder{k, s, p})
	}
	for _, form := range []string{hex.EncodeToString(secret[:4]), "80 81", "128 129 130", "0x80, 0x81", "\x80\x81\x82"} {
		if strings.Contains(strings.ToLower(all), form) {
			t.Errorf("%q is printed", form)
		}
	}
}

func TestErase(t *testing.T) {
	k := ours(t)
	before := k.Answer(exchange())
	k.Erase()
	s, _ := NewSession(ramp(1, 32))
	s.Erase()
	if bytes.Equal(k.Answer(exchange()), before) || !bytes.Equal(s.Octets(), make([]byte, 32)) {
		t.Error("a key is there after Erase")
	}
}

// Both ends make the same key, of which nobody else's view of the exchange gives anything.
func TestDiffieHellman(t *testing.T) { //spec DM-20
	a, b, c := private(t, 0x80), private(t, 0xa0), private(t, 0xc0)
	p := Parties{HomeAgent, mn, visited, a.Public(), b.Public()}
	of := func(q Private, p Parties) string {
		t.Helper()
		s, err := q.Session(p)
		if err != nil {
			t.Fatal(err)
		}
		return string(s.Octets())
	}
	want := of(a, p)
	if of(b, p) != want {
		t.Error("the two ends do not agree")
	}
	for what, q := range map[string]Parties{ //order:any
		"use":          {AccessRouter, mn, visited, a.Public(), b.Public()},
		"mobile node":  {HomeAgent, mn + "x", visited, a.Public(), b.Public()},
		"network":      {HomeAgent, mn, visited + "x", a.Public(), b.Public()},
		"sides":        {HomeAgent, mn, visited, b.Public(), a.Public()},
		"public value": {HomeAgent, mn, visited, a.Public(), c.Public()},
	} {
		if of(a, q) == want {
			t.Errorf("%s does not matter", what)
		}
	}
	if _, err := c.Session(p); !errors.Is(err, ErrPublic) {
		t.Errorf("an exchange of others: %v", err)
	}
}

// RFC 7748 §6.1: a result of zeros is refused. These points give it with every secret: 0, 1, the two of order 8, p-1, p and p+1.
func TestSmallPointsAreRefused(t *testing.T) { //spec DM-20
	a := private(t, 0x80)
	for _, h := range []string{
		strings.Repeat("00", 32),
		"01" + strings.Repeat("00", 31),
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		point, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Session(Parties{HomeAgent, mn, visited, a.Public(), point}); !errors.Is(err, ErrPublic) {
			t.Errorf("%s: %v", h, err)
		}
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := a.Session(Parties{HomeAgent, mn, visited, a.Public(), make([]byte, n)}); !errors.Is(err, ErrPublic) {
			t.Errorf("a public value of %d octets: %v", n, err)
		}
	}
}

func TestVouch(t *testing.T) { //spec DM-20
	host, a, b := ramp(1, 16), ramp(2, 32), ramp(3, 32)
	mac := ours(t).Vouch(HomeAgent, host, a, b, 513)
	if !ours(t).VerifyVouch(HomeAgent, host, a, b, 513, mac) {
		t.Fatal("what is right is refused")
	}
	refused := func(what string, ok bool) {
		t.Helper()
		if ok {
			t.Errorf("another %s is taken", what)
		}
	}
	flip(host, func(c []byte) { refused("host challenge", ours(t).VerifyVouch(HomeAgent, c, a, b, 513, mac)) })
	flip(a, func(c []byte) {
		refused("value of the mobile node", ours(t).VerifyVouch(HomeAgent, host, c, b, 513, mac))
	})
	flip(b, func(c []byte) { refused("value of the peer", ours(t).VerifyVouch(HomeAgent, host, a, c, 513, mac)) })
	flip(mac, func(c []byte) { refused("MAC", ours(t).VerifyVouch(HomeAgent, host, a, b, 513, c)) })
	refused("use", ours(t).VerifyVouch(AccessRouter, host, a, b, 513, mac))
	refused("SPI", ours(t).VerifyVouch(HomeAgent, host, a, b, 514, mac))
	refused("key", key(t, ramp(1, 32), mn, visited).VerifyVouch(HomeAgent, host, a, b, 513, mac))
}

// A drawn secret is that of the octets drawn, no more of which are taken than it has; without randomness there is none.
func TestDrawPrivate(t *testing.T) {
	octets := ramp(9, PublicLen+1)
	r := bytes.NewReader(octets)
	want, err := NewPrivate(octets[:PublicLen])
	if err != nil {
		t.Fatal(err)
	}
	if got := DrawPrivate(r).Public(); !bytes.Equal(got, want.Public()) || r.Len() != 1 {
		t.Errorf("public value %x, want %x; %d octets left", got, want.Public(), r.Len())
	}
	defer func() {
		if recover() == nil {
			t.Error("a secret was drawn of one octet")
		}
	}()
	DrawPrivate(r)
}
