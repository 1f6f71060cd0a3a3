// Package access turns the messages between a mobile node and the AAA client of the network it visits into values and back:
// AAA Request and AAA Reply, subtypes of ICMPv6 type 150 (experimental mobility, RFC 4065 §8). They carry what
// draft-le-aaa-diameter-mobileipv6-04 §6, §7.3 and §9.2 say the two tell each other and leave without a format; ours is laid out octet
// by octet in docs/access.md.
//
//	Message ──Split──▶ Parts ──Append──▶ ICMPv6 messages ──▶ Parse ──▶ Parts ──Join──▶ Message
//
// A message longer than the least MTU of IPv6 travels in several parts, each a list of whole suboptions (package subopt). A receiver
// keeps them by source address and identifier until it has all; how many it keeps and how long is its own business. One message
// has at most MaxParts of them with MaxPart octets each.
//
// Parse and Join check everything a message alone can tell. What needs more stays with who takes it: the hop limit of the
// packet (255: one link), that its source is the care-of address, freshness of the challenge, and every authenticator.
// Suboptions nobody knows are skipped, and are therefore covered by no authenticator (Covered).
package access
