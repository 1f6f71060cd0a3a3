package node

import (
	"strings"
	"testing"

	"roam6/role/aaa"
	"roam6/role/ar"
	"roam6/role/ha"
)

// wholeAAA is a node with every part of AAA, one key a line so that errors have lines of their own.
const wholeAAA = `name: box
links: [{name: eth0, port: 1}, {name: eth1, port: 2}]
tls:
  - {name: peers, certificate: node.pem, key: node.key, authorities: ca.pem}
database: {at: subscribers.db}
roles:
  - aaa:
      diameter:
        host: aaa.home.example
        realm: home.example
        listen:
          - {address: "2001:db8:9::1"}
          - {address: "2001:db8:9::1", tls: peers}
        peers:
          - {host: ha.home.example, tls: peers}
          - {host: aaav.a.example, address: "2001:db8:9::2", port: 5000, from: "2001:db8:9::/64"}
        routes:
          - {realm: c.example, via: [aaav.a.example]}
      home:
        realms: [home.example]
        partners:
          - {network: a.example, hosts: [aaav.a.example]}
        home_agents:
          - {address: "2001:db8:0:1::a", host: ha.home.example, prefix: "2001:db8:0:1::/64", capacity: 7}
        assign_addresses: on
        address_secret: "SECRET"
        session: 2h
        interim: 1m
      visited:
        network: b.example
        clients: [aaav.a.example]
        agreements:
          - {realm: far.example, hosts: [aaav.a.example]}
        home_agents:
          - {address: "2001:db8:0:4::a", host: ha.home.example, prefix: "2001:db8:0:4::/64", capacity: 7}
  - ar:
      links: [{port: 1, prefix: "2001:db8:a:1::/64", address: "2001:db8:a:1::1"}]
      aaa:
        diameter:
          host: ar.a.example
          realm: a.example
          peers: [{host: aaav.a.example, address: "2001:db8:9::2"}]
        network: a.example
        clients:
          - {port: 1, address: "2001:db8:a:1::d"}
        gate: on
        session: 30m
  - ha:
      address: 2001:db8:0:2::a
      port: 2
      prefix: 2001:db8:0:2::/64
      aaa:
        diameter:
          host: ha2.home.example
          realm: home.example
          peers: [{host: aaa.home.example, address: "2001:db8:9::1", tls: peers}]
        servers: [aaa.home.example]
        most: 100
`

const addressSecret = "0606060606060606060606060606060606060606060606060606060606060606"

func textAAA() string { return strings.Replace(wholeAAA, "SECRET", addressSecret, 1) }

