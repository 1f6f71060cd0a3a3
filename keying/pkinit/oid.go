package pkinit

import (
	"crypto"
	_ "crypto/sha256" // for crypto.Hash
	_ "crypto/sha512"
	"encoding/asn1"
)

// Content is what a signed message has inside, by its type: RFC 4556 §3.2.1, §3.2.3.
type Content string

// The types, as the octets of their object identifiers.
const (
	AuthData  Content = "\x2b\x06\x01\x05\x02\x03\x01" // id-pkinit-authData: an AuthPack
	DHKeyData Content = "\x2b\x06\x01\x05\x02\x03\x02" // id-pkinit-DHKeyData: a KDCDHKeyInfo
)

// Purpose is what a certificate is for: an extended key usage, RFC 4556 §3.2.2, §3.2.4. Its number is the last of id-pkinit.
type Purpose int

// The purposes.
const (
	Client Purpose = 4 // id-pkinit-KPClientAuth
	KDC    Purpose = 5 // id-pkinit-KPKdc
)

func (p Purpose) oid() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 2, 3, int(p)}
}

// Object identifiers, as their octets.
const (
	oidSignedData    = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
	oidContentType   = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03"
	oidMessageDigest = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04"
	oidRSA           = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
	oidDH            = "\x2a\x86\x48\xce\x3e\x02\x01" // dhpublicnumber, RFC 3279 §2.3.3
	oidEC            = "\x2a\x86\x48\xce\x3d\x02\x01"
	oidP256          = "\x2a\x86\x48\xce\x3d\x03\x01\x07"
)

var (
	oidSAN          = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidPrincipalSAN = "\x2b\x06\x01\x05\x02\x02" // id-pkinit-san
)

// digests are those that are taken, with the signature algorithms that name them as well (RFC 4055 §5, RFC 5758 §3.2).
var digests = []struct {
	oid, rsa, ecdsa string
	hash            crypto.Hash
}{
	{"\x60\x86\x48\x01\x65\x03\x04\x02\x01", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "\x2a\x86\x48\xce\x3d\x04\x03\x02", crypto.SHA256},
	{"\x60\x86\x48\x01\x65\x03\x04\x02\x02", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", "\x2a\x86\x48\xce\x3d\x04\x03\x03", crypto.SHA384},
	{"\x60\x86\x48\x01\x65\x03\x04\x02\x03", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", "\x2a\x86\x48\xce\x3d\x04\x03\x04", crypto.SHA512},
}
