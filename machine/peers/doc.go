// Package peers is a Diameter node among others: RFC 6733 with the watchdog of RFC 3539. Its owner, a role, gives it the inputs of
// connections and gets facts; it says what applications there are, who the peers are, and what becomes of requests for which realm.
//
//	        Stream ─▶ link: cut ─▶ message: whose connection, in which state?
//	                                    │
//	not open: CER, CEA, DPA ◀───────────┼──────────▶ open: DWR, DPR, … (base.go)
//	(capabilities.go, state.go)         │
//	                   request ─────────┴──────── answer
//	                      │                          │ by hop-by-hop identifier
//	           route.go: whose is it?             pending.go: whose was it?
//	       ┌──────────┬───┴─────┬──────────┐      ┌──────┴───┬────────────┐
//	     ours       Proxy     Relay    Redirect  own      relayed      proxied
//	       │          │         │          │      │          │            │
//	known copy?    Arrived    slot,      3006  Answered   to where it   Passed
//	(served.go)       │     next peer             │       came from       │
//	       │          │         │                 │          │            │
//	    Arrived    Forward    Write               │        Write       Return
//	       │      (slot, …)                    (owner)                    │
//	    Answer ──────────────────────────────────────────────────────▶  Write
//
// # Peers
//
// A peer has two states. One is that of its connection, the table of RFC 6733 §5.6 in state.go: who dialled, who waits for whose capabilities,
// which connection stays when both dialled. The other is what the watchdog thinks of it, the table of RFC 3539 in watchdog.go: requests go to peers
// that are Okay, and no others. Peers with an address are dialled until it works, others are waited for. What comes from an address nobody
// knows is told apart by the Origin-Host of its CER, which under TLS must be a name in its certificate; without TLS whoever can reach the listener can
// claim any name that is listed without Peer.TLS, so that From or a closed network must vouch for it. The Origin-Host of a request may be
// that of a node behind the peer: Arrived.From is the peer, which has proved its name.
//
// # Silence
//
// Nobody waits for a silent peer. A request without answer for RequestWait makes us ask whether the peer lives; WatchdogWait later it is a
// suspect, and all that it owes goes to the next peer of its route, with the T flag, another hop-by-hop identifier and the same end-to-end
// identifier. So fail-over takes 2 s, and no time where the connection breaks. What has no other peer stays with the suspect while its connection lasts, in case it answers after
// all. A suspect's first word brings it back; a peer whose connection was gone must answer three watchdogs first. Each request ends within
// MaxAge, whatever happens.
//
// # Copies
//
// Fail-over makes copies. Whoever answers a request for itself keeps the answer for AnsweredAge, and gives it again to a copy; a copy that comes while the
// owner is still busy is not shown to him, and the answer goes the way of the newest copy. A copy is what has the same End-to-End
// Identifier and the same AVPs, but for Route-Record and Proxy-Info. Requests that are passed on are not remembered.
//
// # Limits
//
// All in limits.go. A neighbour can have MaxAsking requests under way through this node and MaxServed at its owner; a peer is owed MaxPending answers at
// most, then others of its route are asked, then the answer is 3004. What is refused leaves a drop with its reason and nothing else.
//
// # Not here
//
// SCTP; discovery of peers by DNS; a cache of redirects (each request is redirected anew, to peers of the configuration only); changes of
// capabilities while a connection is open (RFC 6737); sessions, which are the owner's.
package peers
