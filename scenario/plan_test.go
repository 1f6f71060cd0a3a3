package scenario_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"roam6/conf"
	"roam6/plane"
	"roam6/scenario"
)

func load(t testing.TB, name string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func plan(t testing.TB, name string, o scenario.Options) *scenario.Plan {
	t.Helper()
	p, err := load(t, name).Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBuiltInScenarios(t *testing.T) {
	var names []string
	for _, s := range scenario.List() {
		names = append(names, s.Name)
		if s.Title == "" || s.Shows == "" {
			t.Errorf("%s lacks title or shows", s.Name)
		}
		p, err := s.Plan(scenario.Options{Seed: 1, Set: []string{"mn.dad=optimistic"}})
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		checkWorld(t, p)
		if e := s.Expect; e.Handovers == nil || *e.Handovers != handovers(p) {
			t.Errorf("%s expects %v handovers, its plan has %d", s.Name, e.Handovers, handovers(p))
		}
	}
	if got := strings.Join(names, " "); got != "commute fast-conflict fast-home-kdc fast-local-kdc fast-reversal fast-shared-key home link-loss mobile-network pingpong roam-dh roam-embedded-bu roam-home-ha roam-visited-ha route-optimised two-radios walk" {
		t.Errorf("the built-in scenarios are %s", got)
	}
}

func handovers(p *scenario.Plan) int {
	n := 0
	for _, a := range p.Actions {
		n = max(n, a.Handover+1)
	}
	return n
}

// checkWorld checks what every plan must hold for a world to run it.
func checkWorld(t *testing.T, p *scenario.Plan) {
	t.Helper()
	segments, hw, addrs := map[string]int{}, map[plane.HW]string{}, map[netip.Addr]string{}
	for _, s := range p.Segments {
		segments[s.Name] = 0
	}
	for _, n := range p.Nodes {
		for _, f := range n.Ifaces {
			at := n.Name + "." + f.Name
			if other, ok := hw[f.HW]; ok || f.HW[0] != 2 {
				t.Errorf("%s: link-layer address %x is that of %s", at, f.HW, other)
			}
			hw[f.HW] = at
			if _, ok := segments[f.Segment]; !ok && f.Segment != "" {
				t.Errorf("%s is attached to %q, which is no segment", at, f.Segment)
			}
			segments[f.Segment]++
			for _, a := range f.Addrs {
				if other, ok := addrs[a.Addr()]; ok {
					t.Errorf("%s: %v is that of %s", at, a, other)
				}
				addrs[a.Addr()] = at
			}
		}
		for _, r := range n.Routes {
			if !reachable(n, r) {
				t.Errorf("%s: the next hop of %v via %v is not on link of %s", n.Name, r.Dst, r.Via, r.Iface)
			}
		}
		if n.Config != nil {
			if d, err := conf.Parse(n.Name, n.Config); err != nil {
				t.Errorf("the configuration of %s is not YAML: %v", n.Name, err)
			} else if !d.Has("roles[0]") || !d.Has("name") {
				t.Errorf("the configuration of %s has no role", n.Name)
			}
		}
	}
	for i, a := range p.Actions {
		if i > 0 && a.At < p.Actions[i-1].At {
			t.Errorf("action %d comes before the one ahead of it", i)
		}
	}
}

func reachable(n scenario.Node, r scenario.Route) bool {
	for _, f := range n.Ifaces {
		for _, a := range f.Addrs {
			if f.Name == r.Iface && a.Contains(r.Via) && a.Addr() != r.Via {
				return true
			}
		}
	}
	return false
}

func TestCommute(t *testing.T) {
	p := plan(t, "commute", scenario.Options{Seed: 7})
	var got []string
	for _, a := range p.Actions {
		got = append(got, fmt.Sprintf("%v %s %s.%s %s #%d", a.At, a.Verb, a.Node, a.Iface, a.Segment, a.Handover))
	}
	want := []string{
		"500ms attach mn.wlan0 ar1 #-1", // when the AAA servers have found each other
		"6.8s hint mn.wlan0 ar2 #0", "7s detach mn.wlan0  #0", "7.02s attach mn.wlan0 ar2 #0",
		"12.8s hint mn.wlan0 ar3 #1", "13s detach mn.wlan0  #1", "13.02s attach mn.wlan0 ar3 #1",
		"18.8s hint mn.wlan0 ar1 #2", "19s detach mn.wlan0  #2", "19.02s attach mn.wlan0 ar1 #2",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("actions:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(p.Flows) != 2 || p.Flows[0].Interval != 20*time.Millisecond || !p.Flows[0].Voice || !p.Flows[1].Probe || p.Flows[1].Stop != 24500*time.Millisecond {
		t.Errorf("flows: %+v", p.Flows)
	}
	delays := map[string]time.Duration{}
	for _, s := range p.Segments {
		delays[s.Name] = s.Link.Delay
	}
	// DESIGN part 3: one way, home 40 ms, between operators 20 ms, inside an operator 2 ms, air 1 ms.
	if delays["core-opa"]+delays["core-ha"] != 40*time.Millisecond || delays["core-opa"]+delays["core-opb"] != 20*time.Millisecond ||
		delays["opa-ar1"] != 2*time.Millisecond || delays["ar3"] != time.Millisecond {
		t.Errorf("delays: %v", delays)
	}
}

func TestNodeConfigurations(t *testing.T) {
	p := plan(t, "link-loss", scenario.Options{Seed: 7, Set: []string{"mn.nai=true"}})
	mn, ha := "", ""
	for _, n := range p.Nodes {
		switch n.Name {
		case "mn":
			mn = string(n.Config)
		case "ha":
			ha = string(n.Config)
		}
	}
	for _, want := range []string{
		"name: mn\nlinks: [{name: wlan0, port: 1, preference: 1}, {name: wwan0, port: 2, preference: 2}]\nroles:\n  - mn:\n      home_address: 2001:db8:0:1::100\n",
		"home_prefix: 2001:db8:0:1::/64\n", "home_agent: 2001:db8:0:1::a\n", "strategy: mipv6\n", "dad: standard\n", "lifetime: 7m0s\n", "nai: mn@home.example\n",
		`security: {esp: {out_spi: 0x1001, in_spi: 0x1002, out_key: "`,
	} {
		if !strings.Contains(mn, want) {
			t.Errorf("mn lacks\n%s\nin\n%s", want, mn)
		}
	}
	key := func(text, name string) string {
		_, rest, _ := strings.Cut(text, name+`: "`)
		k, _, _ := strings.Cut(rest, `"`)
		return k
	}
	if key(mn, "out_key") != key(ha, "in_key") || key(mn, "in_key") != key(ha, "out_key") || len(key(mn, "in_key")) != 40 || key(mn, "in_key") == key(mn, "out_key") {
		t.Errorf("the keys are not mirrored:\n%s\n%s", mn, ha)
	}
	if !strings.Contains(ha, "out_spi: 0x1002, in_spi: 0x1001") || !strings.Contains(ha, "nai: mn@home.example") {
		t.Errorf("ha: %s", ha)
	}
	for set, want := range map[string]string{
		"mn.security=auth": `security: {auth: {spi: 256, key: "`,
		"mn.security=none": "", "mn.discover_home_agent=true": "",
	} {
		p := plan(t, "link-loss", scenario.Options{Set: []string{set}})
		text := string(p.Nodes[len(p.Nodes)-1].Config)
		if !strings.Contains(text, want) || strings.Contains(set, "none") && strings.Contains(text, "security") ||
			strings.Contains(set, "discover") && strings.Contains(text, "home_agent") {
			t.Errorf("%s gives\n%s", set, text)
		}
	}
}

func TestReplicas(t *testing.T) {
	p := plan(t, "commute", scenario.Options{Seed: 3, Nodes: 12})
	checkWorld(t, p)
	if got := handovers(p); got != 36 {
		t.Errorf("%d handovers, want 36", got)
	}
	measured := 0
	for _, n := range p.Nodes {
		if n.Measured {
			measured++
		}
	}
	if measured != scenario.MeasuredMobiles || len(p.Flows) != 2*scenario.MeasuredMobiles {
		t.Errorf("%d measured, %d flows", measured, len(p.Flows))
	}
	last, starts := -1, map[time.Duration]bool{}
	for _, a := range p.Actions {
		if a.Verb == scenario.Detach {
			if a.Handover != last+1 {
				t.Errorf("handover %d follows %d", a.Handover, last)
			}
			last = a.Handover
			starts[a.At] = true
		}
		if a.At > p.Length-3*time.Second {
			t.Errorf("%v at %v leaves no time to settle", a.Verb, a.At)
		}
	}
	if len(starts) < 30 {
		t.Errorf("moves are not staggered: %d different times", len(starts))
	}
	one := plan(t, "commute", scenario.Options{Seed: 3, Nodes: 5})
	if !reflect.DeepEqual(one.Nodes[9], p.Nodes[9]) || !reflect.DeepEqual(one.Flows[4], p.Flows[4]) {
		t.Error("more nodes changed the others")
	}
	if scenario.HomeAddress(0xff00) != netip.MustParseAddr("2001:db8:0:1::1:0") {
		t.Errorf("home addresses do not carry: %v", scenario.HomeAddress(0xff00))
	}
}

func TestEqualSeedsEqualPlans(t *testing.T) {
	a, b, c := plan(t, "pingpong", scenario.Options{Seed: 9, Nodes: 4}), plan(t, "pingpong", scenario.Options{Seed: 9, Nodes: 4}), plan(t, "pingpong", scenario.Options{Seed: 10, Nodes: 4})
	if !reflect.DeepEqual(a, b) {
		t.Error("equal seeds made different plans")
	}
	if reflect.DeepEqual(a, c) {
		t.Error("different seeds made equal plans")
	}
}

const explicitText = `
name: two
title: two hosts on a wire
length: 3s
topology: explicit
segments: [{name: wire, air: true, link: {delay: 5ms, loss: 0.1}}]
nodes:
  - name: a
    userland: true
    ifaces: [{name: eth0, port: 1, segment: wire}]
    config: |
      name: a
      roles: []
  - name: cn
    ifaces: [{name: eth0, segment: wire, addrs: ["2001:db8::1/64"]}]
    routes: [{dst: "::/0", via: "2001:db8::2", iface: eth0}]
flows: [{name: p, interval: 10ms, probe: true, mobile: a, mobile_addr: "2001:db8::2", peer_addr: "2001:db8::1"}]
moves: [{at: 1s, lose: eth0, node: a}, {at: 2s, regain: eth0, to: wire, node: a}]
actions:
  - {at: 1s, degrade: wire, link: {loss: 1}}
  - {at: 1500ms, crash: a}
  - {at: 1600ms, restart: a}
  - {at: 1700ms, command: {node: a, verb: status}}
  - {at: 1800ms, mark: half way}
`

func TestExplicitTopology(t *testing.T) {
	s, err := scenario.Read("two.yaml", []byte(explicitText))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	link := p.Segments[0].Link == scenario.LinkModel{Delay: 5 * time.Millisecond, Loss: 0.1} && p.Segments[0].Air
	if !link || len(p.Nodes) != 2 || string(p.Nodes[0].Config) != "name: a\nroles: []\n" || p.Nodes[1].Routes[0].Iface != "eth0" {
		t.Errorf("got %+v", p)
	}
	var verbs []scenario.Verb
	for _, a := range p.Actions {
		verbs = append(verbs, a.Verb)
	}
	if fmt.Sprint(verbs) != "[detach degrade crash restart command mark attach]" {
		t.Errorf("actions: %v", verbs)
	}
	if handovers(p) != 2 {
		t.Errorf("%d handovers", handovers(p))
	}
}

func TestMistakesAreLocated(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"cell":         {"to: ar3", "to: ar9", `c.yaml:14: moves[1].to: "ar9" is not allowed: a cell: home, ar1, ar2, ar3`},
		"order":        {"at: 13s", "at: 3s", `moves[1].at: "3s" is not allowed: from 7s, the move before, to the length 25s`},
		"too late":     {"at: 19s", "at: 29s", `moves[2].at: "29s"`},
		"iface":        {"to: ar3", "to: ar3, iface: eth0", `moves[1].iface: "eth0" is not allowed: wlan0`},
		"interval":     {"interval: 1ms", "interval: 1ns", "at least 100us"},
		"size":         {"size: 64", "size: 1500", "16 to 1380 octets"},
		"two probes":   {"voice: true}", "probe: true}", "one probe a mobile node"},
		"dad":          {"start: ar1,", "dad: none,", "standard, optimistic"},
		"key":          {"length:", "lenght: 3\nlength:", `did you mean "length"?`},
		"two problems": {"to: ar3", "to: ar9, blackout: -1s", "moves[1].blackout"},
	} {
		text := strings.Replace(string(load(t, "commute").Text()), c.old, c.new, 1)
		_, err := scenario.Read("c.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "c.yaml:") {
			t.Errorf("%s: got %v, want %s in it", name, err, c.want)
		}
	}
	_, err := load(t, "commute").Plan(scenario.Options{Set: []string{"radio.loss=2"}})
	if err == nil || err.Error() != `--set radio.loss=2: radio.loss: "2" is not allowed: a probability from 0 to 1` {
		t.Errorf("override: %v", err)
	}
	// What follows of a mistake is not told as well.
	_, err = load(t, "commute").Plan(scenario.Options{Set: []string{"length=0s"}})
	if err == nil || err.Error() != `--set length=0s: length: "0s" is not allowed: more than 0 and at most 24h` {
		t.Errorf("length: %v", err)
	}
	if _, err := scenario.Load("comute"); err == nil || !strings.Contains(err.Error(), "commute, fast-conflict, fast-home-kdc, ") {
		t.Errorf("unknown name: %v", err)
	}
}

// The published schema is the one the code has, and the built-in scenarios fit it. Run with UPDATE=1 to rewrite it.
func TestSchema(t *testing.T) {
	file := filepath.Join("..", "docs", "schema", "scenario.json")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, scenario.Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	published, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(published, scenario.Schema()) {
		t.Error("docs/schema/scenario.json is not what the code says; run UPDATE=1 go test ./scenario")
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(published, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range scenario.List() {
		v, err := conf.Generic(b.Text())
		if err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(v); err != nil {
			t.Errorf("%s does not fit the schema: %v", b.Name, err)
		}
	}
	if err := resolved.Validate(map[string]any{"name": "x"}); err == nil {
		t.Error("the schema accepts a scenario without a title")
	}
}

// Whatever the file holds, the answer is a plan or a located error.
func FuzzRead(f *testing.F) {
	for _, s := range scenario.List() {
		f.Add(s.Text())
	}
	f.Add([]byte(explicitText))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := scenario.Read("f.yaml", text)
		var e *conf.Error
		if err != nil {
			if !errors.As(err, &e) {
				t.Errorf("not a located error: %v", err)
			}
			return
		}
		if _, err := s.Plan(scenario.Options{Seed: 1}); err != nil {
			t.Errorf("read and not planned: %v", err)
		}
	})
}

func TestScenarioCutAtEveryPrefix(t *testing.T) {
	text := load(t, "link-loss").Text()
	for i := range text {
		_, _ = scenario.Read("f.yaml", text[:i]) // must not panic
	}
}
