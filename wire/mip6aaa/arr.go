package mip6aaa

import (
	"net/netip"

	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
)

// ARR is an AA-Registration-Request: AAA client to AAAv to AAAh, draft-le §7.4.
type ARR struct {
	Route
	User           string     // User-Name: the NAI; empty when the mobile node has none
	Home           netip.Addr // MIPv6-Mobile-Node-Address; unset when it has none
	CareOf         netip.Addr
	LocalChallenge []byte
	HostChallenge  []byte
	Visited        string // Visited-Network-Identifier, which the AAA client advertises
	Auth           []byte // MN-Authentication-Data; with it the three above stand in MN-Authentication, else by themselves
	EAP            []byte
	Features       access.Features // with VisitedAvailable if AAAv says so
	Keys           []access.KeyRequest
	Binding        []byte     // MIP-Binding-Update: a whole IPv6 packet
	Agent          netip.Addr // MIPv6-Home-Agent-Address: its destination
	Peer           []PeerKey  // what the AAA client offers for the key it shares with the mobile node
}

// FromRequest makes an ARR of what the mobile node said on the link of a network. The request must be one that access.Join
// has given. It shares memory with it.
//
// spec DM-09
func FromRequest(r *access.Request, visited string, route Route) *ARR {
	a := &ARR{Route: route, User: r.NAI, Home: r.HomeAddress, CareOf: r.CareOf, LocalChallenge: r.LocalChallenge, HostChallenge: r.HostChallenge,
		Visited: visited, Auth: r.Auth, EAP: r.EAP, Features: r.Features, Keys: r.Keys, Binding: r.Binding}
	if p, err := ip6.Parse(r.Binding); r.Binding != nil && err == nil {
		a.Agent = p.Dst
	}
	return a
}

// Request gives back what the mobile node said, checked as access.Join checks it. VisitedAvailable is kept in the features; it is no part of
// Covered. The error is a *diameter.Error.
//
// spec DM-11
func (a *ARR) Request() (*access.Request, error) {
	own := access.Request{NAI: a.User, HomeAddress: a.Home, CareOf: a.CareOf, LocalChallenge: a.LocalChallenge, HostChallenge: a.HostChallenge,
		Auth: a.Auth, Features: a.Features &^ access.VisitedAvailable, EAP: a.EAP, Keys: a.Keys, Binding: a.Binding}
	r, err := access.ParseRequest(own.AppendBody(nil))
	if err != nil {
		return nil, &diameter.Error{Code: diameter.InvalidAVPValue, Text: "the mobile node's request: " + err.Error()}
	}
	if r.Binding != nil {
		if p, _ := ip6.Parse(r.Binding); p.Dst != a.Agent { // §7.4: "extracted from the Destination IP address"
			return nil, &diameter.Error{Code: diameter.ContradictingAVPs, Text: "MIPv6-Home-Agent-Address is not the destination of the MIP-Binding-Update"}
		}
	}
	r.Features = a.Features
	return r, nil
}

// Append writes the AVPs.
func (a *ARR) Append(b *diameter.Builder) {
	a.Route.append(b)
	b.Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA)
	b.Uint32(diameter.AuthSessionState, noState)
	text(b, diameter.UserName, a.User)
	addr(b, diameter.CareOfAddress, a.CareOf)
	if len(a.Auth) > 0 {
		b.Group(diameter.MNAuthentication, func(b *diameter.Builder) {
			a.appendChallenges(b)
			b.Bytes(diameter.MNAuthenticationData, a.Auth)
		})
	} else {
		a.appendChallenges(b)
	}
	octets(b, diameter.EAPPayload, a.EAP)
	word(b, diameter.MIPv6FeatureVector, uint32(a.Features))
	octets(b, diameter.MIPBindingUpdate, a.Binding)
	addr(b, diameter.MIPv6MobileNodeAddress, a.Home)
	addr(b, diameter.MIPv6HomeAgentAddress, a.Agent)
	appendKeyRequests(b, a.Keys)
	appendPeerKeys(b, a.Peer)
}

