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
//
// Most of it is absent on most nodes: what stands below Paths says something more about few of them (decision 7).
type Table struct {
	Links  map[Port]Link         // next hop of each link
	Locals map[netip.Addr]Local  // addresses this node's engines own, not the kernel
	Hosts  map[netip.Addr]Host   // addresses handed to the kernel for applications
	Paths  map[netip.Prefix]Path // per mobile address or prefix (masked): the way its packets go; the longest match wins

	Ways   map[WayKey]Way     // further ways of a path
	Routes map[Pair]Route     // mobile addresses and peers that talk straight
	Gates  map[GateKey]Gate   // sources whose packets are not sent on
	Meters map[MeterKey]Meter // addresses whose packets are counted
	Flows  map[uint32]Flow    // marks, policers and ways of flows; the lowest number that matches wins
}

// Link is how packets leave by a port: the link-layer address of the router on it and the largest
// packet (octets) the link carries. A zero Gateway means there is no router: packets are dropped, "no-gateway".
type Link struct {
	Gateway HW
	MTU     int
}

// Local is an address that an engine of this node answers for: care-of and link-local addresses of a
// mobile node, the home agent's address and its anycast address. Packets to it are given to the engines
// (control) or decapsulated (tunnels); the kernel never acts on them. On a node whose kernel routes, the
// applier makes the kernel hand packets for it to the plane ("Capture"), or has it discard its copies of what the link brings.
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
// (packets from it leave by the path) or the agent that represents it (packets to it leave by the path). The end of a
// Route that does not own the mobile address is its peer.
type Side string

// The two sides of a path, and the far end of a Route.
const (
	Mobile Side = "mobile"
	Agent  Side = "agent"
	Peer   Side = "peer"
)

// DropPolicy says which packet a full buffer gives up.
type DropPolicy string

// The policies of a buffer. The zero DropPolicy is Newest.
const (
	Newest DropPolicy = "newest" // the packet that finds it full
	Oldest DropPolicy = "oldest" // the one that has waited longest
)

// Path is where packets of one mobile address or prefix go, both directions: sent packets take it,
// received ones are accepted only if they came by it (outer addresses of a tunnel must match, RFC 6275
// §10.4.5 and §11.3.1) or by one of its Ways.
//
// A router that delivers to a node on its own link has a Direct path of the Agent side with To; a host whose applications
// are correspondents of mobile nodes has a Direct path of the Mobile side for its own address, with Control.
type Path struct {
	Side   Side
	Mode   Mode
	Local  netip.Addr    // Tunnel: this end's outer address; Hold: set both to go on receiving by that tunnel
	Remote netip.Addr    // Tunnel: the other end's outer address
	Out    Port          // link to leave by; Kernel lets the host's routing decide
	MTU    int           // Tunnel: path MTU between the ends (octets of the outer packet); 0 means 1500
	Limit  int           // Hold, Keep: packets kept at most; beyond it Policy decides which is dropped, "hold-full"
	Age    time.Duration // Hold, Keep: packets older than this are dropped, not released, "hold-aged"; 0 means no bound
	// Capture makes the kernel hand packets for the mobile address to the plane (home agent).
	Capture bool

	Octets int        `json:",omitzero"` // Hold, Keep: octets kept at most; 0 means no bound but MaxHeldOctets
	Policy DropPolicy `json:",omitzero"` // Hold: what a full buffer gives up
	// Keep keeps copies of what Direct and Tunnel send, up to Limit, Octets and Age. When the way changes (Mode, Local,
	// Remote, Out or To) the copies leave by the new way first, in order. What is pushed out meanwhile was sent, so it is no drop.
	Keep bool `json:",omitzero"`
	// To is the link-layer address that Direct sends to; zero is the link's gateway.
	To HW `json:",omitzero"`
	// Dedup is how long a received packet is remembered, to drop the copies that come by other ways, "duplicate"; 0: not.
	Dedup time.Duration `json:",omitzero"`
	// Control gives the mobility headers sent to the mobile address to the engines; else they pass as any packet.
	Control bool `json:",omitzero"`
	// Hints tells the engines of peers whose packets come through the tunnel (Hint).
	Hints bool `json:",omitzero"`
	// Mark ends a tunnel with an end marker, as its last packet, when the path takes up another way or is deleted (decision 9). One that
	// begins to hold ends it when it takes up another way, or never if it holds without Mark. A path that goes on without Mark ends
	// what it sent so far. So does a Way of the path that carries copies no longer.
	Mark bool `json:",omitzero"`
	// Settle keeps received packets in order when the way changes: what comes by the present way waits while a way before it,
	// which is one of the Ways now, may still bring older packets. Its end marker ends that, the Way's Until, or Settle since the
	// first packet waits. A full buffer (Limit, Octets) ends it too: nothing is dropped. 0: nothing waits.
	Settle time.Duration `json:",omitzero"`
}

// Op is one change of a Table. Exactly one of the targets is set; Delete removes it.
type Op struct {
	Delete bool
	Link   *LinkOp
	Local  *LocalOp
	Host   *HostOp
	Path   *PathOp
	Way    *WayOp   `json:",omitempty"`
	Route  *RouteOp `json:",omitempty"`
	Gate   *GateOp  `json:",omitempty"`
	Meter  *MeterOp `json:",omitempty"`
	Flow   *FlowOp  `json:",omitempty"`
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
