package peers

import (
	"roam6/engine"
	"roam6/wire/diameter"
)

// State of a peer, RFC 6733 §5.6. I is the connection that we dialled, R the one that we accepted.
type State string

// The states.
const (
	Closed           State = "closed"
	WaitConnAck      State = "wait-conn-ack"       // dialled
	WaitICEA         State = "wait-i-cea"          // CER sent
	WaitConnAckElect State = "wait-conn-ack-elect" // dialled, and the peer's CER came meanwhile
	WaitReturns      State = "wait-returns"        // two connections, one will stay
	ROpen            State = "r-open"
	IOpen            State = "i-open"
	Closing          State = "closing"
)

type event string

const (
	start       event = "start"
	rConnCER    event = "r-conn-cer"
	iConnAck    event = "i-rcv-conn-ack"
	iConnNack   event = "i-rcv-conn-nack"
	iRcvCEA     event = "i-rcv-cea"
	iRcvNonCEA  event = "i-rcv-non-cea"
	iPeerDisc   event = "i-peer-disc"
	rPeerDisc   event = "r-peer-disc"
	winElection event = "win-election"
	rcvDPR      event = "rcv-dpr"
	rcvDPA      event = "rcv-dpa"
	stop        event = "stop"
	timeout     event = "timeout" // also what the watchdog says when it gives up
)

type action uint8

const (
	iConnect action = iota // I-Snd-Conn-Req
	iCER                   // I-Snd-CER
	rAccept                // R-Accept, Process-CER
	rCEA                   // R-Snd-CEA
	rReject                // R-Reject
	elect                  // Elect
	iDisc                  // I-Disc
	rDisc                  // R-Disc
	cleanup                // Cleanup, Error
	sendDPR                // Snd-DPR
	sendDPA                // Snd-DPA
)

type edge struct {
	from State
	on   event
	do   []action
	to   State
}

// edges is the table of RFC 6733 §5.6, less the messages of open peers, which change no state. What stands in no line happens
// only where two messages cross, and is ignored. Lines marked + are ours: the table forgets a wrong answer during an election, an
// R-Conn-CER while closing, and that the watchdog gives up (RFC 3539 §3.4.1).
var edges = []edge{
	{Closed, start, []action{iConnect}, WaitConnAck},
	{Closed, rConnCER, []action{rAccept, rCEA}, ROpen},

	{WaitConnAck, iConnAck, []action{iCER}, WaitICEA},
	{WaitConnAck, iConnNack, []action{cleanup}, Closed},
	{WaitConnAck, rConnCER, []action{rAccept}, WaitConnAckElect},
	{WaitConnAck, timeout, []action{cleanup}, Closed},

	{WaitICEA, iRcvCEA, nil, IOpen},
	{WaitICEA, rConnCER, []action{rAccept, elect}, WaitReturns},
	{WaitICEA, iPeerDisc, []action{iDisc}, Closed},
	{WaitICEA, iRcvNonCEA, []action{cleanup}, Closed},
	{WaitICEA, timeout, []action{cleanup}, Closed},

	{WaitConnAckElect, iConnAck, []action{iCER, elect}, WaitReturns},
	{WaitConnAckElect, iConnNack, []action{iDisc, rCEA}, ROpen}, // iDisc is +: perhaps we refuse what the peer proved
	{WaitConnAckElect, rPeerDisc, []action{rDisc}, WaitConnAck},
	{WaitConnAckElect, rConnCER, []action{rReject}, WaitConnAckElect},
	{WaitConnAckElect, timeout, []action{cleanup}, Closed},

	{WaitReturns, winElection, []action{iDisc, rCEA}, ROpen},
	{WaitReturns, iPeerDisc, []action{iDisc, rCEA}, ROpen},
	{WaitReturns, iRcvCEA, []action{rDisc}, IOpen},
	{WaitReturns, iRcvNonCEA, []action{iDisc, rCEA}, ROpen}, // +
	{WaitReturns, rPeerDisc, []action{rDisc}, WaitICEA},
	{WaitReturns, rConnCER, []action{rReject}, WaitReturns},
	{WaitReturns, timeout, []action{cleanup}, Closed},

	{ROpen, rConnCER, []action{rReject}, ROpen},
	{ROpen, stop, []action{sendDPR}, Closing},
	{ROpen, rcvDPR, []action{sendDPA}, Closing},
	{ROpen, rPeerDisc, []action{rDisc}, Closed},
	{ROpen, timeout, []action{cleanup}, Closed}, // +

	{IOpen, rConnCER, []action{rReject}, IOpen},
	{IOpen, stop, []action{sendDPR}, Closing},
	{IOpen, rcvDPR, []action{sendDPA}, Closing},
	{IOpen, iPeerDisc, []action{iDisc}, Closed},
	{IOpen, timeout, []action{cleanup}, Closed}, // +

	{Closing, rcvDPA, []action{cleanup}, Closed},
	{Closing, iPeerDisc, []action{iDisc}, Closed},
	{Closing, rPeerDisc, []action{rDisc}, Closed},
	{Closing, rConnCER, []action{rReject}, Closing}, // +
	{Closing, timeout, []action{cleanup}, Closed},
}

