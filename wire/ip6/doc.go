// Package ip6 is the IPv6 header of RFC 8200 with the extension headers of Mobile IPv6: the Home Address option
// (RFC 6275 §6.3), the type 2 routing header (§6.4), the Tunnel Encapsulation Limit option (RFC 2473 §4.1.1), the
// Router Alert option (RFC 2711) and, to recognise them, fragments; the checksum with the pseudo-header, and the
// addresses that other addresses are made of.
//
// Parse is for packets that engines read: it copies the addresses out and tells, by Problem, which refused packet its
// sender must hear of. Forwarders have a walk of their own that allocates nothing (package plane).
//
// Not here: reassembly (plane), what follows the extension headers (the packages beside this one), AH.
package ip6
