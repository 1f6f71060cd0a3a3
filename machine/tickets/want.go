package tickets

import (
	"fmt"
	"slices"
	"time"

	"roam6/engine"
	"roam6/wire/krb5"
)

// Times of a ticket's life.
const (
	// RenewFrom and RenewTo are between which parts of its life the client's own TGT is renewed, at random. All tickets that it gives end with it.
	RenewFrom, RenewTo = 0.7, 0.75
	// Later is added for TGTs of other realms, and once more for what depends on those.
	Later = 0.05
	// MinRenew is the least time between two requests for one ticket that are granted.
	MinRenew = 10 * time.Second
	// Pause follows a refusal or silence; each further one is twice as long, up to MaxPause.
	Pause    = 10 * time.Second
	MaxPause = 5 * time.Minute
)

// want is a ticket that is wanted, and how far it is.
type want struct {
	id     uint32
	server krb5.Principal
	user   *krb5.Ticket // of a user-to-user request: the server's TGT
	helper bool         // only others need it: it is renewed when they are
	state  State
	ticket *Ticket

	at     *Ticket  // of a walk to another realm: the TGT for where it is; nil: it begins
	passed []string // realms whose KDCs were asked
	logon  bool     // the next one is a logon and no renewal

	code  krb5.ErrorCode // of the last failure
	why   string
	pause time.Duration
}

// Want wants a ticket to be held: for a service, or with krbtgt/REALM in any realm the TGT for that. It is false when too many are wanted.
//
// spec FH-17 RT-40
func (c *Client) Want(now engine.Now, server krb5.Principal, out *engine.Effects) (facts []Fact, ok bool) {
	facts = c.turn(now, out, func() {
		w := c.wanted(server)
		if ok = w != nil; ok {
			switch w.helper = false; w.state {
			case Idle:
				c.become(w, Waiting)
			case Ready:
				c.timers.Set(timer{due, w.id}, w.ticket.stale)
			}
			return
		}
		ok = c.add(server) != nil
	})
	return facts, ok
}

// Unwant lets go of a ticket. The client's own TGT stays.
func (c *Client) Unwant(now engine.Now, server krb5.Principal, out *engine.Effects) []Fact {
	return c.turn(now, out, func() {
		if w := c.wanted(server); w != nil && !c.own(w) {
			c.remove(w)
		}
	})
}

// UserToUser asks once for a ticket for the owner of a TGT, sealed in that one's session key (RFC 4120 §3.3.1 and §2.9.2): what an access router
// needs that was pushed one. The KDC is that of the realm that the TGT is for. The name is what Granted and Failed have in Want; 0 when that is no
// TGT, or too many are wanted.
//
// spec RT-36
func (c *Client) UserToUser(now engine.Now, server krb5.Name, tgt krb5.Ticket, out *engine.Effects) (facts []Fact, name uint32) {
	facts = c.turn(now, out, func() {
		tgt, err := krb5.ParseTicket(tgt.Append(nil)) // the caller's lies in a message
		realm := tgt.Server.Name.TGSRealm()
		if err != nil || realm == "" || server.IsZero() {
			return
		}
		if w := c.add(krb5.Principal{Name: server, Realm: realm}); w != nil {
			w.user, name = &tgt, w.id
		}
	})
	return facts, name
}

// Forget gives up a UserToUser.
func (c *Client) Forget(now engine.Now, name uint32, out *engine.Effects) []Fact {
	return c.turn(now, out, func() {
		if w := c.want(name); w != nil && w.user != nil {
			c.remove(w)
		}
	})
}

func (c *Client) add(server krb5.Principal) *want {
	if len(c.wants) >= MaxWants {
		i := slices.IndexFunc(c.wants, func(w *want) bool { return w.helper && w.state == Idle })
		if i < 0 {
			return nil
		}
		c.remove(c.wants[i])
	}
	c.lastWant++
	w := &want{id: c.lastWant, server: server, state: Waiting}
	c.wants = append(c.wants, w)
	return w
}

func (c *Client) remove(w *want) {
	c.giveUp(w)
	c.timers.Stop(timer{due, w.id})
	c.timers.Stop(timer{end, w.id})
	c.wants = slices.DeleteFunc(c.wants, func(x *want) bool { return x == w })
}

func (c *Client) want(id uint32) *want {
	if i := slices.IndexFunc(c.wants, func(w *want) bool { return w.id == id }); i >= 0 {
		return c.wants[i]
	}
	return nil
}

// wanted finds what is wanted for a server. There is one ticket for krbtgt/REALM, whoever gives it.
func (c *Client) wanted(server krb5.Principal) *want {
	for _, w := range c.wants {
		if w.user == nil && w.server.Name.Equal(server.Name) && (w.server.Realm == server.Realm || server.Name.TGSRealm() != "") {
			return w
		}
	}
	return nil
}

func (c *Client) own(w *want) bool { return w.server.Name.TGSRealm() == c.cfg.Client.Realm }

func (c *Client) become(w *want, s State) {
	if !slices.Contains(edges[w.state], s) {
		panic(fmt.Sprintf("tickets: from %s to %s", w.state, s))
	}
	w.state = s
}

// advance begins what can be begun.
func (c *Client) advance() {
	for again := true; again; {
		again = false
		for _, w := range slices.Clone(c.wants) {
			if w.state == Waiting && c.want(w.id) == w && c.begin(w) {
				again = true
			}
		}
	}
}

