package node

import (
	"fmt"
	"strings"
	"testing"

	"roam6/role/ar"
	"roam6/role/mn"
)

const (
	ticketKey   = `"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"`
	otherKey    = `"10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"`
	ticketRealm = `realms: [{realm: A.EXAMPLE, kdcs: [{address: "2001:db8:f:aa::2"}]}]`
	ticketMN    = `mn: {home_address: "2001:db8:0:1::100", home_prefix: "2001:db8:0:1::/64", strategy: fast, %s security: {auth: {spi: 256, key: ` + fastKey + `}}}`
	ticketNode  = `kerberos: {principal: ann@A.EXAMPLE, key: ` + ticketKey + `, ` + ticketRealm + `},`
	ticketOwn   = `kerberos: {principal: mobileip/ar1.a.example@A.EXAMPLE, keys: [{principal: mobileip/ar1.a.example@A.EXAMPLE, kvno: 1, type: 18, key: ` + ticketKey + `}], ` + ticketRealm + `}`
	ticketAR    = `ar: {links: [{port: 1, prefix: "2001:db8:a:1::/64", address: "2001:db8:a:1::1"}], %s, fast: {address: "2001:db8:a:1::a", cells: ["06:00:00:00:00:01"], gate: on, neighbours: [%s]}}`
	ticketNeigh = `{address: "2001:db8:a:2::a", hw: "02:00:00:00:05:02", prefix: "2001:db8:a:2::/64", cells: ["06:00:00:00:00:02"], principal: mobileip/ar2.a.example@A.EXAMPLE, ah: {out_spi: 256, in_spi: 257, out_key: ` + ticketKey + `, in_key: ` + otherKey + `}}`
)

// Fast handovers by tickets in a configuration: what is right is built, what is wrong is named.
//
// spec FH-05 FH-13
func TestLightweightConfig(t *testing.T) {
	router := func(old, new string) string {
		return strings.Replace(fmt.Sprintf(ticketAR, ticketOwn, ticketNeigh), old, new, 1)
	}
	for name, c := range map[string]struct{ role, want string }{
		"mobile node":              {fmt.Sprintf(ticketMN, ticketNode), ""},
		"with tickets":             {fmt.Sprintf(ticketMN, ticketNode+"tickets: home, network_initiated: on,"), ""},
		"without Kerberos":         {fmt.Sprintf(ticketMN, ""), "strategy"},
		"tickets of another kind":  {fmt.Sprintf(ticketMN, ticketNode+"tickets: free,"), "tickets"},
		"tickets for mipv6":        {strings.Replace(fmt.Sprintf(ticketMN, ticketNode+"tickets: home,"), "fast", "mipv6", 1), "tickets"},
		"keys of fmipv6":           {fmt.Sprintf(ticketMN, ticketNode+"fmipv6: "+goodKeys+","), "fmipv6"},
		"router":                   {router("", ""), ""},
		"router, SHREP":            {router("gate: on", "gate: off, announce: shrep, session: 2h"), ""},
		"router without Kerberos":  {router(ticketOwn+", ", ""), "ar.fast"},
		"a kernel's address":       {router(`fast: {address: "2001:db8:a:1::a"`, `fast: {address: "2001:db8:a:1::1"`), "fast.address"},
		"a short session":          {router("gate: on", "session: 1s"), "fast.session"},
		"beside fmipv6":            {router("fast: {", `fmipv6: {address: "2001:db8:a:1::b"}, fast: {`), "ar.fast"},
		"a neighbour out of range": {router(`{address: "2001:db8:a:2::a"`, `{address: "2001:db8:a:3::a"`), "neighbours[0].address"},
		"on our own link":          {router("2001:db8:a:2::/64", "2001:db8:a:1::/64"), "neighbours[0].prefix"},
		"a group for a station":    {router("02:00:00:00:05:02", "33:33:00:00:05:02"), "neighbours[0].hw"},
		"no access router":         {router("mobileip/ar2.a.example@A.EXAMPLE", "host/ar2.a.example@A.EXAMPLE"), "neighbours[0].principal"},
		"a reserved SPI":           {router("out_spi: 256", "out_spi: 255"), "ah.out_spi"},
		"a short key":              {router("in_key: "+otherKey, "in_key: "+fastKey), "ah.in_key"},
		"one key for both ways":    {router("in_key: "+otherKey, "in_key: "+ticketKey), "ah.in_key"},
		"one key for two":          {router(ticketNeigh, ticketNeigh+", "+strings.NewReplacer("2001:db8:a:2:", "2001:db8:a:3:", "257", "259").Replace(ticketNeigh)), "neighbours[1].ah.in_key"},
		"one SPI for two":          {router(ticketNeigh, ticketNeigh+", "+strings.NewReplacer("2001:db8:a:2:", "2001:db8:a:3:", "1011", "2011").Replace(ticketNeigh)), "neighbours[1].ah.in_spi"},
	} {
		t.Run(name, func(t *testing.T) {
			_, view := roleOf(t, "{name: a, port: 1}", c.role, c.want)
			switch v := view.(type) {
			case mn.View:
				if v.Strategy != "fast" {
					t.Errorf("%+v", v)
				}
			case ar.View:
				if v.Known == nil || v.Fast != nil {
					t.Errorf("%+v", v)
				}
			}
		})
	}
}
