package node

import (
	"strings"
	"testing"

	"roam6/machine/rr"
)

const mobileFile = `name: mn
links: [{name: wlan0, port: 1}]
roles:
  - mn:
      home_address: 2001:db8:0:1::100
      home_prefix: 2001:db8:0:1::/64
      security: {esp: {out_spi: 300, in_spi: 301, out_key: ` + keyA + `, in_key: ` + keyB + `}TUNNEL}
`

const cnFile = `name: cn
links: [{name: eth0, port: 1}]
roles:
  - cn: {address: 2001:db8:c::c, link: 1}
`

// What is wrong with route optimisation in a file is said with its key and what is allowed.
//
// spec MIP-04
func TestRouteErrors(t *testing.T) {
	const tunnel = `, tunnel: {out_spi: 400, in_spi: 401, out_key: ` + keyC + `, in_key: ` + keyD + `}`
	mobile := func(tunnel, more string) string { return strings.Replace(mobileFile, "TUNNEL", tunnel, 1) + more }
	for name, c := range map[string]struct{ file, want string }{
		"on":                        {mobile(tunnel, "      route_optimisation: on-traffic\n"), ""},
		"off":                       {mobile("", "      route_optimisation: never\n"), ""},
		"no keys for home tests":    {mobile("", "      route_optimisation: on-traffic\n"), "security.tunnel"},
		"nor for one peer":          {mobile("", "      route_peers: [{peers: 2001:db8:c::c/128, when: always}]\n"), "security.tunnel"},
		"a peer twice":              {mobile(tunnel, "      route_peers: [{peers: '2001:db8::/32', when: never}, {peers: '2001:db8::/32', when: never}]\n"), "route_peers[1].peers"},
		"always for many":           {mobile(tunnel, "      route_peers: [{peers: '2001:db8::/32', when: always}]\n"), "route_peers[0].when"},
		"bits behind the length":    {mobile(tunnel, "      route_peers: [{peers: '2001:db8::1/32', when: never}]\n"), "route_peers[0].peers"},
		"one SPI twice":             {mobile(strings.Replace(tunnel, "401", "301", 1), ""), "tunnel.in_spi"},
		"one key twice":             {mobile(strings.Replace(tunnel, keyC, keyA, 1), ""), "tunnel.out_key"},
		"correspondent":             {cnFile, ""},
		"no such link":              {strings.Replace(cnFile, "link: 1", "link: 2", 1), "cn.link"},
		"its kernel speaks as well": {strings.Replace(cnFile, "port: 1", "port: 1, kernel: on", 1), "links[0].kernel"},
		"two with links":            {cnFile + "  - cn: {address: 2001:db8:c::d, link: 1}\n", "cn.link"},
		"beside a mobile node":      {mobile("", "  - cn: {address: 2001:db8:c::c, link: 1}\n"), "cn.link"},
		"a network refused":         {strings.Replace(cnFile, "link: 1", "link: 1, refuse: ['2001:db8:7::/48']", 1), ""},
		"nothing refused":           {strings.Replace(cnFile, "link: 1", "link: 1, refuse: ['10.0.0.0/8']", 1), "refuse[0]"},
		"too many bindings":         {strings.Replace(cnFile, "link: 1", "link: 1, max_bindings: 65537", 1), "max_bindings"},
	} {
		_, err := Parse("file.yaml", []byte(c.file))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// The file's words become rules; a correspondent's link is silenced in the kernel.
func TestRoutesOf(t *testing.T) {
	m := &MNConfig{RouteOptimisation: "never", RoutePeers: []RoutePeersConfig{{Peers: everyone, When: "on-traffic"}}}
	if r := routesOf(m).Rules; len(r) != 1 || r[0].When != rr.OnTraffic {
		t.Errorf("%+v", r)
	}
	m.RoutePeers = nil
	if r := routesOf(m).Rules; len(r) != 1 || r[0] != (rr.Rule{Peers: everyone, When: rr.Never}) {
		t.Errorf("%+v", r)
	}
	c, err := Parse("cn.yaml", []byte(cnFile))
	if err != nil || c.Links[0].Kernel != KernelOff {
		t.Errorf("%v %+v", err, c)
	}
}
