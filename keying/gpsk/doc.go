// Package gpsk computes the keys, MACs and protected data of EAP-GPSK, RFC 5433 §4 to §8, with both of its ciphersuites.
//
//	PSK ─┬─ GKDF (suite, nonces, identities) ──▶ MK ── GKDF (nonces, identities) ─┬─▶ MSK, EMSK: exported
//	     │                                                                         ├─▶ SK: MACs of messages (Keys.MAC)
//	     │                                                                         └─▶ PK: protected data (Keys.Seal, Keys.Open)
//	     └─ GKDF "Method ID" ──▶ Keys.SessionID
//
// A GKDF is the MAC of the suite over a counter of two octets and its input. Suite 1 (AES) has AES-CMAC-128 (RFC 4493) and AES-CBC-128,
// and takes the first 16 octets of the PSK as its key; suite 2 (SHA256) has HMAC-SHA256, encrypts nothing, and takes 32.
//
// The PSK here is the long-term key of a subscriber as it is, so that any EAP-GPSK peer can use it. What package aaa makes of the
// same key comes out of HKDF, where the key is what is hashed and never the key of the hash: the two have no input in common.
//
// MACs are compared in constant time, and no key prints. RFC 5433 has no test vectors; those of the tests come from another implementation.
package gpsk
