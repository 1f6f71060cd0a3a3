package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	keys "roam6/keying/krb5"
	lk "roam6/keying/lwkrb"
	"roam6/wire/krb5"
	lw "roam6/wire/lwkrb"
)

// ticketOther is the program that measures another library's AP-REQ, which the product has no need of.
const ticketOther = "gokrb5"

// ticketAttributes is how many octets of attributes both tickets have.
const ticketAttributes = 100

// The cast of the tickets.
const (
	ticketClient = "ann@HOME.EXAMPLE"
	ticketRouter = "mobileip/ar1.home.example@HOME.EXAMPLE"
)

// benchedTickets is one logon's ticket in both forms, each with the message that shows it to an access router.
type benchedTickets struct {
	now     time.Time
	key     keys.Key // the router's
	light   lk.Key   // made of it
	request []byte   // the AP-REQ
	short   []byte   // the ap-req of docs/lwkrb.md
}

func newBenchedTickets(now time.Time) (*benchedTickets, error) {
	b := &benchedTickets{now: now.UTC().Truncate(time.Second)}
	octets, nonce := make([]byte, kdcEType.KeyLen()), [lk.NonceLen]byte{1}
	var err, err1, err2, err3, err4 error
	b.key, err = keys.NewKey(kdcEType, octets)
	session, err1 := keys.NewKey(kdcEType, octets)
	client, err2 := krb5.ParsePrincipal(ticketClient)
	router, err3 := krb5.ParsePrincipal(ticketRouter)
	b.light, err4 = lk.NewKey(ticketRouter, 1, uint8(kdcEType), octets)
	if err := errors.Join(err, err1, err2, err3, err4); err != nil {
		return nil, err
	}
	confounder := make([]byte, keys.ConfounderLen)
	attributes := krb5.MobileAttributes{TLVs: make([]byte, ticketAttributes)}.Append(nil)
	part := krb5.EncTicketPart{Flags: krb5.PreAuthent, Key: krb5.EncryptionKey{EType: int32(kdcEType), Value: octets}, Client: client,
		Times: krb5.Times{Auth: b.now, Start: b.now, End: b.now.Add(time.Hour)}, AuthData: krb5.List{krb5.List{{Type: krb5.ADMobileIPAttributes, Data: attributes}}.IfRelevant()}}
	auth := krb5.Authenticator{Client: client, Time: b.now, Seq: 7, Subkey: krb5.EncryptionKey{EType: int32(kdcEType), Value: octets}}
	b.request = krb5.APReq{Options: krb5.MutualRequired,
		Ticket:        krb5.Ticket{Server: router, Enc: krb5.EncryptedData{EType: int32(kdcEType), KVNO: 1, Cipher: b.key.Encrypt(nil, keys.TicketPart, confounder, part.Append(nil))}},
		Authenticator: krb5.EncryptedData{EType: int32(kdcEType), Cipher: session.Encrypt(nil, keys.APReqAuth, confounder, auth.Append(nil))}}.Append(nil)

	name := lw.KeyName{Principal: ticketRouter, KVNO: 1, EType: uint8(kdcEType)}
	shared, err := lk.SessionKey(octets, ticketClient, ticketRouter)
	if err != nil {
		return nil, err
	}
	body := lw.TicketBody{Flags: uint32(krb5.PreAuthent), Start: b.now, End: b.now.Add(time.Hour), Session: shared, Client: ticketClient, Attributes: attributes}
	s, err := lk.NewSession(shared)
	if err != nil {
		return nil, err
	}
	m := lw.Request{ID: 1, Ticket: lw.Ticket{Key: name, Sealed: b.light.SealTicket(nil, nonce, name.Append(nil), body.Append(nil))}}
	plain := (&lw.Authenticator{Time: b.now, Want: lw.WantAH, SPI: 0x1001, CareOf: netip.MustParseAddr("2001:db8:a::1"), Address: netip.MustParseAddr("2001:db8:a::2"),
		LinkLayer: []byte{2, 0, 0, 0, 0, 1}, Router: ticketRouter}).Append(nil)
	before := m.Before(nil, len(plain)+lk.Overhead)
	b.short = s.SealAuthenticator(before, nonce, before, plain)
	return b, nil
}

