package access

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"

	"roam6/wire"
	"roam6/wire/subopt"
)

// Request is what a mobile node tells the AAA client: draft-le-aaa-diameter-mobileipv6-04 §7.3.1, §9.2.1. There is always an
// identity (NAI, HomeAddress or both; then the NAI counts, §3.2), the care-of address, the local challenge, and authentication by Auth,
// which needs HostChallenge, by EAP, or both.
type Request struct {
	NAI            string     // RFC 7542, at most MaxText octets; empty when the mobile node has none
	HomeAddress    netip.Addr // unset when it has none
	CareOf         netip.Addr // the source of the packet
	LocalChallenge []byte     // of the router advertisement, MinChallenge to MaxChallenge octets
	HostChallenge  []byte     // drawn by the mobile node, of the same length
	Auth           []byte     // MN authentication data, AuthLen octets
	Features       Features   // MIP Feature Data, §6.1; 0: not sent
	EAP            []byte     // an EAP response, RFC 3748 §4, §6.2 of the draft; at most MaxEAP octets
	Keys           []KeyRequest
	Binding        []byte // §6.4: a whole IPv6 packet with a Binding Update, as it would have gone to the home agent
}

// Subtype is SubtypeRequest.
func (*Request) Subtype() uint8 { return SubtypeRequest }

// AppendBody writes the suboptions in the order of their types.
func (r *Request) AppendBody(b []byte) []byte { return r.append(b, r.Auth) }

// Covered is everything but Auth. VisitedAvailable, which the visited AAA server adds to the features on their way, is left out.
//
// spec DM-05
func (r *Request) Covered() []byte {
	own := *r
	own.Features &^= VisitedAvailable
	return own.append(nil, nil)
}

func (r *Request) append(b, auth []byte) []byte {
	b = slices.Grow(b, bodyRoom)
	b = appendOctets(b, subopt.LocalChallenge, r.LocalChallenge)
	b = appendOctets(b, subopt.NAI, []byte(r.NAI))
	b = appendAddr(b, subopt.HomeAddress, r.HomeAddress)
	b = appendAddr(b, subopt.CareOfAddress, r.CareOf)
	b = appendOctets(b, subopt.HostChallenge, r.HostChallenge)
	b = appendOctets(b, subopt.MNAuth, auth)
	if r.Features != 0 {
		b = appendWord(b, subopt.Features, uint32(r.Features))
	}
	b = appendOctets(b, subopt.EAP, r.EAP)
	var keys []byte
	for _, k := range r.Keys {
		keys = k.Append(keys)
	}
	b = appendOctets(b, subopt.KeyRequest, keys)
	return appendOctets(b, subopt.Embedded, r.Binding)
}

// ParseRequest reads the suboptions of a whole request. The result shares nothing with body.
func ParseRequest(body []byte) (*Request, error) {
	r := new(Request)
	if err := each(body, r.take); err != nil {
		return nil, err
	}
	end := len(body)
	switch {
	case r.NAI == "" && !r.HomeAddress.IsValid():
		return nil, fail("Network Access Identifier", end, wire.ErrTruncated)
	case !r.CareOf.IsValid():
		return nil, fail("Care-of Address", end, wire.ErrTruncated)
	case r.LocalChallenge == nil:
		return nil, fail("Local Challenge", end, wire.ErrTruncated)
	case r.Auth == nil && r.EAP == nil:
		return nil, fail("MN Authentication Data", end, wire.ErrTruncated)
	case r.Auth != nil && r.HostChallenge == nil:
		return nil, fail("Host Challenge", end, wire.ErrTruncated)
	}
	if r.Binding != nil {
		// §9.2.1: "The source IP address equals to the CoA", the Home Address option "set to the MN Home address".
		p, _ := embedded(r.Binding, 0, isUpdate)
		if p.Src != r.CareOf || r.HomeAddress.IsValid() && p.HomeAddress != r.HomeAddress {
			return nil, fail("Embedded Data", end, wire.ErrValue)
		}
	}
	return r, nil
}

func (r *Request) take(v subopt.Value) (known bool, err error) {
	d, at := v.Data, v.At+subopt.HeaderLen
	switch v.Type {
	case subopt.LocalChallenge:
		r.LocalChallenge, err = challenge("Local Challenge", d, at)
	case subopt.NAI:
		r.NAI, err = Text("Network Access Identifier", d, at)
	case subopt.HomeAddress:
		r.HomeAddress, err = address("Home Address", d, at)
	case subopt.CareOfAddress:
		r.CareOf, err = address("Care-of Address", d, at)
	case subopt.HostChallenge:
		r.HostChallenge, err = challenge("Host Challenge", d, at)
	case subopt.MNAuth:
		r.Auth, err = exactly("MN Authentication Data", AuthLen, d, at)
	case subopt.Features:
		if d, err = exactly("MIP Feature Data", 4, d, at); err == nil {
			r.Features = Features(binary.BigEndian.Uint32(d))
			if r.Features&^ofMobile != 0 {
				err = fail("MIP Feature Data", at, wire.ErrValue)
			}
		}
	case subopt.EAP:
		r.EAP, err = eap(d, at)
	case subopt.KeyRequest:
		r.Keys, err = parseKeyRequests(d, at)
	case subopt.Embedded:
		_, err = embedded(d, at, isUpdate)
		r.Binding = bytes.Clone(d)
	default:
		return false, nil
	}
	return true, err
}
