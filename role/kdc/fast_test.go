package kdc

import (
	"testing"
	"time"

	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// armored is an AS-REQ of a client in the armor of a TGT, and its armor key. change works on what is inside, outside on the whole.
func (c *center) armored(tgt *cred, owner, name string, change func(*krb5.FASTReq, keys.Key), outside func(*krb5.KDCReq, *krb5.FASTArmorReq, *krb5.Authenticator)) ([]byte, keys.Key) {
	q := must(krb5.ParseKDCReq(c.asReq(name, 18, func(q *krb5.KDCReq) { q.PAData = krb5.List{{Type: krb5.PAReqEncPARep}} })))
	sub := krb5.EncryptionKey{EType: 18, Value: make([]byte, 32)}
	subkey := must(keys.NewKey(18, sub.Value))
	armor := keys.Combine(subkey, tgt.session, "subkeyarmor", "ticketarmor")
	in := krb5.FASTReq{PAData: q.PAData, Body: q.Body}
	q.Body = q.Body.Changed()
	q.Body.Nonce = 0
	if change != nil {
		change(&in, armor)
	}
	auth := krb5.Authenticator{Client: id(owner), Time: c.w.now.Wall, Subkey: sub}
	m := krb5.FASTArmorReq{Checksum: krb5.Checksum{Type: armor.EType().Checksum(), Sum: armor.Checksum(nil, keys.FASTReqChecksum, q.Body.Octets())},
		Enc: krb5.EncryptedData{EType: 18, Cipher: armor.Encrypt(nil, keys.FASTEnc, make([]byte, 16), in.Append(nil))}}
	if outside != nil {
		outside(q, &m, &auth)
	}
	if m.Armor == nil {
		ap := krb5.APReq{Ticket: tgt.Ticket, Authenticator: krb5.EncryptedData{EType: int32(tgt.session.EType()), Cipher: tgt.session.Encrypt(nil, keys.APReqAuth, make([]byte, 16), auth.Append(nil))}}
		m.Armor = krb5.List{{Type: krb5.FASTArmorAPReq, Data: ap.Append(nil)}}
	}
	q.PAData = krb5.List{{Type: krb5.PAFXFast, Data: m.Append(nil)}}
	return q.Append(nil), armor
}

// challenge is PA-ENCRYPTED-CHALLENGE of who has a password.
func challenge(k keys.Key, at time.Time) func(*krb5.FASTReq, keys.Key) {
	return func(q *krb5.FASTReq, armor keys.Key) {
		c := keys.Combine(armor, k, "clientchallengearmor", "challengelongterm")
		enc := krb5.EncryptedData{EType: int32(c.EType()), Cipher: c.Encrypt(nil, keys.EncChallengeClient, make([]byte, 16), krb5.PAEncTSEnc{Time: at}.Append(nil))}
		q.PAData = append(q.PAData, krb5.Typed{Type: krb5.PAEncryptedChallenge, Data: enc.Append(nil)})
	}
}

// fastRep opens the armor of an answer.
func fastRep(t *testing.T, list krb5.List, armor keys.Key) krb5.FASTRep {
	t.Helper()
	data, ok := list.Find(krb5.PAFXFast)
	if !ok {
		t.Fatalf("no armor in %+v", list)
	}
	return must(krb5.ParseFASTRep(must(armor.Decrypt(nil, keys.FASTRep, must(krb5.ParseFASTArmorRep(data)).Cipher))))
}

// A logon in armor: the KDC proves its time and itself, names stay hidden if the client likes, errors are inside.
func TestFASTLogon(t *testing.T) { //spec RT-30
	w, c := atHome(t)
	tgt := c.logon(host)
	octets, armor := c.armored(tgt, host, ann, nil, nil)
	e := must(krb5.ParseKRBError(c.askTCP(octets)))
	in := fastRep(t, must(krb5.ParseMethodData(e.Data)), armor)
	inside, _ := in.PAData.Find(krb5.PAFXError)
	_, offers := in.PAData.Find(krb5.PAEncryptedChallenge)
	_, stamps := in.PAData.Find(krb5.PAEncTimestamp)
	if x := must(krb5.ParseKRBError(inside)); e.Code != krb5.ErrPreauthRequired || x.Code != e.Code || !offers || stamps {
		t.Errorf("%+v", in)
	}
	key := keyOf(ann, 18)
	hide := func(q *krb5.FASTReq, a keys.Key) {
		q.Options = krb5.FASTHideClientNames
		challenge(key, w.now.Wall)(q, a)
	}
	octets, armor = c.armored(tgt, host, ann, hide, func(q *krb5.KDCReq, m *krb5.FASTArmorReq, _ *krb5.Authenticator) {
		q.Body.Client = anonymous.Name
		m.Checksum.Sum = keys.Combine(must(keys.NewKey(18, make([]byte, 32))), tgt.session, "subkeyarmor", "ticketarmor").Checksum(nil, keys.FASTReqChecksum, q.Body.Octets())
	})
	rep := must(krb5.ParseKDCRep(c.askTCP(octets)))
	in = fastRep(t, rep.PAData, armor)
	if !rep.Client.Equal(anonymous) || in.Finished == nil || in.Finished.Client.String() != ann || in.Nonce != nonces {
		t.Fatalf("%+v, %+v", rep.Client, in)
	}
	if sum := in.Finished.Checksum; !armor.Verify(keys.FASTFinished, sum.Type, sum.Sum, rep.Ticket.Append(nil)) {
		t.Error("the checksum over the ticket is wrong")
	}
	strengthen := must(keys.NewKey(18, in.Strengthen.Value))
	part := must(krb5.ParseEncKDCRepPart(must(keys.Combine(strengthen, key, "strengthenkey", "replykey").Decrypt(nil, keys.ASRepPart, rep.Enc.Cipher))))
	if part.Flags&krb5.PreAuthent == 0 || part.Nonce != nonces {
		t.Errorf("%+v", part)
	}
	data, _ := in.PAData.Find(krb5.PAEncryptedChallenge)
	mine := keys.Combine(armor, key, "kdcchallengearmor", "challengelongterm")
	if at := must(krb5.ParsePAEncTSEnc(must(mine.Decrypt(nil, keys.EncChallengeKDC, must(krb5.ParseEncryptedData(data)).Cipher)))); !at.Time.Equal(w.now.Wall) {
		t.Errorf("the KDC's time %v", at.Time)
	}
}

// What is wrong with an armor, or inside one.
func TestFASTRefused(t *testing.T) { //spec FH-18
	type around = func(*krb5.KDCReq, *krb5.FASTArmorReq, *krb5.Authenticator)
	key := keyOf(ann, 18)
	now := newWorld(t).now.Wall
	for name, x := range map[string]struct { //order:any
		in   func(*krb5.FASTReq, keys.Key)
		out  around
		code krb5.ErrorCode
	}{
		"no AP-REQ":     {nil, func(_ *krb5.KDCReq, m *krb5.FASTArmorReq, _ *krb5.Authenticator) { m.Armor = krb5.List{{Type: 1}} }, krb5.ErrPreauthFailed},
		"strange armor": {nil, func(_ *krb5.KDCReq, m *krb5.FASTArmorReq, _ *krb5.Authenticator) { m.Armor = krb5.List{{Type: 9}} }, krb5.ErrPreauthFailed},
		"no subkey":     {nil, func(_ *krb5.KDCReq, _ *krb5.FASTArmorReq, a *krb5.Authenticator) { a.Subkey = krb5.EncryptionKey{} }, krb5.ErrPreauthFailed},
		"another's":     {nil, func(_ *krb5.KDCReq, _ *krb5.FASTArmorReq, a *krb5.Authenticator) { a.Client = id(ann) }, krb5.ErrBadmatch},
		"old": {nil, func(_ *krb5.KDCReq, _ *krb5.FASTArmorReq, a *krb5.Authenticator) {
			a.Time = a.Time.Add(-Skew - time.Second)
		}, krb5.ErrSkew},
		"body altered":   {nil, func(q *krb5.KDCReq, _ *krb5.FASTArmorReq, _ *krb5.Authenticator) { q.Body.Nonce = 77 }, krb5.ErrModified},
		"inside altered": {nil, func(_ *krb5.KDCReq, m *krb5.FASTArmorReq, _ *krb5.Authenticator) { m.Enc.Cipher[30] ^= 1 }, krb5.ErrPreauthFailed},
		"critical":       {func(q *krb5.FASTReq, _ keys.Key) { q.Options = 1 << 29 }, nil, krb5.ErrUnknownCriticalFastOptions},
		"wrong key":      {challenge(keyOf("bob@HOME.EXAMPLE", 18), now), nil, krb5.ErrPreauthFailed},
		"slow clock":     {challenge(key, now.Add(-Skew-time.Second)), nil, krb5.ErrSkew},
		"no challenge":   {func(q *krb5.FASTReq, _ keys.Key) { q.PAData = krb5.List{{Type: krb5.PAEncryptedChallenge}} }, nil, krb5.ErrPreauthFailed},
	} {
		_, c := atHome(t)
		octets, _ := c.armored(c.logon(host), host, ann, x.in, x.out)
		e, err := krb5.ParseKRBError(c.askTCP(octets))
		if err != nil || e.Code != x.code {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
		if len(c.tasks)+len(c.working)+len(c.records) != 0 {
			t.Errorf("%s: something is left", name)
		}
	}
	_, c := atHome(t) // a challenge without armor is none
	if _, e := c.as(ann, 18, func(q *krb5.KDCReq) { q.PAData = krb5.List{{Type: krb5.PAEncryptedChallenge, Data: []byte{1}}} }); e == nil || e.Code != krb5.ErrPreauthRequired {
		t.Errorf("%+v", e)
	}
}
