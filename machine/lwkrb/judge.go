package lwkrb

import (
	"errors"
	"time"

	"roam6/engine"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// opened checks what was opened, here or by a KDC, in the order of docs/lwkrb.md; attributes and what is wanted come last, in Decide.
//
// spec FH-18
func (r *Router) opened(now engine.Now, e *exchange, out *engine.Effects) []Fact {
	if e.state == fresh || e.state == asking {
		r.become(e, judging)
	}
	if err := r.check(now, e); err != nil {
		code := lw.Generic
		errors.As(err, &code)
		return r.refuseOpened(now, e, code, out)
	}
	r.timers.Set(e.handle, now.Mono.Add(JudgeFor))
	return []Fact{&Judge{Handle: e.handle, Case: e.kase, Client: e.ticket.Client, CareOf: e.auth.CareOf, LinkLayer: e.auth.LinkLayer, Want: e.auth.Want,
		Flags: e.ticket.Flags, Transited: e.ticket.Transited, Attributes: e.ticket.Attributes, TicketEnd: e.ticket.End}}
}

func (r *Router) check(now engine.Now, e *exchange) error {
	if err := e.ticket.Check(now.Wall); err != nil {
		return err
	}
	if err := e.auth.Check(now.Wall, r.cfg.Self); err != nil {
		return err
	}
	if err := e.fit(); err != nil {
		return err
	}
	if code := r.memory.check(now, e.access.ID()); code != lw.None {
		return code
	}
	if !r.limits.client(now, e.ticket.Client) {
		return lw.Unavailable
	}
	return nil
}

// Decide answers a Judge. With yes the ap-req is remembered, durably, and the facts are a *Session and the Answer, an ap-rep; else an Answer
// with an error. It is nil when nobody waits any more.
//
// spec FH-10 FH-16 FH-18
func (r *Router) Decide(now engine.Now, h Handle, v Verdict, out *engine.Effects) []Fact {
	e := r.handles[h]
	if e == nil || e.state != judging {
		return nil
	}
	code := v.Code
	if code == lw.None {
		code = r.allowed(now, e)
	}
	if code != lw.None {
		return r.refuseOpened(now, e, code, out)
	}
	r.memory.add(now, e.access.ID(), out)
	return r.accept(now, e, v, out)
}

// allowed looks at what may have changed while the role decided, and at what is wanted.
func (r *Router) allowed(now engine.Now, e *exchange) lw.Code {
	want := e.auth.Want & protection
	switch code := r.memory.check(now, e.access.ID()); {
	case code != lw.None:
		return code
	case e.ticket.End.Sub(now.Wall) < MinLifetime:
		return lw.Expired
	case want&^r.cfg.Offer != 0 || r.cfg.Require&protection&^want != 0:
		return lw.Policy
	}
	return lw.None
}

// accept makes session and ap-rep.
func (r *Router) accept(now engine.Now, e *exchange, v Verdict, out *engine.Effects) []Fact {
	life := min(r.cfg.Lifetime, e.ticket.End.Sub(now.Wall.Truncate(time.Second)))
	if v.Lifetime > 0 {
		life = max(min(life, v.Lifetime), MinLifetime)
	}
	body := lw.ReplyBody{Time: now.Wall, Lifetime: life.Truncate(time.Second), Granted: e.auth.Want & (r.cfg.Offer | protection)}
	if v.NoBuffer {
		body.Granted &^= lw.WantBuffer
	}
	if body.Granted&protection != 0 {
		for body.SPI = v.SPI; body.SPI < lw.MinSPI; body.SPI = uint32(r.rand.Uint64()) {
		}
	}
	plain := body.Append(nil)
	before := lw.Before(nil, lw.TypeReply, e.id, len(plain)+lk.Overhead)
	e.reply = e.access.SealReply(before, draw(r.rand), before, plain)
	s := &Session{Handle: e.handle, Case: e.kase, Router: r.cfg.Self, Client: e.ticket.Client, CareOf: e.auth.CareOf, LinkLayer: e.auth.LinkLayer,
		Granted: body.Granted, SPIToRouter: body.SPI, SPIToMobile: e.auth.SPI, Until: now.Mono.Add(body.Lifetime), TicketEnd: e.ticket.End,
		Transited: e.ticket.Transited, Attributes: e.ticket.Attributes}
	s.keys(e.access, e.reply[lw.HeaderLen:])
	if r.answered.Len() >= MaxAnswered {
		_, oldest := r.answered.Next()
		r.become(r.handles[oldest], gone)
	}
	r.become(e, answered)
	r.answered.Set(e.handle, now.Mono.Add(AnsweredFor))
	r.count.Accepted[e.kase]++
	out.Event("lwkrb.accepted", engine.S("client", string(s.Client)), engine.A("coa", s.CareOf), engine.S("case", caseName(s.Case)),
		engine.S("for", body.Lifetime.String()))
	return []Fact{s, e.answer(false)}
}
