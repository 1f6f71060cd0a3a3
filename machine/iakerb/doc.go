// Package iakerb is the proxy by which mobile nodes reach KDCs before they have an address that others route to: draft-ietf-cat-iakerb-09 §5, and with
// the header of draft-ietf-kitten-iakerb-03 §3, as MIT Kerberos has it. An access router runs one.
//
//	node ── token ─▶ Heard ─ rates ▶ AS-REQ or TGS-REQ? ▶ realm known? ▶ slot ── Ask ─▶ KDC
//	node ◀─ token ── Reply ◀─ the kind that was asked for? ◀── HeardFrom, HeardStream ──┘
//
// It passes logons and requests for tickets to KDCs of the configuration and to nobody else, and their replies back. It opens nothing
// and vouches for nothing: both ends have keys of their own. Everything else is dropped. What a node can cost is bounded by rates, for itself and for
// all together, counted before a token is read, and by the slots.
//
// Replies of Kerberos have nothing in clear that tells two requests apart. So each request that is under way has a slot, and the role gives each slot a UDP
// port, or a stream, of its own. A slot rests as long as it can before it serves again; should a late reply reach another node, that cannot open it.
package iakerb
