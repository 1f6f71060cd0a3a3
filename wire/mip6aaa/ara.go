package mip6aaa

import (
	"net/netip"
	"time"

	"roam6/wire/access"
	"roam6/wire/diameter"
)

// ARA is an AA-Registration-Answer: AAAh to AAAv to AAA client, draft-le §7.6.
type ARA struct {
	Outcome
	User     string
	Lifetime time.Duration // Session-Timeout, whole seconds; 0: no end
	Auth     []byte        // Network-Authentication-Data, over Reply's Covered
	EAP      []byte
	Features access.Features
	Binding  []byte        // MIP-Binding-Acknowledgement: a whole IPv6 packet
	Home     netip.Addr    // the home address, if the mobile node had none
	Agent    netip.Addr    // the home agent, if the mobile node had none
	Keys     []MNKey       // for the mobile node
	Peer     []PeerKey     // for the AAA client
	Interim  time.Duration // Acct-Interim-Interval: how often accounting is wanted; 0: the AAA client's own way
}

// Reply gives what the mobile node is told. It shares memory with the ARA.
//
// spec DM-09
func (a *ARA) Reply() *access.Reply {
	r := &access.Reply{EAP: a.EAP, Binding: a.Binding, Result: uint32(a.Code), Auth: a.Auth, Lifetime: a.Lifetime}
	for _, k := range a.Keys {
		r.Keys = append(r.Keys, k.KeyData)
	}
	return r
}

// FromReply makes an ARA of what the mobile node shall be told. mn gives, for a use, the SPI that the mobile node asked for.
func FromReply(r *access.Reply, mn func(access.Use) uint32) *ARA {
	a := &ARA{Outcome: Outcome{Code: diameter.ResultCode(r.Result)}, Lifetime: r.Lifetime, Auth: r.Auth, EAP: r.EAP, Binding: r.Binding}
	for _, k := range r.Keys {
		a.Keys = append(a.Keys, MNKey{k, mn(k.Use)})
	}
	return a
}

// Append writes the AVPs besides those of diameter.Builder.Reply.
func (a *ARA) Append(b *diameter.Builder) {
	b.Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA)
	b.Uint32(diameter.AuthSessionState, noState)
	text(b, diameter.UserName, a.User)
	if a.Lifetime > 0 {
		b.Uint32(diameter.SessionTimeout, seconds(a.Lifetime))
	}
	octets(b, diameter.NetworkAuthenticationData, a.Auth)
	octets(b, diameter.EAPPayload, a.EAP)
	word(b, diameter.MIPv6FeatureVector, uint32(a.Features))
	octets(b, diameter.MIPBindingAcknowledgement, a.Binding)
	addr(b, diameter.MIPv6MobileNodeAddress, a.Home)
	addr(b, diameter.MIPv6HomeAgentAddress, a.Agent)
	appendMNKeys(b, a.Keys)
	appendPeerKeys(b, a.Peer)
	if a.Interim > 0 {
		b.Uint32(diameter.AcctInterimInterval, seconds(a.Interim))
	}
	text(b, diameter.ErrorMessage, a.Message)
}

// Octets is the whole answer to a message, by host of realm; good until the builder begins another.
func (a *ARA) Octets(b *diameter.Builder, to diameter.Message, host, realm string) []byte {
	a.Append(b.Reply(to, a.Code, host, realm))
	return b.Done()
}

// ParseARA reads an ARA that diameter.Check has accepted.
//
// spec DM-02 DM-03
func ParseARA(m diameter.Message) (*ARA, error) {
	a := new(ARA)
	if err := each(m, a.Outcome.take, a.take); err != nil {
		return nil, err
	}
	if a.Code == 0 {
		return nil, missing("Result-Code is missing")
	}
	return a, nil
}

func (a *ARA) take(x diameter.AVP) (err error) {
	switch x.Key {
	case diameter.UserName:
		a.User, err = name(x)
	case diameter.SessionTimeout:
		a.Lifetime, err = duration(x)
	case diameter.NetworkAuthenticationData:
		a.Auth, err = exactly(x, access.AuthLen)
	case diameter.EAPPayload:
		a.EAP, err = atMost(x, access.MaxEAP)
	case diameter.MIPv6FeatureVector:
		a.Features, err = features(x)
	case diameter.MIPBindingAcknowledgement:
		a.Binding, err = atMost(x, access.MaxEmbedded)
	case diameter.MIPv6MobileNodeAddress:
		a.Home, err = address(x)
	case diameter.MIPv6HomeAgentAddress:
		a.Agent, err = address(x)
	case diameter.MNKeyDistribution:
		a.Keys, err = takeMNKey(a.Keys, x)
	case diameter.KeyDistribution:
		a.Peer, err = takePeerKey(a.Peer, x)
	case diameter.AcctInterimInterval:
		a.Interim, err = duration(x)
	}
	return err
}

func duration(x diameter.AVP) (time.Duration, error) {
	v, err := x.Uint32()
	return time.Duration(v) * time.Second, err
}
