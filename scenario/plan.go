package scenario

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/plane"
)

// Plan is a scenario worked out for one run: every segment, node, route, action and flow, with nothing left to
// decide. Both worlds run a Plan and nothing else; equal plans mean equal worlds.
type Plan struct {
	Scenario string
	Strategy string
	Seed     uint64
	Length   time.Duration // virtual or real time from the first to the last moment of the run
	Segments []Segment
	Nodes    []Node
	Actions  []Action // ordered by At
	Flows    []Flow
}

// Segment is one layer 2 medium: a wire between two nodes, a radio cell, a home link. Frames go to the member whose
// address they carry; multicast frames go to all others.
type Segment struct {
	Name string
	Air  bool // a radio cell: what crosses it is counted as sent over the air
	// HW is the link-layer identity of the cell's point of attachment (a BSSID), for hints; zero for wires.
	HW   plane.HW
	Link LinkModel
}

// LinkModel says what happens to a frame between leaving one member of a segment and reaching another.
type LinkModel struct {
	Delay     time.Duration // one way
	Jitter    time.Duration // added, uniform in 0..Jitter; later frames do not overtake unless Reorder draws so
	Loss      float64       // probability 0..1 that a frame is lost
	Duplicate float64       // probability that a frame arrives twice
	Reorder   float64       // probability that a frame is held back by ReorderBy
	ReorderBy time.Duration // how long a reordered frame is held back
	Rate      int64         // bits per second each member may send; 0 is unlimited
	Queue     int           // frames waiting for Rate at most; 0 is 1000; beyond it the newest are dropped
}

// Node is one host or router.
type Node struct {
	Name string
	// Userland: the kernel of this node holds no address on its interfaces but those with Kernel; the engines own them and the
	// applications use the TUN device (mobile nodes). Otherwise the kernel is a plain host or router.
	Userland bool
	Forward  bool          // the kernel forwards between its interfaces
	Skew     time.Duration // wall clock minus true time (simulator only; the lab has one clock)
	Ifaces   []Iface
	Routes   []Route
	// Neighbors are link-layer addresses the kernel knows from the start: those of the other kernel nodes on its wires. A
	// core that carries traffic knows them, and a handover must not be charged with resolving them first.
	Neighbors []Neighbor
	// Identity is the name that the node's TLS certificate bears; "": none.
	Identity string
	// Subscribers are those of the node's database, in the JSON lines of roam6 subscriber import; nil: it has no database.
	Subscribers []byte
	// Principals are the services of Kerberos in it, in the JSON lines of docs/kerberos.md; its subscribers are principals too.
	Principals []byte
	Config     []byte // the node's roam6 configuration (YAML, as `roam6 node run -c` takes it); nil: a plain kernel node
	// Measured marks a mobile node whose handovers are measured with traffic; the others only by their events.
	Measured bool
}

// Iface is one interface. Engines see the interfaces with Port > 0, by that number.
type Iface struct {
	Name    string
	Port    plane.Port // number the engines know it by; 0: theirs not to use
	HW      plane.HW
	Segment string         // attached to at the start; "" for none
	Addrs   []netip.Prefix // given to the kernel
	MTU     int            // 0 is 1500
	// Kernel makes it the kernel's own on a Userland node too: a mobile router's link inside.
	Kernel bool
}

// Owned says whether the kernel of a node holds the addresses of one of its interfaces.
func (n *Node) Owned(f *Iface) bool { return !n.Userland || f.Kernel }

// Route is a static route of the kernel.
type Route struct {
	Dst   netip.Prefix
	Via   netip.Addr // invalid: on link
	Iface string
}

// Neighbor is a link-layer address that a kernel knows and never forgets.
type Neighbor struct {
	Iface string
	Addr  netip.Addr
	HW    plane.HW
}

// Verb says what an Action does.
type Verb string

// The verbs of actions.
const (
	Detach  Verb = "detach"  // Node's Iface leaves its segment; link down
	Attach  Verb = "attach"  // Node's Iface joins Segment; link up
	Hint    Verb = "hint"    // Node's engines are told that Iface will be at Segment in Notice
	Crash   Verb = "crash"   // Node's engines vanish with all they had not persisted
	Restart Verb = "restart" // Node's engines start again from what they persisted
	Degrade Verb = "degrade" // Segment's link model becomes Link
	Command Verb = "command" // Node's engines get the Command
	Mark    Verb = "mark"    // nothing happens; Note is written into the progress
)

// Action is one thing done to the world at a moment of the run.
type Action struct {
	At      time.Duration
	Verb    Verb
	Node    string
	Iface   string
	Segment string
	Link    LinkModel
	Command engine.Command
	Note    string
	Notice  time.Duration
	// Handover is the number (from 0) of the handover this action begins or completes; -1 for none. A Detach
	// begins one; the Attach with the same number gives its new segment. A Hint has the number of the handover it announces: when
	// the node's engine then says Attach for that segment, the world does the Detach at once and the Attach as much earlier.
	Handover int
}

// Flow is a stream of UDP packets from Node A to Node B and, when Both is set, back. "Down" is toward the mobile node.
type Flow struct {
	Name         string
	Mobile, Peer string     // node names; the mobile end and the other
	Behind       string     // the mobile router that the mobile end lives behind and whose handovers it feels; "": Mobile's own
	MobileAddr   netip.Addr // addresses the packets carry
	PeerAddr     netip.Addr
	Port         uint16 // UDP port at both ends
	Interval     time.Duration
	Size         int // octets of UDP payload
	Start, Stop  time.Duration
	Voice        bool // RTP-like; rated by the E-model
	// Probe marks the flow that handovers are measured on; one per measured mobile node.
	Probe bool
}

// Built is what a node's configuration becomes: engines that share the node's ports and plane, in the order
// in which they are offered each input.
type Built struct {
	Engines []NamedEngine
	// Refuse are prefixes that the node's plane refuses as long as it has no path for them: the kernel has a route into the plane for
	// each, behind any other of that length.
	Refuse []netip.Prefix
	// Profiles are the names of the TLS profiles that the node's configuration has (engine.Listen, engine.Dial).
	Profiles []string
}

// NamedEngine is an engine and the name of its role, unique on its node ("mn", "ha").
type NamedEngine struct {
	Name   string
	Engine engine.Engine
}

// Build turns a node's configuration into engines, drawing all their randomness from the seed. Worlds call it at the
// start and again after a Restart. It is how they run roles without knowing any.
type Build func(node Node, seed [32]byte) (Built, error)
