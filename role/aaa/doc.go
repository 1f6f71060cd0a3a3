// Package aaa is the AAA server of a realm, a Diameter node (machine/peers): of users at home (AAAh), of a network that is visited (AAAv), or
// both. draft-le-aaa-diameter-mobileipv6-04 §7.5, §7.6, §9.4, §9.5; numbers and octets in docs/diameter.md.
//
//	AR ──ARR──▶ AAAv ──ARR──▶ AAAh ──look-up──▶ database          visited.go: the visited side
//	                           │ ◀─────────────                   register.go: checks, authentication; converse.go: EAP
//	                           ├──HOR──▶ home agent               flags.go: what is asked for, as a table
//	                           │ ◀─HOA──                          assign.go, pool.go: which home agent, its answer
//	AR ◀──ARA── AAAv ◀──ARA────┘                                  answer.go, keys.go: what is told to whom
//	AR ──ACR──▶ AAAv ──ACR──▶ AAAh ──▶ database                   account.go
//
// The home side believes a visited network identifier only from the peers that its configuration lists for it, for keys are bound to that
// name. It looks a subscriber up (many requests for one share a look-up; profiles are kept for MaxProfileAge), verifies the mobile node's
// authentication data, refuses a pair of challenges it has seen, and does what the table of §9.2.1 says for the flags. Of a pool, the open
// and not drained home agent with the least part of its capacity in use is asked by HOR; if it fails, one other. Whatever
// an authenticated mobile node is told, refusals too, has network authentication data.
//
// A home address is the subscriber's fixed one; else what this server chooses from the home agent's prefix (Home.Assign), else what the home
// agent chooses. A mobile node that names a home address may have it if it is its fixed one, if its profile lets it propose one, if
// a session of its own has it, or if its update is under ESP, where the home agent knows whose the address is. Sessions live in memory: after a
// restart a mobile node whose address was assigned needs that ESP, or asks for another.
// A user's session is named by its home address, so that a mobile node that moves does not use up max_sessions.
//
// The visited side offers a home agent of its pool by Visited-Home-Agent-Available where the agreement with the home realm says so, and
// chooses one when a HOR without an address comes. It keeps no session keys, which §7.5 would allow.
//
// An unknown user and wrong authentication data get the same answer, 4001: RFC 6733 has no code for the former, and nobody shall find
// out who is a subscriber. Events tell them apart.
//
// A request with EAP alone is a round of EAP-GPSK (converse.go, machine/eap): DIAMETER_MULTI_ROUND_AUTH until the last, after which
// a key made of the EMSK (aaa.Exported) stands for the long-term key. A request with both is authenticated by its authentication data.
package aaa
