package sa

import (
	"fmt"

	"roam6/engine"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Reasons why Verify and Open refuse a packet. Fixed words: drops are counted by them.
const (
	Unprotected     = "unprotected"       // not protected in the way the association wants
	Fragmented      = "fragment"          // a fragment; reassembly comes before security (RFC 4303 §3.4.1)
	MHMalformed     = "mh-malformed"      // authentic, but not a mobility message
	ESPMalformed    = "esp-malformed"     // too short, or SPI 0
	ESPUnknownSPI   = "esp-unknown-spi"   // another association's, or nobody's
	ESPReplay       = "esp-replay"        // seen before, or left of the window
	ESPAuth         = "esp-auth"          // integrity check failed
	AuthMissing     = "auth-missing"      // no MN-HA authentication option
	AuthMismatch    = "auth-mismatch"     // authentication data wrong, other SPI, or options behind the authentication
	AuthNoTimestamp = "auth-no-timestamp" // authentic, but without the timestamp that replay protection needs
	AuthReplay      = "auth-replay"       // authentic, but its timestamp is old, off by more than CloseEnough, or not ours
)

// SA is one end of a security association. It is not safe for concurrent use. Make it with New.
type SA struct {
	peer          string
	kind          Kind
	outSPI, inSPI uint32
	esp           *espState  // set when kind is ESP
	auth          *authState // set when kind is Auth

	outRecord, inRecord string // keys of its durable records
	usedOut, usedIn     bool   // an event told of the key's first use since the start
	dirty               bool   // something was accepted since the last Commit
}

// Kind tells how the association protects.
func (s *SA) Kind() Kind { return s.kind }

// Peer is the name given to New.
func (s *SA) Peer() string { return s.peer }

// InSPI is the SPI of packets for this end: the SPI of ESP packets (wire/esp.Peek) or the Mobility SPI of the
// authentication option.
func (s *SA) InSPI() uint32 { return s.inSPI }

// Protect builds the whole IPv6 packet around a mobility message: addresses, home address option or type 2 routing
// header as p has them (its Proto and Payload are not read), the message encrypted or signed. It appends a Persist to out
// when numbers must be reserved, so the packet's Send must be appended after. m is not changed.
//
// spec MIP-02 MIP-03
func (s *SA) Protect(now engine.Now, p ip6.Packet, m mh.Message, out *engine.Effects) []byte {
	p.Proto = ip6.ProtoMH
	if s.kind == Auth {
		s.told(&s.usedOut, "out", s.outSPI, out)
		p.Payload = s.sign(now, &p, m)
		return p.Append(nil)
	}
	p.Payload = mh.Append(nil, p.EffectiveSrc(), p.EffectiveDst(), m)
	return s.Seal(p, out)
}

// Seal builds a packet around anything else between the two ends: p with Proto and Payload set, such as the ICMPv6 of
// mobile prefix discovery, or 41 and a whole packet for tunnel mode. With RFC 4285, which protects mobility
// messages only, the packet leaves as it is. For out see Protect.
func (s *SA) Seal(p ip6.Packet, out *engine.Effects) []byte {
	if s.kind == ESP {
		s.told(&s.usedOut, "out", s.outSPI, out)
		p.Payload = s.esp.seal(s, p.Proto, p.Payload, out)
		p.Proto = ip6.ProtoESP
	}
	return p.Append(nil)
}

// Verify opens a packet that came for this association. The message is returned only if it is authentic and was not
// accepted before; otherwise reason is one of the constants above. A message verified once is refused from then on;
// Commit makes that durable.
//
// spec MIP-02 MIP-03
func (s *SA) Verify(now engine.Now, p *ip6.Packet) (m mh.Message, reason string) {
	got, reason := s.Receive(now, p)
	if reason == "" && got.MH == nil {
		return nil, MHMalformed
	}
	return got.MH, reason
}

// Open gives what a packet for this association carries, whatever protocol it is; the counterpart of Seal. With RFC
// 4285 that is proto and payload as they stand, protected by nothing.
func (s *SA) Open(p *ip6.Packet) (proto uint8, payload []byte, reason string) {
	switch {
	case p.Fragment != nil:
		return 0, nil, Fragmented
	case s.kind == Auth:
		return p.Proto, p.Payload, ""
	case p.Proto != ip6.ProtoESP:
		return 0, nil, Unprotected
	}
	proto, payload, reason = s.esp.open(s.inSPI, p.Payload)
	s.dirty = s.dirty || reason == ""
	return proto, payload, reason
}

// Commit makes what was accepted durable, once the role has decided to act on it: append it before the effects that
// show the acceptance to anybody. It costs nothing when nothing was accepted since the last Commit.
//
// spec MIP-02
func (s *SA) Commit(out *engine.Effects) {
	if !s.dirty {
		return
	}
	s.dirty = false
	s.told(&s.usedIn, "in", s.inSPI, out)
	top := uint64(0)
	if s.kind == ESP {
		top = s.esp.window.Top()
	} else {
		top = s.auth.accepted
	}
	out.Persist(Bucket, s.inRecord, record(top, s.peer))
}

// told appends the event of a key's first use since the start, once.
func (s *SA) told(done *bool, dir string, spi uint32, out *engine.Effects) {
	if *done {
		return
	}
	*done = true
	out.Event(engine.EventKeyUse, engine.S("peer", s.peer), engine.S("kind", string(s.kind)),
		engine.S("dir", dir), engine.S("spi", fmt.Sprintf("0x%08x", spi)))
}
