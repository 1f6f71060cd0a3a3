// Package fmipv6 is the strategy of RFC 5568: the node prepares its next care-of address at the access router it leaves, and
// that router sends on what comes for the old address until the home agent knows the new one.
//
//	mn                        par (previous)                    nar (next)
//	 │ ── RtSolPr ────────────▶ │                                  │   hint: which cell is next
//	 │ ◀──────────── PrRtAdv ── │                                  │   router and prefix behind that cell
//	 │ ── FBU (NCoA) ─────────▶ │ ── HI (NCoA, link address) ────▶ │   asks for forwarding; nar holds packets for the NCoA
//	 │ ◀──────────────  FBack ─ │ ◀───────────────────────  HAck ─ │   from here on par sends on to nar
//	 ┄ Attach: the link may switch ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄
//	 │ ── UNA ───────────────────────────────────────────────────▶ │   nar delivers, the held packets first
//	 │ ── BU, packets ──▶ home agent                               │   until its BA copies go by par, packets come by it
//
// That is predictive. Without notice, or with a wrong one, it is reactive: the node finds router and address as in Mobile
// IPv6, sends the FBU from the new link, and par sends on what still comes. When par does not answer or refuses, the node
// goes on as Mobile IPv6 does and says so (engine.EventFellBack).
//
// The files: mobile.go, predict.go, react.go and states.go are the mobile node's end, router.go what both routers' ends
// share, par.go and nar.go these, key.go the proof that an FBU is its node's. naack.go has what a next router says of an address that a
// node cannot have, initiated.go what a router tells of its own accord; both have both ends.
//
// Who may divert packets: a Fast Binding Update is proved by the handover key of its node, and forwards the address made of
// that node's link-layer address only. A Handover Initiate comes under ESP from a configured neighbour, and takes the
// address made of the link-layer address it names only. So nobody can have another's packets sent elsewhere.
package fmipv6
