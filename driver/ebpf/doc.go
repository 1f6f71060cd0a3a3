// Package ebpf is the fast path of a node: tc programs that encapsulate and decapsulate in the kernel what the plane would,
// without the two passes through user space. It stands in front of plane.Soft and replaces nothing.
//
//	link ─▶ [ link ] ─fast─▶ other link (agent), or up into the host by the TUN (mobile node)
//	           │ left
//	           ▼
//	     kernel routes, TUN ─▶ [ tun ] ─▶ plane.Soft ─▶ as without this package
//	                              └─fast─▶ link (what a mobile node's applications send)
//
// A program takes a packet only if it understands all of it and of its path. What it leaves, with a reason that is
// counted, the kernel routes into the TUN as ever: holding, fragments, extension headers, signalling, errors, packets too
// big, hop limits at their end, congestion marks, paths that ask for more than tunnels. So nothing depends on it.
//
// On the wire a packet is the same whichever way it took: where the kernel would have forwarded it into the TUN and out again,
// hop limits are lowered here as often.
//
// # Order
//
// A packet must not overtake those of its path that were left to the plane before it and still wait in the TUN or in Soft.
// The tun program counts what it leaves, by path and direction; Finished counts what Soft has done with, in memory that both
// share. The programs are fast only while the two are equal. What the kernel dropped on its way into the TUN would keep them
// apart: Sweep makes them equal when nothing has moved for QuietAfter, and lets a path that has had
// no such moment for long go ahead all the same (ForceAfter, ForceBacklog), because then the plane is slower than what comes, and
// would lose packets.
//
// A path with Settle takes received packets only while the plane says that none may have to wait for others: an Op that changes its way
// and an end marker close it, and it opens when Soft has let everything go.
//
//	fast.c packet.h maps.h   the programs; fast_bpfel.o, fast_bpfeb.o and their Go are generated from them
//	open.go attach.go        loading, attaching, interfaces that come later, what a machine lacks
//	table.go                 what of a plane.Table decides
//	judge.go                 which paths are fast, and why others are not
//	change.go                one Op of the table, before and after Soft carries it out
//	counts.go                order
//	report.go                what was fast, what was left and why
//
// Where a packet goes the kernel is asked once a tick of its clock for each source, destination and flow label (map hops).
//
// The programs are attached by TCX links (Linux 6.6), which the kernel takes away with the process, however it ends.
// Netfilter's forward chain does not see what is fast (decision 8).
//
// It does not do: route optimisation, copies, Direct paths, tunnels in tunnels, flows, gates. What may concern a path of these is left
// to Soft; other paths stay fast.
package ebpf
