// Package yard is a place to try a node's forwarding at the speed of the kernel: network namespaces joined by veth pairs,
// with routers and tunnels of the kernel's own around the node. Tests and `roam6 bench plane` use it; nothing else does.
//
//	cn ──cn0─ha0── ha ──ha1─mn0── mn      cn  a correspondent node, plain
//	                                      ha  the node under test, or a kernel router in its place
//	                                      mn  a mobile node away from home, done by the kernel (segment routing, RFC 8986)
//
// Unlike the laboratory (package lab) it has no emulator between its nodes, needs root, and leans on kernel modules.
package yard
