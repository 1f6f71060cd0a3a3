//go:build linux

package lab

import "time"

// Reasons for which the emulator drops frames. The simulator uses the same words.
const (
	dropLoss      = "loss"         // the model's Loss drew it
	dropQueueFull = "queue-full"   // the sender's queue for Rate is full
	dropLinkDown  = "link-down"    // sender or receiver left the segment while the frame was under way
	dropNoStation = "no-station"   // no member has the frame's destination address
	dropRefused   = "tap-refused"  // the receiving kernel did not take it
	dropMalformed = "malformed"    // shorter than an Ethernet header
	dropTape      = "capture-full" // went through, but is missing in captures
)

// nanos is a point in time of a lab: nanoseconds of the monotonic clock since it was made.
type nanos = time.Duration
