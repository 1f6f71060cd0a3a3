package mip6aaa

import (
	"net/netip"
	"time"

	"roam6/wire/access"
	"roam6/wire/diameter"
)

// HOR is a Home-Agent-MIPv6-Request: AAAh or AAAv to the home agent, or AAAh to AAAv for a home agent there (draft-le §7.6, §9.5). In
// the latter Home, Agent and Binding may be absent: AAAv chooses them.
type HOR struct {
	Route
	User     string
	Visited  string // Visited-Network-Identifier: the name of the network in keys
	CareOf   netip.Addr
	Lifetime time.Duration // Authorization-Lifetime: what a binding may last; 0: the home agent's own
	Features access.Features
	Binding  []byte     // MIP-Binding-Update: a whole IPv6 packet; home address :: for one that the home agent is to assign
	Home     netip.Addr // which the server has assigned, or the mobile node has
	Agent    netip.Addr
	Peer     []PeerKey // for the home agent
}

// Append writes the AVPs.
func (h *HOR) Append(b *diameter.Builder) {
	h.Route.append(b)
	b.Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA)
	b.Uint32(diameter.AuthSessionState, noState)
	text(b, diameter.UserName, h.User)
	text(b, diameter.VisitedNetworkIdentifier, h.Visited)
	addr(b, diameter.CareOfAddress, h.CareOf)
	if h.Lifetime > 0 {
		b.Uint32(diameter.AuthorizationLifetime, seconds(h.Lifetime))
	}
	word(b, diameter.MIPv6FeatureVector, uint32(h.Features))
	octets(b, diameter.MIPBindingUpdate, h.Binding)
	addr(b, diameter.MIPv6MobileNodeAddress, h.Home)
	addr(b, diameter.MIPv6HomeAgentAddress, h.Agent)
	appendPeerKeys(b, h.Peer)
}

// Octets is the whole message, its identifiers zero; good until the builder begins another.
func (h *HOR) Octets(b *diameter.Builder) []byte {
	h.Append(begin(b, diameter.HomeAgentMIPv6))
	return b.Done()
}

// ParseHOR reads a HOR that diameter.Check has accepted.
//
// spec DM-02 DM-03
func ParseHOR(m diameter.Message) (*HOR, error) {
	h := new(HOR)
	if err := each(m, h.Route.take, h.take); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *HOR) take(x diameter.AVP) (err error) {
	switch x.Key {
	case diameter.UserName:
		h.User, err = name(x)
	case diameter.VisitedNetworkIdentifier:
		h.Visited, err = name(x)
	case diameter.CareOfAddress:
		h.CareOf, err = address(x)
	case diameter.AuthorizationLifetime:
		h.Lifetime, err = duration(x)
	case diameter.MIPv6FeatureVector:
		h.Features, err = features(x)
	case diameter.MIPBindingUpdate:
		h.Binding, err = atMost(x, access.MaxEmbedded)
	case diameter.MIPv6MobileNodeAddress:
		h.Home, err = address(x)
	case diameter.MIPv6HomeAgentAddress:
		h.Agent, err = address(x)
	case diameter.KeyDistribution:
		h.Peer, err = takePeerKey(h.Peer, x)
	}
	return err
}

// HOA is a Home-Agent-MIPv6-Answer, draft-le §7.7, §9.6.
type HOA struct {
	Outcome
	User    string
	Binding []byte     // MIP-Binding-Acknowledgement: a whole IPv6 packet
	Home    netip.Addr // the home address that is bound
	Agent   netip.Addr // the home agent
	Peer    []PeerKey  // of the home agent: its SPI and, with Diffie-Hellman, its public value
}

// Append writes the AVPs besides those of diameter.Builder.Reply.
func (h *HOA) Append(b *diameter.Builder) {
	b.Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA)
	b.Uint32(diameter.AuthSessionState, noState)
	text(b, diameter.UserName, h.User)
	octets(b, diameter.MIPBindingAcknowledgement, h.Binding)
	addr(b, diameter.MIPv6MobileNodeAddress, h.Home)
	addr(b, diameter.MIPv6HomeAgentAddress, h.Agent)
	appendPeerKeys(b, h.Peer)
	text(b, diameter.ErrorMessage, h.Message)
}

// Octets is the whole answer to a message, by host of realm; good until the builder begins another.
func (h *HOA) Octets(b *diameter.Builder, to diameter.Message, host, realm string) []byte {
	h.Append(b.Reply(to, h.Code, host, realm))
	return b.Done()
}

// ParseHOA reads a HOA that diameter.Check has accepted.
//
// spec DM-02 DM-03
func ParseHOA(m diameter.Message) (*HOA, error) {
	h := new(HOA)
	if err := each(m, h.Outcome.take, h.take); err != nil {
		return nil, err
	}
	if h.Code == 0 {
		return nil, missing("Result-Code is missing")
	}
	return h, nil
}

func (h *HOA) take(x diameter.AVP) (err error) {
	switch x.Key {
	case diameter.UserName:
		h.User, err = name(x)
	case diameter.MIPBindingAcknowledgement:
		h.Binding, err = atMost(x, access.MaxEmbedded)
	case diameter.MIPv6MobileNodeAddress:
		h.Home, err = address(x)
	case diameter.MIPv6HomeAgentAddress:
		h.Agent, err = address(x)
	case diameter.KeyDistribution:
		h.Peer, err = takePeerKey(h.Peer, x)
	}
	return err
}
