package krb5

import (
	"bytes"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"roam6/wire"
)

// What is CMS or X.509 in PKINIT comes and goes as octets here: the signed data of requests and replies, names of CAs, public keys.

// implicit is the tag of [n] IMPLICIT OCTET STRING.
func implicit(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific() }

// PKASReq is PA-PK-AS-REQ, RFC 4556 §3.2.1.
type PKASReq struct {
	Signed   []byte // ContentInfo with SignedData of an AuthPack
	Trusted  []byte // trustedCertifiers, a SEQUENCE OF as it is; none: absent
	KDCKeyID []byte // kdcPkId; none: absent
}

// ParsePKASReq reads the value of PA-PK-AS-REQ.
func ParsePKASReq(b []byte) (PKASReq, error) {
	r, s := reading(b)
	var v PKASReq
	s = r.whole(s, "PA-PK-AS-REQ")
	v.Signed = kept(r.take(&s, "signedAuthPack", implicit(0)))
	if r.has(&s, 1) {
		v.Trusted = kept(r.field(&s, "trustedCertifiers", 1))
	}
	if r.err == nil && s.PeekASN1Tag(implicit(2)) {
		v.KDCKeyID = kept(r.take(&s, "kdcPkId", implicit(2)))
	}
	r.later(s, "PA-PK-AS-REQ", 2)
	return checked(v, r.err)
}

// Append writes the PA-PK-AS-REQ.
func (v PKASReq) Append(b []byte) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b = element(b, implicit(0), v.Signed)
	if len(v.Trusted) > 0 {
		b = element(b, context(1), v.Trusted)
	}
	if len(v.KDCKeyID) > 0 {
		b = element(b, implicit(2), v.KDCKeyID)
	}
	return shut(b, seq)
}

// AuthPack is what the client signs, RFC 4556 §3.2.1 and RFC 8636 §4.
type AuthPack struct {
	Time        Stamp
	Nonce       uint32
	Checksum    []byte // paChecksum: SHA-1 over the KDC-REQ-BODY
	Freshness   []byte // freshnessToken, RFC 8070 §2.2; none: absent
	PublicValue []byte // clientPublicValue, a SubjectPublicKeyInfo as it is; none without Diffie-Hellman
	DHNonce     []byte // clientDHNonce; none: keys are not reused
	KDFs        []int  // supportedKDFs, by their last numbers below id-pkinit-kdf; others are left out
}

// kdfPrefix is id-pkinit-kdf, 1.3.6.1.5.2.3.6, before its last number (RFC 8636 §6).
var kdfPrefix = []byte{0x2b, 6, 1, 5, 2, 3, 6}

// ParseAuthPack reads what the client signed.
func ParseAuthPack(b []byte) (AuthPack, error) {
	r, s := reading(b)
	var v AuthPack
	s = r.whole(s, "AuthPack")
	a := r.whole(r.field(&s, "pkAuthenticator", 0), "pkAuthenticator")
	micro := r.micro(&a, "cusec", 0)
	v.Time = stamped(r.time(&a, "ctime", 1), micro)
	v.Nonce = r.unsigned(&a, "nonce", 2)
	if r.has(&a, 3) {
		v.Checksum = r.octets(&a, "paChecksum", 3)
	}
	if r.has(&a, 4) {
		v.Freshness = r.octets(&a, "freshnessToken", 4)
	}
	r.later(a, "pkAuthenticator", 4)
	if r.has(&s, 1) {
		v.PublicValue = kept(r.field(&s, "clientPublicValue", 1))
	}
	if r.has(&s, 2) {
		r.field(&s, "supportedCMSTypes", 2)
	}
	if r.has(&s, 3) {
		v.DHNonce = r.octets(&s, "clientDHNonce", 3)
	}
	if r.has(&s, 4) {
		v.KDFs = r.kdfs(r.field(&s, "supportedKDFs", 4))
	}
	r.later(s, "AuthPack", 4)
	return checked(v, r.err)
}

func (r *reader) kdfs(c cryptobyte.String) (out []int) {
	list, _ := r.elements(c, "supportedKDFs", MaxList)
	for len(list) > 0 && r.err == nil {
		if f := r.kdf(&list); f != 0 {
			out = append(out, f)
		}
	}
	return out
}

