package scenario

import (
	"time"

	"roam6/engine"
)

// Recorder is told by a world everything a result is made of. Times count from the start of the run. One Recorder
// serves one run; it is not safe for concurrent use (the lab serialises its calls).
type Recorder interface {
	// Event: an engine of the node told something.
	Event(at time.Duration, node, engine string, ev engine.Event)
	// Did: the world carried out Plan.Actions[i].
	Did(at time.Duration, i int)
	// Sent and Received: packet seq of Plan.Flows[flow] left its sender's application or reached the other's.
	// down is true toward the mobile node.
	Sent(at time.Duration, flow int, down bool, seq uint32)
	Received(at time.Duration, flow int, down bool, seq uint32)
	// Frame: an IPv6 packet began to cross an Air segment; up is true when the mobile node sent it. node is
	// that mobile node; "" for a multicast toward all.
	Frame(at time.Duration, segment, node string, up bool, packet []byte)
	// Dropped: the world or a plane dropped n packets for a reason (fixed words, as in engine.Effects.Drop).
	Dropped(reason string, n int)
}
