package driver

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"roam6/engine"
)

// Limits of streams. What a node may hold for them in the worst case is MaxAccepted × (engine.MaxUnsent + MaxUnread) octets a listener.
const (
	// MaxAccepted is the number of connections that one listener has at a time; more are reset, and counted as DropStreams.
	MaxAccepted = 1024
	// MaxHandshakes is the number of TLS handshakes of one listener at a time; more are reset, and counted as DropHandshakes.
	MaxHandshakes = 256
	// MaxAcceptedFrom and MaxHandshakesFrom are how many of these one /64, or one address of IPv4, has: nobody who only connects keeps all others
	// out.
	MaxAcceptedFrom, MaxHandshakesFrom = 512, 64
	// AcceptRate is the number of connections a second that one listener takes, AcceptBurst at once; more wait in the kernel.
	AcceptRate, AcceptBurst = 5000, 1000
	// MaxDials is the number of Dials of a node under way at a time; more fail for engine.ReasonTooMany.
	MaxDials = 128
	// DialTimeout bounds the making of a connection by TCP, HandshakeTimeout that by TLS on top of it.
	DialTimeout, HandshakeTimeout = 10 * time.Second, 5 * time.Second
	// DrainTime bounds how long what was written before a Close may take to leave, and the peer to answer the end; EndDrain the
	// same where the node ends.
	DrainTime, EndDrain = 5 * time.Second, time.Second
	// HearTime bounds how long the last words of a peer are waited for when nothing can be written to it any more.
	HearTime = time.Second
	// MaxUnread is the number of octets of one connection that were read and not handled yet; the rest stays in the kernel, which
	// stops the peer.
	MaxUnread = 2 * mostRead
)

// A read takes up to leastRead octets where little comes, up to mostRead where much does.
const leastRead, mostRead = 4 << 10, 64 << 10

// turnArrivals is the number of arrivals of streams handled between two looks at packets and deadlines.
const turnArrivals = 32

// Reasons for which streams are dropped.
const (
	DropStreams    = DropError("streams-full")        // a listener has MaxAccepted connections
	DropHandshakes = DropError("tls-handshakes-full") // a listener has MaxHandshakes under way
)

// EventStream tells why a Listen, a Dial, a connection or a query failed: the reason is the engine's word, attrs are engine, says (the same for
// people, with what to do), and with, the address of the other end, for a connection.
const EventStream = "driver.stream"

// StreamStats counts what streams there are and were.
type StreamStats struct {
	Open     int    `json:"open"`     // connections now
	Opened   uint64 `json:"opened"`   // since the start
	In       uint64 `json:"in"`       // octets to engines
	Out      uint64 `json:"out"`      // octets from engines
	Queries  uint64 `json:"queries"`  // since the start
	Busiest  int    `json:"busiest"`  // most connections at a time
	Unwanted uint64 `json:"unwanted"` // connections reset by a limit
}

// streamKey names a connection on a node.
type streamKey struct {
	slot *slot
	conn engine.Conn
}

// arrived is something that goroutines of streams, ports and queries tell the loop. With a stream: it opened, buf came, or it is over; with
// a port: buf came, or it is over.
type arrived struct {
	st    *stream
	bound *bound
	buf   []byte
	peer  netip.AddrPort // of bound, with buf
	local netip.Addr
	slot  *slot
	in    engine.Input  // instead of buf
	tell  *engine.Event // before in
	drop  DropError     // alone
}

// streams is what a node has of connections, UDP ports and queries. The loop owns it but for inbox, all and the counters.
type streams struct {
	l         *loop
	open      map[streamKey]*stream
	listeners map[*slot]map[string]*door
	bounds    map[*slot]map[string]*bound
	accepted  map[*slot]engine.Conn // last even number given
	dirty     []*stream             // written to since the last flush
	taken     []arrived
	at        int // of taken
	stats     StreamStats
	data      DatagramStats
	asks      *asks // nil: no query yet

	inbox  inbox
	dials  atomic.Int32
	wg     sync.WaitGroup
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	all   map[*stream]struct{} // that have a goroutine
	ended bool
}

