// Package driver runs engines on a real machine: one loop that owns them and their plane, the doors packets come by,
// the kernel state they ask for, the journal of what happened, and the control socket.
//
//	link readers (packet sockets) ─┐                   ┌─▶ journal
//	TUN reader ────────────────────┼─▶ loop: plane ────┼─▶ packets out: links, TUN
//	link watch (netlink) ──────────┤   engines, clock  ├─▶ kernel: addresses, routes (netlink)
//	commands, injected links ──────┘                   └─▶ store, replies, events
//
// One goroutine, the loop, owns engines and plane; there are no locks around them. Readers only read, and stop
// when the loop is slow: what does not fit is dropped by the kernel's socket buffer, and counted.
//
// The law of the loop is the engine contract: one input, all its effects in order, the deadline, the next input.
//
// The kernel keeps a node's state only on its TUN device, which vanishes with the process. A killed node leaves no address and no route behind.
//
// It does not build engines, read configuration or know any role.
package driver
