package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/scenario"
	"roam6/sim/tcp"
)

// Limits of streams and queries: those of the driver.
const (
	MaxAccepted                   = 1024 // connections of one listener
	MaxHandshakes                 = 256  // of them in their TLS handshake
	MaxDials                      = 128  // of a node under way
	MaxBacklog                    = 4096 // SYNs of a listener that wait for the end of their handshake (net.ipv4.tcp_max_syn_backlog)
	MaxQueries                    = 1024 // of a node under way, that read
	MaxPuts                       = 4096 // that write
	DialTimeout, HandshakeTimeout = 10 * time.Second, 5 * time.Second
	DrainTime                     = 5 * time.Second
	QueryTimeout                  = 5 * time.Second
)

// EventStream tells why a Listen, a Dial or a handshake failed: as the driver's, the reason is the engine's word, and attr says has words.
const EventStream = "sim.stream"

// Ports that a Dial is made from (net.ipv4.ip_local_port_range of Linux).
const firstPort, lastPort = 32768, 60999

// sockets are the TCP and UDP of one node's kernel, as far as engines use it, and their queries. They vanish with a crash.
type sockets struct {
	n        *node
	draw     rand.PCG
	port     uint16 // last one chosen
	byPair   map[pair]*socket
	doors    map[netip.AddrPort]*door
	ports    map[netip.AddrPort]*port
	open     map[connKey]*socket
	accepted map[*runner]engine.Conn // last even number given
	profiles []string                // of TLS, that the configuration has
	dials    int
	asked    int // queries under way that read
	put      int // that write
}

// pair names a connection on a node: this end and the other.
type pair struct {
	here, there     addr16
	local, distance uint16
}

type connKey struct {
	r    *runner
	conn engine.Conn
}

// What an engine knows of a connection.
const (
	making  = iota // Opened has not been handled
	opened         //
	closing        // by its own Close
	over           // nothing is told any more
)

// socket is one connection.
type socket struct {
	k    *sockets
	r    *runner
	tcp  *tcp.Conn
	pair pair
	id   int32
	conn engine.Conn // 0: accepted, not told yet
	door *door       // that accepted it

	state    int    // what the engine knows
	made     bool   // Opened has been offered
	gone     bool   // Closed has been offered, or there is nobody to tell
	eof      bool   // the peer sends nothing more
	dirty    bool   // in world.dirty
	admitted bool   // counted in door.open
	half     bool   // counted in door.half
	shaking  bool   // counted in door.shaking
	dialing  bool   // counted in sockets.dials
	pending  []byte // written in this turn
	secure   *secure

	armed   time.Duration // time of its valid event in the heap
	limit   time.Duration // when it is given up
	limitAs string        // for which reason
	soft    string        // what a router said last
}

// useSockets gives the node's sockets in its present life; most nodes never have any.
func (n *node) useSockets() *sockets {
	if n.sockets == nil {
		k := &sockets{n: n, draw: scenario.Draw(n.w.plan.Seed, "tcp", n.plan.Name, fmt.Sprint(n.lives)), byPair: map[pair]*socket{},
			doors: map[netip.AddrPort]*door{}, open: map[connKey]*socket{}, accepted: map[*runner]engine.Conn{}}
		k.port = firstPort + uint16(scenario.UpTo(&k.draw, lastPort-firstPort))
		n.sockets = k
	}
	return n.sockets
}

// vanish forgets everything, as a host does whose power is cut.
func (n *node) vanish() {
	if n.sockets == nil {
		return
	}
	for _, s := range n.sockets.byPair { //order:any
		n.w.socks[s.id] = nil
		s.gone, s.state = true, over
	}
	n.sockets = nil
}

// streams carries out an effect about connections.
func (r *runner) streams(e engine.Effect) {
	k := r.node.useSockets()
	switch e := e.(type) {
	case engine.Listen:
		k.listen(r, e)
	case engine.Dial:
		k.dial(r, e)
	case engine.Write:
		if s := k.open[connKey{r, e.Conn}]; s != nil {
			s.write(e.Data)
		}
	case engine.Close:
		if s := k.open[connKey{r, e.Conn}]; s != nil && s.state < closing {
			s.close()
		}
	}
}

// tell hands one engine an input of its own: an answer, or what becomes of a Listen or a Dial that never was.
func (r *runner) tell(in engine.Input) {
	r.node.w.inputs = append(r.node.w.inputs, offered{node: r.node, life: r.life, to: r, in: in})
}

// complain says in words why something failed.
func (r *runner) complain(reason, format string, args ...any) {
	r.node.w.rec.Event(r.node.w.now, r.node.plan.Name, r.name, engine.Event{Name: EventStream,
		Reason: reason, Attrs: []engine.Attr{engine.S("says", fmt.Sprintf(format, args...))}})
}

// add gives a connection its number in the world, and its place among the node's.
func (k *sockets) add(s *socket) {
	w := k.n.w
	s.k, s.id, s.armed, s.limit = k, int32(len(w.socks)), never, never
	w.socks = append(w.socks, s)
	k.byPair[s.pair] = s
}

// touch says that segments may be due.
func (s *socket) touch() {
	if !s.dirty {
		s.dirty = true
		s.k.n.w.dirty = append(s.k.n.w.dirty, s)
	}
}

// flushSockets sends what is due on the connections that something happened to. What a node sends to itself may make
// more of them dirty.
func (w *world) flushSockets() {
	for i := 0; i < len(w.dirty); i++ {
		s := w.dirty[i]
		s.dirty = false
		if w.socks[s.id] == s {
			s.flush()
		}
	}
	clear(w.dirty)
	w.dirty = w.dirty[:0]
}

func (s *socket) flush() {
	w := s.k.n.w
	s.seal()
	s.drained()
	var out [][]byte
	src, dst := s.pair.here.addr(), s.pair.there.addr()
	s.tcp.Poll(w.now, func(seg *tcp.Segment) { out = append(out, segmentPacket(seg, src, dst)) })
	for _, data := range out {
		s.k.n.originate(data)
	}
	if s.tcp.Dead() {
		w.socks[s.id] = nil
		delete(s.k.byPair, s.pair)
		return
	}
	s.arm()
}

// arm sees to it that the connection is called when its next time has come, no more than once.
func (s *socket) arm() {
	if due := min(s.tcp.Deadline(), s.limit); due < s.armed {
		s.armed = due
		s.k.n.w.heap.push(event{at: due, kind: evStream, a: s.id})
	}
}

// wake is the time that arm asked for.
func (w *world) wake(e event) {
	s := w.socks[e.a]
	if s == nil || e.at != s.armed {
		return
	}
	s.armed = never
	if w.now >= s.limit {
		s.tooLate()
	}
	if w.now >= s.tcp.Deadline() {
		s.happened(s.tcp.Timer(w.now))
	}
	s.touch()
}
