package enrol

import (
	"strconv"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
)

// Reasons why Heard refuses a packet.
const (
	Malformed  = "access-malformed"  // no part of a message, or no message
	HopLimit   = "access-hop-limit"  // it crossed a router
	Unexpected = "access-unexpected" // no answer to what is out: another identifier, or not from the client to the care-of address
	Unproven   = "access-unproven"   // it says yes, and the home network does not say so
	Forged     = "access-forged"     // its network authentication data are wrong
	BadKey     = "access-bad-key"    // keys that were not asked for, or that nobody vouches for
)

func decimal(n int) string { return strconv.Itoa(n) }

// parts are those of one reply so far: the newest of each number, as many as the newest of all says there are. A part that somebody forged is
// replaced when the true one comes again.
type parts struct {
	got   [access.MaxParts]access.Part // without a Body: not there
	n     uint8
	fresh []byte // challenge of the last round of EAP
}

// add takes a part, and gives the message when all are there.
func (s *parts) add(p access.Part) (whole []access.Part) {
	if p.Parts == 1 {
		return []access.Part{p} // and nothing that was collected is lost
	}
	if s.n != p.Parts {
		s.got, s.n = [access.MaxParts]access.Part{}, p.Parts
	}
	s.got[p.Part] = p
	for _, x := range s.got[:s.n] {
		if x.Body == nil {
			return nil
		}
	}
	return s.got[:s.n]
}

// Heard takes a packet with an AAA Reply, or a part of one: ICMPv6 of which access.IsAccess says yes. What is refused leaves everything as
// it was.
//
// spec DM-05
func (a *Applicant) Heard(now engine.Now, p *ip6.Packet, out *engine.Effects) []Fact {
	drop := func(reason string) []Fact {
		out.Drop(reason, engine.A("from", p.Src))
		return nil
	}
	q := &a.ask
	part, err := access.Parse(p.Src, p.Dst, p.Payload)
	switch {
	case p.HopLimit != access.HopLimit:
		return drop(HopLimit)
	case err != nil:
		out.Drop(Malformed, engine.A("from", p.Src), engine.S("error", err.Error()))
		return nil
	case a.state != Asking || part.Subtype != access.SubtypeReply || part.ID != q.id || p.Src != q.client || p.Dst != q.want.CareOf:
		return drop(Unexpected)
	}
	whole := q.parts.add(part)
	if whole == nil {
		return nil
	}
	m, err := access.Join(whole)
	if err != nil {
		out.Drop(Malformed, engine.A("from", p.Src), engine.S("error", err.Error()))
		return nil
	}
	f, reason := a.judge(now, m.(*access.Reply), out)
	switch {
	case reason != "":
		return drop(reason)
	case f == nil:
		return nil
	}
	return []Fact{f}
}

// judge acts on a whole reply: on what it proves, or within the bounds of what anybody may say.
func (a *Applicant) judge(now engine.Now, r *access.Reply, out *engine.Effects) (Fact, string) {
	q, result := &a.ask, diameter.ResultCode(r.Result)
	if r.Auth != nil {
		if !q.keyed || !q.key.VerifyGreeting(exchangeOf(q.req), r.Covered(), r.Auth) {
			return nil, Forged
		}
		switch {
		case result.Success():
			return a.granted(now, r, out)
		case result != diameter.MultiRoundAuth && !passing(result): // what passes may have passed when the request comes again
			a.result = result
			return a.giveUp(now, Refused{Result: result, Proven: true}, "refused", out), ""
		}
	}
	switch {
	case result.Success():
		return nil, Unproven
	case result == diameter.MultiRoundAuth:
		if q.want.EAP == nil || r.EAP == nil {
			return nil, Unexpected
		}
		a.result, q.parts.fresh = result, r.LocalChallenge
		return Round{EAP: r.EAP}, ""
	case r.LocalChallenge != nil && q.fresh < MaxFresh:
		a.result = result
		q.fresh++
		out.Event("access.stale", engine.A("client", q.client), engine.S("result", decimal(int(r.Result))))
		a.compose(r.LocalChallenge)
		a.send(now, out)
		return nil, ""
	}
	a.result, q.hint = result, result
	out.Event("access.hint", engine.A("client", q.client), engine.S("result", decimal(int(r.Result))))
	return nil, ""
}

