// Package rr is the mobile node's end of return routability and route optimisation: RFC 6275 §5.2, §11.1 (the binding
// update list, as far as correspondents go), §11.3.5, §11.3.6, §11.6 to §11.8. The other end is package correspond.
//
//	Wanted ──▶ HoTI through the home agent ──▶ HoT ─┐
//	           CoTI straight               ──▶ CoT ─┴─▶ BU ──▶ BA ──▶ Ready: packets to that peer go straight
//
// The role tells where the node is (Arrived, Registered, Home, Lost), what came (Heard, Problem) and what is worth it
// (Wanted, Used); the machine appends events and returns facts, to be acted upon in their order: packets to send and
// routes to make or to end (plane.Route, Side Mobile). Whenever a route is gone packets go through the home agent, so
// nothing here can make the node unreachable.
//
// What a role must do itself: protect HoTI by the ESP tunnel with its home agent and say of a message whether it came out of
// that tunnel (§10.4.6, §11.6.2); leave mobility headers alone when it routes packets straight (§6.1).
//
// Tokens are used until MaxTokenLifetime after the question for them left: after a move the home token is still good and
// only the new care-of address is tested; on return to the care-of address of before, nothing is. Routes that carry
// nothing are not refreshed; they end, and the next packet that comes through the home agent begins a new one.
//
// A route to a peer that acknowledged an update before is foreseen: after a move it stands from the update on, so that packets
// follow the update instead of overtaking each other by two ways. A lost update costs the packets until the peer's
// Binding Error comes.
//
// # What forgers reach
//
// Binding Errors, refresh requests and the statuses 136 to 138 cannot be authenticated. Each can make a route fall back
// to the tunnel or a test be repeated, neither more often than the named intervals; none makes a peer entry. Packets with
// forged sources, tunnelled to us by the home agent, start at most StartRate exchanges a second and fill at most Max
// entries, of which those that never answered are the first to go.
package rr
