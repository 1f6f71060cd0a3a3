package scenario_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/scenario"
)

// What the settings for AAA cannot say together is told with the one to change.
func TestAAASettings(t *testing.T) {
	s, err := scenario.Load("pingpong")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ set, want string }{
		{"mn.aaa=on", ""},
		{"mn.aaa=on mn.keys=dh", ""},
		{"mn.aaa=on mn.home_agent=home", ""},
		{"mn.aaa=on mn.home_agent=visited mn.keys=random", ""},
		{"mn.aaa=on mn.discover_home_agent=true", ""},
		{"mn.aaa=on mn.hosts=2", ""},
		{"mn.aaa=perhaps", "mn.aaa"},
		{"mn.home_agent=home", "mn.home_agent"},
		{"mn.keys=random", "mn.keys"},
		{"mn.aaa=on mn.home_agent=home mn.keys=configured", "mn.keys"},
		{"mn.aaa=on mn.home_agent=home mn.discover_home_agent=true", "mn.discover_home_agent"},
		{"mn.aaa=on mn.home_agent=home mn.start=home", "mn.start"},
		{"mn.aaa=on mn.keys=dh mn.hosts=2", "mn.hosts"},
		{"mn.aaa=on mn.keys=dh mn.security=auth", "mn.security"},
		{"mn.aaa=on mn.home_agent=home mn.security=esp", "mn.security"},
		{"mn.aaa=on mn.security=none", ""},
		{"mn.aaa=on mn.keys=dh mn.second=ar3 mn.multihoming=register", "mn.multihoming"},
		{"mn.aaa=on topology=explicit", "mn.aaa"},
	} {
		p, err := s.Plan(scenario.Options{Seed: 1, Set: strings.Fields(c.set)})
		switch {
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v", c.set, err)
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.set, err)
		case c.want == "":
			checkWorld(t, p)
		}
	}
}

// Many mobile nodes do not ask a network that does not know them all at once, and the run leaves the last of them its time; a few, and those of a
// scenario that says when they begin, come as they always did.
func TestCrowd(t *testing.T) {
	s, err := scenario.Load("commute")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		nodes  int
		set    []string
		length time.Duration
		most   int // that begin in one second
	}{
		{768, nil, 25 * time.Second, 768},
		{10000, nil, 19*time.Second + 4*time.Second + 10000*time.Second/256, 320},
		{2000, []string{"mn.stagger=1s"}, 25 * time.Second, 2000},
		{2000, []string{"mn.aaa=off", "mn.home_agent=configured"}, 25 * time.Second, 2000},
	} {
		p, err := s.Plan(scenario.Options{Seed: 1, Nodes: c.nodes, Set: c.set})
		if err != nil {
			t.Fatal(err)
		}
		begun, most, last := map[time.Duration]int{}, 0, time.Duration(0)
		first := map[string]bool{}
		for _, a := range p.Actions {
			if a.Verb == scenario.Attach {
				if last = max(last, a.At); !first[a.Node] {
					first[a.Node] = true
					begun[a.At/time.Second]++
					most = max(most, begun[a.At/time.Second])
				}
			}
		}
		if p.Length != c.length || most > c.most || p.Length-last < 3*time.Second {
			t.Errorf("%d nodes %v: %v long, the last move at %v; up to %d begin in a second", c.nodes, c.set, p.Length, last, most)
		}
	}
}

// AAA adds nodes and wires behind those that are there, and nothing without it.
func TestAAAWorld(t *testing.T) {
	s, err := scenario.Load("pingpong")
	if err != nil {
		t.Fatal(err)
	}
	plan := func(set ...string) *scenario.Plan {
		p, err := s.Plan(scenario.Options{Seed: 1, Nodes: 3, Set: set})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	names := func(p *scenario.Plan) (out []string) {
		for _, n := range p.Nodes {
			out = append(out, n.Name)
		}
		return out
	}
	without := plan()
	for _, n := range without.Nodes {
		if n.Identity != "" || n.Subscribers != nil || bytes.Contains(n.Config, []byte("aaa")) {
			t.Errorf("%s has something of AAA: %s", n.Name, n.Config)
		}
	}
	home, visited := plan("mn.aaa=on"), plan("mn.aaa=on", "mn.home_agent=visited", "mn.start=ar3")
	if got := names(home); !slices.Equal(got, append(names(without), "aaah", "aaav-a", "aaav-b")) {
		t.Errorf("nodes %v", got)
	}
	if got := names(visited); !slices.Equal(got, append(names(without), "aaah", "aaav-a", "aaav-b", "ha-b")) {
		t.Errorf("nodes %v", got)
	}
	aaah := home.Nodes[slices.Index(names(home), "aaah")]
	if n := bytes.Count(aaah.Subscribers, []byte("\n")); n != 3 || aaah.Identity != "aaah.home.example" || !bytes.Contains(aaah.Subscribers, []byte(`"mn2@home.example"`)) {
		t.Errorf("%s: %d subscribers", aaah.Identity, n)
	}
	for i, f := range visited.Flows {
		if !scenario.VisitedHomePrefix.Contains(f.MobileAddr) || i > 0 && f.Mobile != visited.Flows[0].Mobile && f.MobileAddr == visited.Flows[0].MobileAddr {
			t.Errorf("flow %s to %v", f.Name, f.MobileAddr)
		}
	}
}

// Kerberos adds KDCs behind all other nodes, with or without AAA, and both ends of a trust between realms have one key.
func TestKerberosWorld(t *testing.T) {
	s, err := scenario.Load("pingpong")
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"mn.kerberos=on", "mn.kerberos=on mn.aaa=on", "mn.kerberos=on mn.aaa=on mn.home_agent=visited mn.start=ar3"} {
		p, err := s.Plan(scenario.Options{Seed: 1, Nodes: 2, Set: strings.Fields(set)})
		if err != nil {
			t.Fatal(err)
		}
		checkWorld(t, p)
		n := len(p.Nodes)
		h, a, b := p.Nodes[n-3], p.Nodes[n-2], p.Nodes[n-1]
		if h.Name != "kdch" || a.Name != "kdca" || b.Name != "kdcb" || bytes.Count(h.Subscribers, []byte("\n")) != 2 || a.Subscribers != nil {
			t.Errorf("%s: %s %s %s", set, h.Name, a.Name, b.Name)
		}
		row := func(n scenario.Node, name string) []byte {
			for line := range bytes.Lines(n.Principals) {
				if bytes.Contains(line, []byte(`"name":"`+name+`"`)) {
					return line
				}
			}
			return nil
		}
		if x := row(h, "krbtgt/A.EXAMPLE@HOME.EXAMPLE"); x == nil || !bytes.Equal(x, row(a, "krbtgt/A.EXAMPLE@HOME.EXAMPLE")) || row(b, "krbtgt/A.EXAMPLE@HOME.EXAMPLE") != nil {
			t.Errorf("%s: trust %s", set, x)
		}
		if row(a, "mobileip/ar2.a.example@A.EXAMPLE") == nil || row(b, "mobileip/access.b.example@B.EXAMPLE") == nil || row(a, "mobileip/ar3.b.example@B.EXAMPLE") != nil {
			t.Errorf("%s: routers of %s", set, a.Principals)
		}
	}
	if _, err := s.Plan(scenario.Options{Set: []string{"mn.kerberos=on", "topology=explicit"}}); err == nil || !strings.Contains(err.Error(), "mn.kerberos") {
		t.Errorf("explicit: %v", err)
	}
}
