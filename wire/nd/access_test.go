package nd

import (
	"bytes"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/wire/ip6"
	"roam6/wire/subopt"
)

var goldenAccess = golden{
	src: arLL, dst: ip6.AllNodes,
	text: `
		86 00 a6 b7             # Type 134, Code 0, Checksum
		40 00 07 08             # Cur Hop Limit 64; Router Lifetime 1800 s
		00 00 00 00 00 00 00 00 # Reachable Time, Retrans Timer
		fd 06                   # the experimental option, 48 octets
		20 0a                   # Local Challenge, 10 octets
		01 02 03 04 05 06 07 08 #
		21 11                   # Visited Network Identifier, 17 octets
		76 69 73 69 74 65 64 2e # visited.
		65 78 61 6d 70 6c 65    # example
		22 12                   # AAA Client Address, 18 octets
		20 01 0d b8 00 0a 00 01 #
		00 00 00 00 00 00 00 01 #
		00                      # padding
	`,
	msg: &RouterAdvertisement{HopLimit: 64, Lifetime: 30 * time.Minute, Options: Options{
		Access: &Access{LocalChallenge: []byte{1, 2, 3, 4, 5, 6, 7, 8}, Network: "visited.example", Client: arAddr}}},
	ends: []int{16},
}

func TestAccess(t *testing.T) { //spec DM-05
	goldenAccess.check(t)
	b := goldenAccess.octets()
	for n := range b {
		m, err := Parse(arLL, ip6.AllNodes, HopLimit, seal(arLL, ip6.AllNodes, slices.Clone(b[:n])))
		if whole := n == 16; whole != (err == nil) || whole && optionsOf(m).Access != nil {
			t.Errorf("cut at %d: %+v, %v", n, m, err)
		}
	}
}

// The longest values fit, although they are over what one suboption holds together with its header.
func TestLongestAccess(t *testing.T) { //spec DM-05
	ra := &RouterAdvertisement{Options: Options{Access: &Access{LocalChallenge: bytes.Repeat([]byte{7}, MaxChallenge),
		Network: strings.Repeat("a", MaxNetwork), Client: arAddr}}}
	b := Append(nil, arLL, ip6.AllNodes, ra)
	if m, err := Parse(arLL, ip6.AllNodes, HopLimit, b); err != nil || !reflect.DeepEqual(m, ra) || len(b)%8 != 0 {
		t.Errorf("%d octets: %+v, %v", len(b), m, err)
	}
}

// An epoch is the one suboption that may be missing.
func TestEpoch(t *testing.T) { //spec DM-05
	ra := &RouterAdvertisement{Options: Options{Access: &Access{LocalChallenge: make([]byte, MinChallenge), Network: "v", Client: arAddr, Epoch: 0x80000001}}}
	b := Append(nil, arLL, ip6.AllNodes, ra)
	if m, err := Parse(arLL, ip6.AllNodes, HopLimit, b); err != nil || !reflect.DeepEqual(m, ra) {
		t.Errorf("%+v, %v", m, err)
	}
	if want := []byte{subopt.Epoch, 6, 0x80, 0, 0, 1}; !bytes.Contains(b, want) {
		t.Errorf("no % x in % x", want, b)
	}
}

// Other experiments have the same option type. Whatever they put into it, the advertisement stays good, and nothing is taken for ours.
func TestOtherExperiments(t *testing.T) {
	challenge := subopt.Append(nil, subopt.LocalChallenge, make([]byte, 8))
	network := subopt.Append(nil, subopt.VisitedNetwork, []byte("v"))
	client := arAddr.As16()
	clientOpt := subopt.Append(nil, subopt.AAAClient, client[:])
	multicast := netip.MustParseAddr("ff02::1").As16()
	for name, d := range map[string][]byte{ //order:any
		"octets":             {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"nothing":            make([]byte, 6),
		"no client":          slices.Concat(challenge, network),
		"no network":         slices.Concat(challenge, clientOpt),
		"no challenge":       slices.Concat(network, clientOpt),
		"two challenges":     slices.Concat(challenge, network, challenge, clientOpt),
		"a short challenge":  slices.Concat(subopt.Append(nil, subopt.LocalChallenge, make([]byte, 7)), network, clientOpt),
		"a long challenge":   slices.Concat(subopt.Append(nil, subopt.LocalChallenge, make([]byte, 33)), network, clientOpt),
		"a space":            slices.Concat(challenge, subopt.Append(nil, subopt.VisitedNetwork, []byte("a b")), clientOpt),
		"a long network":     slices.Concat(challenge, subopt.Append(nil, subopt.VisitedNetwork, bytes.Repeat([]byte("a"), MaxNetwork+1)), clientOpt),
		"a group as client":  slices.Concat(challenge, network, subopt.Append(nil, subopt.AAAClient, multicast[:])),
		"a truncated client": slices.Concat(challenge, network, clientOpt[:17]),
		"a short epoch":      slices.Concat(challenge, network, clientOpt, subopt.Append(nil, subopt.Epoch, []byte{1, 2, 3})),
		"epoch 0":            slices.Concat(challenge, network, clientOpt, subopt.Append(nil, subopt.Epoch, make([]byte, 4))),
	} {
		ra := &RouterAdvertisement{Options: Options{Unknown: []RawOption{{OptExperiment, d}}}}
		m, err := Parse(arLL, ip6.AllNodes, HopLimit, Append(nil, arLL, ip6.AllNodes, ra))
		if err != nil || optionsOf(m).Access != nil || len(optionsOf(m).Unknown) != 1 {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	theirs := RawOption{OptExperiment, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}
	more := slices.Concat(challenge, subopt.Append(nil, 200, []byte("more")), network, clientOpt)
	ra := &RouterAdvertisement{Options: Options{Unknown: []RawOption{theirs, {OptExperiment, more}, {OptExperiment, more}}}}
	m, err := Parse(arLL, ip6.AllNodes, HopLimit, Append(nil, arLL, ip6.AllNodes, ra))
	if err != nil || optionsOf(m).Access == nil || len(optionsOf(m).Unknown) != 2 {
		t.Errorf("behind another's and before a second: %+v, %v", m, err)
	}
}