// find is the line for an event in a state.
func find(s State, on event) *edge {
	for i := range edges {
		if e := &edges[i]; e.from == s && e.on == on {
			return e
		}
	}
	return nil
}

// open says whether messages flow.
func (s State) open() bool { return s == IOpen || s == ROpen }

// step lets something happen to a peer. l is the connection it happened on, where an action is about that one.
func (n *Node) step(p *peer, on event, l *link, why string) {
	e := find(p.state, on)
	if e == nil {
		return
	}
	won := false
	for _, a := range e.do {
		won = n.perform(p, a, l, why) || won
	}
	n.become(p, e.to, why)
	if won {
		n.step(p, winElection, l, Elected)
	}
}

// perform carries out an action, and says whether an election was won.
func (n *Node) perform(p *peer, a action, l *link, why string) bool {
	switch a {
	case iConnect:
		n.dial(p)
	case iCER:
		n.sendCER(p)
	case rAccept:
		p.r, l.p, p.cer = l, p, l.cer
		n.waited(l)
	case rCEA:
		n.sendCEA(p)
	case rReject:
		n.drop(Rejected, p.host)
		n.close(l)
		n.doubt(p)
	case elect:
		return n.host > p.host // RFC 6733 §5.6.4, in lower case
	case iDisc:
		n.close(p.i)
		p.i = nil
	case rDisc:
		n.close(p.r)
		p.r, p.cer = nil, nil
	case cleanup:
		n.close(p.i)
		n.close(p.r)
		p.i, p.r, p.cer = nil, nil, nil
	case sendDPR:
		n.sendDPR(p)
	case sendDPA: // base has done it, with the request at hand
	}
	return false
}

// become changes the state and does what goes with it: timers, facts, requests that must go elsewhere.
func (n *Node) become(p *peer, to State, why string) {
	from := p.state
	if from == to {
		return
	}
	p.state = to
	n.out.List = append(n.out.List, engine.Event{Name: engine.EventState, Reason: why, Attrs: []engine.Attr{
		engine.S("machine", "peer"), engine.S("peer", p.host), engine.S("from", string(from)), engine.S("to", string(to))}})
	n.timers.Stop(timer{what: patience, p: p})
	switch to {
	case WaitConnAck, WaitConnAckElect:
		n.timers.Set(timer{what: patience, p: p}, n.now.Mono.Add(ConnectWait))
	case WaitICEA, WaitReturns:
		n.timers.Set(timer{what: patience, p: p}, n.now.Mono.Add(CEAWait))
	case Closing:
		n.timers.Set(timer{what: patience, p: p}, n.now.Mono.Add(ClosingWait))
	}
	if to.open() {
		p.opened = n.now.Mono
		n.watchOpened(p)
	}
	if from.open() {
		n.watchLost(p, why)
	}
	if to == Closed {
		p.why = why
		n.again(p)
	}
}

// again has a peer dialled after a pause that grows while it does not work out, and forgets one that was a stranger.
func (n *Node) again(p *peer) {
	switch {
	case p.stranger:
		delete(n.byHost, p.host)
		n.strangers--
	case !p.cfg.At.IsValid() || n.stopped:
	case p.away:
		n.timers.Set(timer{what: redial, p: p}, n.now.Mono.Add(StayAway))
	default:
		p.backoff = min(max(2*p.backoff, MinBackoff), MaxBackoff)
		n.timers.Set(timer{what: redial, p: p}, n.now.Mono.Add(n.rand.Between(p.backoff/2, p.backoff)))
	}
	p.away = false
}

// heldCER is what a CER is answered with when its time has come.
type heldCER struct {
	head diameter.Header
	caps capabilities
}
