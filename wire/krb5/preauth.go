package krb5

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// PAEncTSEnc is the time that PA-ENC-TIMESTAMP and the encrypted challenge hold, RFC 4120 §5.2.7.2.
type PAEncTSEnc struct{ Time Stamp }

// ParsePAEncTSEnc reads what was encrypted in PA-ENC-TIMESTAMP.
func ParsePAEncTSEnc(b []byte) (PAEncTSEnc, error) {
	r, s := reading(b)
	s = r.whole(s, "PA-ENC-TS-ENC")
	v := PAEncTSEnc{r.time(&s, "patimestamp", 0)}
	if r.has(&s, 1) {
		v.Time = stamped(v.Time, r.micro(&s, "pausec", 1))
	}
	r.later(s, "PA-ENC-TS-ENC", 1)
	return checked(v, r.err)
}

// Append writes the PA-ENC-TS-ENC.
func (v PAEncTSEnc) Append(b []byte) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b = appendTime(b, 0, v.Time)
	return shut(appendNumber(b, 1, micros(v.Time)), seq)
}

// ETypeInfo says how a client makes its key of its password, RFC 4120 §5.2.7.5.
type ETypeInfo struct {
	EType   int32
	Salt    string
	HasSalt bool   // without, the salt is the default
	Params  []byte // s2kparams
}

// ParseETypeInfo2 reads the value of PA-ETYPE-INFO2: the KDC's choices, the best first.
func ParseETypeInfo2(b []byte) ([]ETypeInfo, error) {
	r, s := reading(b)
	list, k := r.elements(s, "ETYPE-INFO2", MaxList)
	out := make([]ETypeInfo, 0, k)
	for len(list) > 0 && r.err == nil {
		seq := r.sequence(&list, "ETYPE-INFO2")
		v := ETypeInfo{EType: r.number(&seq, "etype", 0)}
		if r.has(&seq, 1) {
			v.Salt, v.HasSalt = r.text(&seq, "salt", 1), true
		}
		if r.has(&seq, 2) {
			v.Params = r.octets(&seq, "s2kparams", 2)
		}
		r.later(seq, "ETYPE-INFO2", 2)
		out = append(out, v)
	}
	return checked(out, r.err)
}

// AppendETypeInfo2 writes the value of PA-ETYPE-INFO2.
func AppendETypeInfo2(b []byte, list []ETypeInfo) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	for _, v := range list {
		var one int
		b, one = open(b, asn1.SEQUENCE)
		b = appendNumber(b, 0, int64(v.EType))
		if v.HasSalt {
			b = appendText(b, 1, v.Salt)
		}
		if len(v.Params) > 0 {
			b = appendOctets(b, 2, v.Params)
		}
		b = shut(b, one)
	}
	return shut(b, seq)
}

// ParseChecksum reads a Checksum by itself, the value of PA-REQ-ENC-PA-REP in a reply (RFC 6806 §11).
func ParseChecksum(b []byte) (Checksum, error) {
	r, s := reading(b)
	t, sum := r.pair(s, "Checksum", "cksumtype", "checksum", 0)
	return checked(Checksum{t, sum}, r.err)
}

// Append writes the Checksum by itself.
func (c Checksum) Append(b []byte) []byte { return appendPair(b, c.Type, c.Sum, 0) }

// FASTArmorReq is PA-FX-FAST-REQUEST, RFC 6113 §5.4.2.
type FASTArmorReq struct {
	Armor    List          // none, or one: of type 1 with an AP-REQ. In a TGS-REQ the AP-REQ of PA-TGS-REQ serves
	Checksum Checksum      // over the request's body, in a TGS-REQ over that AP-REQ
	Enc      EncryptedData // a FASTReq
}

// FASTArmorAPReq is the type of the armor that is an AP-REQ, RFC 6113 §5.4.1.1.
const FASTArmorAPReq = armorAPRequest

// ParseFASTArmorReq reads the value of PA-FX-FAST in a request.
func ParseFASTArmorReq(b []byte) (FASTArmorReq, error) {
	r, s := reading(b)
	var v FASTArmorReq
	c := r.field(&s, "armored-data", 0)
	r.empty("PA-FX-FAST-REQUEST", s)
	c = r.whole(c, "KrbFastArmoredReq")
	if r.has(&c, 0) {
		t, data := r.pair(r.field(&c, "armor", 0), "armor", "armor-type", "armor-value", 0)
		v.Armor = List{{t, data}}
	}
	v.Checksum = r.checksum(&c, "req-checksum", 1)
	v.Enc = r.encrypted(&c, "enc-fast-req", 2)
	r.later(c, "KrbFastArmoredReq", 2)
	return checked(v, r.err)
}

