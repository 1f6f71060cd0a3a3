package lwkrb

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// state is where an exchange of a Router stands.
type state uint8

const (
	fresh    state = iota // heard
	asking                // the KDC was asked
	judging               // opened and right; the role decides
	answered              // the ap-rep is kept, to be given again
	gone
)

func (s state) String() string {
	return [...]string{"fresh", "asking", "judging", "answered", "gone"}[s]
}

// edges are the steps there are.
var edges = map[state][]state{
	fresh:    {asking, judging},
	asking:   {judging, gone},
	judging:  {answered, gone},
	answered: {gone},
}

// exchange is one ap-req and what became of it.
type exchange struct {
	state   state
	handle  Handle
	source  netip.Addr // who counts as the one who began it
	trusted bool
	places  []Coming // without octets: the messages that brought it, all different; the first one, or the one that fits
	id      uint32
	octets  string // of the ap-req
	kase    lw.Case
	since   engine.Mono

	ask    []byte // the open-req
	askID  uint32 // its identifier
	key    lk.Key // it is sealed under
	tries  int    // how often it went out
	hinted bool   // an error that nobody proved came for it

	ticket lw.TicketBody // opened; its session key is erased
	auth   lw.Authenticator
	access lk.Access

	reply []byte
}

// become takes a step. What an exchange holds of what is limited follows from its state alone.
func (r *Router) become(e *exchange, to state) {
	if !slices.Contains(edges[e.state], to) {
		panic(fmt.Sprintf("lwkrb: no step from %v to %v", e.state, to))
	}
	was := e.state
	e.state = to
	if was == fresh {
		r.handle++
		e.handle = r.handle
		r.exchanges[e.octets], r.handles[e.handle] = e, e
		r.under++
		if !e.trusted {
			r.sources[e.source]++
			r.strangers++
		}
	}
	if was == asking {
		delete(r.asked, e.askID)
		e.ask = nil
	}
	switch {
	case was == answered:
		r.answered.Stop(e.handle)
	case to == answered || to == gone:
		r.timers.Stop(e.handle)
		r.under--
		if !e.trusted {
			r.strangers--
			if r.sources[e.source]--; r.sources[e.source] == 0 {
				delete(r.sources, e.source)
			}
		}
	}
	if to == gone {
		delete(r.exchanges, e.octets)
		delete(r.handles, e.handle)
	}
}

// maxPlaces is how many messages with the same ap-req are looked at.
const maxPlaces = 8

// add takes another message that brought the same ap-req: while a KDC is asked, nobody knows which one is right, and whoever heard the ap-req
// can put it into one that is wrong. Those from trusted routers have room in any case.
func (e *exchange) add(c Coming) {
	same := func(o Coming) bool {
		return o.From == c.From && o.Trusted == c.Trusted && o.CareOf == c.CareOf && bytes.Equal(o.LinkLayer, c.LinkLayer) && slices.Equal(o.Addresses, c.Addresses)
	}
	if slices.ContainsFunc(e.places, same) {
		return
	}
	if len(e.places) >= maxPlaces {
		i := slices.IndexFunc(e.places, func(o Coming) bool { return !o.Trusted })
		if i < 0 || !c.Trusted {
			return
		}
		e.places = slices.Delete(e.places, i, i+1)
	}
	e.places = append(e.places, Coming{From: c.From, Trusted: c.Trusted, Addresses: slices.Clone(c.Addresses), CareOf: c.CareOf, LinkLayer: slices.Clone(c.LinkLayer)})
}

// fit puts the message that the authenticator fits first: nil, or BadAddress if there is none.
func (e *exchange) fit() error {
	for i, p := range e.places {
		if slices.Contains(p.Addresses, e.auth.Address) && e.auth.CheckPlace(lw.Place{Address: e.auth.Address, CareOf: p.CareOf, LinkLayer: p.LinkLayer}) == nil {
			e.places[0], e.places[i] = p, e.places[0]
			return nil
		}
	}
	return lw.BadAddress
}

// answer is what the mobile node is told: octets of its own, as packets are given away.
func (e *exchange) answer(again bool) Fact {
	return Answer{Handle: e.handle, Octets: slices.Clone(e.reply), From: e.places[0].From, CareOf: e.auth.CareOf, LinkLayer: e.auth.LinkLayer, Again: again}
}

// refuse ends an exchange: an error, with a MAC if there is a key for it, else not more often than RefuseRate. Nothing stays but a count.
//
// spec FH-18
func (r *Router) refuse(now engine.Now, e *exchange, code lw.Code, at time.Time, key *lk.ErrorKey, out *engine.Effects) []Fact {
	r.drop(reasonOf(code), e.places[0].From, out)
	if e.state != fresh {
		r.become(e, gone)
	}
	m := lw.Error{ID: e.id, Code: code, Time: at}
	if key == nil {
		return r.hint(now, e, m)
	}
	m.MAC = key.MAC(m.Covered())
	key.Erase()
	return []Fact{e.tell(m)}
}

// hint is an error without proof, unless one was told or there were many.
func (r *Router) hint(now engine.Now, e *exchange, m lw.Error) []Fact {
	if e.hinted || !r.limits.refuse(now) {
		return nil
	}
	e.hinted = true
	return []Fact{e.tell(m)}
}

func (e *exchange) tell(m lw.Error) Fact {
	p := e.places[0]
	return Answer{Handle: e.handle, Octets: m.Append(nil), From: p.From, CareOf: p.CareOf, LinkLayer: p.LinkLayer, Code: m.Code}
}

// refuseOpened refuses what was opened: the error has a MAC.
func (r *Router) refuseOpened(now engine.Now, e *exchange, code lw.Code, out *engine.Effects) []Fact {
	key := e.access.ErrorKey()
	e.access.Erase()
	return r.refuse(now, e, code, now.Wall, &key, out)
}

var reasons = map[lw.Code]string{
	lw.UnknownRouter: "lwkrb-unknown-router", lw.Policy: "lwkrb-policy", lw.Revoked: "lwkrb-revoked", lw.BadPath: "lwkrb-path",
	lw.Unavailable: "lwkrb-busy", lw.BadIntegrity: "lwkrb-integrity", lw.Expired: "lwkrb-expired", lw.NotYetValid: "lwkrb-not-yet-valid",
	lw.Repeat: "lwkrb-replay", lw.NotUs: "lwkrb-not-us", lw.BadMatch: "lwkrb-match", lw.Skew: "lwkrb-skew", lw.BadAddress: "lwkrb-address",
	lw.BadVersion: "lwkrb-version", lw.BadType: "lwkrb-type", lw.BadKeyVersion: "lwkrb-key-version", lw.NoKey: "lwkrb-no-key",
	lw.Generic: "lwkrb-refused", lw.WrongRealm: "lwkrb-realm", lw.NoKDC: "lwkrb-no-kdc", lw.SilentKDC: "lwkrb-kdc-silent",
}

// reasonOf is the word that refusals are counted by; a KDC may say any number.
func reasonOf(c lw.Code) string {
	if s, ok := reasons[c]; ok {
		return s
	}
	return "lwkrb-other"
}
