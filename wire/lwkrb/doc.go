// Package lwkrb turns the messages of lightweight Kerberos into values and back. Which draft-koodli-mobileip-fastv6-02 §3 calls for, and
// leaves to a document that is lost; ours is laid out octet by octet in docs/lwkrb.md.
//
//	mobile node ── ap-req ──▶ access router ── open-req ──▶ its KDC ── open-req ──▶ … the KDC whose key seals the ticket
//	            ◀── ap-rep ──              ◀── open-rep ──         ◀── open-rep ──
//
// A message has a header in clear and parts that are sealed; package keying/lwkrb opens those. What is inside them has a Parse of
// its own: TicketBody, Authenticator, ReplyBody, OpenRequestBody, OpenReplyBody.
//
// Every length is checked and nothing may stand behind the last field: there is one way to write a value, since the digest of the octets is
// what keys are bound to. Parsed values share memory with what they were parsed from, principals and realms excepted.
//
// Besides, the checks that need no key are here, as Code tells them: the times of a ticket (TicketBody.Check), whom and what an authenticator is for
// (Authenticator.Check, CheckPlace), the realms an open-req has passed (OpenRequestBody.Check), and which of its tickets a mobile
// node takes (CaseOf).
package lwkrb
