// Package conform says what every applier of a plane.Table must do with packets: cases as data, operations and
// packets in, packets out, octet for octet. plane.Soft passes it; an applier in a kernel must pass it too, with
// an adapter that feeds packets in and collects what comes out.
//
//	tunnel.go     encapsulation, decapsulation, who may use a tunnel (RFC 2473, RFC 6275)
//	ports.go      what is control, what is overheard, packets without a tunnel
//	hold.go       kept packets: order, bounds, release
//	keep.go       copies of what was sent; policies of buffers
//	straight.go   route optimisation (RFC 6275 §9.3, §11.3)
//	options.go    its headers among others, who may send them, sizes; bad input
//	straighterrors.go  ICMPv6 errors about it
//	ways.go       further ways, bicast
//	dedup.go      duplicates
//	gates.go      gates; full tables
//	meters.go     what is counted for whom; links closed by default
//	flows.go      marks, policers, ways of flows
//	size.go       path MTU, fragments out and in (RFC 8200, RFC 5722)
//	errors.go     ICMPv6 sent and relayed (RFC 4443, RFC 2473 §8)
//	malformed.go  bytes that lie
//	hostile.go    senders that lie: headers cut short, checksums, nested and third-party packets, errors about inner packets
//
// The packets expected are built here by means other than the forwarder's own, and some stand as hexadecimal.
// The suite does not measure speed and does not say how a table is kept.
package conform
