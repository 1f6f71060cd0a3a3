// Package mip computes the authenticators of mobility messages that RFC 4285 §5.1 defines as the light alternative
// to IPsec between a mobile node and its home agent:
//
//	Authentication Data = First(n, HMAC(MN-HA shared key, care-of address | home address | Mobility Header data))
//
// Mobility Header data reaches from the first octet of the header up to and including the Mobility SPI of the
// authentication option, its Checksum field taken as zero.
//
// The message does not say which hash was used: the Mobility SPI names a security association, and the association
// the algorithm. SPIs 0 to 255 are reserved (RFC 4285 §8: 3 is HMAC-SHA1 and 5 is 3GPP2's, both for the MN-AAA option only),
// so both ends are configured with one SPI from 256 on, one key and one algorithm:
//
//	hmac-sha256-128   HMAC-SHA-256, first 128 bits (the truncation of RFC 4868); what to use between roam6 nodes
//	hmac-sha1-96      HMAC-SHA1, first 96 bits: RFC 4285 to the letter, for other implementations
//
// It also computes what return routability needs between a mobile node and a correspondent node, RFC 6275 §5.2: keygen
// tokens, the binding management key and the authenticator of §6.2.7. All of that is SHA-1, as the RFC has it.
package mip
