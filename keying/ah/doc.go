// Package ah makes and checks the integrity check value of the Authentication Header: RFC 4302 over IPv6, transport mode, with
// HMAC-SHA-256-128 (RFC 4868). The layout is drawn in package wire/ah.
//
// The header stands behind hop-by-hop options, routing header and the destination options in front of the upper layer, and its ICV covers the
// packet as the receiver will have it (§3.3.3.1.2, appendix A2): traffic class, flow label and hop limit count as zero, and so does the
// data of options that may change on the way. Addresses count as they are at the end: with a type 2 routing header the
// destination is the home address, with a home address option the source is (RFC 6275 §11.3.2 and §6.4), as the kernel does it. Other routing headers count as they are, if they have no
// segments left. Fragments are refused: reassembly comes first (§3.4.1).
//
// Sequence numbers have 32 bits, or 64 of which the high half is not sent but covered (§2.5.1); both ends must agree which. Nothing here
// counts them: the sender's counter must survive its crashes, and the window (package replay) its receiver's, as with ESP (machine/sa).
package ah
