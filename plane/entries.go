package plane

import (
	"net/netip"
	"time"
)

// WayKey names a further way of a path: the path's prefix (masked) and a number from 1. RFC 5648 calls it the binding
// identification number.
type WayKey struct {
	Inner netip.Prefix
	ID    uint16
}

// Way is a further way of a path. Packets are accepted by it as by the path's own while it stands: several care-of
// addresses, or the one before. Packets leave by it if a Flow says so, or as copies.
type Way struct {
	Local, Remote netip.Addr // the tunnel's outer addresses; both invalid: straight to To, as a Direct path does
	Out           Port
	To            HW            `json:",omitzero"`
	MTU           int           `json:",omitzero"`
	Copy          bool          `json:",omitzero"` // until Until, a copy of each packet that the path is given leaves by it (bicast)
	Until         time.Duration `json:",omitzero"` // on the plane's clock; so that no bicast outlives an engine
	// Unsure says that nobody knows whether packets come by it. A path with Settle waits for it only after a packet that came
	// while the path listened (since the way ended, or since an end marker), and for as long as Silence after the last one.
	Unsure bool `json:",omitzero"`
}

// Pair is a mobile address and the address it talks to.
type Pair struct{ Mobile, Peer netip.Addr }

// Route says that a mobile address and a peer talk straight: the mobile's side sends from its care-of address with a
// Home Address option (RFC 6275 §11.3.1), the peer's side to the care-of address with a type 2 routing header (§9.3.2).
// A node may be both at once, for two pairs: then its packets carry both.
type Route struct {
	Side   Side // Mobile or Peer: which end this node is
	CareOf netip.Addr
	Out    Port // link to leave by; where the Peer has a Path, the path decides. Kernel: the host's routing does
	MTU    int  `json:",omitzero"` // path MTU in octets; 0 means 1500
	// Capture makes the kernel hand packets for the mobile address to the plane: for a host whose kernel owns the peer's
	// address, and which forwards nothing for others. Out must be a link then.
	Capture bool `json:",omitzero"`
}

// GateKey names a gate: a source address or prefix (masked), and the port its packets come in by.
type GateKey struct {
	From netip.Prefix
	Port Port
}

// Gate stops what comes in by a port from a source: it is not sent on, "gate-closed". Neighbour discovery and packets
// to the engines pass, so that the source can authenticate. The longest prefix wins: an Open gate is an exception in a closed prefix.
type Gate struct {
	Open bool
}

// MeterKey names a meter: an address on a link, and the port it is reached by.
type MeterKey struct {
	Addr netip.Addr
	Port Port
}

// Meter counts the packets that an address sends and receives by a port: up, what came from it by that port and was sent on; down, what
// left to it by that port. What is dropped on the way is not counted, nor control: what is for the engines, what they send, neighbour
// discovery, errors made here. Addresses and octets are those of the packet on the link, with tunnel headers, whole: fragments that
// are put together here are one packet up. A meter counts from when it is set until it is deleted; setting it again changes nothing.
type Meter struct{}

// Flow says what happens to packets that match, as they enter a path or leave a tunnel for the kernel: at the node
// that sends them on, not at the one whose applications receive them. Addresses are those of the applications.
//
// Fragments but the first carry no ports, so they match only flows without ports. A packet that several flows match
// is treated by the one with the lowest number alone.
type Flow struct {
	Src, Dst         netip.Prefix // the zero Prefix matches all
	Proto            uint8        // upper layer; 0 matches all
	SrcPort, DstPort uint16       // of TCP, UDP, DCCP and SCTP; 0 matches all

	Mark  bool   // write DSCP into the packet
	DSCP  uint8  // 0..63
	Rate  int    // octets a second, whole packets with their IPv6 header; beyond it they are dropped, "policed"; 0: no bound
	Burst int    // octets that may pass at once, 0 for DefaultBurst; a packet larger than it never passes
	Way   uint16 // the Way of the packet's path to take, if the path has it; 0: as the path says
}

// WayOp changes a further way of a path.
type WayOp struct {
	Key WayKey
	Way Way
}

// RouteOp changes whether and how a mobile address and a peer talk straight.
type RouteOp struct {
	Pair  Pair
	Route Route
}

// GateOp closes or opens a source.
type GateOp struct {
	Key  GateKey
	Gate Gate
}

// MeterOp begins or ends counting.
type MeterOp struct {
	Key   MeterKey
	Meter Meter
}

// FlowOp changes what happens to matching packets.
type FlowOp struct {
	Number uint32
	Flow   Flow
}
