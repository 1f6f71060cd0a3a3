// Package engine is the contract between a protocol and the world that runs it. It knows no protocol.
//
// A role is an Engine: inputs in, effects out, one deadline, no goroutine, no socket, no clock of its own. The
// driver runs engines on a real machine and the simulator runs them on virtual time; neither knows which role it runs.
//
//	       Start Packet Tick LinkUp LinkDown LinkHint Traffic Command
//	       Opened Stream Closed Result Measured Datagram
//	world ────────────────────────────────────────────────────────────▶ Engine.Handle
//	      ◀──────────────────────────────────────────────────────────── Effects, in order
//	           Send Plane Persist Attach Reply Event                     Engine.Deadline
//	           Listen Dial Write Close Query Measure Bind Datagram
//
// Engines see control packets only; user packets stay in the plane (package plane), whose wanted state
// they change with Plane effects. Randomness comes from one Rand an engine is built with.
//
// Streams (stream.go) are reliable connections between engines and peers, with or without TLS: the world ends TCP and TLS, an engine
// sees octets in order. A Query asks what is too large for an engine to hold, such as a table of subscribers (query.go). A
// Measure asks what a meter of the plane has counted (measure.go). Datagrams (datagram.go) are UDP of services: what belongs to the
// network itself, as mobility headers do, comes as a Packet.
//
// An input or effect is added with its first user, in its file here and in codec.go, and nowhere else.
package engine
