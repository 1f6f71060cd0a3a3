package driver

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync/atomic"

	"roam6/engine"
)

// Limits of datagrams. What a node may hold for one Bind in the worst case, if somebody fills it with the largest there are, is MaxHeard ×
// engine.MaxDatagram octets, 8 MiB, and DatagramBuffer in the kernel.
const (
	// MaxBinds is the number of Binds of a node at a time; more fail for engine.ReasonTooMany.
	MaxBinds = 64
	// MaxHeard is the number of datagrams of one Bind that were read and not handled yet. The rest waits in the kernel, as much as
	// DatagramBuffer octets hold with what it keeps beside each, and what does not fit is lost: who floods one port fills that one's places.
	MaxHeard = 128
	// DatagramBuffer is the octets that the kernel is asked to keep for one Bind.
	DatagramBuffer = 1 << 20
)

// keepHeard is the capacity above which a buffer of a datagram is not kept for the next ones.
const keepHeard = 4 << 10

// Reasons for which datagrams are dropped, besides those of packets: DropTooBig, DropQueueFull, DropSend.
const (
	DropDatagrams  = DropError("datagrams-overflow")   // arrived faster than the loop handles
	DropNoWay      = DropError("datagram-no-way")      // no route to the peer, or this host does not have the address that it was to leave from
	DropNotUnicast = DropError("datagram-not-unicast") // arrived for a group or for everybody, or from port 0: nobody could be answered
)

// DatagramStats counts datagrams of engines.
type DatagramStats struct {
	Bound     int    `json:"bound"`      // ports now
	In        uint64 `json:"in"`         // datagrams to engines
	Out       uint64 `json:"out"`        // sent by engines
	InOctets  uint64 `json:"in_octets"`  //
	OutOctets uint64 `json:"out_octets"` //
}

// Socket is a UDP port of a Host. Receive is called on one goroutine, Send on another, Close on any.
type Socket interface {
	// Receive waits for a datagram and puts it into b, which has room for engine.MaxDatagram octets and more. An error ends the port.
	Receive(b []byte) (Heard, error)
	// Send does not block: what cannot leave now is lost, and the error is a DropError that says why. It does not keep data.
	Send(peer netip.AddrPort, local netip.Addr, data []byte) error
	// Close ends Receive.
	Close() error
}

// Heard is what Receive tells of a datagram.
type Heard struct {
	Peer  netip.AddrPort // no IPv4 address in the form of IPv6
	Local netip.Addr
	N     int // octets
	Lost  int // datagrams thrown away before this one, because they were not read in time
}

// bound is one Bind.
type bound struct {
	s    *streams
	slot *slot
	name string
	sock Socket
	over bool        // Closed is told: nothing comes any more; the loop's
	free chan []byte // buffers; empty: all are with the loop

	lost [3]atomic.Int64 // since the loop counted them last, by lostFor
}

// lostFor are the reasons of bound.lost. These are numbers, not arrivals: arrivals that hold no buffer would have no bound.
var lostFor = [...]DropError{DropDatagrams, DropTooBig, DropNotUnicast}

// count takes over what the port has lost.
func (b *bound) count() {
	for i, reason := range lostFor {
		if n := b.lost[i].Swap(0); n > 0 {
			b.s.l.drop(string(reason), int(n))
		}
	}
}

// datagrams carries out an effect about datagrams.
func (s *streams) datagrams(owner *slot, e engine.Effect) {
	switch e := e.(type) {
	case engine.Bind:
		s.bind(owner, e)
	case engine.Datagram:
		if b := s.bounds[owner][e.Name]; b != nil {
			s.throw(b, e)
		}
	}
}

