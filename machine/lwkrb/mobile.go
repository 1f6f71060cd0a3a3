package lwkrb

import (
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// Times and limits of the mobile node.
const (
	// FirstRepeat is when the same octets are sent again for the first time; each further wait is twice as long.
	FirstRepeat = 250 * time.Millisecond
	// MaxWait ends an exchange, whatever was asked meanwhile: two KDCs, the second one silent too, and a bit. A strategy falls back then.
	MaxWait = 4 * time.Second
	// AfterHint ends it sooner when somebody said no without proof and there is no other ticket: whoever says yes does so within GiveUp and
	// JudgeFor.
	AfterHint = GiveUp + JudgeFor
	// MaxAttempts is how many ap-reqs one exchange makes.
	MaxAttempts = 8
	// MaxClocks is of how many realms a correction of the clock is kept; with more, the oldest goes.
	MaxClocks = 64
)

// Wish is what a mobile node wants of an access router.
type Wish struct {
	Router    lw.Principal // as the redirect names it
	Address   netip.Addr   // of the router
	CareOf    netip.Addr   // the new one
	LinkLayer []byte       // of the mobile node, 0 to wire/lwkrb.MaxLinkLayer octets
	Want      lw.Want
	SPI       uint32 // the mobile node is to be sent to; with AH or ESP, wire/lwkrb.MinSPI or more, else 0
}

// Request is an ap-req to be taken to the access router. Try counts from 1 how often its octets were given out.
//
// spec FH-04
type Request struct {
	Octets []byte
	Router lw.Principal
	Case   lw.Case
	Sealer lw.Principal
	Try    int
}

// Hint: somebody says no, without proof, and there is no ticket left to try. The answer is still waited for. A role may begin something
// else meanwhile.
type Hint struct{ Code lw.Code }

// Renew: the ticket that a principal's key sealed is not taken any more, on the router's or the KDC's word; it is gone, another is wanted.
type Renew struct{ Sealer lw.Principal }

// Failed: nothing came of it.
type Failed struct {
	Router lw.Principal
	Code   lw.Code // lw.None: nobody answered, or there is no ticket
	Proven bool    // the router or a KDC says so
}

// Again says whether another Ask is worth it, if router, address and care-of address are still what the redirect says. Else another strategy
// is next.
func (f Failed) Again() bool {
	return f.Proven && (f.Code == lw.NotUs || f.Code == lw.BadAddress || f.Code == lw.WrongRealm)
}

func (*Request) fact() {}
func (Hint) fact()     {}
func (Renew) fact()    {}
func (Failed) fact()   {}

// Mobile is the mobile node's end: its tickets, what it knows of clocks, and one exchange at a time. Make it with NewMobile.
type Mobile struct {
	rand    *engine.Rand
	tickets []Ticket
	clocks  []clock // the oldest first

	wish     Wish
	attempts []attempt      // open ones; none: nothing goes on
	tried    []lw.Principal // sealers of this exchange's tickets
	made     int            // ap-reqs of this exchange
	hint     lw.Code        // of the last error
	proven   bool           // it was
	repeat   time.Duration
	timers   engine.Timers[what]
	count    Counts
}

// clock is how far the clock of a realm's routers is ahead of ours.
type clock struct {
	realm string
	ahead time.Duration
}

// attempt is one ap-req.
type attempt struct {
	Choice
	id      uint32
	octets  []byte
	access  lk.Access
	client  lw.Principal
	since   engine.Mono
	tries   int
	doubted bool // an error without proof came for it
}

type what uint8

const (
	repeatAll what = iota
	giveUp
)

// Counts of what a Mobile did since it was made.
type Counts struct {
	Asked    uint64 `json:"asked"`    // exchanges
	Requests uint64 `json:"requests"` // ap-reqs, repetitions not counted
	Agreed   uint64 `json:"agreed"`   // sessions
	Failed   uint64 `json:"failed"`
	Hints    uint64 `json:"hints"`   // errors without proof
	Dropped  uint64 `json:"dropped"` // messages that were not for an ap-req under way, or did not open
}

// NewMobile makes a mobile node's end without tickets. Randomness is for identifiers and nonces.
func NewMobile(rand *engine.Rand) *Mobile { return &Mobile{rand: rand} }

// Ask begins an exchange; one that is under way is given up. The facts are a *Request, or Failed: there is no ticket, or the principal is no
// access router's or an address none (KRB_ERR_GENERIC, which is what to answer to who named it).
//
// spec FH-04 RT-39
func (m *Mobile) Ask(now engine.Now, w Wish, out *engine.Effects) []Fact {
	m.Stop()
	m.count.Asked++
	w.LinkLayer = slices.Clone(w.LinkLayer)
	m.wish, m.hint, m.proven, m.made, m.tried = w, lw.None, false, 0, nil
	if !w.sound(now) {
		out.Drop("lwkrb-not-a-router", engine.S("router", string(w.Router)))
		return m.fail(lw.Generic, true, out)
	}
	m.repeat = FirstRepeat
	m.timers.Set(repeatAll, now.Mono.Add(m.repeat))
	m.timers.Set(giveUp, now.Mono.Add(MaxWait))
	return m.next(now, out)
}

// Stop ends what is under way. Nothing is told.
func (m *Mobile) Stop() {
	for _, a := range m.attempts {
		a.access.Erase()
	}
	m.attempts, m.timers = nil, engine.Timers[what]{}
}

// Asks reports whether an exchange is under way, and for what.
func (m *Mobile) Asks() (Wish, bool) { return m.wish, len(m.attempts) > 0 }

// next asks with the best ticket that was not tried; Failed if none is and nothing is waited for.
func (m *Mobile) next(now engine.Now, out *engine.Effects) []Fact {
	for _, c := range m.Choices(now, m.wish.Router) {
		if !slices.Contains(m.tried, c.Sealer) {
			m.tried = append(m.tried, c.Sealer)
			if f := m.attempt(now, c, out); f != nil {
				return []Fact{f}
			}
		}
	}
	switch {
	case len(m.attempts) == 0:
		return m.fail(m.hint, m.proven, out)
	case m.hint != lw.None:
		m.timers.Set(giveUp, min(now.Mono.Add(AfterHint), m.end()))
		return []Fact{Hint{m.hint}}
	}
	return nil
}

func (m *Mobile) end() engine.Mono {
	at, _ := m.timers.Armed(giveUp)
	return at
}

// attempt makes an ap-req with one ticket; nil if there were enough, or it would be too long.
func (m *Mobile) attempt(now engine.Now, c Choice, out *engine.Effects) Fact {
	t, held := m.ticket(c.Sealer)
	if !held || m.made >= MaxAttempts {
		return nil
	}
	body := m.wish.authenticator(m.wall(now, m.wish.Router)).Append(nil)
	q := lw.Request{ID: m.identifier(), Ticket: t.Ticket}
	before := q.Before(nil, len(body)+lk.Overhead)
	if len(before)+len(body)+lk.Overhead > lw.MaxMessage {
		out.Drop("lwkrb-ticket-too-long", engine.S("ticket", string(c.Sealer)))
		return nil
	}
	raw := t.session.SealAuthenticator(before, draw(m.rand), before, body)
	m.attempts = append(m.attempts, attempt{Choice: c, id: q.ID, octets: raw, access: t.session.Access(raw[len(before):], string(m.wish.Router)),
		client: t.Client, since: now.Mono})
	m.made++
	m.count.Requests++
	out.Event("lwkrb.asked", engine.S("router", string(m.wish.Router)), engine.S("ticket", string(c.Sealer)), engine.S("case", caseName(c.Case)))
	return m.give(&m.attempts[len(m.attempts)-1])
}

func (w *Wish) authenticator(t time.Time) *lw.Authenticator {
	return &lw.Authenticator{Time: t, Want: w.Want, SPI: w.SPI, CareOf: w.CareOf, Address: w.Address, LinkLayer: w.LinkLayer, Router: w.Router}
}

// sound says whether an access router can read what is asked of it: a redirect may name any address.
func (w *Wish) sound(now engine.Now) bool {
	if !w.Router.Valid() || !w.Address.IsValid() || !w.CareOf.IsValid() || len(w.LinkLayer) > lw.MaxLinkLayer {
		return false
	}
	_, err := lw.ParseAuthenticator(w.authenticator(now.Wall).Append(nil))
	return err == nil
}

// give is an ap-req to be sent: octets of its own, as packets are given away.
func (m *Mobile) give(a *attempt) Fact {
	a.tries++
	return &Request{slices.Clone(a.octets), m.wish.Router, a.Case, a.Sealer, a.tries}
}

func (m *Mobile) identifier() uint32 {
	for {
		id := uint32(m.rand.Uint64())
		if !slices.ContainsFunc(m.attempts, func(a attempt) bool { return a.id == id }) {
			return id
		}
	}
}

// fail ends an exchange.
func (m *Mobile) fail(code lw.Code, proven bool, out *engine.Effects) []Fact {
	m.Stop()
	m.count.Failed++
	out.Event("lwkrb.failed", engine.S("router", string(m.wish.Router)), engine.A("code", code), engine.S("proven", yes(proven)))
	return []Fact{Failed{m.wish.Router, code, proven}}
}

// Deadline is when Tick is wanted.
func (m *Mobile) Deadline() (engine.Mono, string) {
	at, _ := m.timers.Next()
	return at, "answer of the access router"
}

// Tick does what is due.
func (m *Mobile) Tick(now engine.Now, out *engine.Effects) (facts []Fact) {
	for k, ok := m.timers.Pop(now.Mono); ok; k, ok = m.timers.Pop(now.Mono) {
		if k == giveUp {
			return append(facts, m.fail(m.hint, false, out)...)
		}
		m.repeat *= 2
		m.timers.Set(repeatAll, now.Mono.Add(m.repeat))
		for i := range m.attempts {
			facts = append(facts, m.give(&m.attempts[i]))
		}
	}
	return facts
}

// wall is the time on the clocks of a router's realm, as far as we know.
func (m *Mobile) wall(now engine.Now, router lw.Principal) time.Time {
	return now.Wall.Add(m.Ahead(router.Realm()))
}

// Ahead is how far the clocks of a realm are ahead of ours, as far as that was proven.
func (m *Mobile) Ahead(realm string) time.Duration {
	for _, c := range m.clocks {
		if c.realm == realm {
			return c.ahead
		}
	}
	return 0
}

// correct takes what somebody of a router's realm has proven to say of the time.
func (m *Mobile) correct(now engine.Now, t time.Time) {
	realm := m.wish.Router.Realm()
	m.clocks = slices.DeleteFunc(m.clocks, func(c clock) bool { return c.realm == realm })
	if len(m.clocks) >= MaxClocks {
		m.clocks = slices.Delete(m.clocks, 0, 1)
	}
	m.clocks = append(m.clocks, clock{realm, t.Sub(now.Wall.Truncate(time.Second))})
}
