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
// A packet belongs to the engines (punt) when it is addressed to one of the table's Locals and is not a
// tunnelled user packet, or when it is neighbour discovery on a link port.
//
// What an applier must do is written down as cases in package conform; Soft is the first that passes them. Documents:
// RFC 2473 (tunnels), RFC 6275 §10.4 and §11.3 (who may use them), RFC 4443 (errors), RFC 8200 §4.5 and RFC 5722
// (fragments), RFC 6040 (congestion marks).
//
// It does not do: IPv4, route optimisation, multicast through tunnels, IPsec.
package plane
