package fast

import (
	"bytes"
	"time"

	lk "roam6/keying/lwkrb"
	"roam6/machine/lwkrb"
	lw "roam6/wire/lwkrb"
)

func keyOf(p lw.Principal) lwkrb.Key {
	octets := bytes.Repeat([]byte{byte(len(p))}, 32)
	copy(octets, p[len(p)/3:])
	k, err := lk.NewKey(string(p), 3, 18, octets)
	if err != nil {
		panic(err)
	}
	return lwkrb.Key{Name: lw.KeyName{Principal: p, KVNO: 3, EType: 18}, Key: k}
}

var v5Session = bytes.Repeat([]byte{0x5e}, 32)

// ticketOf is a lightweight ticket as a KDC would have made it.
func ticketOf(sealer lw.Principal) lwkrb.Ticket {
	k := keyOf(sealer)
	secret, err := lk.SessionKey(v5Session, string(ann), string(sealer))
	if err != nil {
		panic(err)
	}
	body := (&lw.TicketBody{Start: origin.Add(-time.Minute), End: origin.Add(time.Hour), Session: secret, Client: ann, Attributes: bytes.Repeat([]byte{7}, 100)}).Append(nil)
	t := lw.Ticket{Key: k.Name, Sealed: k.Key.SealTicket(nil, [lk.NonceLen]byte{byte(len(sealer))}, k.Name.Append(nil), body)}
	out, err := lwkrb.NewTicket(t, v5Session, ann, origin.Add(-time.Minute), origin.Add(time.Hour))
	if err != nil {
		panic(err)
	}
	return out
}

// openFor is what a KDC that has the ticket's key answers a router: a model, for router nar.
func openFor(raw []byte, now time.Time) []byte {
	m, err := lw.ParseOpenRequest(raw)
	if err != nil {
		panic(err)
	}
	asker := keyOf(m.Key.Principal)
	plain, err := asker.Key.OpenOpenRequest(raw[:len(raw)-len(m.Sealed)], m.Sealed)
	if err != nil {
		panic(err)
	}
	q, err := lw.ParseOpenRequestBody(plain)
	if err != nil {
		panic(err)
	}
	req, err := lw.ParseRequest(q.Request)
	if err != nil {
		panic(err)
	}
	sealed := keyOf(req.Ticket.Key.Principal)
	tp, err := sealed.Key.OpenTicket(req.Ticket.Key.Append(nil), req.Ticket.Sealed)
	if err != nil {
		panic(err)
	}
	ticket, err := lw.ParseTicketBody(tp)
	if err != nil {
		panic(err)
	}
	s, err := lk.NewSession(ticket.Session)
	if err != nil {
		panic(err)
	}
	auth, err := s.OpenAuthenticator(q.Request[:len(q.Request)-len(req.Authenticator)], req.Authenticator)
	if err != nil {
		panic(err)
	}
	a, err := lw.ParseAuthenticator(auth)
	if err != nil {
		panic(err)
	}
	access := s.Access(req.Authenticator, string(a.Router))
	body := lw.OpenReplyBody{Time: now, Key: access.Octets(), Opened: lw.Opened{Flags: ticket.Flags, End: ticket.End, Client: ticket.Client,
		Authenticator: auth, Attributes: ticket.Attributes}}
	out := body.Append(nil)
	before := lw.Before(nil, lw.TypeOpenReply, m.ID, len(out)+lk.Overhead)
	return asker.Key.SealOpenReply(before, [lk.NonceLen]byte{9, byte(m.ID)}, m.Sealed, before, out)
}
