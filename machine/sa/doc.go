// Package sa is the security association between one mobile node and one home agent: it protects the mobility
// messages they exchange (RFC 6275 §5.1). Both roles hold it, each its own end.
//
//	mh.Message ──Protect──▶ whole packet ──▶ the other end ──Verify──▶ mh.Message, or a reason to drop it
//	                  │                                  │
//	                  └ Persist: numbers reserved        └ Commit: Persist, what must not be accepted again
//
// Two kinds, chosen by Config:
//
//	ESP    transport mode, RFC 4303 with AES-GCM, as RFC 4877 §3 and §4 order the headers; extended sequence numbers
//	Auth   the MN-HA authentication option of RFC 4285 §5.1 with the timestamp of §6; weaker: nothing is encrypted, and
//	       only mobility messages are protected
//
// What a role must do itself:
//
//   - Find the association: by its SPI or the home address, and refuse a message whose home address (EffectiveSrc) is not
//     that of the mobile node the association belongs to. The Home Address option is outside ESP.
//   - Put the care-of address into the Alternate Care-of Address option when Kind is ESP: the source address is outside ESP
//     too (RFC 6275 §11.7.1).
//   - Count and report drops: Verify gives the reason, engine.Effects.Drop takes it.
//   - Answer, as a home agent, a refused RFC 4285 Binding Update it can parse: AuthMismatch with status 146,
//     AuthNoTimestamp with 145, AuthReplay with 144 (§5.1.1, §6). Protect fills in the timestamps of both sides.
//
// AH is another pair of associations, whatever the two ends are: whole packets under an Authentication Header (RFC 4302), between access routers
// with keys by configuration and durable numbers, between a mobile node and its access router with those of a session and none.
//
// Sequence numbers never repeat under one key, whatever crashes: they are reserved in blocks of ReserveBlock, and the
// reservation is durable before the first packet of the block leaves. What was accepted is durable when Commit's
// Persist is; after a restart everything at or below the highest number committed is refused. Records are named by the
// key (a one-way fingerprint) and not by the peer, so that renaming a peer in a configuration does not restart its numbers.
package sa