// All of it is taken, built, and what the file does not say has its default.
func TestAAA(t *testing.T) {
	c, err := Parse("box.yaml", []byte(textAAA()))
	if err != nil {
		t.Fatal(err)
	}
	engines, err := Build(c, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	server, router, agent := engines[0].Engine.View().(aaa.View), engines[1].Engine.View().(ar.View), engines[2].Engine.View().(ha.View)
	if server.Host != "aaa.home.example" || len(server.Home) != 1 || server.Home[0].Capacity != 7 || len(server.Visited) != 1 {
		t.Errorf("%+v", server)
	}
	if router.AAA == nil || router.AAA.Network != "a.example" || len(router.AAA.Clients) != 1 {
		t.Errorf("%+v", router.AAA)
	}
	if agent.Served != 0 {
		t.Errorf("%+v", agent)
	}
	d := c.Roles[0].AAA.Diameter
	if d.Listen[0].Port != 3868 || d.Listen[1].Port != 5658 || d.Peers[0].Realm != "home.example" || d.Peers[1].Port != 5000 {
		t.Errorf("%+v", d)
	}
	if r := routerAAA(c.Roles[1].AR.AAA).Peers.Routes; len(r) != 1 || r[0].Realm != "*" || len(r[0].Via) != 1 || r[0].Via[0] != "aaav.a.example" {
		t.Errorf("a router's requests go by %+v", r)
	}
	if p := c.Profiles(); len(p) != 1 || p[0] != "peers" {
		t.Errorf("profiles %v", p)
	}
}

// Every mistake is told with line, key and what is allowed, and no secret.
func TestAAAMistakes(t *testing.T) {
	for _, c := range []struct{ old, new, line, key, allowed string }{
		{"name: peers,", "name: pe/ers,", "4", "tls[0].name", "letters"},
		{"certificate: node.pem", "certificate: \"\"", "4", "tls[0].certificate", "path of a file"},
		{"at: subscribers.db", "at: \"\"", "5", "database.at", "postgres://"},
		{"at: subscribers.db", "at: postgres://x@y/z", "5", "database.key", "PostgreSQL"},
		{"database: {at: subscribers.db}", "", "20", "roles[0].aaa.home", "database"},
		{"host: aaa.home.example\n        realm", "host: aaa\n        realm", "9", "roles[0].aaa.diameter.host", "domain name"},
		{"        realm: home.example\n        listen", "        realm: home\n        listen", "10", "roles[0].aaa.diameter.realm", "domain name"},
		{`{address: "2001:db8:9::1"}`, `{address: "ff02::1"}`, "12", "roles[0].aaa.diameter.listen[0].address", "address of this host"},
		{`{address: "2001:db8:9::1", tls: peers}`, `{address: "2001:db8:9::1", tls: others}`, "13", "roles[0].aaa.diameter.listen[1].tls", "plain TCP"},
		{`{address: "2001:db8:9::1", tls: peers}`, `{address: "2001:db8:9::1", port: 70000}`, "13", "roles[0].aaa.diameter.listen[1].port", "65535"},
		{"{host: ha.home.example, tls: peers}", "{host: ha, tls: peers}", "15", "roles[0].aaa.diameter.peers[0].host", "domain name"},
		{"{host: ha.home.example, tls: peers}", "{host: AAA.home.example, tls: peers}", "15", "roles[0].aaa.diameter.peers[0].host", "another node"},
		{"{host: ha.home.example, tls: peers}", "{host: ha.home.example, realm: home}", "15", "roles[0].aaa.diameter.peers[0].realm", "domain name"},
		{"{host: ha.home.example, tls: peers}", "{host: ha.home.example, port: 3}", "15", "roles[0].aaa.diameter.peers[0].port", "dials this node"},
		{"{host: aaav.a.example, address: \"2001:db8:9::2\"", "{host: Ha.home.example, address: \"2001:db8:9::2\"", "16", "roles[0].aaa.diameter.peers[1].host", "once"},
		{`from: "2001:db8:9::/64"`, `from: "2001:db8:9::1/64"`, "16", "roles[0].aaa.diameter.peers[1].from", "no bits"},
		{"{realm: c.example", "{realm: c", "18", "roles[0].aaa.diameter.routes[0].realm", "domain name"},
		{"via: [aaav.a.example]", "via: []", "18", "roles[0].aaa.diameter.routes[0].via", "at least one"},
		{"via: [aaav.a.example]", "via: [aaav.b.example]", "18", "roles[0].aaa.diameter.routes[0].via[0]", "one of peers"},
		{"realms: [home.example]", "realms: [home]", "20", "roles[0].aaa.home.realms[0]", "domain name"},
		{"{network: a.example, hosts", "{network: a b, hosts", "22", "roles[0].aaa.home.partners[0].network", "a.example"},
		{"{network: a.example, hosts: [aaav.a.example]}", "{network: a.example, hosts: []}", "22", "roles[0].aaa.home.partners[0].hosts", "at least one"},
		{"{network: a.example, hosts: [aaav.a.example]}", "{network: a.example, hosts: [x.y]}", "22", "roles[0].aaa.home.partners[0].hosts[0]", "diameter.peers"},
		{`{address: "2001:db8:0:1::a", host: ha.home.example`, `{address: "2001:db8:0:9::a", host: ha.home.example`, "24", "roles[0].aaa.home.home_agents[0].address", "one host in prefix"},
		{`{address: "2001:db8:0:1::a", host: ha.home.example`, `{address: "2001:db8:0:1::a", host: hb.home.example`, "24", "roles[0].aaa.home.home_agents[0].host", "diameter.peers"},
		{`prefix: "2001:db8:0:1::/64", capacity: 7`, `prefix: "2001:db8:0:1::/65", capacity: 7`, "24", "roles[0].aaa.home.home_agents[0].prefix", "/64"},
		{`prefix: "2001:db8:0:1::/64", capacity: 7`, `prefix: "2001:db8:0:1::/64", capacity: 0`, "24", "roles[0].aaa.home.home_agents[0].capacity", "1048576"},
		{"assign_addresses: on", "assign_addresses: off", "26", "roles[0].aaa.home.address_secret", "assign_addresses"},
		{addressSecret, addressSecret[2:], "26", "roles[0].aaa.home.address_secret", "openssl rand -hex 32"},
		{"session: 2h", "session: 2s", "27", "roles[0].aaa.home.session", "8760h"},
		{"interim: 1m", "interim: 1s", "28", "roles[0].aaa.home.interim", "10s to 24h"},
		{"network: b.example", "network: b", "30", "roles[0].aaa.visited.network", "like a domain's"},
		{"clients: [aaav.a.example]", "clients: []", "31", "roles[0].aaa.visited.clients", "at least one"},
		{"{realm: far.example", "{realm: far", "33", "roles[0].aaa.visited.agreements[0].realm", "domain name"},
		{"{realm: far.example, hosts: [aaav.a.example]", "{realm: far.example, hosts: [x.y]", "33", "roles[0].aaa.visited.agreements[0].hosts[0]", "diameter.peers"},
		{`prefix: "2001:db8:0:4::/64", capacity: 7`, `prefix: "2001:db8:0:4::/64", capacity: -1`, "35", "roles[0].aaa.visited.home_agents[0].capacity", "1 to"},
		{"realm: a.example\n          peers: [{host: aaav.a.example, address: \"2001:db8:9::2\"}]", "realm: a.example\n          peers: []", "42", "roles[1].ar.aaa.diameter.peers", "1 to"},
		{"peers: [{host: aaav.a.example, address: \"2001:db8:9::2\"}]", "peers: [{host: aaav.a.example}]", "42", "roles[1].ar.aaa.diameter.peers[0].address", "listen"},
		{"network: a.example\n        clients", "network: a\n        clients", "43", "roles[1].ar.aaa.network", "like a domain's"},
		{`{port: 1, address: "2001:db8:a:1::d"}`, `{port: 2, address: "2001:db8:a:1::d"}`, "45", "roles[1].ar.aaa.clients[0].port", "one of the role's links"},
		{`{port: 1, address: "2001:db8:a:1::d"}`, `{port: 1, address: "2001:db8:a:2::d"}`, "45", "roles[1].ar.aaa.clients[0].address", "the link's prefix"},
		{`{port: 1, address: "2001:db8:a:1::d"}`, `{port: 1, address: "2001:db8:a:1::1"}`, "45", "roles[1].ar.aaa.clients[0].address", "kernel"},
		{"gate: on", "gate: ajar", "46", "roles[1].ar.aaa.gate", "off"},
		{"session: 30m", "session: 9000h", "47", "roles[1].ar.aaa.session", "8760h"},
		{"session: 30m", "session: 30m\n        interim: 1m", "48", "roles[1].ar.aaa.interim", "unless accounting"},
		{"session: 30m", "session: 30m\n        accounting: on\n        interim: 1s", "49", "roles[1].ar.aaa.interim", "10s to 24h"},
		{"servers: [aaa.home.example]", "servers: [aaav.a.example]", "57", "roles[2].ha.aaa.servers[0]", "diameter.peers"},
		{"most: 100", "most: 0", "58", "roles[2].ha.aaa.most", "1048576"},
	} {
		config := strings.Replace(textAAA(), c.old, c.new, 1)
		if config == textAAA() {
			t.Fatalf("%q is not in the text", c.old)
		}
		_, err := Parse("box.yaml", []byte(config))
		if err == nil {
			t.Errorf("%s: taken", c.new)
			continue
		}
		if got, want := err.Error(), "box.yaml:"+c.line+": "+c.key+":"; !strings.Contains(got, want) || !strings.Contains(got, c.allowed) || strings.Contains(got, addressSecret[2:]) {
			t.Errorf("%s: %q lacks %q or %q, or shows the secret", c.new, got, want, c.allowed)
		}
	}
}

// A mobile node is told what it is, or who may say so: every combination of what may be missing.
func TestWhoTheMobileIs(t *testing.T) {
	const (
		nai, key = `nai: ann@home.example`, `aaa: {key: "` + key32 + `"}`
		home     = `home_address: "2001:db8:0:1::100", home_prefix: "2001:db8:0:1::/64"`
		agent    = `home_agent: "2001:db8:0:1::a"`
		auth     = `security: {auth: {spi: 256, key: "00112233445566778899aabbccddeeff00112233"}}`
	)
	for name, c := range map[string]struct {
		parts []string
		want  string
	}{
		"a name and a key":              {[]string{nai, key}, ""},
		"a home address and a key":      {[]string{home, key}, ""},
		"all but keys":                  {[]string{nai, home, agent, key}, ""},
		"all":                           {[]string{nai, home, agent, auth, key}, ""},
		"an agent without an address":   {[]string{nai, agent, key}, ""},
		"without aaa":                   {[]string{nai, home, agent, auth}, ""},
		"a name alone":                  {[]string{nai}, "home_address: \"none\""},
		"no home address":               {[]string{nai, `home_prefix: "2001:db8:0:1::/64"`, auth}, "home_address"},
		"no home prefix":                {[]string{`home_address: "2001:db8:0:1::100"`, auth}, "home_prefix"},
		"no security":                   {[]string{home, agent}, "mn.security"},
		"nobody":                        {[]string{key}, "mn.nai"},
		"an address without a prefix":   {[]string{nai, `home_address: "2001:db8:0:1::100"`, key}, "home_address and home_prefix, or neither"},
		"a prefix without an address":   {[]string{nai, `home_prefix: "2001:db8:0:1::/64"`, key}, "home_address and home_prefix, or neither"},
		"keys without an address":       {[]string{nai, auth, key}, "mn.security"},
		"an agent elsewhere":            {[]string{nai, home, `home_agent: "2001:db8:0:2::a"`, key}, "mn.home_agent"},
		"an agent at the home address":  {[]string{nai, home, `home_agent: "2001:db8:0:1::100"`, key}, "mn.home_agent"},
		"an agent of no address":        {[]string{nai, `home_agent: "ff02::1"`, key}, "mn.home_agent"},
		"a wish with an address":        {[]string{nai, home, `aaa: {key: "` + key32 + `", home_agent_in: visited}`}, "home_agent_in"},
		"a wish with an agent":          {[]string{nai, agent, `aaa: {key: "` + key32 + `", home_agent_in: home}`}, "home_agent_in"},
		"a wish":                        {[]string{nai, `aaa: {key: "` + key32 + `", home_agent_in: visited, keys: dh}`}, ""},
		"a domain there is not":         {[]string{nai, `aaa: {key: "` + key32 + `", home_agent_in: moon}`}, "home_agent_in"},
		"keys of a way there is not":    {[]string{nai, `aaa: {key: "` + key32 + `", keys: sealed}`}, "aaa.keys"},
		"a home address on no home net": {[]string{`home_address: "2001:db8:9::1", home_prefix: "2001:db8:0:1::/64"`, key}, "home_address"},
	} {
		t.Run(name, func(t *testing.T) {
			roleOf(t, "{name: a, port: 1}", "mn: {"+strings.Join(c.parts, ", ")+"}", c.want)
		})
	}
}

// A privilege is kept for a port below 1024, and for no other.
func TestLowPorts(t *testing.T) {
	for port, want := range map[string]bool{"": false, ", port: 1023": true, ", port: 1024": false} { //order:any
		c, err := Parse("box.yaml", []byte(strings.Replace(textAAA(), `"2001:db8:9::1"}`, `"2001:db8:9::1"`+port+"}", 1)))
		if err != nil || c.LowPorts() != want {
			t.Errorf("%q: %v, %v", port, c.LowPorts(), err)
		}
	}
}
