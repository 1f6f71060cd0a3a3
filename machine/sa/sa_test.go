package sa

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/replay"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

var (
	hoa = netip.MustParseAddr("2001:db8:1::10")
	coa = netip.MustParseAddr("2001:db8:a:1::99")
	ha  = netip.MustParseAddr("2001:db8:1::1")

	// What a mobile node away from home sends, and what it gets.
	up   = ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, HomeAddress: hoa}
	down = ip6.Packet{Header: ip6.Header{Src: ha, Dst: coa}, Routing2: hoa}
	// The same at home.
	homeUp   = ip6.Packet{Header: ip6.Header{Src: hoa, Dst: ha}}
	homeDown = ip6.Packet{Header: ip6.Header{Src: ha, Dst: hoa}}
)

var (
	key1 = []byte("0123456789abcdefSALT")
	key2 = []byte("fedcba9876543210TLAS")
)

func espConfigs() (mn, home Config) {
	return Config{ESP: &ESPConfig{OutSPI: 0x1001, InSPI: 0x1002, OutKey: key1, InKey: key2}},
		Config{ESP: &ESPConfig{OutSPI: 0x1002, InSPI: 0x1001, OutKey: key2, InKey: key1}}
}

func authConfig(algorithm string) Config {
	return Config{Auth: &AuthConfig{SPI: 0x2001, Key: key1, Algorithm: algorithm}}
}

// pair is a mobile node and a home agent that have just started.
func pair(t testing.TB, kind string) (mn, home *SA) {
	t.Helper()
	a, b := espConfigs()
	switch kind {
	case "auth":
		a, b = authConfig(""), authConfig("")
	case "auth-sha1":
		a, b = authConfig("hmac-sha1-96"), authConfig("hmac-sha1-96")
	}
	return must(t, a, "ha"), must(t, b, "mn1")
}