// inbox is the way from those goroutines to the loop: what one of them puts stays in its order.
type inbox struct {
	mu   sync.Mutex
	list []arrived
	wake func()
}

func (b *inbox) put(a arrived) {
	b.mu.Lock()
	first := len(b.list) == 0
	b.list = append(b.list, a)
	b.mu.Unlock()
	if first {
		b.wake()
	}
}

// swap gives what has come, and takes an empty list in place of it.
func (b *inbox) swap(empty []arrived) []arrived {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.list
	b.list = empty
	return list
}

func (s *streams) init(l *loop) {
	s.l = l
	s.open = map[streamKey]*stream{}
	s.listeners = map[*slot]map[string]*door{}
	s.bounds = map[*slot]map[string]*bound{}
	s.accepted = map[*slot]engine.Conn{}
	s.all = map[*stream]struct{}{}
	s.inbox.wake = func() { l.n.host.Wake() }
	s.ctx, s.cancel = context.WithCancel(context.Background())
}

// carryOut does an effect about streams.
func (s *streams) carryOut(owner *slot, e engine.Effect) {
	switch e := e.(type) {
	case engine.Listen:
		s.listen(owner, e)
	case engine.Dial:
		s.dial(owner, e)
	case engine.Write:
		if st := s.open[streamKey{owner, e.Conn}]; st != nil {
			s.write(st, e.Data)
		}
	case engine.Close:
		if st := s.open[streamKey{owner, e.Conn}]; st != nil && st.state != closing {
			s.flushOne(st)
			st.state = closing
			st.finish(DrainTime)
		}
	}
}

// write queues octets until the end of the turn.
func (s *streams) write(st *stream, data []byte) {
	switch {
	case st.state != opened:
		return
	case len(st.pending)+int(st.unsent.Load())+len(data) > engine.MaxUnsent:
		st.state = closing
		st.abort(engine.ReasonPeerDoesNotRead)
		return
	case len(st.pending) == 0:
		s.dirty = append(s.dirty, st)
	}
	st.pending = append(st.pending, data...)
	s.stats.Out += uint64(len(data))
}

// flush hands over what was written in this turn, so that each connection has one write of it.
func (s *streams) flush() {
	for _, st := range s.dirty {
		s.flushOne(st)
	}
	clear(s.dirty)
	s.dirty = s.dirty[:0]
}

func (s *streams) flushOne(st *stream) {
	if len(st.pending) > 0 {
		st.pending = st.hand(st.pending)
	}
}

// read gives engines what has arrived; true says that more is left.
func (s *streams) read() bool {
	for range turnArrivals {
		if s.at == len(s.taken) {
			clear(s.taken)
			s.taken, s.at = s.inbox.swap(s.taken[:0]), 0
			if len(s.taken) == 0 {
				return false
			}
		}
		a := &s.taken[s.at]
		s.at++
		if s.take(a); s.l.fatal != nil {
			return false
		}
	}
	return s.at < len(s.taken)
}

func (s *streams) take(a *arrived) {
	if a.tell != nil {
		s.l.event(s.l.now().Mono, ownName, *a.tell)
	}
	switch {
	case a.drop != "":
		s.stats.Unwanted++
		s.l.drop(string(a.drop), 1)
	case a.bound != nil:
		s.heard(a)
	case a.st == nil && a.in == nil:
		// it was only to be told
	case a.st == nil:
		s.l.handle(a.slot, a.in)
	case a.in == nil:
		if a.st.state == opened {
			s.stats.In += uint64(len(a.buf))
			s.l.handle(a.st.slot, engine.Stream{Conn: a.st.conn, Data: a.buf})
		}
		a.st.free <- a.buf
	default:
		s.turn(a.st, a.in)
	}
}

