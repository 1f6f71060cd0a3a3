package driver

import (
	"errors"
	"net/netip"

	"roam6/engine"
	"roam6/plane"
)

// Host is the machine under a node: its doors for packets, its links, and the kernel state that a plane wants beside
// itself. Two exist: the real one (Linux) and Memory. All methods but Close are called on the loop.
type Host interface {
	// Listen starts the readers, reports the state of the watched links, and returns. Called once.
	Listen(Feed)
	// Send puts a whole IPv6 packet out by a port. It does not block: what cannot leave now is lost, and the
	// error is a DropError that says why. It does not keep data.
	Send(port plane.Port, to plane.HW, data []byte) error
	// Apply brings the kernel in step with one change of the plane's table. Applying it again does nothing.
	Apply(op plane.Op) error
	// Link tells what is known of a link; false when there is no such link or it does not exist now.
	Link(port plane.Port) (engine.LinkUp, bool)
	// Turn begins a new epoch of a link, which was told to have come or gone. What arrived until then and was not read is
	// thrown away: it is of the link as it was, perhaps of another cell. It returns the epoch, and how many packets those were.
	Turn(port plane.Port) (epoch uint32, stale int)
	// LinkLocal is a link-local address that the host's own stack has on a port; invalid if it has none there.
	LinkLocal(port plane.Port) netip.Addr
	// Overflow is the number of packets the kernel threw away because nobody read them in time, since the last call.
	Overflow() int
	// Stopped is the number of packets that the kernel did not send on because a gate stops them, since the last call.
	Stopped() int
	// Close stops the readers and removes what Apply made. It may be called twice.
	Close() error
}

// Arrival is one packet that came by a port.
type Arrival struct {
	Port plane.Port
	From plane.HW
	Data []byte // whole IPv6 packet; the receiver owns it
	// Epoch is the link's when the packet was read; see Host.Turn. A port that never turns has 0.
	Epoch uint32
}

// Feed is how a Host's readers reach the loop, from any goroutine. Each call blocks while the loop is
// behind and returns false when the node has ended.
type Feed struct {
	Packets func(batch []Arrival) bool
	Do      func(func()) bool  // runs a function on the loop
	Input   func(engine.Input) // only on the loop: from Listen, or from a function given to Do
	Tell    func(engine.Event) // only on the loop
	Drop    func(reason string, n int)
	Fail    func(error) // ends Run
}

// DropError is the reason why a packet could not be sent: a short, fixed word as in engine.Effects.Drop.
type DropError string

// Error gives the reason.
func (e DropError) Error() string { return string(e) }

// Reasons for which the driver itself drops packets.
const (
	DropNoPort     = DropError("no-such-port")    // no link is configured with that number
	DropLinkDown   = DropError("link-down")       // the interface is down or gone
	DropNoNextHop  = DropError("no-next-hop")     // a unicast packet without a link-layer destination
	DropTooBig     = DropError("tx-too-big")      // larger than the interface carries
	DropQueueFull  = DropError("tx-queue-full")   // the interface's queue has no room
	DropSend       = DropError("tx-failed")       // any other refusal by the kernel
	DropNotIPv6    = DropError("not-ipv6")        // handed to the driver but no IPv6 packet
	DropGSO        = DropError("rx-gso")          // a merged packet that could not be taken apart
	DropRxOverflow = DropError("rx-overflow")     // arrived faster than the loop reads
	DropRxStale    = DropError("rx-stale")        // arrived by a link before it went down or came up
	DropEvents     = DropError("events-overflow") // events a follower did not read in time
)

// ErrNoDevice says that the TUN device could not be made; a node that wants one cannot live without.
var ErrNoDevice = errors.New("no TUN device")
