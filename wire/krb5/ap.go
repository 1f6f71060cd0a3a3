package krb5

import (
	"time"

	"golang.org/x/crypto/cryptobyte"

	"roam6/wire"
)

// Stamp is a time with microseconds: ctime and cusec, stime and susec. Its precision is a microsecond.
type Stamp = time.Time

// stamped joins seconds and microseconds.
func stamped(t time.Time, micro int32) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(time.Duration(micro) * time.Microsecond)
}

func micros(t time.Time) int64 { return int64(t.Nanosecond() / 1000) }

// APReq is an AP-REQ, RFC 4120 §5.5.1.
type APReq struct {
	Options       APOptions
	Ticket        Ticket
	Authenticator EncryptedData // an Authenticator
}

// ParseAPReq reads an AP-REQ.
func ParseAPReq(b []byte) (APReq, error) {
	r, s := reading(b)
	v := r.apReq(s)
	return checked(v, r.err)
}

func (r *reader) apReq(s cryptobyte.String) (v APReq) {
	s = r.opened(s, KindAPReq, 0)
	v.Options = APOptions(r.flags(&s, "ap-options", 2))
	v.Ticket = r.ticket(r.field(&s, "ticket", 3), "ticket")
	v.Authenticator = r.encrypted(&s, "authenticator", 4)
	r.later(s, "AP-REQ", 4)
	return v
}

// opened opens a message up to its msg-type. Its pvno has the tag [first].
func (r *reader) opened(s cryptobyte.String, k Kind, first uint8) cryptobyte.String {
	if len(s) > MaxMessage {
		r.fail(k.String(), s, wire.ErrLimit)
	}
	s = r.message(s, k.String(), uint8(k))
	r.exactly(&s, "pvno", first, Version)
	r.exactly(&s, "msg-type", first+1, int64(k))
	return s
}

// openMessage appends the same.
func openMessage(b []byte, k Kind, first uint8) (out []byte, outer, seq int) {
	b, outer, seq = open2(b, application(uint8(k)))
	b = appendNumber(b, first, Version)
	return appendNumber(b, first+1, int64(k)), outer, seq
}

// Kind is KindAPReq.
func (APReq) Kind() Kind { return KindAPReq }

// Append writes the message.
func (v APReq) Append(b []byte) []byte {
	b, outer, seq := openMessage(b, KindAPReq, 0)
	b = appendFlags(b, 2, uint32(v.Options))
	b, at := open(b, context(3))
	b = shut(v.Ticket.Append(b), at)
	b = v.Authenticator.append(b, 4)
	return shut2(b, outer, seq)
}

// Authenticator shows that who sends a ticket has its session key, RFC 4120 §5.5.1.
type Authenticator struct {
	Client   Principal
	Checksum Checksum // zero: absent
	Time     Stamp
	Subkey   EncryptionKey // zero: absent
	Seq      uint32        // 0: absent
	AuthData List
}

// ParseAuthenticator reads what was encrypted in an AP-REQ.
func ParseAuthenticator(b []byte) (Authenticator, error) {
	r, s := reading(b)
	var v Authenticator
	s = r.message(s, "Authenticator", uint8(KindAuthenticator))
	r.exactly(&s, "authenticator-vno", 0, Version)
	v.Client.Realm = r.text(&s, "crealm", 1)
	v.Client.Name = r.name(&s, "cname", 2)
	if r.has(&s, 3) {
		v.Checksum = r.checksum(&s, "cksum", 3)
	}
	micro := r.micro(&s, "cusec", 4)
	v.Time = stamped(r.time(&s, "ctime", 5), micro)
	if r.has(&s, 6) {
		v.Subkey = r.key(&s, "subkey", 6)
	}
	if r.has(&s, 7) {
		v.Seq = r.unsigned(&s, "seq-number", 7)
	}
	if r.has(&s, 8) {
		v.AuthData = r.authData(&s, 8)
	}
	r.later(s, "Authenticator", 8)
	return checked(v, r.err)
}

// Append writes the Authenticator.
func (v Authenticator) Append(b []byte) []byte {
	b, outer, seq := open2(b, application(uint8(KindAuthenticator)))
	b = appendNumber(b, 0, Version)
	b = appendText(b, 1, v.Client.Realm)
	b = v.Client.Name.append(b, 2)
	if !v.Checksum.IsZero() {
		b = v.Checksum.append(b, 3)
	}
	b = appendNumber(b, 4, micros(v.Time))
	b = appendTime(b, 5, v.Time)
	b = appendKeyAndSeq(b, 6, v.Subkey, v.Seq)
	b = v.AuthData.append(b, 8, adFirst)
	return shut2(b, outer, seq)
}

// appendKeyAndSeq appends a subkey [n] and a sequence number [n+1], if they are there.
func appendKeyAndSeq(b []byte, n uint8, k EncryptionKey, seq uint32) []byte {
	if !k.IsZero() {
		b = k.append(b, n)
	}
	if seq != 0 {
		b = appendNumber(b, n+1, int64(seq))
	}
	return b
}

// APRep is an AP-REP, RFC 4120 §5.5.2.
type APRep struct {
	Enc EncryptedData // an EncAPRepPart
}

// ParseAPRep reads an AP-REP.
func ParseAPRep(b []byte) (APRep, error) {
	r, s := reading(b)
	s = r.opened(s, KindAPRep, 0)
	v := APRep{r.encrypted(&s, "enc-part", 2)}
	r.later(s, "AP-REP", 2)
	return checked(v, r.err)
}

// Kind is KindAPRep.
func (APRep) Kind() Kind { return KindAPRep }

// Append writes the message.
func (v APRep) Append(b []byte) []byte {
	b, outer, seq := openMessage(b, KindAPRep, 0)
	b = v.Enc.append(b, 2)
	return shut2(b, outer, seq)
}

// EncAPRepPart answers an Authenticator, RFC 4120 §5.5.2.
type EncAPRepPart struct {
	Time   Stamp         // that of the Authenticator
	Subkey EncryptionKey // zero: absent
	Seq    uint32        // 0: absent
}

// ParseEncAPRepPart reads what was encrypted in an AP-REP.
func ParseEncAPRepPart(b []byte) (EncAPRepPart, error) {
	r, s := reading(b)
	var v EncAPRepPart
	s = r.message(s, "EncAPRepPart", uint8(KindEncAPRepPart))
	t := r.time(&s, "ctime", 0)
	v.Time = stamped(t, r.micro(&s, "cusec", 1))
	if r.has(&s, 2) {
		v.Subkey = r.key(&s, "subkey", 2)
	}
	if r.has(&s, 3) {
		v.Seq = r.unsigned(&s, "seq-number", 3)
	}
	r.later(s, "EncAPRepPart", 3)
	return checked(v, r.err)
}

// Append writes the EncAPRepPart.
func (v EncAPRepPart) Append(b []byte) []byte {
	b, outer, seq := open2(b, application(uint8(KindEncAPRepPart)))
	b = appendTime(b, 0, v.Time)
	b = appendNumber(b, 1, micros(v.Time))
	b = appendKeyAndSeq(b, 2, v.Subkey, v.Seq)
	return shut2(b, outer, seq)
}
