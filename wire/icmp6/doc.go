// Package icmp6 turns the ICMPv6 messages a mobile IPv6 node needs, besides Neighbor Discovery, into values and back:
// echo and errors (RFC 4443), multicast listener discovery (RFC 3810, and version 1, RFC 2710), dynamic home agent address
// discovery and mobile prefix discovery (RFC 6275 §6.5-6.8).
//
// The addresses given to Parse and Append are those of the pseudo-header: where a packet carries a Home Address option
// or a type 2 routing header, the home address (RFC 6275 §11.3.1; ip6.Packet.EffectiveSrc and EffectiveDst).
//
// What a listener message asks of the packet around it (hop limit 1, a link-local source, the Router Alert option) Parse
// cannot see: ask CheckListener.
//
// Neighbor Discovery is package nd; node information is not here because no role speaks it.
package icmp6
