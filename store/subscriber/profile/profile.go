// Package profile is what the subscriber database tells of one subscriber, as a value and as octets (JSON; docs/subscribers.md
// has every key). It knows no SQL and no files, so that the role that is told of a subscriber reads it by this package too.
package profile

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
)

// Limits of what a profile holds.
const (
	MinKey        = 16       // octets of a long-term key: what 128 bits of security need
	MaxKey        = 64       // octets of a long-term key: the most GPSK and HMAC-SHA-512 make use of
	NewKey        = 32       // octets of a key that the store makes
	MaxHomeAgents = 16       // home agents that a subscriber may ask for
	MaxSessions   = 1 << 16  // sessions at a time
	MaxIdentity   = 254      // octets of the identity in EAP-GPSK: about as long as an NAI may be
	MaxEncoded    = 16 << 10 // octets that Decode looks at
)

// Address policies: who may choose the subscriber's home address (draft-le-aaa-diameter-mobileipv6 §9.5).
const (
	FromHome    = "home"    // AAAh or a home agent of the home domain; the fixed address where there is one
	FromVisited = "visited" // the visited domain as well, when the home agent is there
	FromMobile  = "mobile"  // the mobile node may propose one too
)

// Policies are the address policies.
var Policies = []string{FromHome, FromVisited, FromMobile}

// Profile is one subscriber. At least one of NAI and HomeAddress is there.
type Profile struct {
	NAI              string       // as Canonical gives it; empty for one known by the home address alone
	HomeAddress      netip.Addr   // fixed; the zero value for one that is assigned
	Key              []byte       // long-term, shared with the mobile node: MinKey to MaxKey octets
	HomeAgents       []netip.Addr // that the subscriber may ask for; empty: those of the pool
	HomeAgent        netip.Addr   // pre-configured in the mobile node; the zero value for none
	AddressFrom      string       // one of Policies
	VisitedHomeAgent bool         // may have a home agent in the visited domain
	EAPIdentity      string       // the identity in EAP-GPSK (RFC 5433 ID_Peer); empty: the NAI
	MaxSessions      int          // at a time; 0: no limit of its own
	SessionTime      time.Duration
	Enabled          bool
	Revision         uint64 // of the database when this was written; grows with every change
}

// Name is what the database calls the subscriber: the NAI, or the home address where there is none.
func (p *Profile) Name() string {
	if p.NAI != "" {
		return p.NAI
	}
	return p.HomeAddress.String()
}

// wire is the JSON form.
type wire struct {
	NAI              string       `json:"nai,omitempty"`
	HomeAddress      netip.Addr   `json:"home_address,omitzero"`
	Key              []byte       `json:"key,omitempty"`
	HomeAgents       []netip.Addr `json:"home_agents,omitempty"`
	HomeAgent        netip.Addr   `json:"home_agent,omitzero"`
	AddressFrom      string       `json:"address_from"`
	VisitedHomeAgent bool         `json:"visited_home_agent"`
	EAPIdentity      string       `json:"eap_identity,omitempty"`
	MaxSessions      int          `json:"max_sessions"`
	SessionSeconds   int64        `json:"session_s"`
	Enabled          bool         `json:"enabled"`
	Revision         uint64       `json:"revision"`
}

// Encode gives the JSON form, on one line, keys in a fixed order. It cannot fail.
func Encode(p *Profile) []byte {
	b, err := json.Marshal(wire{p.NAI, p.HomeAddress, p.Key, p.HomeAgents, p.HomeAgent, p.AddressFrom, p.VisitedHomeAgent,
		p.EAPIdentity, p.MaxSessions, int64(p.SessionTime / time.Second), p.Enabled, p.Revision})
	if err != nil {
		panic("profile: " + err.Error()) // addresses without text do not exist
	}
	return b
}

// Decode reads what Encode wrote and checks it as Check does. Keys that it does not know are skipped, so that a newer store can
// say more.
func Decode(b []byte) (*Profile, error) {
	if len(b) > MaxEncoded {
		return nil, fmt.Errorf("profile: %d octets; at most %d are allowed", len(b), MaxEncoded)
	}
	w, ok := plain(b)
	if !ok {
		w = wire{}
		if err := json.Unmarshal(b, &w); err != nil {
			return nil, fmt.Errorf("profile: %w", err)
		}
	}
	if w.SessionSeconds < 0 || w.SessionSeconds > int64(MaxSessionTime/time.Second) {
		return nil, fmt.Errorf("profile: session_s %d: 0 to %d are allowed", w.SessionSeconds, int64(MaxSessionTime/time.Second))
	}
	p := &Profile{w.NAI, w.HomeAddress, w.Key, w.HomeAgents, w.HomeAgent, w.AddressFrom, w.VisitedHomeAgent,
		w.EAPIdentity, w.MaxSessions, time.Duration(w.SessionSeconds) * time.Second, w.Enabled, w.Revision}
	if len(p.Key) == 0 {
		return nil, fmt.Errorf("profile: there is no key")
	}
	return p, p.Check()
}
