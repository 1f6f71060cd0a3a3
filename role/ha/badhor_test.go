package ha

import (
	"net/netip"
	"time"

	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/mip6aaa"
)

var farAway = netip.MustParseAddr("2001:db8:f::1")

// badHORs are what is wrong with a HOR, and what is said of it.
var badHORs = []struct {
	reason string
	code   diameter.ResultCode
	change func(*mip6aaa.HOR)
}{
	{"hor-no-update", 5900, func(h *mip6aaa.HOR) { h.Binding = nil }},
	{"hor-malformed", 5900, func(h *mip6aaa.HOR) { h.Binding = h.Binding[:60] }},
	{"hor-no-update", 5900, func(h *mip6aaa.HOR) { h.Binding[len(h.Binding)-1] ^= 1 }},
	{"hor-no-update", 5900, func(h *mip6aaa.HOR) {
		h.Binding = vouched(coa, fixedHome, &mh.BindingUpdate{Ack: true, Lifetime: time.Minute})
	}},
	{"hor-removal", 5900, func(h *mip6aaa.HOR) { h.Binding = vouched(coa, fixedHome, bu(0, 0)) }},
	{"hor-not-for-us", 5900, func(h *mip6aaa.HOR) { h.Agent = farAway }},
	{"hor-not-for-us", 5900, func(h *mip6aaa.HOR) {
		p, _ := ip6.Parse(h.Binding)
		p.Dst = farAway
		h.Binding = p.Append(nil)
	}},
	{"hor-forged", 5900, func(h *mip6aaa.HOR) { h.CareOf = coa2 }},
	{"hor-forged", 5900, func(h *mip6aaa.HOR) { h.CareOf = netip.Addr{} }},
	{"hor-forged", 5900, func(h *mip6aaa.HOR) {
		u := bu(0, time.Minute)
		u.Options.AltCareOf = coa2
		h.Binding = vouched(coa, fixedHome, u)
	}},
	{"hor-care-of-address", 5900, func(h *mip6aaa.HOR) {
		h.CareOf = netip.MustParseAddr("fe80::1")
		h.Binding = vouched(h.CareOf, fixedHome, bu(0, time.Minute))
	}},
	{"bu-refused", 4900, func(h *mip6aaa.HOR) { h.CareOf = hoa2; h.Binding = vouched(hoa2, fixedHome, bu(0, time.Minute)) }},
	{"hor-home-address", 5900, func(h *mip6aaa.HOR) { h.Home = farAway }},
	{"hor-home-address", 5900, func(h *mip6aaa.HOR) { h.Binding = vouched(coa, farAway, bu(0, time.Minute)) }},
	{"hor-home-address", 5900, func(h *mip6aaa.HOR) { h.Binding = vouched(coa, haAddr, bu(0, time.Minute)) }},
	{"hor-home-address", 5900, func(h *mip6aaa.HOR) {
		h.Binding = vouched(coa, ip6.HomeAgentsAnycast(prefix), bu(0, time.Minute))
	}},
	{"hor-home-address", 5900, func(h *mip6aaa.HOR) { h.Binding = vouched(coa, prefix.Addr(), bu(0, time.Minute)) }},
	{"hor-nobody", 5900, func(h *mip6aaa.HOR) { h.User, h.Binding = "", vouched(coa, netip.Addr{}, bu(0, time.Minute)) }},
	{"hor-no-keys", 5900, func(h *mip6aaa.HOR) { h.Peer = nil }},
	{"hor-no-keys", 5900, func(h *mip6aaa.HOR) { h.Peer[0].Use = 2 }},
	{"hor-no-keys", 5900, func(h *mip6aaa.HOR) { h.Peer[0].Material = nil }},
	{"hor-no-keys", 5900, func(h *mip6aaa.HOR) { h.Peer[0].Method = 2 }},
	{"hor-no-keys", 5900, func(h *mip6aaa.HOR) { h.Peer[0].Method = 3 }},
	{"hor-no-keys", 5900, func(h *mip6aaa.HOR) { h.Peer[0].MNSPI = 0 }},
	{"hor-no-keys", 5900, func(h *mip6aaa.HOR) { h.Peer[0].Algorithm = 0 }},
	{"hor-no-keys", 5900, func(h *mip6aaa.HOR) {
		h.Peer[0].Method, h.Peer[0].Public, h.Peer[0].Material = 2, h.Peer[0].Material, nil
		h.Visited = ""
	}},
	{"hor-public-value", 5900, func(h *mip6aaa.HOR) {
		h.Peer[0].Method, h.Peer[0].Public, h.Peer[0].Material = 2, make([]byte, 32), nil
	}},
	{"hor-unknown-mobile", 5900, func(h *mip6aaa.HOR) {
		h.Binding = bare(ip6.Packet{Header: ip6.Header{Src: coa, Dst: haAddr}, HomeAddress: fixedHome, Proto: ip6.ProtoESP, Payload: make([]byte, 64)})
	}},
	{"hor-keys-not-wanted", 5900, func(h *mip6aaa.HOR) {}}, // below: for a node of the configuration
	{"bu-refused", 4900, func(h *mip6aaa.HOR) { h.Lifetime = time.Second }},
	{"bu-refused", 4900, func(h *mip6aaa.HOR) { h.Peer[0].Lifetime = time.Second }},
	{"bu-refused", 4900, func(h *mip6aaa.HOR) {
		u := bu(0, time.Minute)
		u.MobileRouter = true
		h.Binding = vouched(coa, fixedHome, u)
	}},
}
