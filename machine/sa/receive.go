package sa

import (
	"roam6/engine"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Received is what a packet of the association carried: a mobility message or an ICMPv6 message, never both.
type Received struct {
	MH     mh.Message
	ICMPv6 []byte // of mobile prefix discovery, RFC 6275 §11.4.2; its checksum is still to be verified
}

// Receive opens a packet like Verify and takes ICMPv6 as well, where ESP protected it. Everything else that came under
// protection is refused: the association is for signalling.
//
// spec MIP-02 MIP-05
func (s *SA) Receive(now engine.Now, p *ip6.Packet) (Received, string) {
	if s.kind == Auth {
		m, reason := s.check(now, p)
		return Received{MH: m}, reason
	}
	proto, payload, reason := s.Open(p)
	switch {
	case reason != "":
		return Received{}, reason
	case proto == ip6.ProtoICMPv6:
		return Received{ICMPv6: payload}, ""
	case proto != ip6.ProtoMH:
		return Received{}, MHMalformed
	}
	m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), payload)
	if err != nil {
		return Received{}, MHMalformed
	}
	return Received{MH: m}, ""
}
