package icmp6

import (
	"net/netip"
	"reflect"
	"testing"

	"roam6/wire"
	"roam6/wire/ip6"
)

var goldenHomeAgentsRequest = golden{
	src: coa, dst: ip6.HomeAgentsAnycast(homeNet),
	text: `
		90    # Type 144
		00    # Code
		bf f0 # Checksum
		4d 4e # Identifier
		00 00 # Reserved
	`,
	msg:   &HomeAgentsRequest{ID: 0x4d4e},
	whole: func(int) bool { return true },
}

var goldenHomeAgentsReply = golden{
	src: ha, dst: coa,
	text: `
		91                      # Type 145
		00                      # Code
		61 57                   # Checksum
		4d 4e                   # Identifier
		00 00                   # Reserved
		20 01 0d b8 00 01 00 00 # Home Agent Addresses, best first
		00 00 00 00 00 00 00 02 #
		20 01 0d b8 00 01 00 00 #
		00 00 00 00 00 00 00 01 #
	`,
	msg:   &HomeAgentsReply{ID: 0x4d4e, Agents: []netip.Addr{ha2, ha}},
	whole: func(n int) bool { return (n-headerLen)%16 == 0 },
}

func TestHomeAgentsRequest(t *testing.T) { goldenHomeAgentsRequest.check(t) } //spec MIP-05
func TestHomeAgentsReply(t *testing.T)   { goldenHomeAgentsReply.check(t) }   //spec MIP-05

// RFC 6275 §10.5.1: the reply fits the least MTU, and the best addresses stay.
func TestHomeAgentsReplyFitsLeastMTU(t *testing.T) {
	agents := make([]netip.Addr, 100)
	for i := range agents {
		agents[i] = ha
	}
	agents[0] = ha2
	b := Append(nil, ha, coa, &HomeAgentsReply{Agents: agents})
	if n := len(b) + ip6.HeaderLen; n > ip6.MinMTU || n <= ip6.MinMTU-16 {
		t.Errorf("reply of %d octets does not fill %d", n, ip6.MinMTU)
	}
	m, err := Parse(ha, coa, b)
	if err != nil || len(m.(*HomeAgentsReply).Agents) != MaxAgents || m.(*HomeAgentsReply).Agents[0] != ha2 {
		t.Errorf("got %v, %v; want the first %d", m, err, MaxAgents)
	}
	g := golden{src: ha, dst: coa}
	g.refused(t, "an address too many", append(b, make([]byte, 16)...), "Home Agent Addresses", len(b), wire.ErrLimit)
}

// A mobile node's options after the request do not matter: none is defined.
func TestHomeAgentsRequestIgnoresTheRest(t *testing.T) {
	b := seal(coa, ha, append(goldenHomeAgentsRequest.octets(), 1, 2, 3))
	if m, err := Parse(coa, ha, b); err != nil || m.(*HomeAgentsRequest).ID != 0x4d4e {
		t.Errorf("got %v, %v", m, err)
	}
}

// RFC 3963 §7.1, §7.2: one bit tells that mobile routers are meant.
//
// spec MIP-11
func TestHomeAgentsOfMobileRouters(t *testing.T) {
	for _, m := range []Message{
		&HomeAgentsRequest{ID: 0x4d4e, MobileRouters: true},
		&HomeAgentsReply{ID: 0x4d4e, MobileRouters: true, Agents: []netip.Addr{ha}},
	} {
		b := Append(nil, ha, coa, m)
		if b[6] != 0x80 || b[7] != 0 {
			t.Errorf("%T: octets 6 and 7 are %x", m, b[6:8])
		}
		if got, err := Parse(ha, coa, b); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("got %+v, %v; want %+v", got, err, m)
		}
	}
}
