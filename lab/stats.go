package lab

import "time"

// Stats is how the emulator did.
type Stats struct {
	// How late frames were handed to their receivers, against the times the link models gave them.
	P50, P99, Max time.Duration
	Frames        uint64         // frames taken from senders
	Delivered     uint64         // frames handed to receivers
	Drops         map[string]int // frames and packets dropped, by reason
}

// Status is a lab in a few plain values.
type Status struct {
	Scenario string       `json:"scenario"`
	PID      int          `json:"pid"`
	Uptime   string       `json:"uptime"`
	Segments []string     `json:"segments"` // where an interface can be attached
	Nodes    []NodeStatus `json:"nodes"`
	Stats    Stats        `json:"stats"`
}

// NodeStatus is one node of a lab.
type NodeStatus struct {
	Name   string        `json:"name"`
	State  string        `json:"state"`  // "kernel", "running", "crashed"
	Mobile bool          `json:"mobile"` // not a router: it may be moved
	Ifaces []IfaceStatus `json:"ifaces"`
}

// IfaceStatus is one interface of a node.
type IfaceStatus struct {
	Name    string `json:"name"`
	HW      string `json:"hw"`
	Segment string `json:"segment"` // empty when attached to none
}
