package tickets

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/keying/pkinit"
	"roam6/wire/krb5"
)

// Times and limits of an exchange.
const (
	// FirstWait is for the first KDC's answer to a datagram or a token. Each KDC of the realm is asked in turn; after each round the wait is twice as long.
	FirstWait = 500 * time.Millisecond
	// StreamWait is for an answer by a stream.
	StreamWait = 3 * time.Second
	Rounds     = 4                // through the KDCs of the realm
	MaxAge     = 15 * time.Second // of an exchange, however many KDCs there are
	// HintWait is how long a reply may still say yes when an error said no: anybody can make one up. By a stream an error is taken at once.
	HintWait = 300 * time.Millisecond
	// MaxDatagram is the longest request that goes by datagram: what passes everywhere unfragmented (RFC 8200 §5).
	MaxDatagram = 1232
	// MaxTurns is how often one exchange changes its request because an error says how it should be: pre-authentication, the time, a stream.
	MaxTurns = 5
)

// asking is what an exchange is for.
type asking uint8

const (
	logon    asking = iota // AS: the client's own TGT
	renewal                // TGS: the same, renewed
	granting               // TGS: a ticket for a service
	walk                   // TGS: a TGT for another realm, or for one on the way
)

// exchange is one request and what is known of it.
type exchange struct {
	id     ID
	w      *want
	what   asking
	realm  string  // whose KDC is asked
	tgt    *Ticket // by which; nil: logon
	server krb5.Principal
	nonce  uint32
	subkey keys.Key
	body   krb5.KDCReqBody

	request []byte // as it was sent last
	pre     preauth
	dh      pkinit.Private // of PKINIT
	modp    bool           // the KDC wants that group
	ahead   time.Duration  // of the client's clock, as an error said
	skewed  bool           // one has
	turns   int

	stream bool             // datagrams are too short
	kdc    int              // which is asked
	asked  []netip.AddrPort // by datagram
	opened bool             // there is a stream
	in     []byte           // what came by it
	tries  int
	wait   time.Duration
	since  engine.Mono
	no     *krb5.KRBError // said by an error
	doubt  string         // why a reply was dropped
}

func (c *Client) exchange(id ID) *exchange {
	if i := slices.IndexFunc(c.exchanges, func(e *exchange) bool { return e.id == id }); i >= 0 {
		return c.exchanges[i]
	}
	return nil
}

// ask begins an exchange for a want.
func (c *Client) ask(w *want, what asking, tgt *Ticket) {
	c.lastID++
	e := &exchange{id: c.lastID, w: w, what: what, realm: c.cfg.Client.Realm, tgt: tgt, since: c.now.Mono, wait: FirstWait}
	e.nonce = 1 + uint32(c.rand.Uint64()%(krb5.MaxNonce-1))
	switch what {
	case logon, renewal:
		e.server = krb5.Principal{Name: krb5.TGS(e.realm), Realm: e.realm}
	case walk:
		e.realm = tgt.Server.Name.TGSRealm()
		e.server = krb5.Principal{Name: w.server.Name, Realm: e.realm}
	default:
		e.realm, e.server = w.server.Realm, w.server
	}
	c.become(w, Asking)
	c.exchanges = append(c.exchanges, e)
	if r := c.realm(e.realm); r != nil {
		e.kdc = r.best
	}
	if !c.compose(e) {
		return
	}
	c.send(e)
}

// compose makes the request; false if it cannot be made, and has failed.
func (c *Client) compose(e *exchange) bool {
	if e.what == logon {
		return c.composeLogon(e)
	}
	c.composeGrant(e)
	return true
}

// anew sends an exchange from the beginning, by the way that is used now.
func (c *Client) anew(e *exchange) {
	e.tries, e.wait, e.since, e.no = 0, FirstWait, c.now.Mono, nil
	if e.what == logon || c.compose(e) { // a logon goes on with the same octets
		c.send(e)
	}
}

// send sends the request to the KDC whose turn it is.
func (c *Client) send(e *exchange) {
	r := c.realm(e.realm)
	if r == nil && c.way != Proxy {
		c.close(e)
		c.fail(e.w, krb5.ErrIAKERBKDCNotFound, "no KDC of "+e.realm+" is known")
		return
	}
	e.tries++
	s := Send{Exchange: e.id, Way: c.way, Realm: e.realm, Data: e.request}
	wait := e.wait
	if c.way == Proxy {
		s.Data = krb5.Token{Mech: krb5.MechProxy, ID: krb5.TokenKDCReq, Message: e.request}.Append(nil)
	} else {
		e.kdc %= len(r.KDCs)
		k := r.KDCs[e.kdc]
		s.KDC = k.At
		if e.stream || k.Stream || len(e.request) > MaxDatagram {
			s.Way, s.Data, wait = Stream, krb5.AppendFrame(nil, e.request), max(wait, StreamWait)
			e.opened, e.in = true, nil
		} else if !slices.Contains(e.asked, k.At) {
			e.asked = append(e.asked, k.At)
		}
	}
	c.count.Sent++
	c.tell(s)
	c.timers.Set(timer{repeat, uint32(e.id)}, c.now.Mono.Add(wait))
}

// kdcs is how many KDCs can be asked.
func (c *Client) kdcs(e *exchange) int {
	if r := c.realm(e.realm); r != nil && c.way != Proxy {
		return len(r.KDCs)
	}
	return 1
}

// unanswered asks the next KDC, or gives up.
func (c *Client) unanswered(e *exchange) {
	n := c.kdcs(e)
	switch {
	case e.no != nil:
		c.refused(e)
		return
	case e.tries >= Rounds*n || c.now.Mono.Sub(e.since) >= MaxAge:
		c.close(e)
		why := "no KDC of " + e.realm + " answers"
		if e.doubt != "" {
			why = "what came from a KDC of " + e.realm + " was no answer: " + e.doubt
		}
		c.fail(e.w, krb5.ErrIAKERBKDCNoResponse, why)
		return
	}
	e.kdc++
	if e.tries%n == 0 {
		e.wait *= 2
	}
	if e.what != logon { // a KDC refuses an authenticator that it has seen
		c.composeGrant(e)
	}
	c.send(e)
}

// maxText is how much of what an error says is told.
const maxText = 80

// refused ends an exchange with what an error said.
func (c *Client) refused(e *exchange) {
	c.close(e)
	why := e.no.Code.String()
	if e.no.Text != "" {
		why += fmt.Sprintf(" (%.*q)", maxText, e.no.Text)
	}
	c.fail(e.w, e.no.Code, why)
}

// close ends an exchange.
func (c *Client) close(e *exchange) {
	if e.opened {
		c.tell(Over{e.id})
	}
	c.timers.Stop(timer{repeat, uint32(e.id)})
	c.exchanges = slices.DeleteFunc(c.exchanges, func(x *exchange) bool { return x == e })
	e.subkey.Erase()
}

// giveUp ends what a want has under way.
func (c *Client) giveUp(w *want) {
	for _, e := range slices.Clone(c.exchanges) {
		if e.w == w {
			c.close(e)
		}
	}
}

// time is what the client's clock says to a KDC.
func (c *Client) time(e *exchange) time.Time {
	t, _ := c.Clock(c.now, e.realm)
	return t.Add(e.ahead)
}
