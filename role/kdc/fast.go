package kdc

import (
	"slices"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// fast is the armor of an exchange, RFC 6113 §5.4: what is asked and answered is sealed under a key made of one that the client shares with the KDC
// already. So a password cannot be guessed from what is heard, and errors, and the KDC's time in them, are authentic.
type fast struct {
	armor keys.Key
	hide  bool // the client's name in clear
}

// fastCritical are the options that a KDC has to know; of these only that which hides names is.
const fastCritical = 0xffff0000 &^ krb5.FASTHideClientNames

// cookie is that of a KDC which keeps nothing between two requests (RFC 6113 §5.2).
var cookie = []byte("none")

// armorOf reads the armor of an AS-REQ as far as it is in clear: an AP-REQ with a TGT. It gives the principal whose key opens that.
func (s *Server) armorOf(data []byte) (*krb5.FASTArmorReq, string, *refusal) {
	m, err := krb5.ParseFASTArmorReq(data)
	if err != nil || len(m.Armor) != 1 || m.Armor[0].Type != krb5.FASTArmorAPReq {
		return nil, "", no(krb5.ErrPreauthFailed, "PA-FX-FAST cannot be read, or its armor is no AP-REQ")
	}
	ap, err := krb5.ParseAPReq(m.Armor[0].Data)
	if err != nil || ap.Ticket.Server.Name.TGSRealm() != s.cfg.Realm {
		return nil, "", no(krb5.ErrPreauthFailed, "the armor is no TGT for this KDC")
	}
	return &m, ap.Ticket.Server.String(), nil
}

// unarmorAS opens the armor of an AS-REQ. The ticket may be anybody's: it protects, and proves nothing.
//
// spec RT-30 FH-18
func (s *Server) unarmorAS(now engine.Now, t *task, m *krb5.FASTArmorReq) *refusal {
	failed := func(text string) *refusal { return no(krb5.ErrPreauthFailed, text) }
	ap, _ := krb5.ParseAPReq(m.Armor[0].Data) // armorOf has read it
	a := t.have[ap.Ticket.Server.String()]
	if a == nil || !a.p.Enabled {
		return failed("there is no key of the realm that issued the armor's ticket")
	}
	part, r := openTicket(now, a, ap.Ticket)
	if r != nil {
		return r
	}
	session, err := keys.NewKey(keys.EType(part.Key.EType), part.Key.Value)
	if err != nil || ap.Authenticator.EType != part.Key.EType {
		return failed("the armor's session key is of another encryption type")
	}
	plain, err := session.Decrypt(nil, keys.APReqAuth, ap.Authenticator.Cipher)
	if err != nil {
		return failed("the armor's authenticator does not open")
	}
	auth, err := krb5.ParseAuthenticator(plain)
	switch {
	case err != nil:
		return failed("the armor's authenticator cannot be read")
	case !auth.Client.Equal(part.Client):
		return no(krb5.ErrBadmatch, "the armor's ticket and authenticator are of different clients")
	case now.Wall.Sub(auth.Time).Abs() > Skew:
		return no(krb5.ErrSkew, "clocks differ by more than "+Skew.String())
	}
	return unarmor(t, session, auth.Subkey, m, t.req.Body.Octets())
}

// unarmorTGS opens the armor of a TGS-REQ, if it has one: its key is made of the authenticator's.
//
// spec RT-30
func (s *Server) unarmorTGS(x *exchange, apReq []byte) *refusal {
	data, ok := x.t.req.PAData.Find(krb5.PAFXFast)
	if !ok || len(data) == 0 {
		return nil
	}
	m, err := krb5.ParseFASTArmorReq(data)
	if err != nil || len(m.Armor) > 0 {
		return no(krb5.ErrPreauthFailed, "PA-FX-FAST cannot be read, or has an armor of its own")
	}
	return unarmor(x.t, x.session, x.auth.Subkey, &m, apReq)
}

// unarmor opens what is asked inside, and puts it in place of what is outside. covered is what the checksum is over.
func unarmor(t *task, session keys.Key, subkey krb5.EncryptionKey, m *krb5.FASTArmorReq, covered []byte) *refusal {
	failed := func(text string) *refusal { return no(krb5.ErrPreauthFailed, text) }
	sub, err := keys.NewKey(keys.EType(subkey.EType), subkey.Value)
	if err != nil {
		return failed("FAST needs a subkey of encryption type 17 to 20")
	}
	armor := keys.Combine(sub, session, "subkeyarmor", "ticketarmor")
	if !armor.Verify(keys.FASTReqChecksum, m.Checksum.Type, m.Checksum.Sum, covered) {
		return no(krb5.ErrModified, "the checksum of FAST is wrong")
	}
	if m.Enc.EType != int32(armor.EType()) {
		return failed("FAST under a key of another type")
	}
	plain, err := armor.Decrypt(nil, keys.FASTEnc, m.Enc.Cipher)
	if err != nil {
		return failed("what is inside FAST does not open")
	}
	in, err := krb5.ParseFASTReq(plain)
	if err != nil {
		return failed("what is inside FAST cannot be read")
	}
	t.fast = &fast{armor: armor, hide: in.Options&krb5.FASTHideClientNames != 0}
	t.req = &krb5.KDCReq{TGS: t.req.TGS, PAData: in.PAData, Body: in.Body}
	if in.Options&fastCritical != 0 {
		return no(krb5.ErrUnknownCriticalFastOptions, "FAST options that this KDC would have to know")
	}
	return nil
}

// armorReply puts the padata of a reply into the armor and gives the strengthened key that the reply is sealed under.
func (s *Server) armorReply(now engine.Now, t *task, rep *krb5.KDCRep, reply keys.Key) keys.Key {
	if t.fast == nil {
		return reply
	}
	armor := t.fast.armor
	strengthen := s.sessionKey(reply.EType())
	sum := krb5.Checksum{Type: armor.EType().Checksum(), Sum: armor.Checksum(nil, keys.FASTFinished, rep.Ticket.Append(nil))}
	in := krb5.FASTRep{PAData: rep.PAData, Strengthen: strengthen, Nonce: t.req.Body.Nonce, Finished: &krb5.FASTFinished{Time: now.Wall.UTC(), Client: rep.Client, Checksum: sum}}
	rep.PAData = s.armored(t, in)
	if t.fast.hide {
		rep.Client = anonymous
	}
	k, err := keys.NewKey(reply.EType(), strengthen.Value)
	if err != nil {
		panic(err) // sessionKey has drawn as many octets as there have to be
	}
	return keys.Combine(k, reply, "strengthenkey", "replykey")
}

// anonymous stands for a client that hides its name, RFC 8062 §3.
var anonymous = krb5.Principal{Name: krb5.Name{Type: krb5.NTWellKnown, Parts: []string{"WELLKNOWN", "ANONYMOUS"}}, Realm: "WELLKNOWN:ANONYMOUS"}

// armorError puts an error into the armor, RFC 6113 §5.4.4; without armor the METHOD-DATA is what it was.
func (s *Server) armorError(t *task, e *krb5.KRBError, method krb5.List) krb5.List {
	if t.fast == nil {
		return method
	}
	list := append(krb5.List{{Type: krb5.PAFXError, Data: e.Append(nil)}}, method...)
	if len(method) > 0 {
		list = append(list, krb5.Typed{Type: krb5.PAFXCookie, Data: cookie})
	}
	return s.armored(t, krb5.FASTRep{PAData: list, Nonce: t.req.Body.Nonce})
}

func (s *Server) armored(t *task, in krb5.FASTRep) krb5.List {
	armor := t.fast.armor
	plain := in.Append(nil)
	defer clear(plain)
	enc := krb5.EncryptedData{EType: int32(armor.EType()), Cipher: armor.Encrypt(nil, keys.FASTRep, s.confounder(), plain)}
	return krb5.List{{Type: krb5.PAFXFast, Data: krb5.AppendFASTArmorRep(nil, enc)}}
}

// encChallenge is PA-ENCRYPTED-CHALLENGE, RFC 6113 §5.4.6: a time under a key of armor and client. The KDC answers with its own time likewise.
func encChallenge(s *Server, now engine.Now, x *logon, data []byte) *refusal {
	enc, err := krb5.ParseEncryptedData(data)
	if err != nil {
		return no(krb5.ErrPreauthFailed, "PA-ENCRYPTED-CHALLENGE cannot be read")
	}
	armor := x.t.fast.armor
	if enc.EType != int32(armor.EType()) {
		return s.offer(x, krb5.ErrPreauthFailed, "the challenge is under a key of another type than the armor")
	}
	var mine []*row
	for i, e := range x.t.req.Body.ETypes {
		if !slices.Contains(x.t.req.Body.ETypes[:i], e) { // who names one often does not have it tried as often
			mine = append(mine, x.client.own(e)...)
		}
	}
	for _, r := range mine {
		plain, err := keys.Combine(armor, r.key(), "clientchallengearmor", "challengelongterm").Decrypt(nil, keys.EncChallengeClient, enc.Cipher)
		if err != nil {
			continue
		}
		at, err := krb5.ParsePAEncTSEnc(plain)
		if err != nil {
			return no(krb5.ErrPreauthFailed, "the time cannot be read")
		}
		if now.Wall.Sub(at.Time).Abs() > Skew {
			return no(krb5.ErrSkew, "clocks differ by more than "+Skew.String())
		}
		x.key = r
		answer := keys.Combine(armor, r.key(), "kdcchallengearmor", "challengelongterm")
		told := krb5.EncryptedData{EType: int32(answer.EType()), Cipher: answer.Encrypt(nil, keys.EncChallengeKDC, s.confounder(), krb5.PAEncTSEnc{Time: now.Wall.UTC()}.Append(nil))}
		x.outer = append(x.outer, krb5.Typed{Type: krb5.PAEncryptedChallenge, Data: told.Append(nil)})
		return nil
	}
	return s.offer(x, krb5.ErrPreauthFailed, "the challenge does not open: another key")
}
