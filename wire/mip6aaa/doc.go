// Package mip6aaa has the commands of the Diameter application Mobile-IPv6-AAA as values: ARR and ARA between AAA client, AAAv and AAAh, HOR
// and HOA between AAA server and home agent (draft-le-aaa-diameter-mobileipv6-04 §5), ACR and ACA as this application fills them (RFC 6733
// §9). Which AVPs they have and why stands in docs/diameter.md.
//
//	access.Request ──FromRequest──▶ ARR ──Octets──▶ diameter.Message ──ParseARR──▶ ARR ──Request──▶ access.Request
//	access.Reply   ◀────Reply────── ARA ◀─ParseARA── diameter.Message ◀──Octets── ARA ◀──FromReply── access.Reply
//
// Both ways keep Covered, so that mobile node and home AAA server compute their authenticators over the same octets.
//
// Parse… take a message that diameter.Check has accepted and say what the dictionary cannot: how long a key is, that two Key-Requests for one
// use fit together. Their errors are *diameter.Error, ready for diameter.Builder.Refuse. What they give shares nothing with the message.
//
// Four things the dictionary leaves open are so here. A request that has EAP alone has no MN-Authentication; its Local-Challenge,
// Host-Challenge and Visited-Network-Identifier stand in the ARR itself. A HOR has a Visited-Network-Identifier, which the home
// agent needs for the key of a Diffie-Hellman exchange. Key-Distribution goes to the peer that takes a key (HOR to the home agent, ARA to the AAA
// client: MN-SPI, lifetime, algorithm, and Key-Material or the mobile node's public value) and comes from it (HOA, ARR: Peer-SPI and, with
// Diffie-Hellman, its public value). Accounting has the care-of address, home address and home agent of the application beside
// what RFC 7155 counts with.
package mip6aaa
