// Package admit is the AAA client's end of the access exchange on one link: draft-le-aaa-diameter-mobileipv6-04 §7.4, §9.3 as far as
// the mobile node is concerned. The octets are docs/access.md's; the other end is the mobile node's; what is behind (Diameter, gates,
// sessions) is the role's.
//
//	Access ──▶ every router advertisement: challenge, network, AAA client
//	Heard  ──▶ rate ▶ parts ▶ repeated? ▶ fresh? ▶ replayed? ▶ room? ─┬─ Check ──▶ Checked ─┐
//	                                                                  └─ neighbour known ───┴─▶ Request ──▶ Reply ──▶ parts to the mobile node
//
// Facts are for the role. A Check asks for duplicate detection of a care-of address, of which the role tells Checked; whoever speaks with
// the link-layer address of the Check is the mobile node itself and proves nothing. A Request is a message in which everything that this
// end can see is right; the role tells its Reply, once. Requests that are repeated with the same identifier and octets start nothing: they
// have the same reply again, for AnsweredFor.
//
// What this end says of itself (Reply without network authentication data):
//
//	4001 with a local challenge   the challenge was stale: ask again with that one
//	3004                          no room just now: ask again later
//	5004                          another node has the care-of address
//
// # What forgers reach
//
// A station on the link can write any source and any link-layer address. Nothing here proves either, so:
//
//   - whatever comes, one packet costs a few map look-ups before it is limited, and every table has an end;
//   - a station whose request the home server refused is not heard for longer each time (PenaltyFirst to PenaltyMost), and then shares a rate
//     with all that were refused (FailedRate), apart from that of newcomers (AllRate): ten thousand that fail are in the way for ten seconds;
//   - stations that were let in before (KnownFor) have a share of their own in everything that is limited for all.
//
// Somebody who makes up new link-layer addresses all the time can fill the share of strangers: then newcomers wait, and who was let in
// before does not notice. Somebody who forges a known station's address can spend its share, as he could take its address.
//
// A challenge is fresh for one to two Rotate. A (local challenge, host challenge) pair is taken once in that time.
package admit