// Append writes the PA-FX-FAST-REQUEST.
func (v FASTArmorReq) Append(b []byte) []byte {
	b, outer, seq := open2(b, context(0))
	if len(v.Armor) > 0 {
		var at int
		b, at = open(b, context(0))
		b = shut(appendPair(b, v.Armor[0].Type, v.Armor[0].Data, 0), at)
	}
	b = v.Checksum.append(b, 1)
	b = v.Enc.append(b, 2)
	return shut2(b, outer, seq)
}

// FASTReq is the request that FAST protects, RFC 6113 §5.4.2. Its body counts, not that outside.
type FASTReq struct {
	Options uint32
	PAData  List
	Body    KDCReqBody
}

// FASTHideClientNames is a FAST option, RFC 6113 §5.4.2. The first 16 but this one are critical: a KDC refuses those it does not know.
const FASTHideClientNames = 1 << (31 - 1)

// ParseFASTReq reads what was encrypted in PA-FX-FAST of a request.
func ParseFASTReq(b []byte) (FASTReq, error) {
	r, s := reading(b)
	var v FASTReq
	s = r.whole(s, "KrbFastReq")
	v.Options = r.flags(&s, "fast-options", 0)
	v.PAData = r.padata(&s, 1)
	v.Body = r.body(r.field(&s, "req-body", 2))
	r.later(s, "KrbFastReq", 2)
	return checked(v, r.err)
}

// Append writes the KrbFastReq.
func (v FASTReq) Append(b []byte) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b = appendFlags(b, 0, v.Options)
	b, at := open(b, context(1))
	b = shut(v.PAData.sequence(b, paFirst), at)
	b, at = open(b, context(2))
	b = shut(v.Body.Append(b), at)
	return shut(b, seq)
}

// ParseFASTArmorRep reads the value of PA-FX-FAST in a reply or in the METHOD-DATA of an error: an encrypted FASTRep (RFC 6113 §5.4.3).
func ParseFASTArmorRep(b []byte) (EncryptedData, error) {
	r, s := reading(b)
	c := r.field(&s, "armored-data", 0)
	r.empty("PA-FX-FAST-REPLY", s)
	c = r.whole(c, "KrbFastArmoredRep")
	v := r.encrypted(&c, "enc-fast-rep", 0)
	r.later(c, "KrbFastArmoredRep", 0)
	return checked(v, r.err)
}

// AppendFASTArmorRep writes the PA-FX-FAST-REPLY.
func AppendFASTArmorRep(b []byte, v EncryptedData) []byte {
	b, outer, seq := open2(b, context(0))
	return shut2(v.append(b, 0), outer, seq)
}

// FASTRep is a KrbFastResponse, RFC 6113 §5.4.3.
type FASTRep struct {
	PAData     List
	Strengthen EncryptionKey // zero: absent
	Finished   *FASTFinished // nil in an error
	Nonce      uint32
}

// FASTFinished binds a reply to its ticket, RFC 6113 §5.4.3.
type FASTFinished struct {
	Time     Stamp
	Client   Principal
	Checksum Checksum // over the ticket
}

// ParseFASTRep reads what was encrypted in PA-FX-FAST of a reply.
func ParseFASTRep(b []byte) (FASTRep, error) {
	r, s := reading(b)
	var v FASTRep
	s = r.whole(s, "KrbFastResponse")
	v.PAData = r.padata(&s, 0)
	if r.has(&s, 1) {
		v.Strengthen = r.key(&s, "strengthen-key", 1)
	}
	if r.has(&s, 2) {
		v.Finished = r.finished(r.field(&s, "finished", 2))
	}
	v.Nonce = r.unsigned(&s, "nonce", 3)
	r.later(s, "KrbFastResponse", 3)
	return checked(v, r.err)
}

func (r *reader) finished(c cryptobyte.String) *FASTFinished {
	v := &FASTFinished{}
	s := r.whole(c, "finished")
	t := r.time(&s, "timestamp", 0)
	v.Time = stamped(t, r.micro(&s, "usec", 1))
	v.Client.Realm = r.text(&s, "crealm", 2)
	v.Client.Name = r.name(&s, "cname", 3)
	v.Checksum = r.checksum(&s, "ticket-checksum", 4)
	r.later(s, "finished", 4)
	return v
}

// Append writes the KrbFastResponse.
func (v FASTRep) Append(b []byte) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b, at := open(b, context(0))
	b = shut(v.PAData.sequence(b, paFirst), at)
	if !v.Strengthen.IsZero() {
		b = v.Strengthen.append(b, 1)
	}
	if f := v.Finished; f != nil {
		var outer, inner int
		b, outer, inner = openList(b, 2)
		b = appendTime(b, 0, f.Time)
		b = appendNumber(b, 1, micros(f.Time))
		b = appendText(b, 2, f.Client.Realm)
		b = f.Client.Name.append(b, 3)
		b = f.Checksum.append(b, 4)
		b = shut2(b, outer, inner)
	}
	return shut(appendNumber(b, 3, int64(v.Nonce)), seq)
}
