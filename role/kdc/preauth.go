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
	fast   bool // inside FAST alone; the others are not offered there, but taken
	check  func(*Server, engine.Now, *logon, []byte) *refusal
}

// methods are those known here, that which is preferred first.
func methods() []method {
	return []method{{krb5.PAEncryptedChallenge, true, encChallenge}, {krb5.PAEncTimestamp, false, encTimestamp}}
}

// authenticate wants one of the methods to succeed; a client whose principal needs none may do without.
//
// spec RT-30
func (s *Server) authenticate(now engine.Now, x *logon) *refusal {
	for _, m := range methods() {
		data, ok := x.t.req.PAData.Find(m.padata)
		if !ok || m.fast && x.t.fast == nil {
			continue
		}
		if r := m.check(s, now, x, data); r != nil {
			return r
		}
		x.flags |= krb5.PreAuthent
		return nil
	}
	if x.client.p.Flags.Has(principal.PreAuth) {
		return x.offer(krb5.ErrPreauthRequired, "pre-authentication is needed")
	}
	return nil
}

// offer refuses, and says how the client can pre-authenticate and which keys it has.
func (x *logon) offer(code krb5.ErrorCode, text string) *refusal {
	var info []krb5.ETypeInfo
	for _, e := range x.t.req.Body.ETypes {
		if r := x.client.of(e); r != nil && !slices.ContainsFunc(info, func(i krb5.ETypeInfo) bool { return i.EType == e }) {
			info = append(info, r.info)
		}
	}
	list := krb5.List{{Type: krb5.PAETypeInfo2, Data: krb5.AppendETypeInfo2(nil, info)}}
	for _, m := range methods() {
		if m.fast == (x.t.fast != nil) {
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
		return x.offer(krb5.ErrPreauthFailed, "no key of that encryption type")
	}
	var plain []byte
	for _, x.key = range list {
		if plain, err = x.key.key.Decrypt(nil, keys.PAEncTimestamp, enc.Cipher); err == nil {
			break
		}
	}
	if err != nil {
		return x.offer(krb5.ErrPreauthFailed, "the time does not open: another key")
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
