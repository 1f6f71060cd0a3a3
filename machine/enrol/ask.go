package enrol

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
)

// request is what is out.
type request struct {
	want    Want
	req     *access.Request
	secrets [access.AccessRouter + 1]aaa.Private // of X25519, by use; used where the request has a public value
	key     aaa.Key
	keyed   bool // there is a key
	network string
	client  netip.Addr
	id      uint32
	epoch   uint32 // advertised when the packets were made
	packets [][]byte
	parts   parts // of the reply

	tries  int
	wait   time.Duration
	fresh  int                 // challenges that were exchanged
	rounds int                 // of EAP
	hint   diameter.ResultCode // what a refusal that nobody vouches for said; 0: there was none
}

// Ask sends a request. What was asked before and is unanswered is given up. It is false, and nothing happens, while the applicant rests,
// knows of no AAA client, the care-of address is none, or nothing proves who asks: neither a long-term key nor EAP.
//
// spec DM-04 DM-08
func (a *Applicant) Ask(now engine.Now, w Want, out *engine.Effects) bool {
	if a.state == Resting || a.ad == nil || !w.CareOf.IsValid() || a.nai == "" && !w.Home.IsValid() || a.secret == nil && w.EAP == nil {
		return false
	}
	a.ask = request{want: w, network: a.ad.Network, client: a.ad.Client}
	a.ask.want.Keys = slices.Clone(w.Keys)
	a.become(Asking, "asked", out)
	if w.EAP == nil { // else the key comes of the conversation
		a.rekey(a.secret())
	}
	a.draw()
	a.compose(a.ad.LocalChallenge)
	a.send(now, out)
	return true
}

// rekey binds a secret to who the node is and where.
func (a *Applicant) rekey(secret []byte) {
	key, err := aaa.NewKey(secret, a.identity(a.ask.want), a.ask.network)
	if err != nil {
		panic("enrol: " + err.Error()) // lengths and names were checked
	}
	if a.ask.keyed {
		a.ask.key.Erase()
	}
	a.ask.key, a.ask.keyed = key, true
}

func (a *Applicant) identity(w Want) string { return aaa.Identity(a.nai, w.Home) }

// draw fills the wishes for keys in: SPIs, and public values of secrets that are used for this request alone.
func (a *Applicant) draw() {
	q := &a.ask
	for i := range q.want.Keys {
		k := &q.want.Keys[i]
		if k.SPI < access.MinSPI {
			k.SPI = a.spi(q.want.Keys[:i])
		}
		if k.Public = nil; k.Methods&access.DiffieHellman == 0 {
			continue
		}
		p := aaa.DrawPrivate(a.rand)
		q.secrets[k.Use], k.Public = p, p.Public()
	}
}

// spi draws one that no wish before has.
func (a *Applicant) spi(before []access.KeyRequest) uint32 {
	for {
		n := uint32(a.rand.Uint64())
		if n >= access.MinSPI && !slices.ContainsFunc(before, func(k access.KeyRequest) bool { return k.SPI == n }) {
			return n
		}
	}
}

// compose makes the packets of a request with a challenge: a new identifier, and a new host challenge with the node's authentication over
// all of it. With EAP neither is needed: the conversation has nonces of its own.
//
// spec DM-05 DM-07
func (a *Applicant) compose(local []byte) {
	q := &a.ask
	var host []byte
	if q.want.EAP == nil {
		host = make([]byte, HostChallengeLen)
		a.rand.Read(host)
	}
	q.id = uint32(a.rand.Uint64())
	q.req = &access.Request{
		NAI: a.nai, HomeAddress: q.want.Home, CareOf: q.want.CareOf, LocalChallenge: slices.Clone(local), HostChallenge: host,
		Features: q.want.Features, EAP: q.want.EAP, Keys: q.want.Keys, Binding: q.want.Binding,
	}
	if q.want.EAP == nil {
		q.req.Auth = q.key.Answer(exchangeOf(q.req))
	}
	q.packets, q.parts, q.epoch = nil, parts{}, a.ad.Epoch
	for _, part := range access.Split(q.req, q.id) {
		p := ip6.Packet{Header: ip6.Header{Src: q.want.CareOf, Dst: q.client, HopLimit: access.HopLimit}, Proto: ip6.ProtoICMPv6}
		p.Payload = part.Append(nil, p.Src, p.Dst)
		q.packets = append(q.packets, p.Append(nil))
	}
	q.tries, q.wait = 0, FirstWait
}

// exchangeOf is what the authenticators of a request and its reply are about.
func exchangeOf(r *access.Request) aaa.Exchange {
	return aaa.Exchange{HostChallenge: r.HostChallenge, LocalChallenge: r.LocalChallenge, CareOf: r.CareOf, Request: r.Covered()}
}

func (a *Applicant) send(now engine.Now, out *engine.Effects) {
	q := &a.ask
	q.tries++
	for _, p := range q.packets {
		out.Send(a.port, q.want.Via, p)
	}
	a.timers.Set(repeat, now.Mono.Add(q.wait))
	q.wait *= 2
	out.Event("access.request", engine.A("client", q.client), engine.S("network", q.network), engine.A("coa", q.want.CareOf),
		engine.S("id", strconv.FormatUint(uint64(q.id), 16)), engine.S("try", decimal(q.tries)))
}

// unanswered sends again, and at the end tells what can be said.
func (a *Applicant) unanswered(now engine.Now, out *engine.Effects) []Fact {
	q := &a.ask
	if q.tries < MaxTries {
		if q.later() { // to the same octets the AAA client would say the same again
			tries, wait := q.tries, q.wait
			a.compose(a.ad.LocalChallenge)
			q.tries, q.wait = tries, wait
		}
		a.send(now, out)
		return nil
	}
	if q.hint != 0 {
		return []Fact{a.giveUp(now, Refused{Result: q.hint}, "refused", out)}
	}
	return []Fact{a.giveUp(now, Silent{}, "silence", out)}
}

// later reports whether the AAA client said that it cannot just now: no server in reach, or too much under way (docs/access.md).
func (q *request) later() bool { return passing(q.hint) }

func passing(r diameter.ResultCode) bool {
	return r == diameter.UnableToDeliver || r == diameter.TooBusy
}

// giveUp ends an attempt, and rests.
func (a *Applicant) giveUp(now engine.Now, f Fact, why string, out *engine.Effects) Fact {
	a.pause = min(max(2*a.pause, Pause), MaxPause)
	a.ask = request{}
	a.timers.Stop(repeat)
	a.timers.Set(rest, now.Mono.Add(a.pause))
	out.Event("access."+why, engine.S("result", decimal(int(a.result))), engine.S("pause", a.pause.String()))
	a.become(Resting, why, out)
	return f
}

// Respond answers a Round: the next request, with the response that the method of EAP made. It is false when nothing is asked for any
// more, or too many rounds were.
//
// spec DM-06
func (a *Applicant) Respond(now engine.Now, eap []byte, out *engine.Effects) bool {
	q := &a.ask
	if a.state != Asking || q.want.EAP == nil || q.rounds >= MaxRounds {
		return false
	}
	q.rounds++
	q.want.EAP = eap
	a.compose(q.nextChallenge(a.ad.LocalChallenge))
	a.send(now, out)
	return true
}

// nextChallenge is the one of the reply before, else the newest advertised.
func (q *request) nextChallenge(advertised []byte) []byte {
	if q.parts.fresh != nil {
		return q.parts.fresh
	}
	return advertised
}