// begin asks for a ticket, or for another one that is needed first; false if it has to wait.
func (c *Client) begin(w *want) bool {
	if len(c.exchanges) >= MaxExchanges && w.user == nil {
		return false
	}
	if c.own(w) {
		if t := w.ticket; t != nil && !w.logon && t.renewable() {
			c.ask(w, renewal, t)
		} else {
			c.ask(w, logon, nil)
		}
		return true
	}
	what, realm := granting, w.server.Realm
	if w.server.Name.TGSRealm() != "" { // a walk, from the client's own realm
		if w.at != nil && c.now.Mono < w.at.until {
			c.ask(w, walk, w.at)
			return true
		}
		what, realm = walk, c.cfg.Client.Realm
	}
	tgt := c.ticketFor(realm)
	if tgt == nil {
		return c.depend(w, realm)
	}
	if w.ticket != nil && c.now.Mono >= tgt.stale { // what it gives would end soon, too
		switch need := c.wanted(tgt.Server); {
		case need.helper && need.state == Ready:
			c.become(need, Waiting)
			return true
		case need.helper && (need.state == Waiting || need.state == Asking):
			return false
		}
	}
	c.ask(w, what, tgt)
	return true
}

// ticketFor gives a good TGT for a realm.
func (c *Client) ticketFor(realm string) *Ticket {
	return c.Ticket(c.now, krb5.Principal{Name: krb5.TGS(realm), Realm: realm})
}

// depend has a TGT fetched that another ticket needs.
func (c *Client) depend(w *want, realm string) bool {
	server := krb5.Principal{Name: krb5.TGS(realm), Realm: c.cfg.Client.Realm}
	need := c.wanted(server)
	switch {
	case need == nil:
		if need = c.add(server); need == nil {
			c.fail(w, krb5.ErrGeneric, "too many tickets are wanted")
			return true
		}
		need.helper = true
		return true
	case need.state == Idle:
		c.become(need, Waiting)
		return true
	case need.state == Resting:
		w.code, w.why = need.code, fmt.Sprintf("no %v: %s", need.server.Name, need.why)
		if w.user != nil {
			c.fail(w, w.code, w.why)
			return true
		}
	}
	return false
}

// renewable says whether a renewal would make a ticket last longer.
func (t *Ticket) renewable() bool {
	return t.Flags&krb5.Renewable != 0 && t.Times.RenewTill.After(t.Times.End)
}

// granted takes a ticket.
func (c *Client) granted(w *want, t *Ticket) {
	renewed := w.ticket != nil
	w.ticket, w.at, w.passed, w.logon, w.code, w.why, w.pause = t, nil, nil, false, 0, "", 0
	w.server.Realm = t.Server.Realm
	c.become(w, Ready)
	c.count.Granted++
	c.out.Event("tickets.granted", engine.A("server", t.Server), engine.S("until", t.Times.End.UTC().Format(time.RFC3339)))
	c.tell(Granted{Ticket: t, Want: w.user2user(), Renewed: renewed})
	if w.user != nil {
		c.remove(w)
		return
	}
	life, spread := t.until.Sub(c.now.Mono), RenewFrom
	switch {
	case c.own(w):
	case w.server.Name.TGSRealm() != "":
		spread += Later
	default:
		spread += 2 * Later
	}
	low, high := time.Duration(spread*float64(life)), time.Duration((spread+RenewTo-RenewFrom)*float64(life))
	t.stale = c.now.Mono.Add(max(c.rand.Between(low, high), MinRenew))
	c.timers.Set(timer{end, w.id}, t.until)
	if !w.helper {
		c.timers.Set(timer{due, w.id}, t.stale)
	}
}

func (w *want) user2user() uint32 {
	if w.user == nil {
		return 0
	}
	return w.id
}

// fail ends an attempt, and rests. A renewal that failed is followed by a logon at once.
func (c *Client) fail(w *want, code krb5.ErrorCode, why string) {
	c.count.Failed++
	c.out.Event("tickets.failed", engine.A("server", w.server), engine.S("code", code.String()), engine.S("why", why))
	w.at, w.passed = nil, nil
	w.code, w.why = code, why
	if c.own(w) && w.ticket != nil && !w.logon {
		w.logon = true
		c.become(w, Waiting)
		return
	}
	f := Failed{Server: w.server, Want: w.user2user(), Code: code, Why: why, Held: w.ticket != nil}
	if w.user != nil {
		c.tell(f)
		c.remove(w)
		return
	}
	w.pause = min(max(2*w.pause, Pause), MaxPause)
	f.Again = w.pause
	c.tell(f)
	c.become(w, Resting)
	c.timers.Set(timer{due, w.id}, c.now.Mono.Add(w.pause))
}

// ended lets go of a ticket whose time is over.
func (c *Client) ended(w *want) {
	w.ticket, w.logon = nil, false
	c.out.Event("tickets.ended", engine.A("server", w.server))
	c.tell(Ended{w.server})
	switch {
	case w.state != Ready:
	case w.helper:
		c.become(w, Waiting)
		c.become(w, Idle)
	default:
		c.become(w, Waiting)
	}
}

// due asks for a ticket again; for one that only others need, when they do.
func (c *Client) due(w *want) {
	if w.state != Ready && w.state != Resting {
		return
	}
	c.become(w, Waiting)
	if w.helper {
		c.become(w, Idle)
	}
}
