package kdc

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"roam6/engine"
	lk "roam6/keying/lwkrb"
	"roam6/wire/krb5"
	lw "roam6/wire/lwkrb"
)

// forwards are the open-reqs that were sent on to other KDCs, each for ForwardTime at most.
type forwards struct {
	by   map[uint32]*forwarded // by the identifier that we gave
	same map[digest]uint32     // by ap-req and router: one at a time
}

type forwarded struct {
	id     uint32
	x      *opening // who is answered
	what   digest
	key    lk.Key // shared with the KDC that was asked
	octets []byte
	sealed []byte // of these
	to     []netip.AddrPort
	began  engine.Mono
	sent   int
}

func newForwards() forwards {
	return forwards{map[uint32]*forwarded{}, map[digest]uint32{}}
}

// forward has the next KDC on the way to a realm open an ap-req.
//
// spec FH-15
func (s *Server) forward(now engine.Now, out *engine.Effects, x *opening, home string) {
	what := digestOf(append([]byte(x.body.Router+"\x00"), x.body.Request...))
	if s.joined(x, what) {
		return
	}
	next, ok := s.cfg.hop(home)
	r := s.cfg.realm(next)
	switch {
	case len(x.body.Path) >= lw.MaxRealms, slices.Contains(x.body.Path, next):
		s.refuseOpen(now, out, x, lw.BadPath, "")
	case !ok || r == nil || len(r.KDCs) == 0:
		s.refuseOpen(now, out, x, lw.NoKDC, "")
	case len(s.forwards.by) >= MaxForwards:
		s.refuseOpen(now, out, x, lw.Unavailable, "forwards-full")
	default:
		name := krb5.Principal{Name: krb5.TGS(next), Realm: s.cfg.Realm}
		s.want(now, out, x.t, func(now engine.Now, out *engine.Effects) { s.passOn(now, out, x, r, principalOf(name), what) }, name.String())
	}
}

// joined says whether the same is being asked already. The router asks anew, so the answer goes to its last question.
func (s *Server) joined(x *opening, what digest) bool {
	id, there := s.forwards.same[what]
	if there {
		f := s.forwards.by[id]
		s.end(f.x.t)
		f.x = x
	}
	return there
}

// passOn sends an open-req on for the first time.
func (s *Server) passOn(now engine.Now, out *engine.Effects, x *opening, r *Realm, name lw.Principal, what digest) {
	if s.joined(x, what) { // by one that was looked up for at the same time
		return
	}
	a := x.t.have[string(name)]
	if a == nil || !a.p.Enabled || a.best() == nil {
		s.refuseOpen(now, out, x, lw.NoKDC, "")
		return
	}
	best := a.best()
	key, ok := best.lightweight(string(name))
	if !ok {
		s.refuseOpen(now, out, x, lw.NoKDC, "")
		return
	}
	f := &forwarded{id: s.freeID(), x: x, what: what, key: key, to: r.KDCs, began: now.Mono}
	m := lw.OpenRequest{ID: f.id, Key: lw.KeyName{Principal: name, KVNO: best.kvno, EType: uint8(best.etype)}}
	body := lw.OpenRequestBody{Time: now.Wall, Router: x.body.Router, Path: append(slices.Clone(x.body.Path), s.cfg.Realm), Request: x.body.Request}
	plain := body.Append(nil)
	before := m.Before(nil, len(plain)+lk.Overhead)
	n := len(before)
	f.octets = key.SealOpenRequest(before, s.drawn(), before, plain)
	f.sealed = f.octets[n:]
	s.forwards.by[f.id], s.forwards.same[what] = f, f.id
	s.granted["forwarded"]++
	s.forwardAgain(now, out, f.id)
}

// freeID draws an identifier that nobody can guess and that is not in use.
func (s *Server) freeID() uint32 {
	for {
		var b [4]byte
		s.rand.Read(b[:])
		id := binary.BigEndian.Uint32(b[:])
		if s.forwards.by[id] == nil {
			return id
		}
	}
}

// forwardAgain sends an open-req to the KDCs of the realm in turn, or gives up.
func (s *Server) forwardAgain(now engine.Now, out *engine.Effects, id uint32) {
	f := s.forwards.by[id]
	if now.Mono >= f.began.Add(ForwardTime) {
		s.unforward(f)
		s.refuseOpen(now, out, f.x, lw.SilentKDC, "")
		return
	}
	out.Datagram(engine.Datagram{Name: askName, Peer: f.to[f.sent%len(f.to)], Data: f.octets})
	at := f.began.Add(ForwardTime)
	if f.sent < len(forwardAgain) {
		at = f.began.Add(forwardAgain[f.sent])
	}
	f.sent++
	s.timers.Set(timer{forwarding, uint64(id)}, at)
}

func (s *Server) unforward(f *forwarded) {
	delete(s.forwards.by, f.id)
	delete(s.forwards.same, f.what)
	s.timers.Stop(timer{forwarding, uint64(f.id)})
}

// answered takes what another KDC says. An error without seal is a hint, and waiting goes on: who says it is not known.
//
// spec FH-15 FH-18
func (s *Server) answered(now engine.Now, out *engine.Effects, d engine.Datagram) {
	m, err := lw.Parse(d.Data)
	if err != nil {
		s.drop(out, "answer-malformed", engine.A("from", d.Peer), engine.S("error", err.Error()))
		return
	}
	var id uint32
	rep, ok := m.(*lw.OpenReply)
	if e, hint := m.(*lw.Error); hint {
		id = e.ID
	} else if ok {
		id = rep.ID
	}
	f := s.forwards.by[id]
	if f == nil || !slices.Contains(f.to, netip.AddrPortFrom(d.Peer.Addr().Unmap(), d.Peer.Port())) {
		s.drop(out, "answer-unasked", engine.A("from", d.Peer))
		return
	}
	if !ok {
		s.drop(out, "answer-hint", engine.A("from", d.Peer))
		return
	}
	plain, err := f.key.OpenOpenReply(f.sealed, d.Data[:lw.HeaderLen], rep.Sealed)
	if err != nil {
		s.drop(out, "answer-forged", engine.A("from", d.Peer))
		return
	}
	body, err := lw.ParseOpenReplyBody(plain)
	if err != nil {
		s.drop(out, "answer-malformed", engine.A("from", d.Peer), engine.S("error", err.Error()))
		return
	}
	s.unforward(f)
	if body.Code != lw.None {
		s.drop(out, "open-refused-there", engine.A("from", d.Peer), engine.S("error", body.Code.String()))
	}
	s.tell(now, out, f.x, body)
}
