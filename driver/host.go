package driver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"roam6/driver/ebpf"
	"roam6/engine"
	"roam6/plane"
)

// Host is the machine under a node: its doors for packets, its links, and the kernel state that a plane wants beside
// itself. Two exist: the real one (Linux) and Memory. All methods but Close are called on the loop.
type Host interface {
	// Listen begins to listen, reports the state of the watched links, and returns. Called once.
	Listen(Feed)
	// Read hands over packets that have arrived, some of each port; false if there were none. They are there during the call only.
	Read(take func(*Arrival)) bool
	// Wait returns when packets may have arrived, when it is woken, or when the time is over.
	Wait(time.Duration)
	// Wake ends Wait, or the next one. It may be called from any goroutine, and after Close.
	Wake()
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
	// Fast is the fast path in front of the plane, nil for none; none says why, if one was asked for.
	Fast() (fast *ebpf.Fast, none string)
	// Stopped is the number of packets that the kernel did not send on because a gate stops them, since the last call.
	Stopped() int
	// Measure adds to each count what the kernel itself has forwarded in by its port from its address, and out by it to the address, since
	// there is such a meter. With an error it has added what it knows without asking.
	Measure([]plane.MeterCount) error
	// ListenStream opens a TCP port, and DialStream connects from an address or, if that is invalid, from the one that the machine
	// chooses. Both are called from any goroutine.
	ListenStream(at netip.AddrPort) (net.Listener, error)
	DialStream(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error)
	// Bind opens a UDP port, at all addresses if At has none (engine.Bind).
	Bind(at netip.AddrPort) (Socket, error)
	// Close stops the readers and removes what Apply made. It may be called twice.
	Close() error
}

// Arrival is one packet that came by a port.
type Arrival struct {
	Port plane.Port
	From plane.HW
	Data []byte // whole IPv6 packet; the receiver may change it, and use its capacity, while it has it
	// Epoch is the link's when the packet was read; see Host.Turn. A port that never turns has 0.
	Epoch uint32
	// frame is Data as a kernel handed it over: perhaps without its checksum yet, perhaps several packets. nil: as it was on the wire.
	frame *frame
}

// Feed is how a Host reaches the loop.
type Feed struct {
	Do    func(func()) bool          // runs a function on the loop, later; blocks while the loop is behind, false when the node has ended
	Input func(engine.Input)         // only on the loop: from Listen, or from a function given to Do
	Tell  func(engine.Event)         // only on the loop
	Drop  func(reason string, n int) // only on the loop
	Fail  func(error)                // ends Run
	Ended <-chan struct{}            // closed when the node has ended
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