func must(t testing.TB, c Config, peer string) *SA {
	t.Helper()
	s, err := New(c, peer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var kinds = []string{"esp", "auth", "auth-sha1"}

func at(d time.Duration) engine.Now {
	return engine.Now{Mono: engine.Mono(d), Wall: time.Date(2026, 3, 1, 12, 0, 0, 12345678, time.UTC).Add(d)}
}

func update(seq uint16) *mh.BindingUpdate {
	return &mh.BindingUpdate{Seq: seq, Ack: true, Home: true, Lifetime: 420 * time.Second, Options: mh.Options{AltCareOf: coa}}
}

// verify parses and verifies; it fails the test when the packet itself does not parse.
func verify(t testing.TB, s *SA, now engine.Now, b []byte) (mh.Message, string) {
	t.Helper()
	p, err := ip6.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	m, reason := s.Verify(now, &p)
	if (m == nil) != (reason != "") {
		t.Fatalf("message %v with reason %q", m, reason)
	}
	return m, reason
}

func TestUpdateAndAck(t *testing.T) { //spec MIP-02 MIP-03
	for _, kind := range kinds {
		for _, way := range []struct{ up, down ip6.Packet }{{up, down}, {homeUp, homeDown}} {
			mn, home := pair(t, kind)
			var out engine.Effects
			bu := update(7)
			m, reason := verify(t, home, at(40*time.Millisecond), mn.Protect(at(0), way.up, bu, &out))
			got, ok := m.(*mh.BindingUpdate)
			if !ok || got.Seq != 7 || got.Options.AltCareOf != coa || got.Lifetime != bu.Lifetime {
				t.Fatalf("%s: update arrives as %+v, %q", kind, m, reason)
			}
			if bu.Options.Auth != nil || bu.Options.Timestamp != 0 {
				t.Errorf("%s: Protect changed the message", kind)
			}
			m, reason = verify(t, mn, at(80*time.Millisecond), home.Protect(at(40*time.Millisecond), way.down, &mh.BindingAck{Seq: 7}, &out))
			if ack, ok := m.(*mh.BindingAck); !ok || ack.Seq != 7 {
				t.Fatalf("%s: acknowledgement arrives as %+v, %q", kind, m, reason)
			}
		}
	}
}

// The outer headers are those of RFC 6275 §6.3 and §6.4, then ESP (RFC 4877 §3.1), then nothing readable.
func TestLayoutOfESP(t *testing.T) { //spec MIP-02
	mn, home := pair(t, "esp")
	var out engine.Effects
	p, err := ip6.Parse(mn.Protect(at(0), up, update(7), &out))
	if err != nil || p.HomeAddress != hoa || p.Src != coa || p.Dst != ha || p.Proto != ip6.ProtoESP {
		t.Errorf("update: %+v, %v", p, err)
	}
	if a := coa.As16(); bytes.Contains(p.Payload, a[:]) {
		t.Error("the alternate care-of address is readable")
	}
	p, err = ip6.Parse(home.Protect(at(0), down, &mh.BindingAck{}, &out))
	if err != nil || p.Routing2 != hoa || p.Dst != coa || p.Proto != ip6.ProtoESP {
		t.Errorf("acknowledgement: %+v, %v", p, err)
	}
}

func TestVerifyRefusesEveryAlteredOctet(t *testing.T) { //spec MIP-02 MIP-03
	for _, kind := range kinds {
		mn, home := pair(t, kind)
		var out engine.Effects
		b := mn.Protect(at(0), up, update(7), &out)
		for i := range b {
			bad := bytes.Clone(b)
			bad[i] ^= 0x10
			p, err := ip6.Parse(bad)
			if err != nil {
				continue
			}
			m, reason := home.Verify(at(0), &p)
			// Outside ESP: traffic class, flow label, hop limit, the addresses and padding. The checksum notices the addresses.
			if outer := i < 8 || i == 42 || i == 43 || i == 44 || i == 45; outer && i != 6 && i != 4 && i != 5 {
				home = must(t, configOf(kind), "mn1") // it was accepted: start afresh
				continue
			}
			// With ESP the care-of address is not covered at all; that is why an alternate care-of address is needed.
			if kind == "esp" && i >= 8 && i < 24 {
				home = must(t, configOf(kind), "mn1")
				continue
			}
			if m != nil {
				t.Errorf("%s: octet %d altered: accepted as %+v", kind, i, m)
			} else if reason == "" {
				t.Errorf("%s: octet %d altered: no reason", kind, i)
			}
			home = must(t, configOf(kind), "mn1")
		}
		if m, reason := verify(t, home, at(0), b); m == nil {
			t.Errorf("%s: the unaltered packet is refused: %s", kind, reason)
		}
	}
}

func configOf(kind string) Config {
	switch kind {
	case "auth":
		return authConfig("")
	case "auth-sha1":
		return authConfig("hmac-sha1-96")
	}
	_, home := espConfigs()
	return home
}

func TestVerifyRefusesReplay(t *testing.T) { //spec MIP-02 MIP-03
	for kind, want := range map[string]string{"esp": ESPReplay, "auth": AuthReplay, "auth-sha1": AuthReplay} { //order:any
		mn, home := pair(t, kind)
		var out engine.Effects
		b := mn.Protect(at(0), up, update(7), &out)
		if m, reason := verify(t, home, at(0), b); m == nil {
			t.Fatalf("%s: first: %s", kind, reason)
		}
		for range 2 {
			if _, reason := verify(t, home, at(0), b); reason != want {
				t.Errorf("%s: replay: %q, want %q", kind, reason, want)
			}
		}
		ack := home.Protect(at(0), down, &mh.BindingAck{Seq: 7}, &out)
		if m, reason := verify(t, mn, at(0), ack); m == nil {
			t.Fatalf("%s: acknowledgement: %s", kind, reason)
		}
		if _, reason := verify(t, mn, at(0), ack); reason != want {
			t.Errorf("%s: replayed acknowledgement: %q, want %q", kind, reason, want)
		}
	}
}

// A message of an earlier life is refused after a crash, and the next one accepted.
func TestRestartRefusesWhatWasCommitted(t *testing.T) { //spec MIP-02 MIP-03
	for kind, want := range map[string]string{"esp": ESPReplay, "auth": AuthReplay, "auth-sha1": AuthReplay} { //order:any
		mn, home := pair(t, kind)
		var out engine.Effects
		old := mn.Protect(at(0), up, update(6), &out)
		last := mn.Protect(at(1), up, update(7), &out)
		if m, reason := verify(t, home, at(1), last); m == nil {
			t.Fatalf("%s: %s", kind, reason)
		}
		home.Commit(&out)

		home = must(t, configOf(kind), "renamed")
		RestoreAll(recordsOf(out), []*SA{home})
		for _, b := range [][]byte{old, last} {
			if _, reason := verify(t, home, at(2), b); reason != want {
				t.Errorf("%s: after the restart: %q, want %q", kind, reason, want)
			}
		}
		if m, reason := verify(t, home, at(2), mn.Protect(at(2), up, update(8), &out)); m == nil {
			t.Errorf("%s: the next message is refused: %s", kind, reason)
		}
	}
}

func recordsOf(out engine.Effects) (recs []engine.Record) {
	for _, e := range out.List {
		if p, ok := e.(engine.Persist); ok {
			recs = append(recs, engine.Record(p))
		}
	}
	return recs
}

// What Forget removes is all that an association had written.
func TestForget(t *testing.T) {
	for _, kind := range kinds {
		mn, home := pair(t, kind)
		var sent, out engine.Effects
		if m, reason := verify(t, home, at(0), mn.Protect(at(0), up, update(7), &sent)); m == nil {
			t.Fatalf("%s: %s", kind, reason)
		}
		home.Commit(&out)
		home.Protect(at(0), up, update(7), &out)
		home.Forget(&out)
		left := map[string]bool{}
		for _, r := range recordsOf(out) {
			if left[r.Key] = true; r.Value == nil {
				delete(left, r.Key)
			}
		}
		if len(left) > 0 {
			t.Errorf("%s: left %v", kind, left)
		}
	}
}

func TestCommitIsSilentWithoutNews(t *testing.T) {
	for _, kind := range kinds {
		mn, home := pair(t, kind)
		var sent, out engine.Effects
		home.Commit(&out)
		b := mn.Protect(at(0), up, update(7), &sent)
		b[len(b)-1] ^= 1
		verify(t, home, at(0), b)
		home.Commit(&out)
		if len(out.List) != 0 {
			t.Errorf("%s: %v", kind, out.List)
		}
		b[len(b)-1] ^= 1
		verify(t, home, at(0), b)
		home.Commit(&out)
		home.Commit(&out)
		if n := len(recordsOf(out)); n != 1 {
			t.Errorf("%s: %d records for one message", kind, n)
		}
	}
}

func TestVerifyReasons(t *testing.T) {
	mnESP, homeESP := pair(t, "esp")
	mnAuth, homeAuth := pair(t, "auth")
	stranger := must(t, Config{ESP: &ESPConfig{OutSPI: 0x1001, InSPI: 0x1002, OutKey: []byte("another key 1234SALT"), InKey: key2}}, "ha")
	otherSPI := must(t, Config{Auth: &AuthConfig{SPI: 0x2002, Key: key1}}, "ha")
	var out engine.Effects
	plain := up
	plain.Proto, plain.Payload = ip6.ProtoMH, mh.Append(nil, hoa, ha, update(7))
	short := up
	short.Proto, short.Payload = ip6.ProtoESP, make([]byte, 20)
	icmp := up
	icmp.Proto, icmp.Payload = ip6.ProtoICMPv6, []byte{146, 0, 0, 0, 0, 1, 0, 0}
	badMH := up
	badMH.Proto, badMH.Payload = ip6.ProtoMH, []byte{59, 0, 99, 0, 0, 0, 0, 0}
	for _, c := range []struct {
		name string
		s    *SA
		b    []byte
		want string
	}{
		{"plain message", homeESP, plain.Append(nil), Unprotected},
		{"short ESP", homeESP, short.Append(nil), ESPMalformed},
		{"unknown SPI", mnESP, mnESP.Protect(at(0), up, update(1), &out), ESPUnknownSPI},
		{"other key", homeESP, stranger.Protect(at(0), up, update(1), &out), ESPAuth},
		{"ESP around ICMPv6", homeESP, mnESP.Seal(icmp, &out), MHMalformed},
		{"ESP around nonsense", homeESP, mnESP.Seal(badMH, &out), MHMalformed},
		{"no option", homeAuth, plain.Append(nil), AuthMissing},
		{"other SPI", homeAuth, otherSPI.Protect(at(0), up, update(1), &out), AuthMismatch},
		{"ESP to RFC 4285", homeAuth, mnESP.Protect(at(0), up, update(1), &out), Unprotected},
		{"nonsense", homeAuth, badMH.Append(nil), MHMalformed},
		{"too old", homeAuth, mnAuth.Protect(at(-CloseEnough-time.Millisecond), up, update(1), &out), AuthReplay},
		{"from the future", homeAuth, must(t, authConfig(""), "ha").Protect(at(CloseEnough+time.Millisecond), up, update(1), &out), AuthReplay},
	} {
		if _, reason := verify(t, c.s, at(0), c.b); reason != c.want {
			t.Errorf("%s: %q, want %q", c.name, reason, c.want)
		}
	}
}

// Mobile prefix discovery and tunnel mode go through Seal and Open.
func TestSealAndOpen(t *testing.T) { //spec MIP-02
	for _, kind := range kinds {
		mn, home := pair(t, kind)
		var out engine.Effects
		p := up
		p.Proto, p.Payload = ip6.ProtoICMPv6, []byte{146, 0, 0x12, 0x34, 0, 1, 0, 0}
		got, err := ip6.Parse(mn.Seal(p, &out))
		if err != nil {
			t.Fatal(err)
		}
		proto, payload, reason := home.Open(&got)
		if proto != ip6.ProtoICMPv6 || !bytes.Equal(payload, p.Payload) || reason != "" {
			t.Errorf("%s: %d, %x, %q", kind, proto, payload, reason)
		}
	}
}

func TestFragmentIsRefused(t *testing.T) {
	for _, kind := range kinds {
		mn, home := pair(t, kind)
		var out engine.Effects
		p, err := ip6.Parse(mn.Protect(at(0), up, update(1), &out))
		if err != nil {
			t.Fatal(err)
		}
		p.Fragment = &ip6.Fragment{More: true}
		if _, reason := home.Verify(at(0), &p); reason != Fragmented {
			t.Errorf("%s: %q", kind, reason)
		}
	}
}

func TestKeyUseIsToldOnceWithoutKey(t *testing.T) {
	for _, kind := range kinds {
		mn, home := pair(t, kind)
		var out engine.Effects
		for i := range 3 {
			verify(t, home, at(time.Duration(i)), mn.Protect(at(time.Duration(i)), up, update(1), &out))
			home.Commit(&out)
		}
		var dirs []string
		for _, e := range out.List {
			if ev, ok := e.(engine.Event); ok && ev.Name == engine.EventKeyUse {
				dirs = append(dirs, ev.Get("dir")+" "+ev.Get("spi")+" "+ev.Get("peer"))
			}
		}
		spi := fmt.Sprintf("0x%08x", home.InSPI())
		if len(dirs) != 2 || dirs[0] != "out "+spi+" ha" || dirs[1] != "in "+spi+" mn1" {
			t.Errorf("%s: %q", kind, dirs)
		}
		noKey(t, fmt.Sprintf("%v %+v", out, out.List))
	}
}

func TestKeysAreNeverPrinted(t *testing.T) { //spec MIP-02
	for _, kind := range kinds {
		s := must(t, configOf(kind), "mn1")
		type holder struct{ s *SA }
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			c := configOf(kind)
			for _, v := range []any{s, *s, c, &c, c.ESP, c.Auth, holder{s}, &holder{s}, []Config{c}} {
				noKey(t, fmt.Sprintf(verb, v))
			}
			if c.ESP != nil {
				noKey(t, fmt.Sprintf(verb, *c.ESP))
			} else {
				noKey(t, fmt.Sprintf(verb, *c.Auth))
			}
		}
		j, err := json.Marshal(configOf(kind))
		if err != nil {
			t.Error(err)
		}
		noKey(t, string(j))
	}
}

func noKey(t *testing.T, s string) {
	t.Helper()
	for _, part := range []string{"0123456789", "SALT", "48 49 50", "30313233", "0x30, 0x31", "MDEyMz"} {
		if strings.Contains(s, part) {
			t.Errorf("%q appears in %s", part, s)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good, _ := espConfigs()
	esp := func(change func(c *ESPConfig)) Config {
		c := *good.ESP
		change(&c)
		return Config{ESP: &c}
	}
	for _, c := range []struct {
		c    Config
		want string
	}{
		{Config{}, "need one"},
		{Config{ESP: good.ESP, Auth: authConfig("").Auth}, "leave one out"},
		{esp(func(c *ESPConfig) { c.OutSPI = 255 }), "256"},
		{esp(func(c *ESPConfig) { c.InSPI = 0 }), "256"},
		{esp(func(c *ESPConfig) { c.OutKey = key1[:16] }), "outbound key"},
		{esp(func(c *ESPConfig) { c.InKey = nil }), "inbound key"},
		{esp(func(c *ESPConfig) { c.InKey = c.OutKey }), "one key for each"},
		{Config{Auth: &AuthConfig{SPI: 3, Key: key1}}, "256"},
		{Config{Auth: &AuthConfig{SPI: 256, Key: key1[:8]}}, "16 to 64"},
		{authConfig("md5"), "hmac-sha256-128"},
	} {
		if _, err := New(c.c, "p"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.c, err, c.want)
		}
	}
}

func TestDistinct(t *testing.T) {
	_, c := espConfigs()
	a, b := must(t, c, "mn1"), must(t, c, "mn2")
	if err := Distinct([]*SA{a, b}); err == nil || !strings.Contains(err.Error(), "mn1 and mn2") {
		t.Errorf("shared key: %v", err)
	}
	other := *c.ESP
	other.OutSPI += 77
	if err := Distinct([]*SA{a, must(t, Config{ESP: &other}, "mn2")}); err == nil {
		t.Error("a key under two SPIs")
	}
	mn, home := pair(t, "esp")
	if err := Distinct([]*SA{mn, home}); err != nil {
		t.Error(err)
	}
}

func BenchmarkProtect(b *testing.B) {
	for _, kind := range kinds {
		b.Run(kind, func(b *testing.B) {
			mn, _ := pair(b, kind)
			var out engine.Effects
			b.ReportAllocs()
			for b.Loop() {
				out.Reset()
				mn.Protect(at(0), up, update(7), &out)
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, kind := range kinds {
		b.Run(kind, func(b *testing.B) {
			mn, home := pair(b, kind)
			var out engine.Effects
			p, err := ip6.Parse(mn.Protect(at(0), up, update(7), &out))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if home.kind == ESP {
					home.esp.window = replay.Window{}
				} else {
					home.auth.accepted = 0
				}
				if _, reason := home.Verify(at(0), &p); reason != "" {
					b.Fatal(reason)
				}
			}
		})
	}
}
