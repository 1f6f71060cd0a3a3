package peers

import (
	"roam6/engine"
)

// Watch is what the watchdog thinks of a peer, RFC 3539 §3.4.1 and appendix A.
type Watch string

// The states of the watchdog.
const (
	Initial Watch = "initial" // never open so far
	Okay    Watch = "okay"    // requests go to it
	Suspect Watch = "suspect" // silent: its requests went elsewhere
	Down    Watch = "down"    // no connection
	Reopen  Watch = "reopen"  // a connection again, on probation
)

type watchEvent string

const (
	connUp   watchEvent = "connection-up"
	connDown watchEvent = "connection-down"
	noDWA    watchEvent = "no-dwa" // the watchdog's patience is over with a DWR out
	heardDWA watchEvent = "dwa"    // the last one of ReopenAnswer, where these are counted
	heardAny watchEvent = "heard"  // anything else
)

// watchEdges is the table of RFC 3539 appendix A, less the lines that only count and set timers.
var watchEdges = []struct {
	from Watch
	on   watchEvent
	to   Watch
}{
	{Initial, connUp, Okay},
	{Okay, noDWA, Suspect},    // fail-over
	{Okay, connDown, Down},    // fail-over
	{Suspect, heardDWA, Okay}, // fail-back
	{Suspect, heardAny, Okay}, // fail-back
	{Suspect, noDWA, Down},    // the connection is closed
	{Suspect, connDown, Down},
	{Down, connUp, Reopen},
	{Reopen, heardDWA, Okay}, // fail-back
	{Reopen, noDWA, Down},    // after the second time; the connection is closed
	{Reopen, connDown, Down},
}

// watch moves the watchdog of a peer, and says whether it did.
func (n *Node) watch(p *peer, on watchEvent, why string) bool {
	for _, e := range watchEdges {
		if e.from == p.watch && e.on == on {
			n.out.List = append(n.out.List, engine.Event{Name: engine.EventState, Reason: why, Attrs: []engine.Attr{
				engine.S("machine", "watchdog"), engine.S("peer", p.host), engine.S("from", string(e.from)), engine.S("to", string(e.to))}})
			if p.watch = e.to; e.to == Okay {
				n.facts = append(n.facts, PeerUp{p.host})
			}
			if e.from == Okay {
				n.facts = append(n.facts, PeerDown{p.host, why})
			}
			return true
		}
	}
	return false
}

// watchOpened begins to watch a connection.
func (n *Node) watchOpened(p *peer) {
	p.heard, p.dwr, p.good, p.interval = n.now.Mono, false, 0, n.interval()
	n.watch(p, connUp, "")
	if p.watch == Reopen {
		n.sendDWR(p)
	}
	n.watchSet(p)
}

// watchLost ends it, and gives what was asked of the peer to others.
func (n *Node) watchLost(p *peer, why string) {
	if n.now.Mono.Sub(p.opened) >= StableTime {
		p.backoff = 0
	}
	n.timers.Stop(timer{what: dog, p: p})
	p.armed = engine.Never
	n.watch(p, connDown, why)
	n.failover(p, true)
}

func (n *Node) interval() (d engine.Mono) {
	return engine.Mono(n.rand.Between(WatchdogInterval-WatchdogJitter, WatchdogInterval+WatchdogJitter))
}

// patienceEnds is when the watchdog has something to do about an open peer, as things are now.
func (n *Node) patienceEnds(p *peer) engine.Mono {
	switch {
	case p.watch == Suspect:
		return p.suspected.Add(SuspectWait)
	case p.dwr:
		return max(p.asked, p.heard).Add(WatchdogWait)
	case p.watch == Reopen:
		return p.asked.Add(ReopenPause)
	}
	at := p.heard + p.interval
	if p.pending.first >= 0 {
		at = min(at, max(p.heard, n.slots[p.pending.first].sent).Add(RequestWait))
	}
	return at
}

// watchSet arms the watchdog's timer. It is only ever moved to an earlier time here: what comes and goes costs no timer, which when it comes up
// looks again.
func (n *Node) watchSet(p *peer) {
	if at := n.patienceEnds(p); at < p.armed {
		p.armed = at
		n.timers.Set(timer{what: dog, p: p}, at)
	}
}

// watchDue does what is due.
func (n *Node) watchDue(p *peer) {
	p.armed = engine.Never
	if !p.state.open() {
		return
	}
	if n.patienceEnds(p) <= n.now.Mono {
		switch {
		case p.watch == Suspect:
			n.watch(p, noDWA, Silent)
			n.step(p, timeout, nil, Silent)
			return
		case p.watch == Reopen && p.dwr && p.good >= 0:
			p.good, p.asked = -1, n.now.Mono
		case p.watch == Reopen && p.dwr:
			n.watch(p, noDWA, Silent)
			n.step(p, timeout, nil, Silent)
			return
		case p.dwr:
			p.suspected = n.now.Mono
			n.watch(p, noDWA, Silent)
			n.failover(p, false)
		default:
			n.sendDWR(p)
		}
	}
	n.watchSet(p)
}

// hear notes that a peer said something on its open connection.
func (n *Node) hear(p *peer, dwa bool) {
	p.heard = n.now.Mono
	if dwa {
		p.dwr, p.interval = false, n.interval()
	}
	switch {
	case p.watch == Okay:
	case p.watch == Suspect && dwa:
		n.watch(p, heardDWA, "")
	case p.watch == Suspect:
		n.watch(p, heardAny, "")
	case p.watch == Reopen && dwa:
		if p.good++; p.good == ReopenAnswer {
			n.watch(p, heardDWA, "")
		}
	}
	if dwa || p.watch != Okay {
		n.watchSet(p)
	}
}

// doubt asks an open peer at once whether it lives: it connects a second time, so perhaps the first connection is dead without
// its having said so.
func (n *Node) doubt(p *peer) {
	if p.state.open() && !p.dwr {
		n.sendDWR(p)
		n.watchSet(p)
	}
}
