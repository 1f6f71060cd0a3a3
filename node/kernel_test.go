package node

import (
	"strings"
	"testing"
)

const (
	mnOn2  = `{mn: {links: [2], home_address: 2001:db8:0:1::100, home_prefix: 2001:db8:0:1::/64, security: {auth: {spi: 256, key: 000102030405060708090a0b0c0d0e0f}}}}`
	mnRole = `{mn: {home_address: 2001:db8:0:1::100, home_prefix: 2001:db8:0:1::/64, security: {auth: {spi: 256, key: 000102030405060708090a0b0c0d0e0f}}}}`
	haRole = `{ha: {address: 2001:db8:0:1::a, port: 1, prefix: 2001:db8:0:1::/64, mobiles: []}}`
	arRole = `{ar: {links: [{port: 1, prefix: 2001:db8:a::/64}]}}`
	cnRole = `{cn: {address: 2001:db8:c::1}}`
)

// Whose a link is: the mobile node's alone, or shared with the kernel that routes there.
func TestKernelOfLinks(t *testing.T) {
	for name, c := range map[string]struct{ links, roles, want string }{
		"mobile node":                {"{name: a, port: 1}, {name: b, port: 2}", mnRole, "off off"},
		"mobile node, one shared":    {"{name: a, port: 1, kernel: on}, {name: b, port: 2}", mnRole, "on off"},
		"home agent":                 {"{name: a, port: 1}", haRole, "on"},
		"access router":              {"{name: a, port: 1}", arRole, "on"},
		"correspondent":              {"{name: a, port: 1}", cnRole, "on"},
		"mobile node that is router": {"{name: a, port: 1}, {name: b, port: 2}", mnRole + "," + arRole, "on off"},
		"mobile node on one":         {"{name: a, port: 1}, {name: b, port: 2}, {name: c, port: 3}", mnOn2, "on off on"},
		"router's, taken away":       {"{name: a, port: 1, kernel: off}", haRole, "n.yaml:2: links[0].kernel"},
		"neither":                    {"{name: a, port: 1, kernel: maybe}", mnRole, "n.yaml:2: links[0].kernel"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := Parse("n.yaml", []byte("name: n\nlinks: ["+c.links+"]\nroles: ["+c.roles+"]\n"))
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("err = %v, want %q", err, c.want)
				}
				return
			}
			var got []string
			for _, l := range cfg.Links {
				got = append(got, l.Kernel)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("kernel: %v, want %s", got, c.want)
			}
		})
	}
}
