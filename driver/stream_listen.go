package driver

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"roam6/engine"
)

// acceptPause is how long a listener waits where its rate is spent or the machine gives no socket.
const acceptPause = 10 * time.Millisecond

// door is one Listen.
type door struct {
	s       *streams
	slot    *slot
	name    string
	profile *tls.Config // nil: plain TCP
	tls     string      // the profile's name
	l       net.Listener
	open    crowd // connections
	shaking crowd // of them in their handshake
}

// crowd counts connections, and those of each network.
type crowd struct {
	mu   sync.Mutex
	n    int
	from map[netip.Prefix]int
}

// enter counts one more, unless there are as many as may be.
func (c *crowd) enter(p netip.Prefix, most, mostFrom int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n >= most || c.from[p] >= mostFrom {
		return false
	}
	if c.from == nil {
		c.from = map[netip.Prefix]int{}
	}
	c.n++
	c.from[p]++
	return true
}

func (c *crowd) leave(p netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n--
	if c.from[p]--; c.from[p] == 0 {
		delete(c.from, p)
	}
}

// placeOf is where a connection comes from: a /64, or an address of IPv4.
func placeOf(c net.Conn) netip.Prefix {
	a := addrPort(c.RemoteAddr()).Addr().WithZone("")
	p, _ := a.Prefix(min(64, a.BitLen()))
	return p
}

// listen opens a port, or says why not.
func (s *streams) listen(owner *slot, e engine.Listen) {
	var profile *tls.Config
	reason, words := "", ""
	if e.TLS != "" {
		if profile = s.l.n.c.TLS[e.TLS]; profile == nil {
			reason, words = engine.ReasonNoProfile, noProfile(s.l.n.c, "listen "+whereTo(e.At), e.TLS)
		}
	}
	if s.named(owner, e.Name) {
		reason, words = engine.ReasonNameInUse, "listen "+whereTo(e.At)+": engine "+owner.Name+" listens already by the name of "+e.Name
	}
	var l net.Listener
	if reason == "" {
		var err error
		if l, err = s.l.n.host.ListenStream(e.At); err != nil {
			reason = why(err)
			words = "listen " + whereTo(e.At) + ": " + err.Error() + hintListen(reason, e.At, "t")
		}
	}
	if reason != "" {
		s.tell(owner, reason, words)
		s.l.queue = append(s.l.queue, queued{owner, engine.Closed{Listener: e.Name, Reason: reason}})
		return
	}
	n := &door{s: s, slot: owner, name: e.Name, profile: profile, tls: e.TLS, l: l}
	if s.listeners[owner] == nil {
		s.listeners[owner] = map[string]*door{}
	}
	s.listeners[owner][e.Name] = n
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		n.accept()
	}()
}

func (n *door) close() { _ = n.l.Close() }

// accept takes connections until the listener is closed.
func (n *door) accept() {
	var rate engine.Bucket
	told := false
	for {
		for !rate.Take(n.s.l.mono(), AcceptBurst, AcceptRate) && n.s.ctx.Err() == nil {
			time.Sleep(acceptPause)
		}
		c, err := n.l.Accept()
		switch {
		case err == nil:
			told = false
			n.take(c)
		case errors.Is(err, net.ErrClosed) || n.s.ctx.Err() != nil:
			return
		default:
			if !told { // once until it works again
				told = true
				n.s.inbox.put(arrived{slot: n.slot, tell: streamEvent(n.slot, engine.ReasonFailed, "accepting on "+n.l.Addr().String()+": "+err.Error()+
					"; if these are too many open files, raise LimitNOFILE= of the service or ulimit -n")})
			}
			time.Sleep(acceptPause)
		}
	}
}

// take begins the life of a connection, if the limits allow one more.
func (n *door) take(c net.Conn) {
	from := placeOf(c)
	if !n.open.enter(from, MaxAccepted, MaxAcceptedFrom) {
		n.refuse(c, DropStreams)
		return
	}
	if n.profile != nil && !n.shaking.enter(from, MaxHandshakes, MaxHandshakesFrom) {
		n.open.leave(from)
		n.refuse(c, DropHandshakes)
		return
	}
	st := newStream(n.s, n.slot)
	n.s.begin(st, func() {
		defer n.open.leave(from)
		n.live(st, c, from)
	})
}

func (n *door) refuse(c net.Conn, why DropError) {
	reset(c)
	n.s.inbox.put(arrived{drop: why})
}

// live is what the goroutine of an accepted connection does.
func (n *door) live(st *stream, c net.Conn, from netip.Prefix) {
	o := engine.Opened{Listener: n.name}
	if n.profile != nil {
		t := tls.Server(c, harden(n.profile.Clone()))
		names, err := shake(n.s.ctx, t)
		n.shaking.leave(from)
		if err != nil {
			remote := c.RemoteAddr()
			reset(c)
			reason := why(err)
			n.s.inbox.put(arrived{drop: DropError(reason), tell: withEvent(n.slot, reason, "TLS with "+remote.String()+": "+wordsOf(err)+hintTLS(err, n.tls), addrPort(remote).Addr())})
			return
		}
		c, o.Names = t, names
	}
	if st.have(c) {
		st.live(c, o)
	}
}
