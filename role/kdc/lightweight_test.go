package kdc

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	lk "roam6/keying/lwkrb"
	"roam6/wire/krb5"
	lw "roam6/wire/lwkrb"
)

// avp is one Diameter AVP (a User-Name) of n octets in all, a multiple of four.
func avp(n int) []byte {
	return append([]byte{0, 0, 0, 1, 0x40, 0, byte(n >> 8), byte(n)}, bytes.Repeat([]byte{'a'}, n-8)...)
}

// light is the lightweight ticket in a reply, opened; its name has to be that of the ticket beside it.
func (w *world) light(x *cred) (lw.Ticket, lw.TicketBody) {
	w.t.Helper()
	data, ok := x.PAData.Find(krb5.PALWKRB)
	if !ok || data[0] != 1 {
		w.t.Fatalf("no lightweight ticket: %x", data)
	}
	ticket := must(lw.ParseTicket(data[1:]))
	name := x.Ticket.Server.String()
	if n := ticket.Key; string(n.Principal) != name || n.KVNO != x.Ticket.Enc.KVNO || int32(n.EType) != x.Ticket.Enc.EType {
		w.t.Errorf("%+v beside a ticket for %s", n, name)
	}
	k := must(lk.NewKey(name, ticket.Key.KVNO, ticket.Key.EType, keyOf(name, 20).Octets()))
	body := must(lw.ParseTicketBody(must(k.OpenTicket(ticket.Key.Append(nil), ticket.Sealed))))
	return ticket, body
}

// A lightweight ticket says what the ticket beside it says, in all cases, and has a session key that the client makes too.
func TestLightweightTickets(t *testing.T) { //spec FH-13 FH-14 FH-16 RT-42
	w, c := atHome(t)
	c.Server.cfg.SignKey = bytes.Repeat([]byte{7}, 32)
	c.db[ann].Attributes = avp(100)
	tgt := c.logon(ann, lightly)
	service := c.ticket(tgt, ann, ar1, lightly)
	for _, x := range []*cred{tgt, service} {
		_, body := w.light(x)
		in := w.inside(x)
		session := must(lk.SessionKey(x.Key.Value, ann, x.Ticket.Server.String()))
		if body.Flags != uint32(in.Flags) || !body.Start.Equal(in.Times.Start) || !body.End.Equal(in.Times.End) || body.Client != ann || len(body.Transited) != 0 || !bytes.Equal(body.Session, session) {
			t.Errorf("%+v\n%+v", body, in)
		}
		m, ok := in.AuthData.MobileAttributes()
		mac := hmac.New(sha256.New, bytes.Repeat([]byte{7}, 32))
		mac.Write(m.TLVs)
		if !ok || !bytes.Equal(m.TLVs, avp(100)) || m.Algorithm != krb5.SignHMACSHA256 || !bytes.Equal(m.Signature, mac.Sum(nil)[:16]) || !bytes.Equal(body.Attributes, m.Append(nil)) {
			t.Errorf("%+v, %x", m, body.Attributes)
		}
	}
	if _, ok := c.logon(ann).PAData.Find(krb5.PALWKRB); ok {
		t.Error("not asked for, and there")
	}
	wrong := c.logon(ann, func(q *krb5.KDCReq) { q.PAData = append(q.PAData, krb5.Typed{Type: krb5.PALWKRB, Data: []byte{2}}) })
	if _, ok := wrong.PAData.Find(krb5.PALWKRB); ok {
		t.Error("another version, and there")
	}
}

// A client cannot give itself attributes.
func TestAttributesOfClients(t *testing.T) { //spec RT-42 FH-18
	w, c := atHome(t)
	tgt := c.logon(ann)
	forged := krb5.List{{Type: krb5.ADMobileIPAttributes, Data: krb5.MobileAttributes{TLVs: avp(20)}.Append(nil)}}
	mine := krb5.Typed{Type: -77, Data: []byte("mine")}
	list := krb5.List{forged[0], forged.IfRelevant(), mine, krb5.List{forged.IfRelevant()}.IfRelevant()}
	x := c.ticket(tgt, ann, host, func(q *krb5.KDCReq) {
		q.Body.AuthData = krb5.EncryptedData{EType: 20, Cipher: tgt.session.Encrypt(nil, 4, make([]byte, 16), krb5.AppendAuthData(nil, list))}
	})
	in := w.inside(x)
	if _, ok := in.AuthData.MobileAttributes(); ok || len(in.AuthData) != 1 || in.AuthData[0].Type != -77 {
		t.Errorf("%+v", in.AuthData)
	}
	for what, bad := range map[string]krb5.EncryptedData{ //order:any
		"for the KDC": {EType: 20, Cipher: tgt.session.Encrypt(nil, 4, make([]byte, 16), krb5.AppendAuthData(nil, krb5.List{{Type: krb5.ADMandatoryForKDC}}))},
		"not sealed":  {EType: 20, Cipher: make([]byte, 99)},
		"other type":  {EType: 18, Cipher: make([]byte, 99)},
		"no list":     {EType: 20, Cipher: tgt.session.Encrypt(nil, 4, make([]byte, 16), []byte("x"))},
	} {
		if _, e := c.tgs(tgt, ann, host, func(q *krb5.KDCReq) { q.Body.AuthData = bad }); e == nil {
			t.Errorf("%s: granted", what)
		}
	}
}