// kdf reads a KDFAlgorithmId; 0 if it is none of id-pkinit-kdf.
func (r *reader) kdf(s *cryptobyte.String) int {
	seq := r.sequence(s, "KDFAlgorithmId")
	c := r.field(&seq, "kdf-id", 0)
	r.later(seq, "KDFAlgorithmId", 0)
	oid := r.take(&c, "kdf-id", asn1.OBJECT_IDENTIFIER)
	r.empty("kdf-id", c)
	if last, ok := bytes.CutPrefix(oid, kdfPrefix); ok && len(last) == 1 && last[0] < 0x80 {
		return int(last[0])
	}
	return 0
}

func kdfID(b []byte, f int) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b, at := open(b, context(0))
	return shut(shut(appendKDF(b, f), at), seq)
}

func appendKDF(b []byte, f int) []byte {
	b, at := open(b, asn1.OBJECT_IDENTIFIER)
	return shut(append(append(b, kdfPrefix...), byte(f&0x7f)), at)
}

// Append writes the AuthPack.
func (v AuthPack) Append(b []byte) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b, outer, inner := openList(b, 0)
	b = appendNumber(b, 0, micros(v.Time))
	b = appendTime(b, 1, v.Time)
	b = appendNumber(b, 2, int64(v.Nonce))
	if len(v.Checksum) > 0 {
		b = appendOctets(b, 3, v.Checksum)
	}
	if len(v.Freshness) > 0 {
		b = appendOctets(b, 4, v.Freshness)
	}
	b = shut2(b, outer, inner)
	if len(v.PublicValue) > 0 {
		b = element(b, context(1), v.PublicValue)
	}
	if len(v.DHNonce) > 0 {
		b = appendOctets(b, 3, v.DHNonce)
	}
	if len(v.KDFs) > 0 {
		b, outer, inner = openList(b, 4)
		for _, f := range v.KDFs {
			b = kdfID(b, f)
		}
		b = shut2(b, outer, inner)
	}
	return shut(b, seq)
}

// PKASRep is PA-PK-AS-REP, RFC 4556 §3.2.3: one of Signed and KeyPack.
type PKASRep struct {
	Signed  []byte // dhSignedData: ContentInfo with SignedData of a KDCDHKeyInfo
	DHNonce []byte // serverDHNonce; none: keys are not reused
	KDF     int    // which of the client's the KDC took; 0: that of RFC 4556

	KeyPack []byte // encKeyPack: EnvelopedData of a signed ReplyKeyPack
}

// ParsePKASRep reads the value of PA-PK-AS-REP.
func ParsePKASRep(b []byte) (PKASRep, error) {
	r, s := reading(b)
	var v PKASRep
	if s.PeekASN1Tag(implicit(1)) {
		v.KeyPack = kept(r.take(&s, "encKeyPack", implicit(1)))
		r.empty("PA-PK-AS-REP", s)
		return checked(v, r.err)
	}
	c := r.field(&s, "dhInfo", 0)
	r.empty("PA-PK-AS-REP", s)
	c = r.whole(c, "dhInfo")
	v.Signed = kept(r.take(&c, "dhSignedData", implicit(0)))
	if r.has(&c, 1) {
		v.DHNonce = r.octets(&c, "serverDHNonce", 1)
	}
	if r.has(&c, 2) {
		at := c
		k := r.field(&c, "kdf", 2)
		if v.KDF = r.kdf(&k); v.KDF == 0 { // one that the client cannot have offered
			r.fail("kdf", at, wire.ErrUnknown)
		}
		r.empty("kdf", k)
	}
	r.later(c, "dhInfo", 2)
	return checked(v, r.err)
}

// Append writes the PA-PK-AS-REP.
func (v PKASRep) Append(b []byte) []byte {
	if len(v.KeyPack) > 0 {
		return element(b, implicit(1), v.KeyPack)
	}
	b, outer, seq := open2(b, context(0))
	b = element(b, implicit(0), v.Signed)
	if len(v.DHNonce) > 0 {
		b = appendOctets(b, 1, v.DHNonce)
	}
	if v.KDF != 0 {
		var at int
		b, at = open(b, context(2))
		b = shut(kdfID(b, v.KDF), at)
	}
	return shut2(b, outer, seq)
}

