// Package enrol is the mobile node's end of the exchange by which it is let into a network: draft-le-aaa-diameter-mobileipv6-04 §7.3
// and §9.2, carried as docs/access.md says. One Applicant serves one link.
//
//	advertisement (challenge, network, AAA client) ─▶ Advertised
//	what is wanted, from which care-of address     ─▶ Ask ─▶ AAA Request, in parts, sent again with the same octets
//	AAA Reply                                      ─▶ Heard ─▶ Granted · Refused · Round (of EAP)
//	time                                           ─▶ Tick ─▶ Refused · Silent, then Rested; Due; Ended
//
//	         Ask              network's word
//	Idle ───────────▶ Asking ────────────────▶ Granted
//	  ▲                 │  ▲                      │ Ask again: renewal
//	  │ other client    │  └──────────────────────┘
//	  └─── Resting ◀────┘ refused, or nobody answers
//
// What a reply says is believed if it has network authentication data. One without was made by the AAA client, or by anybody on the
// link who saw the request: a refusal is then a hint, told when the last try has had its time and not before; a stale challenge costs one more request
// with the fresh one, at most MaxFresh times; success is no success. So forged replies delay by what is named here and do nothing else.
// A forged part spoils a reply of several parts only until the true one comes again.
//
// An advertisement with another epoch has the session renewed soon: the AAA client has lost sessions, perhaps this one. Nothing else comes of it,
// and what anybody on the link says of epochs counts seldom (Spread).
//
// The session (Admitted, Due, Ended) outlives a failed renewal until its time is over. Which features, keys and packets are wanted
// and what the answer means to the binding is the role's business, as are security associations: a Key makes their octets.
//
// EAP (§6.2) has its place here and its methods elsewhere: Want.EAP is the first response, Round hands over what the network asks
// next, Respond sends the answer, Rekey takes the secret that the method exported, in place of the long-term key for this one request.
package enrol
