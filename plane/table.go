package plane

import (
	"net/netip"
	"time"
)

// Port is one door of a node's plane. Kernel is the host's own stack (a TUN device on a real machine);
// every other port is an access or home link, numbered from 1 in the order of the node's configuration.
type Port int

// Kernel is the port toward the host's own stack: applications on a mobile node, the kernel's
// forwarding on a router.
const Kernel Port = 0

// HW is a link-layer address (IEEE 802, six octets). The zero HW means "not known" or "not needed".
type HW [6]byte

// Table is the forwarding state wanted of a plane: plain data, applied any number of times. What an
// engine wants is a sequence of Ops; the sum of all Ops so far is a Table, and an applier that lost
// everything can be brought back by applying Diff(empty, table).
type Table struct {
	Links  map[Port]Link         // next hop of each link
	Locals map[netip.Addr]Local  // addresses this node's engines own, not the kernel
	Hosts  map[netip.Addr]Host   // addresses handed to the kernel for applications
	Paths  map[netip.Prefix]Path // per mobile address or prefix (masked): the way its packets go; the longest match wins
}

// Link is how packets leave by a port: the link-layer address of the router on it and the largest
// packet (octets) the link carries. A zero Gateway means there is no router: packets are dropped, "no-gateway".
type Link struct {
	Gateway HW
	MTU     int
}

// Local is an address that an engine of this node answers for: care-of and link-local addresses of a
// mobile node, the home agent's address and its anycast address. Packets to it are given to the engines
// (control) or decapsulated (tunnels); the kernel never sees them. On a node whose kernel routes, the
// applier makes the kernel hand packets for it to the plane ("Capture").
type Local struct {
	Port      Port // link on which its solicited-node group is joined; Kernel for none
	Tentative bool // duplicate address detection still runs: only neighbour discovery is accepted for it
	Capture   bool // the kernel must route packets for this address into the plane
	Proxy     bool // the address is another node's, represented here (proxy ND): the engines see its neighbour discovery only
}

// Host is an address given to the host's own stack on the TUN device: the home address that
// applications use. MTU bounds the packets they may send; Default makes the TUN the default route.
type Host struct {
	MTU     int
	Default bool
}

// Mode says what a Path does with a packet.
type Mode string

// The modes of a path.
const (
	Direct Mode = "direct" // sent as it is (a mobile node at home)
	Tunnel Mode = "tunnel" // IPv6-in-IPv6, RFC 2473
	Hold   Mode = "hold"   // kept, in order, until the path changes; bounded by Limit and Age
)

// Side says which end of a path this node is: the one whose applications own the mobile address
// (packets from it leave by the path) or the agent that represents it (packets to it leave by the path).
type Side string

// The two sides of a path.
const (
	Mobile Side = "mobile"
	Agent  Side = "agent"
)

// Path is where packets of one mobile address or prefix go, both directions: sent packets take it,
// received ones are accepted only if they came by it (outer addresses of a tunnel must match, RFC 6275
// §10.4.5 and §11.3.1).
type Path struct {
	Side   Side
	Mode   Mode
	Local  netip.Addr    // Tunnel: this end's outer address; Hold: set both to go on receiving by that tunnel
	Remote netip.Addr    // Tunnel: the other end's outer address
	Out    Port          // link to leave by; Kernel lets the host's routing decide
	MTU    int           // Tunnel: path MTU between the ends (octets of the outer packet); 0 means 1500
	Limit  int           // Hold: packets kept at most; the newest beyond it are dropped, "hold-full"
	Age    time.Duration // Hold: packets older than this are dropped, not released, "hold-aged"; 0 means no bound
	// Capture makes the kernel hand packets for the mobile address to the plane (home agent).
	Capture bool
}

// Op is one change of a Table. Exactly one of the four targets is set; Delete removes it.
type Op struct {
	Delete bool
	Link   *LinkOp
	Local  *LocalOp
	Host   *HostOp
	Path   *PathOp
}

// LinkOp changes the next hop of a port.
type LinkOp struct {
	Port Port
	Link Link
}

// LocalOp changes an address the engines own.
type LocalOp struct {
	Addr  netip.Addr
	Local Local
}

// HostOp changes an address of the host's own stack.
type HostOp struct {
	Addr netip.Addr
	Host Host
}

// PathOp changes the way of a mobile address.
type PathOp struct {
	Inner netip.Prefix
	Path  Path
}
