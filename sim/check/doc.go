// Package check holds the checkers of simulated runs: what must never happen, whatever is lost, doubled, replayed or
// crashed on the way. Each is a sim.Checker of its own; All makes one of each.
//
//	OneOwner    at most one home agent represents a home address, and at most one binding names it
//	NoStale     no user packet is tunnelled to a care-of address whose binding has expired
//	NoReplay    a protected packet changes a node's state at most once
//	NoDiversion no correspondent sends straight to an address that the mobile node never had
//	InOrder     octets on a connection arrive once, in their order
//	NoKeys      no octets of a key cross a segment
//	Reachable   once the faults are over, packets arrive again within a bound, and go on doing so
//
// Checkers know no role. What they need of a View they read from its JSON (see Bindings): a list "bindings" whose
// entries have "home_address", "coa" and "expires_mono", the engine's monotonic time in nanoseconds.
package check
