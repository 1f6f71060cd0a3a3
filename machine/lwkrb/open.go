package lwkrb

import (
	"slices"

	"roam6/engine"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// open takes an ap-req of which the router has the ticket's key.
//
// spec FH-13
func (r *Router) open(now engine.Now, e *exchange, key lk.Key, m lw.Request, raw []byte, out *engine.Effects) []Fact {
	forged := func() []Fact { return r.refuse(now, e, lw.BadIntegrity, now.Wall, nil, out) }
	plain, err := key.OpenTicket(m.KeyNameIn(raw), m.Ticket.Sealed)
	if err != nil {
		return forged()
	}
	defer clear(plain[:min(12+lw.SecretLen, len(plain))]) // times and session key; attributes stay
	if e.ticket, err = lw.ParseTicketBody(plain); err != nil {
		return forged()
	}
	s, err := lk.NewSession(e.ticket.Session)
	if err != nil {
		return forged()
	}
	defer s.Erase()
	body, err := s.OpenAuthenticator(raw[:len(raw)-len(m.Authenticator)], m.Authenticator)
	if err != nil {
		return forged()
	}
	if e.auth, err = lw.ParseAuthenticator(body); err != nil {
		return forged()
	}
	e.access = s.Access(m.Authenticator, string(e.auth.Router))
	e.ticket.Session = nil
	return r.opened(now, e, out)
}

// askKDC asks for what the router cannot open.
//
// spec FH-14
func (r *Router) askKDC(now engine.Now, e *exchange, sealer lw.Principal, out *engine.Effects) []Fact {
	if !r.cfg.KDC {
		code := lw.NoKDC
		if e.kase == lw.CaseRouter {
			code = lw.NoKey
			if slices.ContainsFunc(r.keys, func(k Key) bool { return k.Name.Principal == sealer }) {
				code = lw.BadKeyVersion
			}
		}
		return r.refuse(now, e, code, now.Wall, nil, out)
	}
	own := r.keys[0]
	for e.askID = uint32(r.rand.Uint64()); r.asked[e.askID] != nil; e.askID = uint32(r.rand.Uint64()) {
	}
	body := (&lw.OpenRequestBody{Time: now.Wall, Router: r.cfg.Self, Request: []byte(e.octets)}).Append(nil)
	before := (&lw.OpenRequest{ID: e.askID, Key: own.Name}).Before(nil, len(body)+lk.Overhead)
	e.ask = own.Key.SealOpenRequest(before, draw(r.rand), before, body)
	e.key = own.Key
	r.become(e, asking)
	r.asked[e.askID] = e
	r.count.Asked++
	return []Fact{r.send(e)}
}

// send gives the open-req out, and sets the time of the next.
func (r *Router) send(e *exchange) Fact {
	wait := GiveUp
	if e.tries < len(asks) {
		wait = asks[e.tries]
	}
	e.tries++
	r.timers.Set(e.handle, e.since.Add(wait))
	return AskKDC{e.handle, slices.Clone(e.ask), e.tries}
}

// Answered takes what came from a KDC: an open-rep, or an error, which is a hint. Facts are as those of Heard.
//
// spec FH-14 FH-15 FH-18
func (r *Router) Answered(now engine.Now, octets []byte, out *engine.Effects) []Fact {
	drop := func(reason string) []Fact {
		r.count.Refused[reason]++
		out.Drop(reason)
		return nil
	}
	msg, err := lw.Parse(octets)
	if err != nil {
		return drop("lwkrb-kdc-malformed")
	}
	switch msg := msg.(type) {
	case *lw.Error:
		e := r.asked[msg.ID]
		if e == nil {
			return drop("lwkrb-kdc-unasked")
		}
		drop("lwkrb-kdc-hint")
		return r.hint(now, e, lw.Error{ID: e.id, Code: msg.Code, Time: now.Wall})
	case *lw.OpenReply:
		e := r.asked[msg.ID]
		if e == nil {
			return drop("lwkrb-kdc-unasked")
		}
		asked, err := lw.ParseOpenRequest(e.ask)
		if err != nil {
			panic(err) // it is ours
		}
		plain, err := e.key.OpenOpenReply(asked.Sealed, octets[:lw.HeaderLen], msg.Sealed)
		if err != nil {
			return drop("lwkrb-kdc-forged")
		}
		body, err := lw.ParseOpenReplyBody(plain)
		if err != nil {
			return drop("lwkrb-kdc-malformed")
		}
		return r.told(now, e, body, out)
	}
	return drop("lwkrb-kdc-unexpected")
}

// told takes an open-rep that opened.
func (r *Router) told(now engine.Now, e *exchange, body lw.OpenReplyBody, out *engine.Effects) []Fact {
	defer body.Key.Erase()
	if body.Code != lw.None {
		if !slices.ContainsFunc(body.Key, func(b byte) bool { return b != 0 }) {
			return r.refuse(now, e, body.Code, now.Wall, nil, out)
		}
		key, err := lk.NewErrorKey(body.Key)
		if err != nil {
			panic(err) // the codec gives its size
		}
		return r.refuse(now, e, body.Code, body.Time, &key, out)
	}
	auth, err := lw.ParseAuthenticator(body.Authenticator)
	if err != nil {
		return r.refuse(now, e, lw.Generic, now.Wall, nil, out)
	}
	access, err := lk.NewAccess(body.Key)
	if err != nil {
		panic(err)
	}
	// The start was the KDC's to look at, and is not told.
	e.ticket = lw.TicketBody{Flags: body.Flags, Start: now.Wall, End: body.End, Client: body.Client, Transited: body.Transited, Attributes: body.Attributes}
	e.auth, e.access = auth, access
	return r.opened(now, e, out)
}