// granted takes what the home network itself granted.
//
// spec DM-05 DM-19 DM-20
func (a *Applicant) granted(now engine.Now, r *access.Reply, out *engine.Effects) (Fact, string) {
	q := &a.ask
	keys, ok := a.keys(r)
	if !ok {
		return nil, BadKey
	}
	g := &Grant{Reply: r, Network: q.network, CareOf: q.want.CareOf, Until: engine.Never, Keys: keys}
	due := engine.Never
	if r.Lifetime > 0 {
		g.Until, due = now.Mono.Add(r.Lifetime), now.Mono.Add(part(r.Lifetime))
	}
	for i, k := range r.Keys {
		keys[i].Until = now.Mono.Add(k.Lifetime)
		due = min(due, now.Mono.Add(part(k.Lifetime)))
	}
	a.session = session{client: q.client, careOf: q.want.CareOf, network: q.network, until: g.Until, epoch: q.epoch}
	a.pause, a.result = 0, diameter.ResultCode(r.Result)
	a.ask = request{}
	a.timers = engine.Timers[what]{}
	a.timers.Set(renew, due)
	a.timers.Set(end, g.Until)
	out.Event("access.granted", engine.S("network", g.Network), engine.A("coa", g.CareOf), engine.S("lifetime", r.Lifetime.String()),
		engine.S("keys", decimal(len(keys))))
	a.become(Granted, "granted", out)
	return g, ""
}

func part(d time.Duration) time.Duration { return time.Duration(float64(d) * RenewAt) }

// Key is one that the node shares with its home agent or access router now.
type Key struct {
	Use                aaa.Use
	Method             access.Methods
	Session            aaa.Session
	PeerSPI, MobileSPI uint32
	Until              engine.Mono
	mobile             string // the node's identity
}

// ESP makes the octets of both associations with a peer: its address completes them.
//
// spec DM-19 DM-20
func (k Key) ESP(peer string) (toPeer, toMobile []byte) {
	return k.Session.ESP(k.Use, k.mobile, peer, k.PeerSPI, k.MobileSPI)
}

// keys makes the keys of a reply. All must have been asked for; the home network vouches for a public value apart from the reply, in which
// the AAA servers of others put it.
func (a *Applicant) keys(r *access.Reply) (list []Key, ok bool) {
	q := &a.ask
	for _, d := range r.Keys {
		want := q.wish(d)
		if want == nil {
			return nil, false
		}
		k := Key{Use: aaa.Use(d.Use), Method: d.Method, PeerSPI: d.SPI, MobileSPI: want.SPI, mobile: a.identity(q.want)}
		var err error
		if d.Method == access.Random {
			k.Session, err = q.key.Session(k.Use, d.Value)
		} else {
			if !q.key.VerifyVouch(k.Use, q.req.HostChallenge, want.Public, d.Value, d.SPI, d.MAC) {
				return nil, false
			}
			k.Session, err = q.secrets[d.Use].Session(aaa.Parties{Use: k.Use, Mobile: k.mobile, Visited: q.network, MobilePublic: want.Public, PeerPublic: d.Value})
		}
		if err != nil {
			return nil, false
		}
		list = append(list, k)
	}
	return list, true
}

func (q *request) wish(d access.KeyData) *access.KeyRequest {
	for i := range q.want.Keys {
		if k := &q.want.Keys[i]; k.Use == d.Use && k.Methods&d.Method != 0 {
			return k
		}
	}
	return nil
}
