// Package lwkrb is the two ends of lightweight Kerberos, docs/lwkrb.md: the mobile node's (Mobile) and the access router's (Router). The octets are those of
// package wire/lwkrb, the keys those of keying/lwkrb; what is here decides which ticket, in what order, how often, how long, and what is
// remembered. Whoever carries the octets is the role: in suboptions over the air, in datagrams to the KDC.
//
//	Mobile                                   Router                                      KDC
//	Put ── tickets                           Keys ── what it opens by itself
//	Ask ── Request ── ap-req ─────────────▶  Heard ─ rates ▶ again? ▶ key here? ── AskKDC ── open-req ──▶
//	                                                                     │      ◀── Answered ── open-rep ──
//	                                         checks ▶ Judge ── Decide ▶ remembers, durably
//	Heard ◀───────────── ap-rep or error ──  Answer, *Session
//	  └─ *Session, or next ticket, or Failed
//
// Both are values: inputs in, facts out, and Persist, Drop and Event into the effects. A role carries out the facts in their order and
// behind the effects, so that no answer leaves before what guards it is durable.
//
// # What a role does with a session
//
// Two ap-reqs of one mobile node may both be taken, when it was misled by a forged error into sending a second one. It then has the keys of
// the first ap-rep that it got. So an access router receives under the keys of all sessions that it has with a mobile node, and sends under
// those it was last sent to by; before that, under the first. Each session has an SPI of the router's own.
//
// # What is believed
//
// An ap-rep that opens, an error with the right MAC, an open-rep that opens. All else that comes is a hint: it may cost another ap-req, a wait until
// MaxWait, and no more. The clock of the mobile node is never set; there is a correction for each realm, by what is believed alone.
//
// # What is remembered
//
// By the router, durably: the identity of each ap-req it has taken, for wire/lwkrb.Remember, by the wall clock and by the monotonic one, whichever is
// longer. A wall clock that was wrong by more than that and is mended while the router is down lets it forget too early. What can be repeated then
// are ap-reqs that the wrong clock took. A record that cannot be read has the router take nothing for as long as it would have
// remembered.
package lwkrb
