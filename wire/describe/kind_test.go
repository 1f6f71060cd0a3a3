package describe_test

import (
	"errors"
	"strings"
	"testing"

	"roam6/wire/describe"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

func unreachable(about []byte) *icmp6.Error {
	return &icmp6.Error{Type: icmp6.TypeUnreachable, Code: icmp6.CodePortUnreachable, Invoking: about}
}

func frame(kind [2]byte, packet []byte) []byte {
	return append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 5, kind[0], kind[1]}, packet...)
}

func TestGuess(t *testing.T) {
	bu, ra := bindingUpdate(), advertisement()
	for _, c := range []struct {
		name string
		b    []byte
		want describe.Kind // "" where nothing may be guessed
	}{
		{"packet", bu, describe.KindIP},
		{"frame", frame([2]byte{0x86, 0xdd}, bu), describe.KindEther},
		{"mobility header", bu[64:], describe.KindMH},
		{"router advertisement", ra[40:], describe.KindICMP},
		{"error", control(ha, cn, unreachable(bu))[40:], describe.KindICMP},
		{"a wrong version", changed(bu, 0, 0x50), ""},
		{"nothing", nil, ""},
		{"a frame of ARP, whose first octet is Packet Too Big's", frame([2]byte{8, 6}, make([]byte, 28)), ""},
		{"ICMPv6 with a code that does not exist", changed(ra[40:], 1, 7), ""},
		{"a mobility header cut short", bu[64:100], ""},
		{"any octets", []byte{0x99, 1, 2, 3, 4, 5, 6, 7, 8}, ""},
	} {
		got, err := describe.Guess(c.b)
		if got != c.want || (err == nil) != (c.want != "") || err != nil && !errors.Is(err, describe.ErrKind) {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
		if tree := describe.Bytes(c.b); err != nil && (tree.Layer != "data" || tree.Faults() != 1) {
			t.Errorf("%s: %s", c.name, tree.Summary())
		}
	}
}

func TestAs(t *testing.T) {
	bu, ra := bindingUpdate(), advertisement()
	for _, c := range []struct {
		kind  describe.Kind
		b     []byte
		layer string
	}{{describe.KindIP, bu, "ip6"}, {describe.KindEther, frame([2]byte{0x86, 0xdd}, bu), "ether"}, {describe.KindMH, bu[64:], "mh"}, {describe.KindICMP, ra[40:], "nd"}} {
		tree := describe.Reader{}.As(c.kind, c.b)
		if tree.Layer != c.layer || tree.Faults() != 0 {
			t.Errorf("as %s: %s %s", c.kind, tree.Layer, tree.Summary())
		}
	}
}

func TestNeighbourDiscoveryIsICMPv6(t *testing.T) {
	nd, echo := describe.Packet(advertisement()), describe.Packet(control(cn, home, &icmp6.Echo{ID: 1}))
	for _, c := range []struct {
		tree  describe.Tree
		layer string
		want  bool
	}{{nd, "nd", true}, {nd, "icmp6", true}, {echo, "icmp6", true}, {echo, "nd", false}, {nd, "mh", false}} {
		if c.tree.Has(c.layer) != c.want {
			t.Errorf("%s has %s: %v", c.tree.Summary(), c.layer, !c.want)
		}
	}
}

func TestOneOctetIsNotOctets(t *testing.T) {
	one := packet(ip6.Packet{Header: ip6.Header{Src: cn, Dst: home}, Proto: 200, Payload: []byte{1}})
	for name, b := range map[string][]byte{"payload": one, "guess": {0x99}, "cut": one[:1]} { //order:any
		tree := describe.Bytes(b)
		if text := tree.Summary() + tree.Text(); strings.Contains(text, " 1 octets") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