// verify opens and checks the AP-REQ, as an access router has to before it answers.
func (b *benchedTickets) verify() error {
	m, err := krb5.ParseAPReq(b.request)
	if err != nil {
		return err
	}
	plain, err := b.key.Decrypt(nil, keys.TicketPart, m.Ticket.Enc.Cipher)
	if err != nil {
		return err
	}
	part, err := krb5.ParseEncTicketPart(plain)
	if err != nil {
		return err
	}
	session, err := keys.NewKey(keys.EType(part.Key.EType), part.Key.Value)
	if err != nil {
		return err
	}
	if plain, err = session.Decrypt(nil, keys.APReqAuth, m.Authenticator.Cipher); err != nil {
		return err
	}
	auth, err := krb5.ParseAuthenticator(plain)
	if err != nil {
		return err
	}
	if !auth.Client.Equal(part.Client) || !part.Times.End.After(b.now) || b.now.Sub(auth.Time).Abs() > lw.MaxSkew {
		return errors.New("the AP-REQ is refused")
	}
	return nil
}

// take opens and checks the ap-req, and makes the key that the router then has in common with the mobile node: docs/lwkrb.md, case 1.
func (b *benchedTickets) take() error {
	m, err := lw.ParseRequest(b.short)
	if err != nil {
		return err
	}
	plain, err := b.light.OpenTicket(m.KeyNameIn(b.short), m.Ticket.Sealed)
	if err != nil {
		return err
	}
	ticket, err := lw.ParseTicketBody(plain)
	if err != nil {
		return err
	}
	s, err := lk.NewSession(ticket.Session)
	if err != nil {
		return err
	}
	if plain, err = s.OpenAuthenticator(b.short[:len(b.short)-len(m.Authenticator)], m.Authenticator); err != nil {
		return err
	}
	auth, err := lw.ParseAuthenticator(plain)
	if err != nil {
		return err
	}
	s.Access(m.Authenticator, string(auth.Router))
	return errors.Join(ticket.Check(b.now), auth.Check(b.now, ticketRouter))
}

// benchKDCTickets measures a lightweight ticket opened and verified beside an AP-REQ, ours and another library's.
func benchKDCTickets(ctx context.Context) (rows []benchRow, err error) {
	b, err := newBenchedTickets(time.Now())
	if err != nil {
		return nil, err
	}
	if err := errors.Join(b.verify(), b.take()); err != nil {
		return nil, err
	}
	const light = "lightweight ticket, opened and verified"
	var mine, theirs, mineAllocs, theirAllocs []float64
	add := func(f func() error, ns, allocs *[]float64) {
		n, a := measure(func() { must(f()) })
		*ns, *allocs = append(*ns, slices.Min(n)), append(*allocs, a)
	}
	for turn := range kdcTurns {
		for side := range 2 {
			if side == turn%2 {
				add(b.take, &mine, &mineAllocs)
			} else {
				add(b.verify, &theirs, &theirAllocs)
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	rows = []benchRow{beside(light, "ns", "AP-REQ", mine, theirs), beside(light, "allocations", "AP-REQ", mineAllocs, theirAllocs),
		ours("AP-REQ, octets", "octets", float64(len(b.request))), ours("lightweight ap-req, octets", "octets", float64(len(b.short)))}
	more, err := b.other(light)
	return append(rows, more...), err
}

// other measures another library's AP-REQ beside ours and beside the lightweight ticket.
func (b *benchedTickets) other(light string) (rows []benchRow, err error) {
	path, lack := besideUs(ticketOther)
	if lack != nil {
		return []benchRow{{Name: light, Unit: "ns", Peer: ticketOther, Skipped: "no " + ticketOther + " (in a clone: make gokrb5)"}}, nil
	}
	router, err := krb5.ParsePrincipal(ticketRouter)
	if err != nil {
		return nil, err
	}
	keytab, err := krb5.AppendKeytab(nil, []krb5.KeytabEntry{{Principal: router, Time: b.now, KVNO: 1, Key: krb5.EncryptionKey{EType: int32(kdcEType), Value: b.key.Octets()}}})
	if err != nil {
		return nil, err
	}
	p, err := startMeasurer(path, map[string]any{"Keytab": keytab, "Request": b.request, "Time": codecTime})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	for _, x := range []struct {
		name string
		f    func() error
	}{{light, b.take}, {"AP-REQ, opened and verified", b.verify}} {
		var mine, theirs []float64
		for turn := range kdcTurns {
			for side := range 2 {
				if side == turn%2 {
					ns, _ := measure(func() { must(x.f()) })
					mine = append(mine, slices.Min(ns))
					continue
				}
				ns, _, err := p.measure("AP-REQ")
				if err != nil {
					return nil, err
				}
				theirs = append(theirs, ns)
			}
		}
		rows = append(rows, beside(x.name, "ns", p.name+" AP-REQ", mine, theirs))
	}
	return rows, nil
}
