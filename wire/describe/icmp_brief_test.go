package describe_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/wire/describe"
	"roam6/wire/icmp6"
	"roam6/wire/nd"
)

func TestSummaries(t *testing.T) {
	prefix := nd.Prefix{Prefix: homeNet, OnLink: true, Autonomous: true, Valid: 2 * time.Hour, Preferred: time.Hour}
	agents := slices.Repeat([]netip.Addr{ha}, 7)
	for _, c := range []struct {
		name string
		b    []byte
		want string // at the end of the summary
	}{
		{"router without an offer", neighbour(router, coa, &nd.RouterAdvertisement{}), "Router Advertisement lifetime 0s"},
		{"prefix", neighbour(router, coa, &nd.RouterAdvertisement{Lifetime: time.Minute, Options: nd.Options{Prefixes: []nd.Prefix{prefix}}}),
			"lifetime 1m0s prefix 2001:db8:1::/64 LA valid 2h0m0s preferred 1h0m0s"},
		{"many prefixes", neighbour(router, coa, &nd.RouterAdvertisement{Options: nd.Options{Prefixes: slices.Repeat([]nd.Prefix{prefix}, 6)}}),
			"preferred 1h0m0s and 2 more"},
		{"home agents", control(ha, coa, &icmp6.HomeAgentsReply{ID: 5, Agents: agents}), strings.Repeat(" 2001:db8:1::1", 4) + " and 3 more"},
		{"no home agent", control(ha, coa, &icmp6.HomeAgentsReply{ID: 5}), "Reply id 5 no agents"},
		{"redirect", neighbour(router, coa, &nd.Redirect{Target: router, Destination: cn}), "Redirect 2001:db8:9::1 via fe80::ff:fe00:1"},
		{"parameter problem", control(ha, cn, &icmp6.Error{Type: icmp6.TypeParameterProblem, Code: 2, Param: 46}), "Parameter Problem code 2 pointer 46"},
	} {
		tree := describe.Packet(c.b)
		if !strings.HasSuffix(tree.Summary(), c.want) || tree.Faults() != 0 {
			t.Errorf("%s: %s", c.name, tree.Summary())
		}
	}
}
