package pkinit

import (
	"bytes"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Limits of a message.
const (
	MaxMessage      = 1 << 14 // octets
	MaxCertificates = 8
	maxAttributes   = 16
)

// signedData is SignedData of RFC 5652 §5.1 with one signer, as it came. Its parts share the message's memory.
type signedData struct {
	kind         string // the content's type, octets of an object identifier
	content      []byte
	certificates [][]byte // DER, in the message's order

	issuer, serial []byte // who signed, the first two by their DER, or
	keyID          []byte // by subjectKeyIdentifier

	digest     string
	attributes []byte // signedAttrs as they are signed: DER with the tag of a SET
	attrKind   []byte // content-type in them
	attrDigest []byte // message-digest in them
	algorithm  string // of the signature
	signature  []byte
}

// The tags of fields that are IMPLICIT.
var (
	tag0       = asn1.Tag(0).ContextSpecific().Constructed()
	tag1       = asn1.Tag(1).ContextSpecific().Constructed()
	tag0Octets = asn1.Tag(0).ContextSpecific()
)

// parseSigned reads a ContentInfo that has SignedData: RFC 5652 §3, §5. It must be DER.
func parseSigned(b []byte) (*signedData, error) {
	s := cryptobyte.String(b)
	var info, explicit, sd, oid, content, signers cryptobyte.String
	if len(b) > MaxMessage || !s.ReadASN1(&info, asn1.SEQUENCE) || !s.Empty() ||
		!info.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) || string(oid) != oidSignedData ||
		!info.ReadASN1(&explicit, tag0) || !info.Empty() || !explicit.ReadASN1(&sd, asn1.SEQUENCE) || !explicit.Empty() {
		return nil, Malformed
	}
	v := &signedData{}
	var version int
	var inside, octets cryptobyte.String
	if !sd.ReadASN1Integer(&version) || version < 1 || version > 5 || !sd.SkipASN1(asn1.SET) || !sd.ReadASN1(&content, asn1.SEQUENCE) ||
		!content.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) || !content.ReadASN1(&inside, tag0) || !content.Empty() ||
		!inside.ReadASN1(&octets, asn1.OCTET_STRING) || !inside.Empty() || !v.readCertificates(&sd) ||
		!sd.SkipOptionalASN1(tag1) || !sd.ReadASN1(&signers, asn1.SET) || !sd.Empty() || !v.readSigner(signers) {
		return nil, Malformed
	}
	v.kind, v.content = string(oid), octets
	return v, nil
}

func (v *signedData) readCertificates(sd *cryptobyte.String) bool {
	var list cryptobyte.String
	var there bool
	if !sd.ReadOptionalASN1(&list, &there, tag0) {
		return false
	}
	for !list.Empty() {
		var one cryptobyte.String
		if !list.ReadASN1Element(&one, asn1.SEQUENCE) || len(v.certificates) == MaxCertificates {
			return false
		}
		v.certificates = append(v.certificates, one)
	}
	return true
}

// readSigner reads the one SignerInfo: RFC 5652 §5.3.
func (v *signedData) readSigner(set cryptobyte.String) bool {
	var s, id, digest, oid, algorithm cryptobyte.String
	var version int
	if !set.ReadASN1(&s, asn1.SEQUENCE) || !set.Empty() || !s.ReadASN1Integer(&version) {
		return false
	}
	if s.PeekASN1Tag(tag0Octets) {
		if !s.ReadASN1(&id, tag0Octets) || len(id) == 0 {
			return false
		}
		v.keyID = id
	} else {
		var issuer, serial cryptobyte.String
		if !s.ReadASN1(&id, asn1.SEQUENCE) || !id.ReadASN1Element(&issuer, asn1.SEQUENCE) || !id.ReadASN1(&serial, asn1.INTEGER) || !id.Empty() {
			return false
		}
		v.issuer, v.serial = issuer, serial
	}
	if !s.ReadASN1(&digest, asn1.SEQUENCE) || !digest.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) {
		return false
	}
	v.digest = string(oid)
	if s.PeekASN1Tag(tag0) && !v.readAttributes(&s) {
		return false
	}
	var signature cryptobyte.String
	if !s.ReadASN1(&algorithm, asn1.SEQUENCE) || !algorithm.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) ||
		!s.ReadASN1(&signature, asn1.OCTET_STRING) || !s.SkipOptionalASN1(tag1) || !s.Empty() {
		return false
	}
	v.algorithm, v.signature = string(oid), signature
	return true
}

// readAttributes reads signedAttrs, of which two count; either may be there once (RFC 5652 §11).
func (v *signedData) readAttributes(s *cryptobyte.String) bool {
	var element, list cryptobyte.String
	if !s.ReadASN1Element(&element, tag0) {
		return false
	}
	v.attributes = bytes.Clone(element)
	v.attributes[0] = byte(asn1.SET)
	if !element.ReadASN1(&list, tag0) {
		return false
	}
	for n := 0; !list.Empty(); n++ {
		var one, oid, set, value cryptobyte.String
		if n == maxAttributes || !list.ReadASN1(&one, asn1.SEQUENCE) || !one.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) || !one.ReadASN1(&set, asn1.SET) || !one.Empty() {
			return false
		}
		at, tag := (*[]byte)(nil), asn1.OBJECT_IDENTIFIER
		switch string(oid) {
		case oidContentType:
			at = &v.attrKind
		case oidMessageDigest:
			at, tag = &v.attrDigest, asn1.OCTET_STRING
		default:
			continue
		}
		if *at != nil || !set.ReadASN1(&value, tag) || !set.Empty() || len(value) == 0 {
			return false
		}
		*at = value
	}
	return true
}

// attributesOf are signedAttrs with a content's type and digest, as they are signed. A SET OF stands in the order of its octets in DER.
func attributesOf(kind string, digest []byte) []byte {
	one := func(oid string, tag asn1.Tag, value []byte) []byte {
		return der(func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addOID(b, oid)
				b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(value) })
				})
			})
		})
	}
	list := [][]byte{one(oidContentType, asn1.OBJECT_IDENTIFIER, []byte(kind)), one(oidMessageDigest, asn1.OCTET_STRING, digest)}
	slices.SortFunc(list, bytes.Compare)
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(slices.Concat(list...)) })
	})
}

// append writes the message.
func (v *signedData) append() []byte {
	algorithm := func(b *cryptobyte.Builder, oid string) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addOID(b, oid)
			if oid == oidRSA { // its parameters are NULL; those of the others are absent
				b.AddASN1NULL()
			}
		})
	}
	signer := func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(v.issuer)
			b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(v.serial) })
		})
		algorithm(b, v.digest)
		attributes := bytes.Clone(v.attributes)
		attributes[0] = byte(tag0)
		b.AddBytes(attributes)
		algorithm(b, v.algorithm)
		b.AddASN1OctetString(v.signature)
	}
	data := func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3) // the content is no id-data
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { algorithm(b, v.digest) })
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addOID(b, v.kind)
			b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(v.content) })
		})
		if len(v.certificates) > 0 {
			b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddBytes(slices.Concat(v.certificates...)) })
		}
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddASN1(asn1.SEQUENCE, signer) })
	}
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addOID(b, oidSignedData)
			b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddASN1(asn1.SEQUENCE, data) })
		})
	})
}

func addOID(b *cryptobyte.Builder, oid string) {
	b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(oid)) })
}

func der(f func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic() // nothing here is longer than a length can be
}
