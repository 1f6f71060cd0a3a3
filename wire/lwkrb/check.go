package lwkrb

import (
	"bytes"
	"net/netip"
	"time"
)

// MaxSkew is how far two clocks may be apart: RFC 4120 §1.6 has five minutes as well.
const MaxSkew = 5 * time.Minute

// Remember is how long an access router knows an ap-req that it has taken (keying/lwkrb.Access.ID): as long as any clock in the skew finds it fresh. The second
// is what times on the wire are rounded by.
const Remember = 2*MaxSkew + time.Second

// Check holds the times of a ticket against the clock: nil, NotYetValid or Expired. Unlike RFC 4120 §3.2.3 it grants no skew behind the end: no
// session outlives its ticket, so one that began there would have no time left.
//
// spec FH-18
func (m *TicketBody) Check(now time.Time) error {
	switch {
	case m.Flags&FlagInvalid != 0 || m.Start.After(now.Add(MaxSkew)):
		return NotYetValid
	case !m.End.After(now):
		return Expired
	}
	return nil
}

// Check says whether an authenticator is fresh and for this access router: nil, NotUs, Skew. Who opens it asks this, KDC or router; then the router goes on
// with CheckPlace and with what it remembers of replays.
//
// spec FH-18
func (m *Authenticator) Check(now time.Time, router Principal) error {
	switch {
	case m.Router != router:
		return NotUs
	case apart(now, m.Time) > MaxSkew:
		return Skew
	}
	return nil
}

// apart is how far two times are from each other, at the precision of the wire.
func apart(a, b time.Time) time.Duration { return a.Truncate(time.Second).Sub(b).Abs() }

// Place is what an access router knows of a mobile node that is to come, from the message that brought its ap-req.
type Place struct {
	Address   netip.Addr // of the access router
	CareOf    netip.Addr // the new one of the mobile node
	LinkLayer []byte     // of the mobile node; nil: the message says nothing of it
}

// CheckPlace holds what the mobile node meant against what others say: nil or BadAddress.
//
// spec FH-18
func (m *Authenticator) CheckPlace(p Place) error {
	if m.Address != p.Address || m.CareOf != p.CareOf || p.LinkLayer != nil && !bytes.Equal(m.LinkLayer, p.LinkLayer) {
		return BadAddress
	}
	return nil
}

// Check says whether an open-req is fresh and came the way it says. key is what it was sealed under, self the realm that was asked: nil, Skew, BadMatch (an access
// router asks for another), BadPath (a realm that is not the one whose key it is, or not the router's; a loop).
//
// spec FH-15, FH-18
func (m *OpenRequestBody) Check(now time.Time, key Principal, self string) error {
	if apart(now, m.Time) > MaxSkew {
		return Skew
	}
	if len(m.Path) == 0 {
		switch {
		case key != m.Router || !key.Router():
			return BadMatch
		case key.Realm() != self:
			return WrongRealm
		}
		return nil
	}
	to, ok := key.KDCOf()
	switch {
	case !ok || to != self:
		return WrongRealm
	case m.Path[0] != m.Router.Realm() || m.Path[len(m.Path)-1] != key.Realm() || has(m.Path, self):
		return BadPath
	}
	return nil
}

// Opens says whether a KDC of realm self may open, for an access router, what is sealed for a principal: tickets for itself and for
// that router or its domain, and none for another service.
//
// spec FH-14, FH-18
func Opens(self string, sealer, router Principal) bool {
	if realm, ok := sealer.KDCOf(); ok {
		return realm == self
	}
	return router.Realm() == self && CaseOf(sealer, router) == CaseRouter
}

// CheckGrant holds what an access router grants against what was wanted: nil, or Policy if the protection is another or the session would
// outlive the ticket.
//
// spec FH-16
func (m *ReplyBody) CheckGrant(want Want, ticketEnd time.Time) error {
	if m.Granted&protection != want&protection || m.Time.Add(m.Lifetime).After(ticketEnd) {
		return Policy
	}
	return nil
}
