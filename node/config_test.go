package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"roam6/conf"
	"roam6/engine"
)

const keyA, keyB, keyC, keyD = `"0101010101010101010101010101010101010101"`, `"0202020202020202020202020202020202020202"`,
	`"0303030303030303030303030303030303030303"`, `"0404040404040404040404040404040404040404"`

// whole is a configuration with every role that one node can hold, one key a line so that errors have lines of their own.
const whole = `name: box
tun: tun0
links: [
  {name: eth0, port: 1}, {name: wlan0, port: 3},
  {name: eth1, port: 2, preference: 3}]
roles:
  - mn:
      home_address: 2001:db8:0:1::100
      home_prefix: 2001:db8:0:1::/64
      home_agent: 2001:db8:0:1::a
      nai: mn@home.example
      dad: standard
      lifetime: 60s
      hold_packets: 0
      hold_age: 1s
      security: {esp: {out_spi: 300, in_spi: 301, out_key: KEYA, in_key: KEYB}}
  - ar:
      links:
        - port: 1
          prefix: 2001:db8:a:1::/64
          address: 2001:db8:a:1::1
          interval_min: 1s
          interval_max: 2s
          lifetime: 30m
          ra_delay_max: 0s
          valid: 2h
          preferred: 0s
  - ha:
      address: 2001:db8:0:2::a
      port: 2
      prefix: 2001:db8:0:2::/64
      router_address: 2001:db8:0:2::1
      max_lifetime: 10m
      preference: 9
      mobiles:
        - home_address: 2001:db8:0:2::100
          security: {esp: {out_spi: 400, in_spi: 401, out_key: KEYC, in_key: KEYD}}
        - home_address: 2001:db8:0:2::101
          security: {auth: {spi: 256, key: "000102030405060708090a0b0c0d0e0f", algorithm: hmac-sha1}}
  - cn:
      address: 2001:db8:c::1
`

func text() string {
	return strings.NewReplacer("KEYA", keyA, "KEYB", keyB, "KEYC", keyC, "KEYD", keyD).Replace(whole)
}

// Everything the file says arrives, explicit zeros included; what it does not say has its default.
func TestParse(t *testing.T) {
	c, err := Parse("box.yaml", []byte(text()))
	if err != nil {
		t.Fatal(err)
	}
	m, a, h := c.Roles[0].MN, c.Roles[1].AR.Links[0], c.Roles[2].HA
	if m.HoldPackets != 0 || m.Lifetime != time.Minute || m.Strategy != "mipv6" || m.DAD != "standard" || a.Preferred != 0 || *a.RADelayMax != 0 || a.Valid != 2*time.Hour {
		t.Errorf("%+v %+v", m, a)
	}
	if c.State != "/var/lib/roam6/box" || c.Control != "/run/roam6/box.sock" || h.IntervalMin != 30*time.Millisecond || h.IntervalMax != 70*time.Millisecond {
		t.Errorf("%+v %+v", c, h)
	}
	short, err := Parse("s.yaml", []byte("name: s\nroles: [{cn: {address: 2001:db8::1}}]\n"))
	if err != nil || short.Tun != "roam6" {
		t.Errorf("%+v %v", short, err)
	}
}

