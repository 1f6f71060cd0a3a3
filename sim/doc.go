// Package sim runs a scenario.Plan on virtual time: many nodes, one event heap, no wall clock, no operating system.
//
//	Plan ──▶ world ──▶ heap ──▶ arrive ──▶ node ──▶ kernel model ──▶ capture ──▶ plane.Soft ──▶ engines
//	           ▲                              │         │                          │             │
//	           └──── link (delay, loss, rate) ◀─────────┴──────────────────────────┴─────────────┘
//
// What is simulated: segments with their link model (link.go), a small model of the kernel of every node (kernel.go,
// neigh.go), the user-space plane as the real forwarder plane.Soft, the engines themselves, the applications of the
// plan's flows, and the plan's actions. What is not: fragmentation, TCP, a router's neighbour unreachability
// detection (entries are kept until a newer neighbour advertisement replaces them), duplicate address detection of the
// kernels' own addresses, multicast listener discovery: every segment carries every multicast to all, as a link does on
// which no switch snoops.
//
// The law: equal plans give equal calls of the Recorder in equal order. Every draw comes from a source named by
// Plan.Seed and the names of who draws (seed.go), so that adding a node changes no other's draws.
//
// Checkers (package check) watch every input an engine handles and every frame.
package sim
