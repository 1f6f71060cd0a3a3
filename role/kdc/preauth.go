package kdc

import (
	"slices"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// method is a way to pre-authenticate: a client proves that it has its key before it gets what is sealed under it. The first whose padata is in the request
// counts.
type method struct {
	padata int32
	where  where
	check  func(*Server, engine.Now, *logon, []byte) *refusal
}

// where a method may be used.
type where uint8

const (
	anywhere  where = iota
	inArmor         // inside FAST alone
	uncovered       // not offered inside FAST, but taken
)

// methods are those known here, that which is preferred first.
func (s *Server) methods() []method {
	list := []method{{krb5.PAEncryptedChallenge, inArmor, encChallenge}, {krb5.PAEncTimestamp, uncovered, encTimestamp}}
	if s.cfg.PKINIT != nil {
		list = append([]method{{krb5.PAPKASReq, anywhere, pkASReq}}, list...)
	}
	return list
}

// in gives what a request has of the method.
func (m method) in(t *task) ([]byte, bool) {
	data, ok := t.req.PAData.Find(m.padata)
	return data, ok && (m.where != inArmor || t.fast != nil)
}

// authenticate wants one of the methods to succeed; a client whose principal needs none may do without.
//
// spec RT-30
func (s *Server) authenticate(now engine.Now, x *logon) *refusal {
	for _, m := range s.methods() {
		data, ok := m.in(x.t)
		if !ok {
			continue
		}
		if r := m.check(s, now, x, data); r != nil {
			return r
		}
		x.flags |= krb5.PreAuthent
		return nil
	}
	if x.client.p.Flags.Has(principal.PreAuth) {
		return s.offer(x, krb5.ErrPreauthRequired, "pre-authentication is needed")
	}
	return nil
}

// offer refuses, and says how the client can pre-authenticate and which keys it has.
func (s *Server) offer(x *logon, code krb5.ErrorCode, text string) *refusal {
	var info []krb5.ETypeInfo
	for _, e := range x.t.req.Body.ETypes {
		if r := x.client.of(e); r != nil && !slices.ContainsFunc(info, func(i krb5.ETypeInfo) bool { return i.EType == e }) {
			info = append(info, r.info)
		}
	}
	list := krb5.List{{Type: krb5.PAETypeInfo2, Data: krb5.AppendETypeInfo2(nil, info)}}
	for _, m := range s.methods() {
		if m.where == anywhere || (m.where == inArmor) == (x.t.fast != nil) {
			list = append(list, krb5.Typed{Type: m.padata})
		}
	}
	return &refusal{code: code, text: text, method: append(list, krb5.Typed{Type: krb5.PAFXFast})}
}

// encTimestamp is PA-ENC-TIMESTAMP, RFC 4120 §5.2.7.2. The client does not say which of its keys of a type it used: the reply comes under the
// one that was right.
func encTimestamp(s *Server, now engine.Now, x *logon, data []byte) *refusal {
	enc, err := krb5.ParseEncryptedData(data)
	if err != nil {
		return no(krb5.ErrPreauthFailed, "PA-ENC-TIMESTAMP cannot be read")
	}
	list := x.client.own(enc.EType)
	if len(list) == 0 || !slices.Contains(x.t.req.Body.ETypes, enc.EType) {
		return s.offer(x, krb5.ErrPreauthFailed, "no key of that encryption type")
	}
	var plain []byte
	for _, x.key = range list {
		if plain, err = x.key.key().Decrypt(nil, keys.PAEncTimestamp, enc.Cipher); err == nil {
			break
		}
	}
	if err != nil {
		return s.offer(x, krb5.ErrPreauthFailed, "the time does not open: another key")
	}
	at, err := krb5.ParsePAEncTSEnc(plain)
	if err != nil {
		return no(krb5.ErrPreauthFailed, "the time cannot be read")
	}
	if now.Wall.Sub(at.Time).Abs() > Skew {
		return no(krb5.ErrSkew, "clocks differ by more than "+Skew.String())
	}
	return nil
}
