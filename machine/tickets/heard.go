package tickets

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"

	"roam6/engine"
	"roam6/wire/krb5"
)

// HeardFrom takes a datagram that came from a KDC.
func (c *Client) HeardFrom(now engine.Now, from netip.AddrPort, b []byte, out *engine.Effects) []Fact {
	return c.turn(now, out, func() {
		c.message(b, false, func(e *exchange) bool { return slices.Contains(e.asked, from) })
	})
}

// HeardStream takes octets that came by the stream of an exchange.
func (c *Client) HeardStream(now engine.Now, id ID, b []byte, out *engine.Effects) []Fact {
	return c.turn(now, out, func() {
		e := c.exchange(id)
		if e == nil || !e.opened {
			return
		}
		e.in = append(e.in, b...)
		m, _, err := krb5.NextFrame(e.in)
		switch {
		case err != nil:
			c.out.Drop(Malformed, engine.S("why", err.Error()))
			c.lost(e)
		case m != nil:
			e.in = nil
			c.message(m, true, func(x *exchange) bool { return x == e })
		}
	})
}

// HeardToken takes a token of the access router.
//
// spec RT-30
func (c *Client) HeardToken(now engine.Now, b []byte, out *engine.Effects) []Fact {
	return c.turn(now, out, func() {
		t, err := krb5.ParseToken(b)
		if err != nil || t.Mech != krb5.MechProxy || t.ID != krb5.TokenKDCRep && t.ID != krb5.TokenError || c.way != Proxy {
			c.out.Drop(Malformed, engine.S("why", "no token of a proxy for us"))
			return
		}
		c.message(t.Message, false, func(*exchange) bool { return true })
	})
}

// Lost says that a stream could not be opened or has ended, or that a datagram could not be sent.
func (c *Client) Lost(now engine.Now, id ID, out *engine.Effects) []Fact {
	return c.turn(now, out, func() {
		if e := c.exchange(id); e != nil {
			c.lost(e)
		}
	})
}

// lost asks the next KDC at once, while there is one that was not asked; else in its time.
func (c *Client) lost(e *exchange) {
	if e.opened = false; e.tries < c.kdcs(e) {
		c.unanswered(e)
	}
}

// message gives a message to the exchange that it answers.
func (c *Client) message(b []byte, stream bool, candidate func(*exchange) bool) {
	m, err := krb5.Parse(bytes.Clone(b)) // a ticket keeps it
	if err != nil {
		c.out.Drop(Malformed, engine.S("why", err.Error()))
		return
	}
	reason := Unasked
	for _, e := range slices.Clone(c.exchanges) {
		if !candidate(e) {
			continue
		}
		switch m := m.(type) {
		case *krb5.KRBError:
			if m.Server.Name.Equal(e.server.Name) {
				c.refusal(e, m, stream)
				return
			}
		case *krb5.KDCRep:
			why := c.reply(e, m)
			if why == "" {
				return
			}
			if why != Unasked {
				reason, e.doubt = why, why
			}
		}
	}
	c.out.Drop(reason, engine.A("message", m.Kind()))
}

// Reasons why messages are dropped.
const (
	Malformed   = "krb5-malformed"
	Unasked     = "krb5-unasked"       // answers nothing that is under way
	NotOpened   = "krb5-does-not-open" // made by nobody who has the key, or altered
	WrongNonce  = "krb5-wrong-nonce"   // answers another request
	WrongServer = "krb5-wrong-server"
	WrongRealm  = "krb5-realm-loop" // a realm was passed already, or too many were
	WrongTimes  = "krb5-wrong-times"
	WrongKey    = "krb5-wrong-key-type"
	WrongFlags  = "krb5-wrong-flags"
	Altered     = "krb5-request-altered"  // on its way to the KDC
	HasAddress  = "krb5-addresses"        // the ticket is for addresses; none was asked for
	Light       = "krb5-lightweight"      // a lightweight ticket that is none for this ticket
	WrongKDC    = "krb5-kdc-not-believed" // its certificate, or what it signed
	TooMany     = "krb5-too-many-errors"
)

// refusal does what an error can: another request, or after a while an end.
func (c *Client) refusal(e *exchange, m *krb5.KRBError, stream bool) {
	c.count.Errors++
	c.out.Event("tickets.error", engine.A("server", e.server), engine.S("code", m.Code.String()), engine.S("text", fmt.Sprintf("%.*q", maxText, m.Text)))
	if e.turns >= MaxTurns {
		c.out.Drop(TooMany)
		return
	}
	switch m.Code {
	case krb5.ErrPreauthRequired, krb5.ErrPreauthFailed:
		switch {
		case e.what != logon:
		case c.advise(e, m):
			c.again(e)
			return
		case m.Code == krb5.ErrPreauthRequired && e.pre.key.Valid(): // a late copy, of the answer to the request before
			e.doubt = m.Code.String()
			return
		}
	case krb5.ErrDHKeyParametersNotAccepted:
		if c.plainer(e) {
			c.again(e)
			return
		}
	case krb5.ErrSkew:
		if !e.skewed {
			clock, _ := c.Clock(c.now, e.realm)
			e.skewed, e.ahead = true, m.ServerTime.Sub(clock)
			c.again(e)
			return
		}
	case krb5.ErrResponseTooBig:
		if !e.stream && c.way != Proxy {
			e.stream = true
			c.again(e)
			return
		}
	case krb5.ErrRepeat: // a copy of ours came first
		if e.what != logon {
			c.again(e)
			return
		}
	case krb5.ErrSvcUnavailable, krb5.ErrIAKERBKDCNoResponse: // another KDC may do better, or this one later
		return
	}
	if e.no == nil {
		e.no = m
	}
	if stream {
		c.refused(e)
		return
	}
	c.timers.Set(timer{repeat, uint32(e.id)}, c.now.Mono.Add(HintWait))
}

// again sends another request to the same KDC at once.
func (c *Client) again(e *exchange) {
	e.turns++
	if e.no = nil; c.compose(e) {
		e.tries = max(0, e.tries-1) // this KDC has answered
		c.send(e)
	}
}
