// Package lwkrb seals and opens what the messages of lightweight Kerberos carry, and makes the keys that come of them: docs/lwkrb.md has
// every octet and the reasons, package wire/lwkrb the messages.
//
//	long-term key of a principal (Key) ─┬─ HKDF ──▶ ticket key: seals tickets
//	                                    └─ HKDF ──▶ open key: seals open-req ── 'Q' nonce ──▶ seals the open-rep to it
//	session key of Kerberos V5 ── HKDF ──▶ session key (Session): seals authenticators
//	                                        └─ 'D' nonce, access router ──▶ access key (Access), known to that router
//	access key ─┬─ 'R'        ──▶ seals the ap-rep
//	            ├─ 'H' nonce  ──▶ keys of AH, one a direction
//	            ├─ 'P' nonce  ──▶ keys of ESP, one a direction
//	            ├─ 'I'        ──▶ ID, by which replays are known
//	            └─ 'E'        ──▶ ErrorKey: says no, and nothing else
//
// Where a key of Kerberos comes in it is hashed, by keying.Derive (HKDF-SHA-256). Everything below is one function of AES-256 (box.derive),
// that which XAES-256-GCM seals with too: so a message costs no hash, and opening an ap-req a tenth of what HKDF would.
//
// The nonce of a sealing is not the drawn octets as they are but a MAC of them and of all that is sealed: a machine that is set back
// and draws the same again then seals other things under other nonces.
//
// All is octets in, octets out; nothing here draws, keeps a clock, or prints a key. What opens was sealed by who has the key: that it is
// fresh, and for whom, package wire/lwkrb checks. Erase overwrites a key; what the cipher made of it is left to the garbage collector.
package lwkrb
