// Package nd turns Neighbor Discovery messages into values and back: RFC 4861 with the changes of RFC 6275 §7 for
// mobile nodes (home agent flag, router address in a prefix, advertisement interval, home agent information) and the
// nonce of RFC 3971 §5.3.2, which RFC 7527 uses to tell a looped-back solicitation from a duplicate address.
//
// Parse applies every validity rule that needs only the message and its IPv6 header (RFC 4861 §6.1, §7.1, §8.1). The
// one that needs more stays with the role: that a Redirect comes from the current first hop of its destination.
//
// Parse copies what it keeps; Append writes a checksummed message that Parse accepts. An option that stands in a
// message it is not defined for, a second one where one is allowed, and an option nobody knows are kept in
// Options.Unknown, so that nothing is lost when a message is printed or sent on, and no role acts on them.
//
// The two messages by which a mobile node learns of the next access router before it is there are here as well, since they
// are neighbour discovery in all but their number: RtSolPr and PrRtAdv of RFC 5568 §6.1, with their options, and the NAACK
// option of router advertisements. The unsolicited neighbour advertisement (UNA) of RFC 5568 §6.3 is a NeighborAdvertisement
// with no flag set.
//
// What a mobile node must know to be let into a network stands in an advertisement too: Access, in the experimental option of
// RFC 4727.
//
// The suboptions of the handover drafts stand in an option of this kind too, in every message: Options.Handover.
//
// What is not here: caches, timers and the choice of a router (package role).
package nd
