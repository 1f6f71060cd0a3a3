package sa

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/keying/mip"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// CloseEnough is how far a Binding Update's timestamp may be from the home agent's clock (RFC 4285 §5.1).
const CloseEnough = 7 * time.Second

// authState is the state of an RFC 4285 association. Timestamps are NTP's: seconds since 1900 in the high 32 bits, a
// fraction in the low ones. They are compared as serial numbers, so the era that begins in 2036 does no harm. Zero
// means none.
type authState struct {
	key mip.Key

	// As a sender.
	sent   uint64 // last timestamp put into a message
	good   uint64 // last one the peer acknowledged: later ones must be greater
	expect uint64 // timestamp of the Binding Update whose acknowledgement may come
	offset uint64 // added to our clock since the peer refused it (status 144)

	// As a receiver.
	accepted uint64 // highest timestamp accepted; durable by Commit
	echo     uint64 // what the next Binding Acknowledgement carries (§6)
}

// sign writes m with timestamp and authenticator.
func (s *SA) sign(now engine.Now, p *ip6.Packet, m mh.Message) []byte {
	a, o := s.auth, m.Opts()
	saved := *o
	defer func() { *o = saved }()
	switch m.(type) {
	case *mh.BindingAck:
		o.Timestamp, a.echo = a.echo, 0
	case *mh.BindingUpdate:
		o.Timestamp = a.stamp(now)
		a.expect = o.Timestamp
	default:
		o.Timestamp = a.stamp(now)
	}
	o.Auth = &mh.Auth{Subtype: mh.AuthMNHA, SPI: s.outSPI, Data: make([]byte, a.key.Size())}
	coa, hoa := mobile(p, m)
	return mh.AppendSigned(nil, p.EffectiveSrc(), p.EffectiveDst(), m, func(covered []byte) []byte {
		return a.key.Sum(coa, hoa, covered)
	})
}

// check verifies an RFC 4285 message, then its timestamp.
func (s *SA) check(now engine.Now, p *ip6.Packet) (mh.Message, string) {
	switch {
	case p.Fragment != nil:
		return nil, Fragmented
	case p.Proto != ip6.ProtoMH:
		return nil, Unprotected
	}
	m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if err != nil {
		return nil, MHMalformed
	}
	if reason := s.authentic(p, m); reason != "" {
		return nil, reason
	}
	if ba, ok := m.(*mh.BindingAck); ok {
		return answered(s.auth.onAck(ba), m)
	}
	_, update := m.(*mh.BindingUpdate)
	reason := s.auth.fresh(now, m.Opts().Timestamp, update)
	s.dirty = s.dirty || reason == ""
	return answered(reason, m)
}

func answered(reason string, m mh.Message) (mh.Message, string) {
	if reason != "" {
		return nil, reason
	}
	return m, ""
}

// Stamp is the timestamp that the acknowledgement of the update received last must carry (§6), refused or not; 0 with ESP. A
// role that acknowledges later, or not in the order of arrival, keeps it with the update and gives it back by Restamp.
func (s *SA) Stamp() uint64 {
	if s.kind != Auth {
		return 0
	}
	return s.auth.echo
}

// Restamp says which timestamp the next acknowledgement carries: what Stamp gave, or 0 for none.
func (s *SA) Restamp(t uint64) {
	if s.kind == Auth {
		s.auth.echo = t
	}
}

// authentic checks the MN-HA authentication option.
func (s *SA) authentic(p *ip6.Packet, m mh.Message) string {
	o := m.Opts()
	if o.Auth == nil || o.Auth.Subtype != mh.AuthMNHA {
		return AuthMissing
	}
	covered, got, err := mh.Covered(p.Payload)
	if errors.Is(err, mh.ErrNoAuth) {
		return AuthMissing
	}
	if err != nil {
		return MHMalformed
	}
	// mh.Parse lets nothing but another authenticator stand behind the option; that one would go unchecked.
	spi := binary.BigEndian.Uint32(covered[len(covered)-4:])
	if spi != s.inSPI || o.Auth.SPI != s.inSPI || o.BindingAuth != nil || o.AuthAAA != nil {
		return AuthMismatch
	}
	coa, hoa := mobile(p, m)
	if !s.auth.key.Verify(coa, hoa, covered, got) {
		return AuthMismatch
	}
	return ""
}

// fresh checks the timestamp of an authentic message that is no acknowledgement (§6). Only a Binding Update's must be
// close to our clock: a mobile node's clock is not what the protocol sets right, so a home agent's other messages need
// only be newer than the last.
func (a *authState) fresh(now engine.Now, t uint64, update bool) string {
	if t == 0 {
		return AuthNoTimestamp
	}
	clock := ntp(now.Wall)
	diff := int64(t - clock)
	far := diff > int64(CloseEnough/time.Second)<<32 || -diff > int64(CloseEnough/time.Second)<<32
	if update && far || a.accepted != 0 && !later(t, a.accepted) {
		// The acknowledgement gives our seconds and the sender's fraction.
		a.echo = clock&^0xffffffff | t&0xffffffff
		return AuthReplay
	}
	a.accepted, a.echo = t, t
	return ""
}

// onAck matches an authentic Binding Acknowledgement with the update it answers. With status 144 it carries the home
// agent's time, which our timestamps follow from then on (§6). An acknowledgement without a timestamp is taken only if
// it says why there is none: our update was not believed, or the home agent wants what we always send.
func (a *authState) onAck(ba *mh.BindingAck) string {
	t, status := ba.Options.Timestamp, ba.Status
	switch {
	case t == 0 && (status == mh.AuthFailed || status == mh.MessageIDRequired):
	case t == 0:
		return AuthNoTimestamp
	case a.expect == 0:
		return AuthReplay
	case status == mh.IDMismatch && uint32(t) == uint32(a.expect):
		a.offset += t - a.expect
		a.sent = a.good
	case t == a.expect:
		a.good = t
	default:
		return AuthReplay
	}
	a.expect = 0
	return ""
}

// stamp gives the timestamp of a message sent now: our clock, corrected, and always later than the last.
func (a *authState) stamp(now engine.Now) uint64 {
	t := ntp(now.Wall) + a.offset
	if a.sent != 0 && !later(t, a.sent) {
		t = a.sent + 1
	}
	if t == 0 {
		t = 1
	}
	a.sent = t
	return t
}

func later(t, u uint64) bool { return int64(t-u) > 0 }

// ntp is a wall clock reading in NTP format.
func ntp(t time.Time) uint64 {
	const from1900to1970 = 2208988800
	seconds := uint64(t.Unix() + from1900to1970)
	return seconds<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// mobile gives the care-of and home address of the mobile end of a packet: the sender of a Binding Update, the receiver
// of everything else. At home both are the home address.
func mobile(p *ip6.Packet, m mh.Message) (coa, hoa netip.Addr) {
	if _, ok := m.(*mh.BindingUpdate); ok {
		return p.Src, p.EffectiveSrc()
	}
	return p.Dst, p.EffectiveDst()
}
