package node

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"roam6/role/ha"
	"roam6/role/mn"
	"roam6/wire/ip6"
)

// roleOf builds a node of one role and gives its view; nil if the configuration is to be refused, with the line of the role, what is
// wrong, and no key.
func roleOf(t *testing.T, links, role, wrong string) (*Config, any) {
	t.Helper()
	cfg, err := Parse("n.yaml", []byte("name: n\nlinks: ["+links+"]\nroles:\n  - "+role+"\n"))
	if wrong != "" {
		if err == nil || !strings.Contains(err.Error(), wrong) || !strings.Contains(err.Error(), "n.yaml:4") {
			t.Errorf("%v, want line 4 and %q", err, wrong)
		}
		if err != nil && strings.Contains(err.Error(), "00112233") {
			t.Errorf("the error shows a key: %v", err)
		}
		return nil, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	engines, err := Build(cfg, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	return cfg, engines[0].Engine.View()
}

// Mobile routers and several care-of addresses in a configuration: what is right is built, what is wrong is named.
//
// spec MIP-08 MIP-11
func TestNetworksConfig(t *testing.T) {
	const (
		key   = `security: {auth: {spi: 256, key: "00112233445566778899aabbccddeeff00112233"}}`
		esp   = `security: {auth: {spi: 257, key: "00112233445566778899aabbccddeeff00112234"}}`
		net   = `{port: 2, prefix: "2001:db8:1000::/64", address: "2001:db8:1000::1"}`
		node  = `mn: {home_address: "2001:db8:0:1::100", home_prefix: "2001:db8:0:1::/64", ` + key + `, `
		agent = `ha: {address: "2001:db8:0:1::a", prefix: "2001:db8:0:1::/64", mobiles: [{home_address: "2001:db8:0:1::100", ` + key + `, `
	)
	for name, c := range map[string]struct{ role, want string }{
		"mobile router":               {node + `networks: [` + net + `]}`, ""},
		"implicit":                    {node + `networks: [` + net + `], register_networks: implicit}`, ""},
		"a mode without networks":     {node + `register_networks: implicit}`, "register_networks"},
		"a mode there is not":         {node + `networks: [` + net + `], register_networks: dynamic}`, "register_networks"},
		"a link of no number":         {node + `networks: [{port: 9, prefix: "2001:db8:1000::/64"}]}`, "networks[0].port"},
		"twice on a link":             {node + `networks: [` + net + `, {port: 2, prefix: "2001:db8:1001::/64"}]}`, "networks[1].port"},
		"the home prefix":             {node + `networks: [{port: 2, prefix: "2001:db8:0:1::/64"}]}`, "networks[0].prefix"},
		"no /64":                      {node + `networks: [{port: 2, prefix: "2001:db8:1000::/56"}]}`, "networks[0].prefix"},
		"a prefix twice":              {node + `networks: [` + net + `, {port: 3, prefix: "2001:db8:1000::/64"}]}`, "networks[1].prefix"},
		"a link inside and outside":   {node + `networks: [` + net + `], links: [1, 2]}`, "links[1]"},
		"agent of a router":           {agent + `networks: ["2001:db8:1000::/56", "2001:db8:2000::/64"]}]}`, ""},
		"networks that overlap":       {agent + `networks: ["2001:db8:1000::/56", "2001:db8:1000:1::/64"]}]}`, "networks[1]"},
		"one in another":              {agent + `networks: ["2001:db8:1000::/48", "2001:db8:1000:1::/64"]}]}`, "networks[1]"},
		"another's":                   {agent + `networks: ["2001:db8:1000::/48"]}, {home_address: "2001:db8:0:1::200", ` + esp + `, networks: ["2001:db8:1000:7::/64"]}]}`, "mobiles[1].networks[0]"},
		"around the home prefix":      {agent + `networks: ["2001:db8::/40"]}]}`, "networks[0]"},
		"longer than a /64":           {agent + `networks: ["2001:db8:1000::/80"]}]}`, "networks[0]"},
		"bits behind the length":      {agent + `networks: ["2001:db8:1000::1/64"]}]}`, "networks[0]"},
		"everything":                  {agent + `networks: ["::/0"]}]}`, "networks[0]"},
		"two radios":                  {node + `multihoming: bicast, flows: [{link: 1, proto: 17, peer_port: 5060}]}`, ""},
		"an unknown use":              {node + `multihoming: both}`, "multihoming"},
		"flows of one address":        {node + `flows: [{link: 1}]}`, "flows"},
		"a flow by no link":           {node + `multihoming: register, flows: [{link: 7}]}`, "flows[0].link"},
		"a flow of no protocol":       {node + `multihoming: register, flows: [{link: 1, proto: 256}]}`, "flows[0].proto"},
		"a flow of no port":           {node + `multihoming: register, flows: [{link: 1, port: 65536}]}`, "flows[0].port"},
		"flows toward a node":         {agent + `multihoming: register, flows: [{bid: 2, peers: "2001:db8:c::/64"}]}]}`, ""},
		"flows toward one address":    {agent + `flows: [{bid: 2}]}]}`, "flows"},
		"a flow to number 0":          {agent + `multihoming: register, flows: [{bid: 0}]}]}`, "flows[0].bid"},
		"peers with bits behind them": {agent + `multihoming: register, flows: [{bid: 1, peers: "2001:db8:c::1/64"}]}]}`, "flows[0].peers"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, view := roleOf(t, "{name: a, port: 1}, {name: b, port: 2}, {name: c, port: 3}", c.role, c.want)
			switch v := view.(type) {
			case mn.View:
				if (len(v.Networks) > 0) != strings.Contains(c.role, "networks") {
					t.Errorf("%+v", v)
				}
				if k := cfg.Links[1].Kernel; len(v.Networks) > 0 && k != KernelOn {
					t.Errorf("the kernel of the link inside is %q: it forwards", k)
				}
			case ha.View:
				if v.Served != 1 {
					t.Errorf("%+v", v)
				}
			}
		})
	}
}

// What a home agent refuses is its mobile routers' networks, all of them and nothing else, in few prefixes.
func TestRefuse(t *testing.T) {
	networks := func(list ...string) MobileConfig {
		var m MobileConfig
		for _, s := range list {
			m.Networks = append(m.Networks, netip.MustParsePrefix(s))
		}
		return m
	}
	c := Config{Roles: []RoleConfig{{AR: &ARConfig{}}, {HA: &HAConfig{Mobiles: []MobileConfig{
		networks("2001:db8:1000:3::/64", "2001:db8:1000::/64"), {}, networks("2001:db8:1000:2::/64", "2001:db8:2000::/56"),
		networks("2001:db8:1000:1::/64", "2001:db8:1000:5::/64", "2001:db8:1000:6::/64"),
	}}}, {HA: &HAConfig{Mobiles: []MobileConfig{networks("2001:db8:1000:4::/64")}}}}}
	const want = "[2001:db8:1000::/62 2001:db8:1000:4::/63 2001:db8:1000:6::/64 2001:db8:2000::/56]"
	if got := fmt.Sprint(c.Refuse()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := (&Config{Roles: []RoleConfig{{AR: &ARConfig{}}}}).Refuse(); got != nil {
		t.Errorf("an access router refuses %v", got)
	}
}

// What a configuration takes for routable is what the protocol does.
func TestRoutable(t *testing.T) {
	for _, s := range []string{"2001:db8::1", "fd00::1", "fe80::1", "ff02::1", "::1", "::", "::ffff:192.0.2.1", "192.0.2.1", "::192.0.2.1"} {
		if a := netip.MustParseAddr(s); routable(a) != ip6.Routable(a) {
			t.Errorf("%v: %v, by wire/ip6 %v", a, routable(a), ip6.Routable(a))
		}
	}
}