// bind opens a port, or says why not.
func (s *streams) bind(owner *slot, e engine.Bind) {
	what := "bind UDP " + whereTo(e.At)
	reason, words := "", ""
	var sock Socket
	switch {
	case s.named(owner, e.Name):
		reason, words = engine.ReasonNameInUse, what+": engine "+owner.Name+" listens already by the name of "+e.Name
	case s.data.Bound >= MaxBinds:
		reason, words = engine.ReasonTooMany, what+": this node has "+strconv.Itoa(MaxBinds)+" already; the engine asks for too many"
	default:
		var err error
		if sock, err = s.l.n.host.Bind(e.At); err != nil {
			reason = why(err)
			words = what + ": " + err.Error() + hintListen(reason, e.At, "u")
		}
	}
	if reason != "" {
		s.tell(owner, reason, words)
		s.l.queue = append(s.l.queue, queued{owner, engine.Closed{Listener: e.Name, Reason: reason}})
		return
	}
	b := &bound{s: s, slot: owner, name: e.Name, sock: sock, free: make(chan []byte, MaxHeard)}
	for range MaxHeard {
		b.free <- nil
	}
	if s.bounds[owner] == nil {
		s.bounds[owner] = map[string]*bound{}
	}
	s.bounds[owner][e.Name] = b
	s.data.Bound++
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		b.hear()
	}()
}

// named reports whether an engine uses a name already, for a Listen or a Bind: Closed tells of both by it.
func (s *streams) named(owner *slot, name string) bool {
	return s.listeners[owner][name] != nil || s.bounds[owner][name] != nil
}

// whereTo is an address and port as people write it.
func whereTo(at netip.AddrPort) string {
	if !at.Addr().IsValid() {
		return "*:" + strconv.Itoa(int(at.Port()))
	}
	return at.String()
}

// hear hands what comes to the loop, until the port is closed.
func (b *bound) hear() {
	scratch := make([]byte, engine.MaxDatagram+1)
	for {
		var buf []byte
		select {
		case buf = <-b.free:
		case <-b.s.ctx.Done():
			return
		}
		h, err := b.sock.Receive(scratch)
		if err != nil {
			if !errors.Is(err, os.ErrClosed) {
				b.s.inbox.put(arrived{bound: b, in: engine.Closed{Listener: b.name, Reason: why(err)},
					tell: streamEvent(b.slot, why(err), "UDP port of "+b.name+": "+err.Error())})
			}
			return
		}
		b.lost[0].Add(int64(h.Lost))
		if i := h.unfit(); i > 0 {
			b.lost[i].Add(1)
			b.free <- buf
			continue
		}
		b.s.inbox.put(arrived{bound: b, buf: append(buf[:0], scratch[:h.N]...), peer: h.Peer, local: h.Local})
	}
}

// unfit says, by its place in lostFor, why no engine is to see a datagram; 0: it may. Groups are nobody's here: what was sent to all
// would be answered by all.
func (h *Heard) unfit() int {
	switch {
	case h.N > engine.MaxDatagram:
		return 1
	case h.Local.IsMulticast(), h.Local == netip.AddrFrom4([4]byte{255, 255, 255, 255}), h.Peer.Port() == 0:
		return 2
	}
	return 0
}

// heard gives an engine what has come by a Bind.
func (s *streams) heard(a *arrived) {
	b := a.bound
	b.count()
	if in, ok := a.in.(engine.Closed); ok {
		if !b.over {
			s.unbind(b)
			s.l.handle(b.slot, in)
		}
		return
	}
	if !b.over {
		s.data.In++
		s.data.InOctets += uint64(len(a.buf))
		s.l.handle(b.slot, engine.Datagram{Name: b.name, Peer: a.peer, Local: a.local, Data: slices.Clip(a.buf)})
	}
	if cap(a.buf) > keepHeard {
		a.buf = nil
	}
	b.free <- a.buf
}

// throw sends a datagram, or counts why not.
func (s *streams) throw(b *bound, d engine.Datagram) {
	err := error(DropTooBig)
	if len(d.Data) <= engine.MaxDatagram {
		err = b.sock.Send(d.Peer, d.Local, d.Data)
	}
	if err == nil {
		s.data.Out++
		s.data.OutOctets += uint64(len(d.Data))
		return
	}
	var reason DropError
	if !errors.As(err, &reason) {
		reason = DropSend
	}
	s.l.drop(string(reason), 1)
}

// unbind closes a port, and frees its name.
func (s *streams) unbind(b *bound) {
	b.over = true
	_ = b.sock.Close()
	delete(s.bounds[b.slot], b.name)
	s.data.Bound--
}
