package mip

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"net/netip"
)

// Sizes of return routability in octets, RFC 6275 §5.2.1 to §5.2.5.
const (
	KcnLen    = 20 // the node key of a correspondent node
	NonceLen  = 8  // a nonce, as recommended; any length is taken
	KeygenLen = 8  // a keygen token
	KbmLen    = 20 // the binding management key
	AuthLen   = 12 // the authenticator, First(96, HMAC_SHA1(…))
)

// The last octet under the hash tells home tokens from care-of tokens, RFC 6275 §5.2.5.
const homeToken, careOfToken = 0, 1

// KeygenToken makes the keygen token that a correspondent node with the node key kcn hands out for an address:
//
//	First(64, HMAC_SHA1(Kcn, address | nonce | 0))   home keygen token, for the home address
//	First(64, HMAC_SHA1(Kcn, address | nonce | 1))   care-of keygen token, for the care-of address
//
// Made again from the nonce that an index names, it verifies what a mobile node holds, so nothing about it is stored.
//
// spec MIP-04
func KeygenToken(kcn [KcnLen]byte, addr netip.Addr, nonce []byte, careOf bool) [KeygenLen]byte {
	last := byte(homeToken)
	if careOf {
		last = careOfToken
	}
	a := addr.As16()
	h := hmac.New(sha1.New, kcn[:])
	h.Write(a[:])
	h.Write(nonce)
	h.Write([]byte{last})
	return [KeygenLen]byte(h.Sum(nil))
}

// Kbm makes the binding management key, RFC 6275 §5.2.5: SHA-1(home token | care-of token), or SHA-1(home token) when
// careOf is nil: for a Binding Update that deletes the binding.
//
// spec MIP-04
func Kbm(home, careOf *[KeygenLen]byte) [KbmLen]byte {
	if careOf == nil {
		return sha1.Sum(home[:])
	}
	var both [2 * KeygenLen]byte
	copy(both[:], home[:])
	copy(both[KeygenLen:], careOf[:])
	return sha1.Sum(both[:])
}

// Authenticator makes the authenticator of a Binding Update, or of the Binding Acknowledgement that answers it,
// RFC 6275 §6.2.7: First(96, HMAC_SHA1(Kbm, care-of address | correspondent | Mobility Header)).
//
// coa is the care-of address being registered (that of the Alternate Care-of Address option if there is one), or the home
// address in a deregistration; cn is the correspondent's address, its home address if it is mobile itself: in both
// directions. covered is the Mobility Header up to the authenticator (mh.Covered, mh.AppendSigned); its checksum field
// may hold anything.
//
// spec MIP-04
func Authenticator(kbm [KbmLen]byte, coa, cn netip.Addr, covered []byte) []byte {
	return sum(sha1.New, kbm[:], coa, cn, covered)[:AuthLen]
}

// VerifyAuthenticator reports, in constant time, whether got is the authenticator of such a message.
//
// spec MIP-04
func VerifyAuthenticator(kbm [KbmLen]byte, coa, cn netip.Addr, covered, got []byte) bool {
	return subtle.ConstantTimeCompare(Authenticator(kbm, coa, cn, covered), got) == 1
}
