// Package fast is the strategy of draft-koodli-mobileip-fastv6-02: the router that a mobile node leaves tells it where to go, the node gives
// it a lightweight Kerberos ticket to take there (docs/lwkrb.md), and so it is known when it comes. Decision 22 has the reasons, docs/fast.md
// the octets.
//
//	mn                         par (previous)                  nar (next)                     KDC
//	 │ ── RtSolPr ───────────▶ │  the cell it will be in       │                               │
//	 │ ◀── Handover Redirect ─ │  next router, principal       │                               │
//	 │ ── Redirect Ack ──────▶ │ ── Handover (AH) ───────────▶ │  holds packets, gate shut     │
//	 │    ap-req               │                               │ ── open-req ────────────────▶ │  cases 2 and 3
//	 │                         │                               │ ◀──────────────── open-rep ── │
//	 │ ◀── Authenticated-MN ── │ ◀────── Authenticated-MN (AH) │  gate open
//	 │    ap-rep               │  forwards from now on         │
//	 ┄ Attach ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄
//	 │ ── SHIN (AH), with the binding update ─────────────────▶ │  delivers, what was held first
//
// Who comes without notice, or before it was known, has its ap-req in the SHIN, and gets the Authenticated-MN there. Where the routers or
// the KDC do not answer in time, or refuse, the node goes on as its base strategy does and says so (engine.EventFellBack).
//
// The files: mobile.go, prepare.go, arrive.go, enter.go and states.go are the mobile node's end; router.go what both routers' ends share,
// par.go and nar.go these. What they hold of nodes that come and go is in package handover, as another strategy with the same needs has it.
package fast
