package nd

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/wire/ip6"
	"roam6/wire/subopt"
)

// nextLL is the router that the mobile node is redirected to.
var nextLL = netip.MustParseAddr("fe80::ff:fe00:c01")

// The messages of draft-blair-rt-mobileipv6-seamoby-00 appendix B.2: the Redirect of figure 1, and figure 2.
var kerberosGoldens = []golden{
	{src: arLL, dst: coa, text: kerberosRedirectText, ends: []int{40, 48, 80}, msg: &Redirect{Target: nextLL, Destination: coa, Options: Options{
		TargetHW: [6]byte{2, 0, 0, 0, 0x0c, 1},
		Prefixes: []Prefix{{Prefix: netip.MustParsePrefix("2001:db8:b:2::/64"), OnLink: true, Autonomous: true, Valid: time.Hour, Preferred: 30 * time.Minute}},
		Handover: &subopt.Handover{Principal: subopt.Principal{Name: "mobileip/x", Realm: "R"}, Strictness: subopt.Global}}}},
	{src: mnLL, dst: ip6.AllRouters, text: kerberosRSText, ends: []int{8}, msg: &RouterSolicitation{Options{
		Handover: &subopt.Handover{Strictness: subopt.Global, RealmsWanted: true, TGT: []byte("\x61\x01x")}}}},
	{src: arLL, dst: ip6.AllNodes, text: kerberosRAText, ends: []int{16}, msg: &RouterAdvertisement{HopLimit: 64, Lifetime: 30 * time.Minute, Options: Options{
		Handover: &subopt.Handover{Kerberos: []byte("\x6e\x02xy"), Realms: []string{"B", "C"}}}}},
	{src: mnLL, dst: arLL, text: kerberosNSText, ends: []int{24}, msg: &NeighborSolicitation{Target: arLL, Options: Options{
		Handover: &subopt.Handover{Kerberos: []byte("\x6f\x01z")}}}},
	{src: arLL, dst: mnLL, text: kerberosNAText, ends: []int{24}, msg: &NeighborAdvertisement{Router: true, Solicited: true, Target: arLL, Options: Options{
		Handover: &subopt.Handover{Strictness: subopt.Both}}}},
}

func TestHandoverSuboptions(t *testing.T) { //spec RT-31 RT-37 RT-41 FH-17
	for _, g := range kerberosGoldens {
		g.check(t)
		b := g.octets()
		for n := range b {
			m, err := Parse(g.src, g.dst, HopLimit, seal(g.src, g.dst, slices.Clone(b[:n])))
			if whole := slices.Contains(g.ends, n); whole != (err == nil) || whole && optionsOf(m).Handover != nil {
				t.Errorf("%T cut at %d: %+v, %v", g.msg, n, m, err)
			}
		}
	}
}

