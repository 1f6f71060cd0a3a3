package lwkrb

import (
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
	state     state
	handle    Handle
	from      netip.Addr
	trusted   bool
	addresses []netip.Addr
	careOf    netip.Addr
	linkLayer []byte
	id        uint32
	octets    string // of the ap-req
	kase      lw.Case
	since     engine.Mono

	ask   []byte  // the open-req
	askID uint32  // its identifier
	key   lk.Key  // it is sealed under
	tries int     // how often it went out
	hint  lw.Code // of an error about it that nobody proved

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
			r.sources[e.from]++
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
			if r.sources[e.from]--; r.sources[e.from] == 0 {
				delete(r.sources, e.from)
			}
		}
	}
	if to == gone {
		delete(r.exchanges, e.octets)
		delete(r.handles, e.handle)
	}
}

// answer is what the mobile node is told: octets of its own, as packets are given away.
func (e *exchange) answer(again bool) Fact {
	return Answer{Handle: e.handle, Octets: slices.Clone(e.reply), From: e.from, CareOf: e.auth.CareOf, LinkLayer: e.auth.LinkLayer, Again: again}
}

// refuse ends an exchange: an error, with a MAC if there is a key for it, else not more often than RefuseRate. Nothing stays but a count.
//
// spec FH-18
func (r *Router) refuse(now engine.Now, e *exchange, code lw.Code, at time.Time, key *lk.ErrorKey, out *engine.Effects) []Fact {
	r.drop(reasonOf(code), e.from, out)
	handle := e.handle
	if e.state != fresh {
		r.become(e, gone)
	}
	m := lw.Error{ID: e.id, Code: code, Time: at}
	switch {
	case key != nil:
		m.MAC = key.MAC(m.Covered())
		key.Erase()
	case !r.limits.refuse(now):
		return nil
	}
	return []Fact{Answer{Handle: handle, Octets: m.Append(nil), From: e.from, CareOf: e.careOf, LinkLayer: e.linkLayer, Code: code}}
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
