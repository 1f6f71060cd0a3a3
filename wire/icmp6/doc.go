// Package icmp6 turns the ICMPv6 messages a mobile IPv6 node needs, besides Neighbor Discovery, into values and back:
// echo and errors (RFC 4443), dynamic home agent address discovery and mobile prefix discovery (RFC 6275 §6.5-6.8).
//
// The addresses given to Parse and Append are those of the pseudo-header: where a packet carries a Home Address option
// or a type 2 routing header, the home address (RFC 6275 §11.3.1; ip6.Packet.EffectiveSrc and EffectiveDst).
//
// Neighbor Discovery is package nd; multicast listener discovery and node information are not here because no role
// speaks them.
package icmp6
