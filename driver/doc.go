// Package driver runs engines on a real machine: one loop that owns them and their plane, the doors packets come by,
// the kernel state they ask for, the journal of what happened, and the control socket.
//
//	links (packet sockets) ─┐                   ┌─▶ journal
//	TUN device ─────────────┼─▶ loop: plane ────┼─▶ packets out: links, TUN
//	link watch (netlink) ───┤   engines, clock  ├─▶ kernel: addresses, routes (netlink)
//	commands, injected links┤                   ├─▶ streams out: one write a turn for each; datagrams
//	streams, datagrams, ────┘                   └─▶ store, replies, events
//	answers of tables
//
//	config.go node.go   what a node is made of, and what may be asked of it
//	loop.go effects.go  the law: one input, all its effects in order, the deadline, the next input
//	host.go             the machine under a node; host_linux.go is this one, memory.go one made of calls
//	link, filter        a link: which packets come up
//	tun, apply, kernel  the Kernel port and what the host's own stack must hold for it
//	gso, through, train merged packets: taken apart, through the plane as they are, gathered (decision 14)
//	wait, write, merge  what of that is Linux
//	muted               links that are the node's alone, IPv6 of the kernel being off there
//	silent              addresses of the engines on shared links, of which the kernel keeps quiet
//	demand.go members   what a table asks of the machine, worked out one Op at a time
//	mld                 tells routers and switches that snoop which groups engines' addresses need (RFC 3810)
//	held, neighbours    what the kernel beside it does that keeps packets away: an address that it holds itself, a full table
//	stream              TCP and TLS of engines: a goroutine that reads and one that writes for each connection (decision 18)
//	datagram            UDP of engines: the loop sends, a goroutine reads for each port (decision 21)
//	query.go            engines' questions to tables, by a few workers
//	fast.go             the fast path in front of the plane, package ebpf
//	gate                gates and meters where the kernel forwards by itself, a package of its own
//	measure.go          what meters have counted, for engines
//	journal.go replay.go control.go client.go caps_linux.go
//
// One goroutine, the loop, owns engines and plane; there are no locks around them. It reads packets itself, and waits for them in
// the kernel: a goroutine between would cost a wake-up a packet. When the loop is slow, what does not fit is dropped by the
// kernel's socket buffer, and counted. What is not packets comes by goroutines that only read.
//
// Every socket is opened by New in the network namespace of the calling thread, or, those of streams and datagrams, later in the same one: Run
// may be called on any thread.
//
// The kernel keeps a node's state only on its TUN device and in the table of its gates, which vanish with the process. A killed
// node leaves no address, no route on a device and no gate behind. What it may leave is IPv6 switched off on links that were the node's alone
// (Userland), and routes that discard what the engines hear by links that the kernel shares (silent): the Store remembers, and the next life
// puts it back.
//
// What arrived by a link before it went down or came up is not handled after: each arrival has the epoch of its link (Turn).
//
// No packet comes twice: what the kernel routes into the TUN (Capture) is not taken from the links as well, and what a
// kernel that shares the links delivers itself is left to it.
//
// What the kernel listens to is the kernel's to report. Of what engines listen to on links it knows nothing: their groups are
// joined on packet sockets, and the loop itself speaks multicast listener discovery for them, on each link, shared or not. It is
// no engine's work: neither the journal nor a replay has it.
//
// It does not build engines, read configuration or know any role.
package driver