func (a *ARR) appendChallenges(b *diameter.Builder) {
	octets(b, diameter.LocalChallenge, a.LocalChallenge)
	octets(b, diameter.HostChallenge, a.HostChallenge)
	text(b, diameter.VisitedNetworkIdentifier, a.Visited)
}

// Octets is the whole message, its identifiers zero; good until the builder begins another.
func (a *ARR) Octets(b *diameter.Builder) []byte {
	a.Append(begin(b, diameter.AARegistration))
	return b.Done()
}

// noState is NO_STATE_MAINTAINED: sessions end by their Session-Timeout (RFC 6733 §8.11).
const noState = 1

// ParseARR reads an ARR that diameter.Check has accepted.
//
// spec DM-02 DM-03
func ParseARR(m diameter.Message) (*ARR, error) {
	a := new(ARR)
	if err := each(m, a.Route.take, a.take); err != nil {
		return nil, err
	}
	switch {
	case a.User == "" && !a.Home.IsValid():
		return nil, missing("neither User-Name nor MIPv6-Mobile-Node-Address: nobody is named")
	case a.Auth == nil && a.EAP == nil:
		return nil, missing("neither MN-Authentication nor EAP-Payload: nothing authenticates the mobile node")
	case !a.CareOf.IsValid():
		return nil, missing("Care-of-Address is missing")
	case a.LocalChallenge == nil || a.Visited == "":
		return nil, missing("Local-Challenge and Visited-Network-Identifier are needed with EAP-Payload too")
	}
	return a, nil
}

func (a *ARR) take(x diameter.AVP) (err error) {
	switch x.Key {
	case diameter.UserName:
		a.User, err = name(x)
	case diameter.CareOfAddress:
		a.CareOf, err = address(x)
	case diameter.MNAuthentication:
		var l diameter.List
		if l, err = x.Group(); err != nil {
			return err
		}
		for y := range l.All() {
			if err = a.takeChallenge(y); err != nil {
				return err
			}
			if y.Key == diameter.MNAuthenticationData {
				if a.Auth, err = exactly(y, access.AuthLen); err != nil {
					return err
				}
			}
		}
	case diameter.EAPPayload:
		a.EAP, err = atMost(x, access.MaxEAP)
	case diameter.MIPv6FeatureVector:
		a.Features, err = features(x)
	case diameter.MIPBindingUpdate:
		a.Binding, err = atMost(x, access.MaxEmbedded)
	case diameter.MIPv6MobileNodeAddress:
		a.Home, err = address(x)
	case diameter.MIPv6HomeAgentAddress:
		a.Agent, err = address(x)
	case diameter.KeyRequest:
		a.Keys, err = takeKeyRequest(a.Keys, x)
	case diameter.KeyDistribution:
		a.Peer, err = takePeerKey(a.Peer, x)
	default:
		err = a.takeChallenge(x)
	}
	return err
}

// takeChallenge reads what stands in MN-Authentication or, with EAP alone, in the ARR. Not in both: which would count is nobody's guess.
func (a *ARR) takeChallenge(x diameter.AVP) (err error) {
	twice := false
	switch x.Key {
	case diameter.LocalChallenge:
		twice = a.LocalChallenge != nil
		a.LocalChallenge, err = atMost(x, access.MaxChallenge)
	case diameter.HostChallenge:
		twice = a.HostChallenge != nil
		a.HostChallenge, err = atMost(x, access.MaxChallenge)
	case diameter.VisitedNetworkIdentifier:
		twice = a.Visited != ""
		a.Visited, err = name(x)
	}
	if twice {
		return contradiction(x, "%s in MN-Authentication and beside it", x.Name())
	}
	return err
}

// features reads a MIPv6-Feature-Vector; bits without a name mean nothing we could keep to.
func features(x diameter.AVP) (access.Features, error) {
	v, err := x.Uint32()
	const all = access.HomeAgentRequested | access.HomeAddressRequested | access.OnlyInHomeDomain | access.AgentInVisited | access.VisitedAvailable
	if err == nil && access.Features(v)&^all != 0 {
		return 0, bad(x, "MIPv6-Feature-Vector 0x%08x has flags without a meaning", v)
	}
	return access.Features(v), err
}
