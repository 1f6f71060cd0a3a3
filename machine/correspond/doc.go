// Package correspond is the correspondent's end of return routability and route optimisation: RFC 6275 §5.2 and §9.1 to
// §9.6. A role owns one for all addresses its node answers for. The mobile node's end is package rr.
//
//	HoTI ──▶ HoT with a keygen token      nothing is kept: the token follows from the address and a nonce
//	CoTI ──▶ CoT with a keygen token      likewise
//	BU   ──▶ Bound, Unbound, and a BA     only this takes memory, and only once both tokens are proved
//
// Facts are returned, in the order in which they are to be acted upon: the route first (plane.Route, Side Peer), then the
// packet, so that the acknowledgement never arrives before the route it promises. What a role must do itself:
//
//   - Call Heard for HoTI, CoTI and BU whose destination is an address of its own; whoever is mobile itself gives its home
//     address (§5.2.9).
//   - Answer a packet for which Stranger is true with a Binding Error, status 1, at a limited rate (machine/tell), and ask
//     the same limit before it sends an Answer that is Unproven.
//   - Tell of traffic by Used: without it no Binding Refresh Request is sent. Tell of care-of addresses that are not reached by
//     Unreachable: without it their mobile nodes lose packets for as long as their bindings live.
//
// # Who may fill the cache
//
// Forged messages take nothing. Whoever owns many addresses can prove them all, so the cache has an end (MaxBindings) and
// one home network (a /48) a share of it (NetworkShare). At the end a new binding is refused with status 130; none that
// stands is evicted for it. RFC 6275 §9.6 allows eviction, and recommends the least recently used: but an evicted mobile
// node loses packets until a Binding Error reaches it, while a refused one goes on through its home agent and loses
// nothing. And a binding that goes leaves its sequence number behind for as long as its nonces are good (§5.2.8), so that
// eviction would free no memory when it is needed.
//
// A restart forgets all. Mobile nodes learn of it by a Binding Error, or by status 136 to 138, and begin again.
package correspond
