// Package aaa computes what a mobile node and its home AAA server need to trust each other and to hand out keys:
// draft-le-aaa-diameter-mobileipv6-04 §7.3 (authentication) and §10 (key distribution). The draft leaves the algorithms open; here
// everything comes from the one long-term key of 256 bits by HKDF-SHA-256 with a label and both identities (package keying).
//
//	long-term key ─┬─ "aaa mn authentication"       ──▶ Key.Answer: the mobile node to the home server
//	               ├─ "aaa network authentication"  ──▶ Key.Greeting: the home server to the mobile node
//	               ├─ "aaa public value"            ──▶ Key.Vouch: for the peer's public value of X25519
//	               └─ "aaa session …" random number ──▶ Session  ┐ one for each Use
//	X25519 secret ─── "aaa x25519 …" public values  ──▶ Session  ┘
//	                                                     └─ "aaa esp …" SPI, mobile node, peer ──▶ ESP keys, one a direction
//
// The mobile identity is Identity of its NAI or home address. The other one is the identifier of the network it visits, which router
// advertisements tell the mobile node and the visited AAA server tells the home server: so an answer or a key that was made for one
// network is worth nothing in another. (Where a home agent is chosen by the visited network its address is not known yet when
// the home server makes the key; it is bound in the last step, where the ESP keys are made.)
//
// Everything is compared in constant time, and no key prints. Every input enters a MAC behind its length.
package aaa