// KDCDHKeyInfo is what the KDC signs with Diffie-Hellman, RFC 4556 §3.2.3.1.
type KDCDHKeyInfo struct {
	PublicKey []byte // the contents of the BIT STRING: a DER INTEGER, or a point of a curve (RFC 5349 §4)
	Nonce     uint32
	Expires   time.Time // dhKeyExpiration; absent: keys are not reused
}

// ParseKDCDHKeyInfo reads what the KDC signed.
func ParseKDCDHKeyInfo(b []byte) (KDCDHKeyInfo, error) {
	r, s := reading(b)
	var v KDCDHKeyInfo
	s = r.whole(s, "KDCDHKeyInfo")
	c := r.field(&s, "subjectPublicKey", 0)
	k := r.take(&c, "subjectPublicKey", asn1.BIT_STRING)
	r.empty("subjectPublicKey", c)
	if r.err == nil && (len(k) < 2 || k[0] != 0) {
		r.fail("subjectPublicKey", k, wire.ErrValue)
	}
	if r.err == nil {
		v.PublicKey = kept(k[1:])
	}
	v.Nonce = r.unsigned(&s, "nonce", 1)
	if r.has(&s, 2) {
		v.Expires = r.time(&s, "dhKeyExpiration", 2)
	}
	r.later(s, "KDCDHKeyInfo", 2)
	return checked(v, r.err)
}

// Append writes the KDCDHKeyInfo.
func (v KDCDHKeyInfo) Append(b []byte) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b, outer := open(b, context(0))
	b, bits := open(b, asn1.BIT_STRING)
	b = shut(shut(append(append(b, 0), v.PublicKey...), bits), outer)
	b = appendNumber(b, 1, int64(v.Nonce))
	return shut(appendOptionalTime(b, 2, v.Expires), seq)
}

// ReplyKeyPack is what the KDC signs and encrypts without Diffie-Hellman, RFC 4556 §3.2.3.2.
type ReplyKeyPack struct {
	Key      EncryptionKey
	Checksum Checksum // asChecksum, over the AS-REQ
}

// ParseReplyKeyPack reads a ReplyKeyPack.
func ParseReplyKeyPack(b []byte) (ReplyKeyPack, error) {
	r, s := reading(b)
	s = r.whole(s, "ReplyKeyPack")
	v := ReplyKeyPack{Key: r.key(&s, "replyKey", 0)}
	v.Checksum = r.checksum(&s, "asChecksum", 1)
	r.later(s, "ReplyKeyPack", 1)
	return checked(v, r.err)
}

// Append writes the ReplyKeyPack.
func (v ReplyKeyPack) Append(b []byte) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b = v.Key.append(b, 0)
	return shut(v.Checksum.append(b, 1), seq)
}

// ParsePrincipalSAN reads KRB5PrincipalName: the other name id-pkinit-san (1.3.6.1.5.2.2) of a certificate, RFC 4556 §3.2.2.
func ParsePrincipalSAN(b []byte) (Principal, error) {
	r, s := reading(b)
	s = r.whole(s, "KRB5PrincipalName")
	v := Principal{Realm: r.text(&s, "realm", 0)}
	v.Name = r.name(&s, "principalName", 1)
	r.later(s, "KRB5PrincipalName", 1)
	return checked(v, r.err)
}

// AppendSAN writes the principal as KRB5PrincipalName.
func (p Principal) AppendSAN(b []byte) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b = appendText(b, 0, p.Realm)
	return shut(p.Name.append(b, 1), seq)
}

// KDFOtherInfo is the OtherInfo that the key derivation of RFC 8636 §6 hashes: which function, client and KDC, the encryption type of the
// reply key, the whole AS-REQ and the value of PA-PK-AS-REP.
func KDFOtherInfo(kdf int, client, kdc Principal, etype int32, asReq, pkASRep []byte) []byte {
	b, seq := open(nil, asn1.SEQUENCE)
	b, alg := open(b, asn1.SEQUENCE)
	b = shut(appendKDF(b, kdf), alg)
	b = appendOctets(b, 0, client.AppendSAN(nil))
	b = appendOctets(b, 1, kdc.AppendSAN(nil))
	supp, at := open(nil, asn1.SEQUENCE)
	supp = appendNumber(supp, 0, int64(etype))
	supp = appendOctets(supp, 1, asReq)
	supp = shut(appendOctets(supp, 2, pkASRep), at)
	return shut(appendOctets(b, 2, supp), seq)
}
