package access

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"roam6/wire"
	"roam6/wire/subopt"
)

// Reply is what the AAA client tells the mobile node: draft-le-aaa-diameter-mobileipv6-04 §7.3.2, §9.2.2. A reply without Auth was made
// by the AAA client, not by the home AAA server: anybody on the link can forge one.
type Reply struct {
	LocalChallenge []byte        // a fresh one, when that of the request was not; added by the AAA client, not covered
	EAP            []byte        // an EAP request, success or failure
	Binding        []byte        // a whole IPv6 packet with a Binding Acknowledgement: source the home agent, to the home address (§9.2.2)
	Result         uint32        // as a Diameter Result-Code, RFC 6733 §7.1: 2001 success, 1001 another round of EAP follows
	Auth           []byte        // network authentication data, AuthLen octets
	Keys           []KeyData     // §10
	Lifetime       time.Duration // of the session, whole seconds; 0: no end, as without Session-Timeout (RFC 6733 §8.13)
}

// Subtype is SubtypeReply.
func (*Reply) Subtype() uint8 { return SubtypeReply }

// AppendBody writes the suboptions in the order of their types.
func (r *Reply) AppendBody(b []byte) []byte { return r.append(b, r.LocalChallenge, r.Auth) }

// Covered is everything but LocalChallenge and Auth.
//
// spec DM-05
func (r *Reply) Covered() []byte { return r.append(nil, nil, nil) }

func (r *Reply) append(b, fresh, auth []byte) []byte {
	b = slices.Grow(b, bodyRoom)
	b = appendOctets(b, subopt.LocalChallenge, fresh)
	b = appendOctets(b, subopt.EAP, r.EAP)
	b = appendOctets(b, subopt.Embedded, r.Binding)
	b = appendWord(b, subopt.Result, r.Result)
	b = appendOctets(b, subopt.NetworkAuth, auth)
	var keys []byte
	for _, k := range r.Keys {
		keys = k.Append(keys)
	}
	b = appendOctets(b, subopt.KeyData, keys)
	if r.Lifetime > 0 {
		b = appendWord(b, subopt.SessionLifetime, seconds(r.Lifetime))
	}
	return b
}

// ParseReply reads the suboptions of a whole reply. The result shares nothing with body.
func ParseReply(body []byte) (*Reply, error) {
	r, result := new(Reply), false
	err := each(body, func(v subopt.Value) (bool, error) {
		result = result || v.Type == subopt.Result
		return r.take(v)
	})
	if err != nil {
		return nil, err
	}
	if !result {
		return nil, fail("Result", len(body), wire.ErrTruncated)
	}
	return r, nil
}

func (r *Reply) take(v subopt.Value) (known bool, err error) {
	d, at := v.Data, v.At+subopt.HeaderLen
	switch v.Type {
	case subopt.LocalChallenge:
		r.LocalChallenge, err = challenge("Local Challenge", d, at)
	case subopt.EAP:
		r.EAP, err = eap(d, at)
	case subopt.Embedded:
		_, err = embedded(d, at, isAck)
		r.Binding = bytes.Clone(d)
	case subopt.Result:
		if d, err = exactly("Result", 4, d, at); err == nil {
			r.Result = binary.BigEndian.Uint32(d)
		}
	case subopt.NetworkAuth:
		r.Auth, err = exactly("Network Authentication Data", AuthLen, d, at)
	case subopt.KeyData:
		r.Keys, err = parseKeyData(d, at)
	case subopt.SessionLifetime:
		r.Lifetime, err = lifetime("Session Lifetime", d, at)
	default:
		return false, nil
	}
	return true, err
}
