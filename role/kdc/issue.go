package kdc

import (
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// transitedX500 is DOMAIN-X500-COMPRESS, RFC 4120 §7.5.8: KDCs refuse a ticket that has passed no realm with any other type, too.
const transitedX500 = 1

// replyRoom is how many octets a reply has mostly, besides what is sealed in it.
const replyRoom = 384

// grant is a ticket to be, and the reply that takes it to its client.
type grant struct {
	part   krb5.EncTicketPart
	server krb5.Principal
	seal   *row           // the server's key; nil: user-to-user
	skey   keys.Key       // user-to-user: the session key of the server's TGT
	reply  keys.Key       // what the client opens the reply with
	usage  keys.Usage     // of that
	kvno   uint32         // of that, if it is a long-term key
	outer  krb5.List      // padata in clear
	inner  krb5.List      // encrypted padata
	prove  bool           // by a checksum there that the AS-REQ came as it was sent (RFC 6806 §11)
	extra  krb5.List      // ticket extensions
	canon  krb5.Principal // the client's name in the reply
}

// issue seals a ticket and its reply, and ends the task.
//
// spec RT-30
func (s *Server) issue(now engine.Now, out *engine.Effects, t *task, g *grant) {
	if _, asks := t.req.PAData.Find(krb5.PALWKRB); asks || g.prove {
		g.part.Flags |= krb5.EncPARep // this KDC has encrypted padata, though perhaps none to say
	}
	if g.part.Transited.Type == 0 {
		g.part.Transited.Type = transitedX500
	}
	if light, ok := s.lightweight(t.req, g); ok {
		g.inner = append(g.inner, light)
	}
	plain := g.part.Append(s.plain[:0])
	ticket := krb5.Ticket{Server: g.server, Extensions: g.extra}
	if g.seal != nil {
		ticket.Enc = krb5.EncryptedData{EType: int32(g.seal.etype), KVNO: g.seal.kvno, Cipher: g.seal.key().Encrypt(nil, keys.TicketPart, s.confounder(), plain)}
	} else {
		ticket.Enc = krb5.EncryptedData{EType: int32(g.skey.EType()), Cipher: g.skey.Encrypt(nil, keys.TicketPart, s.confounder(), plain)}
	}
	clear(plain)
	s.plain = plain
	tgs := t.req.TGS
	inside := krb5.EncKDCRepPart{TGS: tgs, Key: g.part.Key, Nonce: t.req.Body.Nonce, Flags: g.part.Flags, Times: g.part.Times, Server: g.server,
		Addresses: g.part.Addresses, PAData: g.inner}
	rep := krb5.KDCRep{TGS: tgs, PAData: g.outer, Client: g.canon, Ticket: ticket}
	reply := s.armorReply(now, t, &rep, g.reply)
	if g.prove {
		sum := krb5.Checksum{Type: reply.EType().Checksum(), Sum: reply.Checksum(nil, keys.ASReq, t.raw)}
		inside.PAData = append(krb5.List{{Type: krb5.PAReqEncPARep, Data: sum.Append(nil)}, {Type: krb5.PAFXFast}}, g.inner...) // FAST is known here
	}
	plain = inside.Append(s.plain[:0])
	rep.Enc = krb5.EncryptedData{EType: int32(reply.EType()), KVNO: g.kvno, Cipher: reply.Encrypt(nil, g.usage, s.confounder(), plain)}
	clear(plain)
	s.plain = plain
	octets := rep.Append(make([]byte, 0, len(ticket.Enc.Cipher)+len(rep.Enc.Cipher)+replyRoom))
	s.end(t)
	s.granted[t.kind]++
	s.answers.keep(now.Mono, t.what, octets)
	out.Event("kdc.ticket", engine.S("exchange", t.kind), engine.A("client", g.part.Client), engine.A("server", g.server), engine.S("end", g.part.Times.End.UTC().Format(time.RFC3339)))
	if t.from.conn == 0 && len(octets) > MaxDatagram {
		octets = s.tooBig(now, t.raw)
	}
	s.send(now, out, t.from, octets)
}

// life are the times of a ticket and whether it may be renewed.
type life struct {
	krb5.Times
	renewable bool
}

// lifeOf finds the times of a new ticket: what is asked for, no more than the KDC, client, server and the ticket it is granted by allow (nil: none, in an AS
// exchange). RFC 4120 §3.1.3, §3.3.3. Nothing is postdated here.
func (s *Server) lifeOf(now time.Time, b *krb5.KDCReqBody, by *krb5.EncTicketPart, who ...*account) (life, *refusal) {
	start := now.UTC().Truncate(time.Second)
	if b.From.After(start.Add(Skew)) {
		return life{}, no(krb5.ErrCannotPostdate, "tickets are not postdated here")
	}
	longest, renew, mayRenew := s.cfg.Life, s.cfg.RenewLife, true
	for _, a := range who {
		if a.p.MaxLife > 0 {
			longest = min(longest, a.p.MaxLife)
		}
		if a.p.MaxRenew > 0 {
			renew = min(renew, a.p.MaxRenew)
		}
		mayRenew = mayRenew && a.p.Flags.Has(principal.Renewable)
	}
	l := life{Times: krb5.Times{Auth: start, Start: start, End: start.Add(longest)}}
	latest := start.Add(renew)
	if by != nil {
		l.Auth = by.Times.Auth
		l.End = earlier(l.End, by.Times.End)
		latest = earlier(latest, by.Times.RenewTill)
		mayRenew = mayRenew && by.Flags&krb5.Renewable != 0
	}
	till := b.Till
	if till.Unix() == 0 || till.IsZero() {
		till = time.Unix(1<<40, 0)
	}
	l.End = earlier(l.End, till)
	if !l.End.After(start) {
		return life{}, no(krb5.ErrNeverValid, "the ticket would end before it begins")
	}
	switch want := b.RenewTill; {
	case !mayRenew:
	case b.Options&krb5.OptRenewable != 0:
		if want.Unix() == 0 || want.IsZero() {
			want = latest
		}
		l.RenewTill, l.renewable = earlier(latest, want), true
	case b.Options&krb5.OptRenewableOK != 0 && till.After(l.End):
		l.RenewTill, l.renewable = earlier(latest, till), true
	}
	if l.renewable && !l.RenewTill.After(l.End) {
		l.RenewTill, l.renewable = time.Time{}, false
	}
	return l, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// mayBe are the flags of a ticket that are asked for and that all allow.
func mayBe(o krb5.KDCOptions, who ...*account) (f krb5.TicketFlags) {
	for _, x := range []struct {
		asked krb5.KDCOptions
		flag  krb5.TicketFlags
		may   principal.Flags
	}{{krb5.OptForwardable, krb5.Forwardable, principal.Forwardable}, {krb5.OptProxiable, krb5.Proxiable, principal.Proxiable}} {
		ok := o&x.asked != 0
		for _, a := range who {
			ok = ok && a.p.Flags.Has(x.may)
		}
		if ok {
			f |= x.flag
		}
	}
	return f
}

// sessionType is the encryption type of a session key: the first of the client's that server and KDC know. What a server knows, its keys say;
// nil is this KDC itself, or a user.
func sessionType(etypes []int32, server *account) (keys.EType, *refusal) {
	for _, e := range etypes {
		if !keys.EType(e).Known() {
			continue
		}
		if server == nil || server.of(e) != nil {
			return keys.EType(e), nil
		}
	}
	return 0, no(krb5.ErrEtypeNosupp, "encryption types 17 to 20 are known here")
}
