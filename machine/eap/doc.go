// Package eap is the two ends of an EAP conversation, RFC 3748 §4 and RFC 4137 (reduced to what follows), with one method: EAP-GPSK,
// RFC 5433.
//
//	Peer (mobile node)                      Server (home AAA server)
//	    Begin ── Response/Identity ──────▶  fresh
//	    idle  ◀── Request/GPSK-1 ─────────  proposed
//	    proving ── Response/GPSK-2 ──────▶    name, nonce, suites and MAC are right
//	          ◀── Request/GPSK-3 ─────────  proving
//	    proved ── Response/GPSK-4 ───────▶  succeeded: MSK, EMSK
//	    succeeded ◀── Success ────────────
//
// Whoever is between the two carries octets and understands none (pass-through, RFC 3748 §2.3).
//
// Both are values without a clock of their own: octets in, octets and an Outcome out. What does not belong is refused with a reason and
// changes nothing. One packet is under way at a time, and one that comes again is answered with the very packet that answered it
// before. That holds for the server as well, which in RFC 3748 discards repeated responses: here the peer's side repeats (AAA
// Requests are repeated until answered) and each repetition waits for an answer. So the server never sends a request again by itself:
// its retransmission timer is infinite, as §4.3 wants above a lower layer that repeats.
//
// Where the lower layer invites to authenticate, as router advertisements with a challenge do, Peer.Begin answers without an
// Identity Request and saves a round trip; else the server's Start asks.
//
// # Who is believed
//
// The peer succeeds only by a Success that follows a GPSK-3 with a right MAC over its own fresh nonce; once it has that, a Failure is
// worth nothing (RFC 3748 §4.2). The server succeeds only by a GPSK-4 with a right MAC. So if both succeed they have the same keys,
// and if the server does the peer has them too. A Success that is lost is asked for by repeating GPSK-4.
//
// Forgers can end a conversation before that, as EAP has no protection then: by a Failure or GPSK-Fail at the peer, by a GPSK-2 with a
// wrong MAC at the server (RFC 5433 §10 wants it failed). They make nobody believe anything, and a new conversation begins from scratch.
// Another GPSK-1, which nothing protects, does no harm as long as it names the same server and suites: the nonce that counts is
// the one in GPSK-3.
//
// A server that does not know the peer answers as for a wrong key, after the same work.
package eap
