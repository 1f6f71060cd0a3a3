package node

import (
	"fmt"
	"net/netip"
	"slices"

	"roam6/plane"
	"roam6/role/ha"
	"roam6/role/mn"
)

// What a configuration says of several care-of addresses (RFC 5648), and which traffic takes which. No protocol tells the other end
// of that: both are configured.

const (
	// maxFlows is how many flows one mobile node has at either end.
	maxFlows = 32
	maxProto = 255
	maxPort  = 65535
)

// flows checks a mobile node's.
func (k *checker) flows(at string, m *MNConfig) {
	given(k, at+".multihoming", &m.Multihoming, string(mn.SingleHomed))
	k.multihomed(at, m.Multihoming, len(m.Flows))
	for i, f := range m.Flows {
		fat := fmt.Sprintf("%s.flows[%d]", at, i)
		k.must(slices.Contains(m.Links, f.Link), fat+".link", f.Link, "the port number of one of the mobile node's links")
		k.flow(fat, f.Peers, f.Proto, f.PeerPort, f.Port)
	}
}

// flowsToward checks those that a home agent has for a mobile node.
func (k *checker) flowsToward(at string, m *MobileConfig) {
	given(k, at+".multihoming", &m.Multihoming, string(ha.SingleHomed))
	k.multihomed(at, m.Multihoming, len(m.Flows))
	for i, f := range m.Flows {
		fat := fmt.Sprintf("%s.flows[%d]", at, i)
		k.must(f.BID >= 1 && f.BID <= maxLinks, fat+".bid", f.BID, fmt.Sprintf("1 to %d", maxLinks))
		k.flow(fat, f.Peers, f.Proto, f.PeerPort, f.Port)
	}
}

func (k *checker) multihomed(at, kind string, flows int) {
	k.must(flows == 0 || kind != string(mn.SingleHomed), at+".flows", flows, "none unless multihoming is register or bicast")
	k.must(flows <= maxFlows, at+".flows", flows, fmt.Sprintf("%d at most", maxFlows))
}

func (k *checker) flow(at string, peers netip.Prefix, proto, peerPort, port int) {
	k.must(!peers.IsValid() || peers.Addr().Is6() && peers == peers.Masked(), at+".peers", peers, "an IPv6 prefix without bits behind its length")
	k.must(proto >= 0 && proto <= maxProto, at+".proto", proto, "1 to 255")
	k.must(peerPort >= 0 && peerPort <= maxPort, at+".peer_port", peerPort, "1 to 65535")
	k.must(port >= 0 && port <= maxPort, at+".port", port, "1 to 65535")
}

// flowsOf are a mobile node's flows.
func flowsOf(m *MNConfig) []mn.Flow {
	var list []mn.Flow
	for _, f := range m.Flows {
		list = append(list, mn.Flow{Link: plane.Port(f.Link),
			Match: plane.Flow{Dst: f.Peers, Proto: uint8(f.Proto), SrcPort: uint16(f.Port), DstPort: uint16(f.PeerPort)}})
	}
	return list
}

// flowsToward are those that its home agent has for it.
func flowsToward(m *MobileConfig) []plane.Flow {
	var list []plane.Flow
	for _, f := range m.Flows {
		list = append(list, plane.Flow{Src: f.Peers, Proto: uint8(f.Proto), SrcPort: uint16(f.PeerPort), DstPort: uint16(f.Port), Way: uint16(f.BID)})
	}
	return list
}