// One message may ask for access and for a handover: each has an option of its own.
func TestAccessAndHandover(t *testing.T) {
	ra := &RouterAdvertisement{Options: Options{Handover: &subopt.Handover{Strictness: subopt.Local},
		Access: &Access{LocalChallenge: make([]byte, MinChallenge), Network: "v", Client: arAddr}}}
	m, err := Parse(arLL, ip6.AllNodes, HopLimit, Append(nil, arLL, ip6.AllNodes, ra))
	if err != nil || optionsOf(m).Handover == nil || optionsOf(m).Access == nil || len(optionsOf(m).Unknown) != 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

// What is not ours, or not right, is another's experiment; of two of ours the first counts. A Handover that says nothing is not written.
func TestNoHandover(t *testing.T) {
	for name, d := range map[string][]byte{ //order:any
		"nothing":            make([]byte, 6),
		"octets":             {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a flag of 9":        {subopt.Negotiation, 3, 9, 0, 0, 0},
		"unknown suboptions": {200, 6, 1, 2, 3, 4},
	} {
		if h, ours := ParseHandover(append([]byte{OptExperiment, 1}, d...)); ours {
			t.Errorf("%s: %+v", name, h)
		}
		m, err := Parse(mnLL, ip6.AllRouters, HopLimit, Append(nil, mnLL, ip6.AllRouters, &RouterSolicitation{Options{Unknown: []RawOption{{OptExperiment, d}}}}))
		if err != nil || optionsOf(m).Handover != nil || len(optionsOf(m).Unknown) != 1 || !bytes.Equal(optionsOf(m).Unknown[0].Data, d) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	for _, b := range [][]byte{nil, {OptExperiment}, {OptNonce, 1, subopt.Negotiation, 3, 1, 0, 0, 0}} {
		if _, ours := ParseHandover(b); ours {
			t.Errorf("%x is ours", b)
		}
	}
	flag := func(s subopt.Strictness) RawOption {
		return RawOption{OptExperiment, []byte{subopt.Negotiation, 3, uint8(s), 0, 0, 0}}
	}
	two := &RouterSolicitation{Options{Unknown: []RawOption{flag(subopt.Both), flag(subopt.Local)}}}
	m, err := Parse(mnLL, ip6.AllRouters, HopLimit, Append(nil, mnLL, ip6.AllRouters, two))
	if o := optionsOf(m); err != nil || o.Handover == nil || o.Handover.Strictness != subopt.Both || len(o.Unknown) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	if b := Append(nil, mnLL, ip6.AllRouters, &RouterSolicitation{Options{Handover: new(subopt.Handover)}}); len(b) != rsLen {
		t.Errorf("an empty option: %x", b)
	}
}

const kerberosRedirectText = `
		89 00 dc 3b             # Type 137, Code 0, Checksum
		00 00 00 00             # Reserved
		fe 80 00 00 00 00 00 00 # Target Address: the next router
		00 00 00 ff fe 00 0c 01 #
		20 01 0d b8 00 0a 00 01 # Destination Address
		00 00 00 ff fe 00 0a 01 #
		02 01 02 00 00 00 0c 01 # target link-layer address
		03 04 40 c0             # prefix of 64 bits, L and A
		00 00 0e 10 00 00 07 08 # valid 1 h, preferred 30 min
		00 00 00 00             #
		20 01 0d b8 00 0b 00 02 #
		00 00 00 00 00 00 00 00 #
		fd 03                   # the experimental option, 24 octets
		01 0f 0a 6d 6f 62 69 6c # principal
		65 69 70 2f 78 01 52    #
		02 03 03                # negotiation flag G
		00 00 00 00             # padding
	`

const kerberosRSText = `
		85 00 67 3b             # Type 133, Code 0, Checksum
		00 00 00 00             # Reserved
		fd 02                   # the experimental option, 16 octets
		02 03 03                # negotiation flag G
		05 04 00 00             # adjacent realms wanted
		07 05 61 01 78          # ticket-granting ticket
		00 00                   # padding
	`

const kerberosRAText = `
		86 00 3c 07             # Type 134, Code 0, Checksum
		40 00 07 08             # Cur Hop Limit 64; Router Lifetime 1800 s
		00 00 00 00 00 00 00 00 # Reachable Time, Retrans Timer
		fd 02                   # the experimental option, 16 octets
		03 06 6e 02 78 79       # Kerberos message
		06 06 01 42 01 43       # adjacent realms
		00 00                   # padding
	`

const kerberosNSText = `
		87 00 77 16             # Type 135, Code 0, Checksum
		00 00 00 00             # Reserved
		fe 80 00 00 00 00 00 00 # Target Address
		00 00 00 ff fe 00 0b 01 #
		fd 01                   # the experimental option, 8 octets
		03 05 6f 01 7a          # Kerberos message: AP-REP
		00                      # padding
	`

const kerberosNAText = `
		88 00 9e 19             # Type 136, Code 0, Checksum
		c0 00 00 00             # R, S
		fe 80 00 00 00 00 00 00 # Target Address
		00 00 00 ff fe 00 0b 01 #
		fd 01                   # the experimental option, 8 octets
		02 03 02                # negotiation flag B
		00 00 00                # padding
	`
