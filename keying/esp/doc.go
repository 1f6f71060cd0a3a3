// Package esp seals and opens ESP packets: RFC 4303 with AES-GCM as RFC 4106 describes it, ICV of 16 octets, key
// of 128 or 256 bits, salt of 4 octets. The layout is drawn in package wire/esp.
//
// Transport and tunnel mode are the same here: nextHeader and payload are an upper-layer protocol and its octets,
// or 41 and a whole IPv6 packet.
//
// Sequence numbers are always extended ones (ESN, RFC 4303 §2.2.1): 64 bits, of which the low 32 travel. The high
// 32 take part in the integrity check between SPI and low part (RFC 4106 §5), so sender and receiver must agree on
// them; the receiver infers them (RFC 4303 appendix A2, package machine/sa). A peer that is set up by hand must have
// ESN switched on. Until 2^32 packets have been sent the difference is four zero octets in the checked data.
//
// The IV is the sequence number. RFC 4106 §3.1 wants it never to repeat under one key, and nothing else: so a key
// belongs to one sender and one direction, and the sender's counter must survive its crashes. Both are kept by
// machine/sa, not here; this package keeps no state.
package esp
