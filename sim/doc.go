// Package sim runs a scenario.Plan on virtual time: many nodes, one event heap, no wall clock, no operating system.
//
//	Plan ──▶ world ──▶ heap ──▶ arrive ──▶ node ──▶ kernel model ──▶ capture ──▶ plane.Soft ──▶ engines
//	           ▲                              │         │                          │             │
//	           └──── link (delay, loss, rate) ◀─────────┴──────────────────────────┴─────────────┘
//
// What is simulated: segments with their link model (link.go), a small model of the kernel of every node (kernel.go,
// neigh.go), the user-space plane as the real forwarder plane.Soft, the engines themselves, their connections and queries, the
// applications of the plan's flows, and the plan's actions. What is not: fragmentation, a router's neighbour unreachability
// detection (entries are kept until a newer neighbour advertisement replaces them), duplicate address detection of the
// kernels' own addresses, multicast listener discovery: every segment carries every multicast to all, as a link does on
// which no switch snoops.
//
// The law: equal plans give equal calls of the Recorder in equal order. Every draw comes from a source named by
// Plan.Seed and the names of who draws (seed.go), so that adding a node changes no other's draws.
//
// Connections of engines (Listen, Dial) are TCP segments on the simulated links, by package tcp, from and to addresses of the nodes'
// kernels (of a user-space node: those given to its applications). Limits and times are the driver's, reasons too:
//
//	Dial ─▶ SYN … ─▶ tcp.Conn ─▶ stream_life.go ─▶ Opened Stream Closed      stream.go         when segments leave, timers
//	Listen ─▶ door ─┘    │                                                   stream_open.go    Listen, Dial, SYNs that come
//	                     └─ stream_tls.go, if a profile is named             stream_wire.go    packets, resets, ICMP errors
//
// What an engine writes while it handles an input leaves when all inputs of the moment are handled, together. A crash takes a node's connections and
// listeners without a word, as a cut of its power does: its peers learn by a reset when they say something, or by silence. TLS has the
// records, sizes and times there and back of TLS 1.3 and no cryptography: a node's certificate bears scenario.Node.Identity, its configuration
// has the profiles scenario.Built.Profiles, everyone trusts everyone's authority, and no certificate expires. Not simulated: the rate at
// which a listener accepts, and what package tcp says that it leaves out.
//
// Datagrams of engines (Bind) are UDP packets on the same links, one each (datagram.go): what is larger than an MTU on its way is lost, where
// a real host sends fragments; there is no IPv4, and no peer at a link-local address.
//
// Queries are answered by Config.Tables or, without, from the subscribers that the plan gives a node, after Config.QueryDelay.
//
// Checkers (package check) watch every input an engine handles and every frame.
package sim
