// Package lab runs a scenario.Plan on the real kernel: a network namespace for every node, TAP devices for its
// interfaces, and between them the project's own link emulator. It needs no root and no program but the one it is in.
//
//	           ┌─ netns mn ─┐   ┌───────── emulator ─────────┐   ┌─ netns ar1 ─┐
//	apps ─ TUN ┤ engines    ├TAP┤ segment: switch, LinkModel ├TAP┤ kernel      ├ …
//	           └────────────┘   └────────────────────────────┘   └─────────────┘
//
// One process holds everything. The namespaces have no names: they live by file descriptors of this process, so
// whatever ends it, kill -9 included, leaves no namespace, interface, address, route or process behind.
//
// What namespaces do not part is shared by the nodes, and with the machine: processors, memory, and the kernel's table of neighbours
// (net.ipv6.neigh.default.gc_thresh3). Who floods one link with addresses fills it for the routers and hosts of all others; nodes
// tell of it as driver.EventNeighbours.
//
// A program calls Supported, then Enter (which runs it again inside fresh user, mount, PID and network namespaces), then
// Run for a whole plan; or New, Start, Move, Follow and Exec for a lab that a person works in, served to other processes by
// Serve and reached by Dial. A program that runs on a terminal is held by this program once more (keeper.go).
package lab
