package node

import (
	"fmt"
	"strings"
	"testing"

	"roam6/role/ar"
	"roam6/role/mn"
)

const (
	fastKey   = `"00112233445566778899aabbccddeeff00112233"`
	fastMN    = `mn: {home_address: "2001:db8:0:1::100", home_prefix: "2001:db8:0:1::/64", strategy: %s, fmipv6: %s, security: {auth: {spi: 256, key: ` + fastKey + `}}}`
	fastAR    = `ar: {links: [{port: 1, prefix: "2001:db8:a:1::/64", address: "2001:db8:a:1::1"}], fmipv6: {address: "%s", cells: [%s], mobiles: [%s], neighbours: [%s]}}`
	fastESP   = `security: {esp: {out_spi: 256, in_spi: 257, out_key: "0011223344556677889900112233445566778899", in_key: "1011223344556677889900112233445566778899"}}`
	goodNeigh = `{address: "2001:db8:a:2::a", hw: "02:00:00:00:05:02", prefix: "2001:db8:a:2::/64", cells: ["06:00:00:00:00:02"], ` + fastESP + `}`
	goodMob   = `{hw: "02:00:00:00:09:01", spi: 256, key: ` + fastKey + `}`
	goodKeys  = `[{port: 1, spi: 256, key: ` + fastKey + `}]`
)

// Fast handovers in a configuration: what is right is built, what is wrong is named.
//
// spec MIP-09
func TestFastConfig(t *testing.T) {
	for name, c := range map[string]struct{ role, want string }{
		"mobile node":                 {fmt.Sprintf(fastMN, "fmipv6", goodKeys), ""},
		"without keys":                {fmt.Sprintf(fastMN, "fmipv6", "[]"), "fmipv6"},
		"keys without the strategy":   {fmt.Sprintf(fastMN, "mipv6", goodKeys), "strategy"},
		"network-initiated":           {strings.Replace(fmt.Sprintf(fastMN, "fmipv6", goodKeys), "strategy", "network_initiated: on, strategy", 1), ""},
		"network-initiated, mipv6":    {strings.Replace(fmt.Sprintf(fastMN, "mipv6", "[]"), "strategy", "network_initiated: on, strategy", 1), "network_initiated"},
		"network-initiated, perhaps":  {strings.Replace(fmt.Sprintf(fastMN, "fmipv6", goodKeys), "strategy", "network_initiated: perhaps, strategy", 1), "network_initiated"},
		"key of no link":              {fmt.Sprintf(fastMN, "fmipv6", `[{port: 2, spi: 256, key: `+fastKey+`}]`), "fmipv6[0].port"},
		"reserved SPI":                {fmt.Sprintf(fastMN, "fmipv6", `[{port: 1, spi: 5, key: `+fastKey+`}]`), "fmipv6[0].spi"},
		"short key":                   {fmt.Sprintf(fastMN, "fmipv6", `[{port: 1, spi: 256, key: "0011"}]`), "fmipv6[0].key"},
		"router":                      {fmt.Sprintf(fastAR, "2001:db8:a:1::a", `"06:00:00:00:00:01"`, goodMob, goodNeigh), ""},
		"the kernel's address":        {fmt.Sprintf(fastAR, "2001:db8:a:1::1", "", goodMob, goodNeigh), "fmipv6.address"},
		"an address elsewhere":        {fmt.Sprintf(fastAR, "2001:db8:f::a", "", goodMob, goodNeigh), "fmipv6.address"},
		"a cell of five octets":       {fmt.Sprintf(fastAR, "2001:db8:a:1::a", `"06:00:00:00:01"`, goodMob, goodNeigh), "fmipv6.cells[0]"},
		"two mobiles with one SPI":    {fmt.Sprintf(fastAR, "2001:db8:a:1::a", "", goodMob+`, {hw: "02:00:00:00:09:02", spi: 256, key: `+fastKey+`}`, goodNeigh), "mobiles[1].spi"},
		"a mobile twice":              {fmt.Sprintf(fastAR, "2001:db8:a:1::a", "", goodMob+`, {hw: "02:00:00:00:09:01", spi: 257, key: `+fastKey+`}`, goodNeigh), "mobiles[1].hw"},
		"a group for a station":       {fmt.Sprintf(fastAR, "2001:db8:a:1::a", "", `{hw: "33:33:00:00:00:01", spi: 256, key: `+fastKey+`}`, goodNeigh), "mobiles[0].hw"},
		"a neighbour on our own link": {fmt.Sprintf(fastAR, "2001:db8:a:1::a", "", goodMob, strings.Replace(goodNeigh, "2001:db8:a:2::/64", "2001:db8:a:1::/64", 1)), "neighbours[0].prefix"},
		"a neighbour without ESP":     {fmt.Sprintf(fastAR, "2001:db8:a:1::a", "", goodMob, strings.Replace(goodNeigh, fastESP, `security: {auth: {spi: 256, key: `+fastKey+`}}`, 1)), "neighbours[0].security"},
		"two neighbours with one key": {fmt.Sprintf(fastAR, "2001:db8:a:1::a", "", goodMob, goodNeigh+", "+strings.Replace(goodNeigh, "2001:db8:a:2:", "2001:db8:a:3:", 2)), "out_key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, view := roleOf(t, "{name: a, port: 1}", c.role, c.want)
			switch v := view.(type) {
			case mn.View:
				if v.Strategy != "fmipv6" {
					t.Errorf("%+v", v)
				}
			case ar.View:
				if v.Fast == nil {
					t.Errorf("%+v", v)
				}
			}
		})
	}
}
