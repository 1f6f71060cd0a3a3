package engine

import (
	"net/netip"
	"time"

	"roam6/plane"
)

// Input is something that happened. The set is closed: these types and no others. All are plain
// values that survive JSON, so that a journal of them can be replayed (see Journal in codec.go).
type Input interface{ input() }

// Start is the first input of every engine: the durable records its earlier life persisted.
type Start struct {
	Records []Record `json:"records,omitempty"`
}

// Record is one durable record: what a Persist effect wrote.
type Record struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	Value  []byte `json:"value"`
}

// Packet is a control packet: a whole IPv6 packet as it came from the link (neighbour discovery) or as the
// plane punted it (mobility headers, ESP, ICMPv6 to an address of ours). User traffic never comes here. Data is for reading:
// engines of other roles and nodes may be given the same octets.
type Packet struct {
	Port plane.Port `json:"port"`
	From plane.HW   `json:"from"` // link-layer source; zero on the Kernel port
	Data []byte     `json:"data"`
}

// Tick says that the engine's deadline has come.
type Tick struct{}

// LinkUp says that a link can carry packets: its interface name, its link-layer address, its MTU (octets) and what it is
// attached to, as far as the link layer tells (an SSID, a cell; empty when it does not).
type LinkUp struct {
	Port       plane.Port `json:"port"`
	Name       string     `json:"name"`
	HW         plane.HW   `json:"hw"`
	MTU        int        `json:"mtu"`
	Attachment string     `json:"attachment,omitempty"`
	Cell       plane.HW   `json:"cell,omitzero"` // link-layer identity of the point of attachment (a BSSID); zero when the link layer does not tell
}

// LinkDown says that a link can carry nothing.
type LinkDown struct {
	Port plane.Port `json:"port"`
}

// Traffic is a hint of the plane: user packets of a peer came to a mobile address of this node through its tunnel, or (Straight)
// packets went or came by a plane.Route. It comes at most once in plane.HintInterval for a pair, and may be missing.
//
// With Unreachable it says that packets of a Route do not reach its care-of address, which this is, as an ICMPv6 error told that
// anybody on the way may have forged (plane.Hint).
type Traffic struct {
	Mobile      netip.Addr `json:"mobile"`
	Peer        netip.Addr `json:"peer"`
	Straight    bool       `json:"straight,omitempty"`
	Unreachable netip.Addr `json:"unreachable,omitzero"`
}

// LinkHint says that the link layer expects this port to be at another point of attachment soon. A hint may be wrong, late
// or missing: nothing may depend on it but speed.
type LinkHint struct {
	Port       plane.Port    `json:"port"`
	Attachment string        `json:"attachment,omitempty"` // as LinkUp will name it
	HW         plane.HW      `json:"hw"`                   // link-layer identity of the point of attachment (a BSSID)
	In         time.Duration `json:"in,omitempty"`         // nanoseconds left; 0 if the link layer does not know
}

// Command is an order or a question from an operator, a dashboard or a script. It is answered by exactly one Reply
// with the same ID.
type Command struct {
	ID   uint64            `json:"id"`
	Verb string            `json:"verb"`
	Args map[string]string `json:"args,omitempty"`
}

func (Start) input()    {}
func (Packet) input()   {}
func (Tick) input()     {}
func (LinkUp) input()   {}
func (LinkDown) input() {}
func (LinkHint) input() {}
func (Traffic) input()  {}
func (Command) input()  {}
func (Opened) input()   {}
func (Stream) input()   {}
func (Closed) input()   {}
func (Result) input()   {}
func (Measured) input() {}