// turn takes the beginning and the end of a connection.
func (s *streams) turn(st *stream, in engine.Input) {
	switch in := in.(type) {
	case engine.Opened:
		if st.state == closing { // while it was dialled
			return
		}
		if st.conn == 0 {
			s.accepted[st.slot] += 2
			st.conn = s.accepted[st.slot]
			s.open[streamKey{st.slot, st.conn}] = st
		}
		st.state = opened
		s.stats.Opened++
		s.stats.Open++
		s.stats.Busiest = max(s.stats.Busiest, s.stats.Open)
		st.counted = true
		in.Conn = st.conn
		s.l.handle(st.slot, in)
	case engine.Closed:
		if st.counted {
			s.stats.Open--
		}
		st.state = closing
		delete(s.open, streamKey{st.slot, st.conn})
		if in.Conn = st.conn; st.conn != 0 { // 0: accepted, and never opened
			s.l.handle(st.slot, in)
		}
	}
}

// dial begins to connect.
func (s *streams) dial(owner *slot, d engine.Dial) {
	key := streamKey{owner, d.Conn}
	if !d.Conn.Dialled() || s.open[key] != nil {
		panic(fmt.Sprintf("driver: engine %s dials with Conn %d, which is even or in use", owner.Name, d.Conn))
	}
	fail := func(reason string) {
		s.l.queue = append(s.l.queue, queued{owner, engine.Closed{Conn: d.Conn, Reason: reason}})
	}
	var profile *tls.Config
	if d.TLS != "" {
		if profile = s.l.n.c.TLS[d.TLS]; profile == nil {
			s.tell(owner, engine.ReasonNoProfile, noProfile(s.l.n.c, "dial "+d.To.String(), d.TLS))
			fail(engine.ReasonNoProfile)
			return
		}
		if d.Server == "" {
			s.tell(owner, engine.ReasonTLSName, "dial "+d.To.String()+" with TLS needs the name that the peer's certificate must bear; the configuration must give it")
			fail(engine.ReasonTLSName)
			return
		}
	}
	if s.dials.Add(1) > MaxDials {
		s.dials.Add(-1)
		fail(engine.ReasonTooMany)
		return
	}
	st := newStream(s, owner)
	st.conn = d.Conn
	s.open[key] = st
	ctx, cancel := context.WithTimeout(s.ctx, DialTimeout)
	st.cancel = cancel
	s.begin(st, func() {
		defer cancel()
		st.connect(ctx, d, profile)
	})
}

// begin runs the goroutine of a stream.
func (s *streams) begin(st *stream, live func()) {
	s.mu.Lock()
	s.all[st] = struct{}{}
	s.wg.Add(1)
	over := s.ended
	s.mu.Unlock()
	if over {
		st.abort(engine.ReasonClosed)
	}
	go func() {
		defer s.wg.Done()
		live()
		s.mu.Lock()
		delete(s.all, st)
		s.mu.Unlock()
	}()
}

// withEvent is streamEvent about a connection: by its other end a reader tells one trouble from another.
func withEvent(owner *slot, reason, why string, with netip.Addr) *engine.Event {
	e := streamEvent(owner, reason, why)
	if with.IsValid() {
		e.Attrs = append(e.Attrs, engine.A("with", with))
	}
	return e
}

// tell says in words why something failed.
func (s *streams) tell(owner *slot, reason, why string) {
	s.l.event(s.l.now().Mono, ownName, *streamEvent(owner, reason, why))
}

func streamEvent(owner *slot, reason, why string) *engine.Event {
	return &engine.Event{Name: EventStream, Reason: reason, Attrs: []engine.Attr{engine.S("engine", owner.Name), engine.S("says", why)}}
}

// end closes everything when the loop is over, and waits until all goroutines are.
func (s *streams) end() {
	for _, byName := range s.listeners {
		for _, n := range byName {
			n.close()
		}
	}
	for _, byName := range s.bounds {
		for _, b := range byName {
			_ = b.sock.Close()
		}
	}
	s.flush()
	s.cancel()
	s.mu.Lock()
	s.ended = true
	for st := range s.all {
		if st.state == making {
			st.abort(engine.ReasonClosed)
		} else {
			st.finish(EndDrain)
		}
	}
	s.mu.Unlock()
	s.asks.close()
	s.wg.Wait()
}

func (s *streams) snapshot() (StreamStats, DatagramStats) {
	for _, byName := range s.bounds {
		for _, b := range byName {
			b.count()
		}
	}
	return s.stats, s.data
}
