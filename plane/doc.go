// Package plane holds what must happen to user packets: the wanted forwarding state as plain values
// (Table, Op, Apply, Diff) and the soft forwarder that carries it out in pure Go. It knows no operating system,
// no protocol state and no clock.
//
// Soft is the forwarder of the simulator and, over TUN and packet sockets, of any machine:
//
//	applications ─ Kernel port ─┐                     ┌─ link ports: access links, home link
//	                            ├─ Soft.Handle(port) ─┤
//	      (or kernel routing) ──┘          │          └─ punt: control packets, to the engines
//
// A packet belongs to the engines (punt) when it is addressed to one of the table's Locals and is neither a tunnelled
// user packet nor one that came straight, when it is neighbour discovery on a link port, when it is a mobility header
// to a path with Control, or when its Home Address option has no binding (it is dropped as well: they answer it).
//
// A user packet passes, in this order: the gate of its source; its path; its flow (mark, policer, way); copies by further
// ways; then it waits where the path holds, or leaves by the way of its flow, straight to its peer, or by the path's
// own way. What holds, holds all: routes and ways are asked when it leaves. At its receiver the headers of route optimisation
// are proved and taken out, copies are dropped, and ICMPv6 errors about what went out are told in the application's terms.
//
// What an applier must do is written down as cases in package conform; Soft is the first that passes them. Documents:
// RFC 2473 (tunnels), RFC 6275 §6.3, §6.4, §9.3 and §11.3 (route optimisation), §10.4 (who may use a tunnel), RFC 5648
// (several care-of addresses), RFC 4443 (errors), RFC 8200 §4.5 and RFC 5722 (fragments), RFC 6040 (congestion marks).
//
// All memory is bounded by named limits (limits.go, hold.go, dedup.go, reassemble.go, mtu.go). An Op beyond them is refused
// as a whole, told in the Sink and counted.
//
// It does not do: IPv4, multicast through tunnels, IPsec. Gates, meters and flows see the packets that a plane is given: on a router
// whose kernel forwards by itself, those are the captured ones. Its world carries gates and meters of such links into that kernel
// (decisions 16 and 19).
package plane
