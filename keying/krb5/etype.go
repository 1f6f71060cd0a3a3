package krb5

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
)

// EType is the number of an encryption type. The numbers are those of wire/krb5.
type EType int32

// The encryption types, RFC 3962 §7 and RFC 8009 §7.
const (
	AES128SHA1   EType = 17 // aes128-cts-hmac-sha1-96
	AES256SHA1   EType = 18 // aes256-cts-hmac-sha1-96
	AES128SHA256 EType = 19 // aes128-cts-hmac-sha256-128
	AES256SHA384 EType = 20 // aes256-cts-hmac-sha384-192
)

// Sizes in octets.
const (
	ConfounderLen = 16 // of random octets that Encrypt is given
	MaxKeyLen     = 32
	MaxOverhead   = ConfounderLen + 24 // the most that Encrypt adds
	blockLen      = 16
)

// profile is what encryption types differ in.
type profile struct {
	name     string
	key      int // octets of a key
	mac      int // octets of a truncated HMAC
	macKey   int // octets of Ki and Kc
	hash     func() hash.Hash
	prf      int    // octets that PRF gives
	checksum int32  // its mandatory checksum
	rounds   uint32 // of PBKDF2 unless told
	sha2     bool   // by RFC 8009
}

var profiles = [...]profile{
	{"aes128-cts-hmac-sha1-96", 16, 12, 16, sha1.New, 16, 15, 4096, false},
	{"aes256-cts-hmac-sha1-96", 32, 12, 32, sha1.New, 16, 16, 4096, false},
	{"aes128-cts-hmac-sha256-128", 16, 16, 16, sha256.New, 32, 19, 32768, true},
	{"aes256-cts-hmac-sha384-192", 32, 24, 24, sha512.New384, 48, 20, 32768, true},
}

func (e EType) profile() *profile {
	if !e.Known() {
		return nil
	}
	return &profiles[e-AES128SHA1]
}

// Known says whether the encryption type is one of this package.
func (e EType) Known() bool { return e >= AES128SHA1 && e <= AES256SHA384 }

// String is the name of RFC 3962 or RFC 8009, or the number.
func (e EType) String() string {
	if p := e.profile(); p != nil {
		return p.name
	}
	return fmt.Sprintf("etype %d", int32(e))
}

// KeyLen is the octets of a key; 0 if the encryption type is not known.
func (e EType) KeyLen() int {
	if p := e.profile(); p != nil {
		return p.key
	}
	return 0
}

// Checksum is the number of the mandatory checksum type (RFC 3962 §7, RFC 8009 §6), which Key.Checksum makes; 0 if the encryption type is not
// known.
func (e EType) Checksum() int32 {
	if p := e.profile(); p != nil {
		return p.checksum
	}
	return 0
}

// ChecksumLen is the octets of the mandatory checksum.
func (e EType) ChecksumLen() int {
	if p := e.profile(); p != nil {
		return p.mac
	}
	return 0
}

// Overhead is what Encrypt adds to a plaintext.
func (e EType) Overhead() int {
	if p := e.profile(); p != nil {
		return ConfounderLen + p.mac
	}
	return 0
}

// ETypes are those of this package, the strongest first.
func ETypes() []EType { return []EType{AES256SHA384, AES128SHA256, AES256SHA1, AES128SHA1} }
