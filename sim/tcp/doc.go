// Package tcp is the TCP (RFC 9293) of the simulator's kernels: one end of a connection as a value, driven in virtual time.
//
//	Receive(now, segment) ─▶ facts, octets (Read)      Write, Finish, Abort: what the owner wants
//	Timer(now)            ─▶ facts                     Poll(now): all segments that are due, after any of these
//
// What it does: handshake, retransmission by RFC 6298 between the shortest and longest timeouts of Linux, slow start and congestion avoidance (RFC 5681), fast
// recovery (RFC 6582), segments as large as both ends' MSS options and Packet Too Big allow, reassembly, keepalive, a bound on
// how long octets may stay without an answer (RFC 5482), answers to resets and SYNs out of place (RFC 5961), TIME-WAIT.
//
// What it does not: selective acknowledgement, timestamps, delayed acknowledgement (an acknowledgement goes with what the owner writes at
// the same moment, else alone), a window that closes (its owner reads at once, so Window is always free), urgent data, simultaneous opening.
//
// A Conn knows no addresses and ports beyond those that it copies into segments; its owner finds the Conn for a segment.
package tcp
