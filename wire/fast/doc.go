// Package fast turns the messages of a fast handover with Kerberos into values and back: those of draft-koodli-mobileip-fastv6-02 (§5, §6, §6.1,
// §7, appendix B) and the Previous Router Notification of draft-blair-rt-mobileipv6-seamoby-00 appendix B.2. They are subtypes of ICMPv6
// type 150 (experimental mobility, RFC 4065 §8), as those of package access are; docs/fast.md lays them out octet by octet.
//
//	16 Redirect          old router → mobile node   go there
//	17 RedirectAck       mobile node → old router   lwkerb-ap-req
//	18 Handover          old → new router           expect it; lwkerb-ap-req
//	19 HandoverError     new → old router           that will not do
//	20 AuthenticatedMN   new router → mobile node   lwkerb-ap-rep
//	21 Notification      mobile node → old router   I am going there, or: no longer
//	24 SHIN              mobile node → new router   here I am; a Binding Update to be sent on
//	25 SHREP             old → new router           in place of a Handover, with context
//
// What they have in common is a list of suboptions (subopt.Handover), which may stand in neighbour discovery too (nd.Options.Handover).
//
// Parse checks everything a message alone can tell. What needs more stays with who takes it: whether the packet was protected by AH and by
// whose (package keying/ah), that a message of one link (OneLink) came with hop limit 255 and from the link's router, what a Kerberos
// message says, and whether a suboption makes sense in the message it came in. Nothing else than MaxMessage bounds a message: it is
// one packet, never cut into parts.
package fast
