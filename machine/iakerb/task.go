package iakerb

import (
	"net/netip"
	"slices"

	"roam6/engine"
	"roam6/wire/krb5"
)

// ask sends a request to the KDC whose turn it is.
func (p *Proxy) ask(now engine.Now, t *task) Fact {
	list := p.cfg.Realms[t.realm].KDCs
	t.tries++
	a := Ask{Slot: t.slot, KDC: list[t.kdc%len(list)], Data: t.message, Stream: t.stream || len(t.message) > MaxDatagram}
	wait := t.wait
	if a.Stream {
		a.Data, t.opened, t.in, wait = krb5.AppendFrame(nil, t.message), true, nil, StreamWait
	} else if !slices.Contains(t.asked, a.KDC) {
		t.asked = append(t.asked, a.KDC)
	}
	p.timers.Set(t.slot, now.Mono.Add(min(wait, GiveUp-now.Mono.Sub(t.since))))
	return a
}

// Tick asks again, or gives up.
func (p *Proxy) Tick(now engine.Now, out *engine.Effects) (facts []Fact) {
	for {
		s, ok := p.timers.Pop(now.Mono)
		if !ok {
			return facts
		}
		if t := p.slots[s]; t != nil {
			facts = append(facts, p.unanswered(now, t, out)...)
		}
	}
}

func (p *Proxy) unanswered(now engine.Now, t *task, out *engine.Effects) []Fact {
	if now.Mono.Sub(t.since) >= GiveUp {
		out.Event("iakerb.silence", engine.A("node", t.node), engine.S("realm", t.req.Body.Realm))
		return append(p.end(t), p.refuse(now, t, krb5.ErrIAKERBKDCNoResponse))
	}
	if t.kdc++; t.tries%len(p.cfg.Realms[t.realm].KDCs) == 0 {
		t.wait *= 2
	}
	return []Fact{p.ask(now, t)}
}

// end frees a slot.
func (p *Proxy) end(t *task) (facts []Fact) {
	if t.opened {
		facts = append(facts, Over{t.slot})
	}
	p.timers.Stop(t.slot)
	p.slots[t.slot] = nil
	p.free = append(p.free, t.slot)
	return facts
}

func (p *Proxy) task(s Slot) *task {
	if s < 0 || s >= Slots {
		return nil
	}
	return p.slots[s]
}

// HeardFrom takes a datagram that came to the port of a slot.
func (p *Proxy) HeardFrom(now engine.Now, s Slot, from netip.AddrPort, b []byte, out *engine.Effects) []Fact {
	t := p.task(s)
	if t == nil || !slices.Contains(t.asked, from) {
		return p.drop(from.Addr(), Unasked, out)
	}
	return p.answer(now, t, from, b, out)
}

// HeardStream takes octets that came by the stream of a slot.
func (p *Proxy) HeardStream(now engine.Now, s Slot, b []byte, out *engine.Effects) []Fact {
	t := p.task(s)
	if t == nil || !t.opened {
		return nil
	}
	t.in = append(t.in, b...)
	m, _, err := krb5.NextFrame(t.in)
	switch {
	case err != nil:
		p.drop(t.node, Malformed, out)
		return p.unanswered(now, t, out)
	case m == nil:
		return nil
	}
	t.in = nil
	list := p.cfg.Realms[t.realm].KDCs
	return p.answer(now, t, list[t.kdc%len(list)], m, out)
}

// Lost says that the stream of a slot could not be opened, or has ended: another KDC is asked at once, if there is one that was not.
func (p *Proxy) Lost(now engine.Now, s Slot, out *engine.Effects) []Fact {
	t := p.task(s)
	if t == nil || !t.opened {
		return nil
	}
	if t.opened = false; t.tries < len(p.cfg.Realms[t.realm].KDCs) {
		return p.unanswered(now, t, out)
	}
	return nil
}

// Gone ends what a node has under way.
func (p *Proxy) Gone(from netip.Addr) (facts []Fact) {
	for _, t := range p.slots {
		if t != nil && t.node == from {
			facts = append(facts, p.end(t)...)
		}
	}
	return facts
}

// about says whether a reply may be for the client of a request, as far as that can be seen: a KDC may change names if it is allowed to (RFC 6806).
func (p *Proxy) about(t *task, m *krb5.KDCRep) bool {
	return m.TGS || t.req.Body.Options&krb5.OptCanonicalize != 0 || m.Client.Name.Equal(t.req.Body.Client)
}

// answer passes on what a KDC said.
func (p *Proxy) answer(now engine.Now, t *task, from netip.AddrPort, b []byte, out *engine.Effects) []Fact {
	m, err := krb5.Parse(b)
	if err != nil {
		return p.drop(from.Addr(), Malformed, out)
	}
	switch m := m.(type) {
	case *krb5.KDCRep:
		if m.TGS != t.req.TGS || !p.about(t, m) {
			return p.drop(from.Addr(), Unasked, out)
		}
	case *krb5.KRBError:
		if m.Code == krb5.ErrResponseTooBig && !t.stream {
			t.stream = true
			return []Fact{p.ask(now, t)}
		}
	default:
		return p.drop(from.Addr(), Unasked, out)
	}
	list := p.cfg.Realms[t.realm].KDCs
	p.best[t.realm] = max(0, slices.Index(list, from))
	p.count.Replies++
	if len(b) > MaxReply {
		p.drop(from.Addr(), TooLong, out)
		return append(p.end(t), p.refuse(now, t, krb5.ErrResponseTooBig))
	}
	return append(p.end(t), Reply{t.node, p.token(t, b)})
}