// Every mistake is told with file, line, key, the value (not that of a key) and what is allowed.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ old, new, line, key, allowed string }{
		{"name: box", "name: ../box", "1", "name", "letters"},
		{"name: box", "name: \"\"", "1", "name", "letters"},
		{"tun: tun0", "tun: a/b", "2", "tun", "15 octets"},
		{"tun: tun0", "tun: eth0", "4", "links[0].name", "TUN"},
		{"eth1", "a_name_that_is_far_too_long", "5", "links[2].name", "15 octets"},
		{"eth1", "eth0", "5", "links[2].name", "neither another link"},
		{"port: 2, p", "port: 1, p", "5", "links[2].port", "1 to 16"},
		{"port: 2, p", "port: 17, p", "5", "links[2].port", "1 to 16"},
		{"preference: 3", "preferense: 3", "5", "links[2].preferense", "preference"},
		{"2001:db8:0:1::100", "2001:db8:9::100", "8", "roles[0].mn.home_address", "home_prefix"},
		{"2001:db8:0:1::100", "\"2001:db8:0:1::\"", "8", "roles[0].mn.home_address", "one host"},
		{"2001:db8:0:1::100", "2001:db8:0:1:fdff:ffff:ffff:fffe", "8", "roles[0].mn.home_address", "one host"},
		{"2001:db8:0:1::100", "fe80::1", "8", "roles[0].mn.home_address", "routable"},
		{"2001:db8:0:1::100", "10.0.0.1", "8", "roles[0].mn.home_address", "IPv6"},
		{"2001:db8:0:1::/64", "2001:db8:0:1::/65", "9", "roles[0].mn.home_prefix", "/64"},
		{"2001:db8:0:1::/64", "2001:db8:0:1::5/64", "9", "roles[0].mn.home_prefix", "/64"},
		{"2001:db8:0:1::/64", "fe80::/64", "9", "roles[0].mn.home_prefix", "routable"},
		{"home_agent: 2001:db8:0:1::a", "home_agent: 2001:db8:0:1::100", "10", "roles[0].mn.home_agent", "another"},
		{"mn@home.example", strings.Repeat("x", 254), "11", "roles[0].mn.nai", "253"},
		{"dad: standard", "dad: sometimes", "12", "roles[0].mn.dad", "optimistic"},
		{"lifetime: 60s", "lifetime: 60s\n      links: []", "14", "roles[0].mn.links", "at least one"},
		{"lifetime: 60s", "lifetime: 60s\n      links: [3, 9]", "14", "roles[0].mn.links[1]", "one of links"},
		{"lifetime: 60s", "lifetime: 60s\n      links: [3, 3]", "14", "roles[0].mn.links[1]", "once"},
		{"lifetime: 60s", "lifetime: 60s\n      links: [2]", "14", "roles[0].mn.links[0]", "no other role advertises"},
		{", {name: wlan0, port: 3}", "", "3", "links", "no role advertises"},
		{"lifetime: 60s", "lifetime: 0s", "13", "roles[0].mn.lifetime", "4s to 72h"},
		{"lifetime: 60s", "lifetime: 100h", "13", "roles[0].mn.lifetime", "4s to 72h"},
		{"lifetime: 60s", "lifetime: soon", "13", "roles[0].mn.lifetime", ""},
		{"hold_packets: 0", "hold_packets: 65537", "14", "roles[0].mn.hold_packets", "65536"},
		{"hold_packets: 0", "hold_packets: -1", "14", "roles[0].mn.hold_packets", "65536"},
		{"hold_age: 1s", "hold_age: 0s", "15", "roles[0].mn.hold_age", "1m"},
		{"out_spi: 300", "out_spi: 255", "16", "roles[0].mn.security.esp.out_spi", "256"},
		{"in_spi: 301", "in_spi: 0", "16", "roles[0].mn.security.esp.in_spi", "256"},
		{"out_key: " + keyA, "out_key: \"01\"", "16", "roles[0].mn.security.esp.out_key", "openssl"},
		{"in_key: " + keyB, "in_key: " + keyA, "16", "roles[0].mn.security.esp.in_key", "AES-GCM"},
		{"{esp: {out_spi: 300", "{auth: {spi: 256, key: 00}, esp: {out_spi: 300", "16", "roles[0].mn.security", "exactly one"},
		{"        - port: 1", "        - port: 9", "19", "roles[1].ar.links[0].port", "one of links"},
		{"address: 2001:db8:a:1::1", "address: 2001:db8:a:2::1", "21", "roles[1].ar.links[0].address", "prefix"},
		{"interval_min: 1s", "interval_min: 29ms", "22", "roles[1].ar.links[0].interval_min", "30ms"},
		{"interval_max: 2s", "interval_max: 500ms", "23", "roles[1].ar.links[0].interval_max", "interval_min"},
		{"lifetime: 30m", "lifetime: 1s", "24", "roles[1].ar.links[0].lifetime", "interval_max"},
		{"lifetime: 30m", "lifetime: 3h", "24", "roles[1].ar.links[0].lifetime", "9000s"},
		{"ra_delay_max: 0s", "ra_delay_max: 1s", "25", "roles[1].ar.links[0].ra_delay_max", "500ms"},
		{"valid: 2h", "valid: -1s", "26", "roles[1].ar.links[0].valid", "1s"},
		{"preferred: 0s", "preferred: 3h", "27", "roles[1].ar.links[0].preferred", "valid"},
		{"address: 2001:db8:0:2::a", "address: 2001:db8:0:3::a", "29", "roles[2].ha.address", "prefix"},
		{"      port: 2", "      port: 1", "30", "roles[2].ha.port", "nothing else advertises"},
		{"router_address: 2001:db8:0:2::1", "router_address: 2001:db8:0:2::a", "32", "roles[2].ha.router_address", "kernel"},
		{"max_lifetime: 10m", "max_lifetime: 1s", "33", "roles[2].ha.max_lifetime", "4s to 72h"},
		{"preference: 9", "preference: 65536", "34", "roles[2].ha.preference", "65535"},
		{"- home_address: 2001:db8:0:2::101", "- home_address: 2001:db8:0:2::100", "38", "roles[2].ha.mobiles[1].home_address", "neither"},
		{"- home_address: 2001:db8:0:2::101", "- home_address: 2001:db8:0:2::a", "38", "roles[2].ha.mobiles[1].home_address", "neither"},
		{"out_key: " + keyC, "out_key: " + keyA, "37", "roles[2].ha.mobiles[0].security.esp.out_key", "nowhere else"},
		{"\"000102030405060708090a0b0c0d0e0f\"", "\"00\"", "39", "roles[2].ha.mobiles[1].security.auth.key", "16 to 64"},
		{"algorithm: hmac-sha1", "algorithm: md5", "39", "roles[2].ha.mobiles[1].security.auth.algorithm", "hmac-sha256"},
		{"address: 2001:db8:c::1", "address: ff02::1", "41", "roles[3].cn.address", "unicast"},
		{"address: 2001:db8:c::1", "address: 2001:db8:0:2::a", "41", "roles[3].cn.address", "no other role"},
		{"  - cn:", "  - cn: {address: 2001:db8::9}\n    ar: {links: []}\n  - cn:", "40", "roles[3]", "exactly one"},
	} {
		config := strings.Replace(text(), c.old, c.new, 1)
		if config == text() {
			t.Fatalf("%q is not in the text", c.old)
		}
		_, err := Parse("box.yaml", []byte(config))
		if err == nil {
			t.Errorf("%s: taken", c.new)
			continue
		}
		want := "box.yaml:" + c.line + ": " + c.key + ":"
		if got := err.Error(); !strings.Contains(got, want) || !strings.Contains(got, c.allowed) {
			t.Errorf("%s: %q lacks %q or %q", c.new, got, want, c.allowed)
		}
		var located *conf.Error
		if !errors.As(err, &located) {
			t.Errorf("%s: %T", c.new, err)
		}
		for _, key := range []string{keyA, keyB, keyC, keyD} {
			if strings.Contains(err.Error(), strings.Trim(key, `"`)) {
				t.Errorf("%s: the error shows a key", c.new)
			}
		}
	}
}

