// Package examples holds configurations to start from; this test keeps them right.
package examples

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"roam6/node"
)

// TestExamples wants the files of examples/ to be right, and those of mobile node and home agent to fit together.
func TestExamples(t *testing.T) {
	configs := map[string]*node.Config{}
	for _, name := range []string{"ha", "ar", "mn", "cn", "vehicle", "aaa/aaah", "aaa/aaav", "aaa/ar", "aaa/ha", "aaa/mn", "kdc/kdc"} {
		file := name + ".yaml"
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := node.Parse(file, text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := node.Build(c, [32]byte{}); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		configs[name] = c
	}
	ha := configs["ha"].Roles[0].HA
	for _, name := range []string{"mn", "vehicle"} {
		fit(t, name, configs[name].Roles[0].MN, ha)
	}
	known(t, configs)
}

// known wants the nodes of aaa/ to name each other rightly: every peer is one of them that names it back, one of each two dials, home agent and
// networks are the ones that there are, and the mobile node is of the home realm.
func known(t *testing.T, configs map[string]*node.Config) {
	t.Helper()
	home, visited := configs["aaa/aaah"].Roles[0].AAA, configs["aaa/aaav"].Roles[0].AAA
	ar, ha, mn := configs["aaa/ar"].Roles[0].AR, configs["aaa/ha"].Roles[0].HA, configs["aaa/mn"].Roles[0].MN
	nodes := map[string]*node.DiameterConfig{}
	for _, d := range []*node.DiameterConfig{&home.Diameter, &visited.Diameter, &ar.AAA.Diameter, &ha.AAA.Diameter} {
		nodes[d.Host] = d
	}
	for host, d := range nodes { //order:any
		for _, p := range d.Peers {
			other := nodes[p.Host]
			if other == nil {
				t.Errorf("%s has the peer %s, which no file is of", host, p.Host)
				continue
			}
			i := slices.IndexFunc(other.Peers, func(q node.PeerConfig) bool { return q.Host == host })
			if i < 0 || p.Realm != other.Realm || p.TLS != other.Peers[i].TLS || p.Address.IsValid() == other.Peers[i].Address.IsValid() {
				t.Errorf("%s and %s do not fit together", host, p.Host)
			}
		}
	}
	agent := home.Home.HomeAgents[0]
	if agent.Address != ha.Address || agent.Host != ha.AAA.Diameter.Host || agent.Prefix != ha.Prefix {
		t.Errorf("aaa/aaah.yaml has the home agent %+v, which aaa/ha.yaml is not", agent)
	}
	if n := home.Home.Partners[0].Network; n != visited.Visited.Network || n != ar.AAA.Network || visited.Visited.Clients[0] != ar.AAA.Diameter.Host {
		t.Errorf("the visited network has several names")
	}
	if !strings.HasSuffix(mn.NAI, "@"+home.Diameter.Realm) {
		t.Errorf("%s of aaa/mn.yaml is no user of %s", mn.NAI, home.Diameter.Realm)
	}
}

// fit wants a mobile node and a home agent to know each other.
func fit(t *testing.T, name string, mn *node.MNConfig, ha *node.HAConfig) {
	t.Helper()
	if mn.HomeAgent != ha.Address || mn.HomePrefix != ha.Prefix {
		t.Errorf("%s.yaml has home agent %v and prefix %v, ha.yaml %v and %v", name, mn.HomeAgent, mn.HomePrefix, ha.Address, ha.Prefix)
	}
	i := slices.IndexFunc(ha.Mobiles, func(m node.MobileConfig) bool { return m.HomeAddress == mn.HomeAddress })
	if i < 0 {
		t.Fatalf("ha.yaml does not serve %v of %s.yaml", mn.HomeAddress, name)
	}
	a, b := mn.Security.ESP, ha.Mobiles[i].Security.ESP
	if a.OutSPI != b.InSPI || a.InSPI != b.OutSPI || !bytes.Equal(a.OutKey, b.InKey) || !bytes.Equal(a.InKey, b.OutKey) {
		t.Errorf("the keys or SPIs of %s.yaml are not those of ha.yaml, in and out exchanged", name)
	}
}
