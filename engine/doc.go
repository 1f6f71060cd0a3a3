// Package engine is the contract between a protocol and the world that runs it. It knows no protocol.
//
// A role is an Engine: inputs in, effects out, one deadline, no goroutine, no socket, no clock of its own. The
// driver runs engines on a real machine and the simulator runs them on virtual time; neither knows which role it runs.
//
//	       Start Packet Tick LinkUp LinkDown LinkHint Command
//	world ────────────────────────────────────────────────▶ Engine.Handle
//	      ◀──────────────────────────────────────────────── Effects, in order
//	           Send Plane Persist Attach Reply Event         Engine.Deadline
//
// Engines see control packets only; user packets stay in the plane (package plane), whose wanted state
// they change with Plane effects. Randomness comes from one Rand an engine is built with.
//
// What is not here yet, because nothing uses it: datagrams and streams (they come with the first protocol above UDP
// or TCP), look-ups in a store, hints from the plane. An input or effect is added with its first user,
// in input.go or effect.go and in codec.go, and nowhere else.
package engine