// All mistakes are told at once.
func TestAllMistakes(t *testing.T) {
	config := strings.NewReplacer("lifetime: 60s", "lifetime: 0s", "hold_age: 1s", "hold_age: 2h", "preference: 9", "preference: -1").Replace(text())
	_, err := Parse("box.yaml", []byte(config))
	for _, key := range []string{"roles[0].mn.lifetime", "roles[0].mn.hold_age", "roles[2].ha.preference"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v lacks %s", err, key)
		}
	}
	for _, empty := range []string{"", "name: x", "name: x\nroles: []\n", "name: x\nroles: [{}]\n", "name: x\nroles: [{mn: {}}]\n", "name: x\nroles: [{ar: {links: [{}]}}]", "[]", "\x00"} {
		if _, err := Parse("e.yaml", []byte(empty)); err == nil {
			t.Errorf("%q was taken", empty)
		}
	}
}

// Every role is built, by its name; equal seeds make equal engines, and another role beside it changes nothing of it.
//
// spec RT-01
func TestBuild(t *testing.T) {
	c, err := Parse("box.yaml", []byte(text()))
	if err != nil {
		t.Fatal(err)
	}
	c.Roles = append(c.Roles, c.Roles[3])
	list, err := Build(c, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name)
		if _, err := json.Marshal(e.Engine.View()); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
	}
	if got := strings.Join(names, " "); got != "mn ar ha cn cn2" {
		t.Errorf("engines %s", got)
	}
	alone := *c
	alone.Roles = c.Roles[1:2]
	again, err := Build(&alone, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := life(list[1].Engine), life(again[0].Engine); !reflect.DeepEqual(a, b) {
		t.Errorf("an access router does otherwise beside others:\n%v\n%v", a, b)
	}
}

// life is what an engine does in its first second on a link.
func life(e engine.Engine) []engine.Effect {
	var out engine.Effects
	var now engine.Now
	e.Handle(now, engine.Start{}, &out)
	e.Handle(now, engine.LinkUp{Port: 1, HW: [6]byte{2}, MTU: 1500}, &out)
	for {
		at, _ := e.Deadline()
		if at > engine.Mono(10*time.Second) {
			return out.List
		}
		now.Mono = at
		e.Handle(now, engine.Tick{}, &out)
	}
}

// The published schema is the one the code has, and the examples fit it. Run with UPDATE=1 to rewrite it.
func TestSchema(t *testing.T) {
	file := filepath.Join("..", "docs", "schema", "node.json")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	published, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(published, Schema()) {
		t.Error("docs/schema/node.json is not what the code says; run UPDATE=1 go test ./node")
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(published, &s); err != nil {
		t.Fatal(err)
	}
	checked, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Glob(filepath.Join("..", "examples", "*.yaml"))
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, example := range examples {
		b, err := os.ReadFile(example)
		if err != nil {
			t.Fatal(err)
		}
		v, err := conf.Generic(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := checked.Validate(v); err != nil {
			t.Errorf("%s does not fit the schema: %v", example, err)
		}
		c, err := Parse(filepath.Base(example), b)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if _, err := Build(c, [32]byte{}); err != nil {
			t.Errorf("%s: %v", example, err)
		}
	}
}

// Whatever stands in a file: an error or engines, and the same at the next reading.
func FuzzParse(f *testing.F) {
	f.Add([]byte(text()))
	f.Add([]byte("name: s\nroles: [{cn: {address: 2001:db8::1}}]\n"))
	f.Add([]byte("name: s\nlinks: [{name: a, port: 1}]\nroles: [{ha: {address: ::, prefix: ::/0, mobiles: []}}]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse("f.yaml", b)
		if err != nil {
			return
		}
		if _, err := Build(c, [32]byte{}); err != nil {
			t.Errorf("a checked configuration does not build: %v\n%s", err, b)
		}
		again, err := Parse("f.yaml", b)
		if err != nil || !reflect.DeepEqual(c, again) {
			t.Errorf("read twice: %v", err)
		}
	})
}
