package lab

import (
	"time"

	"roam6/scenario"
)

// Stats is how the emulator did.
type Stats struct {
	// How late frames were handed to their receivers, against the times the link models gave them.
	P50, P99, Max time.Duration
	Frames        uint64         // frames taken from senders
	Delivered     uint64         // frames handed to receivers
	Drops         map[string]int // frames and packets dropped, by reason
	// Stood are the times in which the machine did not let the lab run, from the start of the run, in order: the longest ones, if
	// there are many; none below 20 ms.
	Stood []scenario.Standstill
}

// Calibration is how the emulator did under the load of a demonstration: four streams of 1,000 packets a second each over nine links.
type Calibration struct {
	Stats Stats
	// How long packets took over the whole path beyond the sum of its links' delays: the emulator and ten kernels.
	PathP50, PathP99, PathMax time.Duration
	Sent, Received            int // packets of applications
	Early, Twice              int // of the stream that was followed: came before the links' delays allow; came twice
}

// Status is a lab in a few plain values.
type Status struct {
	Scenario string       `json:"scenario"`
	PID      int          `json:"pid"` // of the process that holds it; asked over the socket, as the asker sees it
	Uptime   string       `json:"uptime"`
	Captures string       `json:"captures,omitempty"` // directory they are written to
	Segments []string     `json:"segments"`
	Cells    []string     `json:"cells"` // those that mobile nodes can be moved to
	Nodes    []NodeStatus `json:"nodes"`
	Stats    Stats        `json:"stats"`
}

// The states of a node.
const (
	StateKernel  = "kernel"  // it runs no engines
	StateRunning = "running" // its engines run
	StateCrashed = "crashed" // they were made to crash
	StateStopped = "stopped" // they were told to stop
)

// NodeStatus is one node of a lab.
type NodeStatus struct {
	Name   string        `json:"name"`
	State  string        `json:"state"`
	Mobile bool          `json:"mobile"` // a mobile node: it may be moved
	Ifaces []IfaceStatus `json:"ifaces"`
}

// IfaceStatus is one interface of a node.
type IfaceStatus struct {
	Name    string `json:"name"`
	HW      string `json:"hw"`
	Segment string `json:"segment"` // empty when attached to none
}

// Downed is what ended with a lab.
type Downed struct {
	Status   Status    `json:"status"`   // as it was last
	Programs []Program `json:"programs"` // what ran in its nodes
}

// Program is a process in a node of a lab.
type Program struct {
	PID     int    `json:"pid"` // in the lab
	Node    string `json:"node"`
	Command string `json:"command"`
}
