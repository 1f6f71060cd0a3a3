package main

import (
	"context"
	"net/netip"
	"time"

	"roam6/engine"
)

// regWorld is engines with connections between them that take no time, and a database. Time is virtual.
type regWorld struct {
	now     engine.Now
	nodes   []*regNode
	listens map[netip.AddrPort]regListener
	ends    map[regEnd]regEnd
	conns   engine.Conn
	queue   []regInput
	octets  []byte // of streams on their way: once the queue is empty nobody looks at them any more
	ask     queryFunc
	asking  time.Duration                     // what look-ups took
	timed   bool                              // what nodes and look-ups take is wanted
	note    func(n *regNode, e engine.Effect) // what else engines want
	err     error
}

type regNode struct {
	name, what string
	engine.Engine
	out   engine.Effects
	spent time.Duration // in Handle, while the world is timed
}

type regListener struct {
	at   *regNode
	name string
}

type regEnd struct {
	at *regNode
	c  engine.Conn
}

type regInput struct {
	to *regNode
	in engine.Input
}

func newRegWorld(ask queryFunc) *regWorld {
	return &regWorld{now: engine.Now{Mono: 1, Wall: time.Unix(1.8e9, 0)}, listens: map[netip.AddrPort]regListener{}, ends: map[regEnd]regEnd{}, ask: ask}
}

// add makes a node, and starts it.
func (w *regWorld) add(name, what string, e engine.Engine) *regNode {
	n := &regNode{name: name, what: what, Engine: e}
	w.nodes = append(w.nodes, n)
	w.give(n, engine.Start{})
	return n
}

// give hands an input to a node, and runs all that follows at once.
func (w *regWorld) give(n *regNode, in engine.Input) {
	w.queue = append(w.queue, regInput{n, in})
	for i := 0; i < len(w.queue); i++ {
		to := w.queue[i].to
		began := w.clock()
		to.Handle(w.now, w.queue[i].in, &to.out)
		to.spent += w.clock() - began
		for _, e := range to.out.List {
			w.carry(to, e)
		}
		to.out.Reset()
	}
	clear(w.queue)
	w.queue, w.octets = w.queue[:0], w.octets[:0]
}

// clock tells the processor time of this thread while the world is timed.
func (w *regWorld) clock() time.Duration {
	if !w.timed {
		return 0
	}
	return threadTime()
}

func (w *regWorld) later(n *regNode, in engine.Input) { w.queue = append(w.queue, regInput{n, in}) }

// carry does what a node wants.
func (w *regWorld) carry(n *regNode, e engine.Effect) {
	switch e := e.(type) {
	case engine.Listen:
		w.listens[e.At] = regListener{n, e.Name}
	case engine.Dial:
		l, ok := w.listens[e.To]
		if !ok {
			w.later(n, engine.Closed{Conn: e.Conn, Reason: engine.ReasonRefused})
			return
		}
		w.conns += 2
		a, b := regEnd{n, e.Conn}, regEnd{l.at, w.conns}
		w.ends[a], w.ends[b] = b, a
		here := netip.AddrPortFrom(netip.IPv6Loopback(), 40000)
		w.later(n, engine.Opened{Conn: a.c, From: here, To: e.To})
		w.later(l.at, engine.Opened{Conn: b.c, Listener: l.name, From: e.To, To: here})
	case engine.Write:
		if other, ok := w.ends[regEnd{n, e.Conn}]; ok {
			at := len(w.octets)
			w.octets = append(w.octets, e.Data...)
			w.later(other.at, engine.Stream{Conn: other.c, Data: w.octets[at:len(w.octets):len(w.octets)]})
		}
	case engine.Close:
		if other, ok := w.ends[regEnd{n, e.Conn}]; ok {
			delete(w.ends, regEnd{n, e.Conn})
			delete(w.ends, other)
			w.later(n, engine.Closed{Conn: e.Conn, Reason: engine.ReasonClosed})
			w.later(other.at, engine.Closed{Conn: other.c, Reason: engine.ReasonPeerClosed})
		}
	case engine.Query:
		began := w.clock()
		value, err := w.ask(context.Background(), e.Table, e.Key, e.Put)
		w.asking += w.clock() - began
		r := engine.Result{ID: e.ID, Value: value}
		if err != nil {
			r.Err, w.err = err.Error(), err
		}
		w.later(n, r)
	default:
		if w.note != nil {
			w.note(n, e)
		}
	}
}

// pass lets time go by, and gives every node its ticks.
func (w *regWorld) pass(d time.Duration) {
	for until := w.now.Mono.Add(d); ; {
		next, due := until, (*regNode)(nil)
		for _, n := range w.nodes {
			if at, _ := n.Deadline(); at <= next {
				next, due = max(at, w.now.Mono), n
			}
		}
		w.now.Wall = w.now.Wall.Add(next.Sub(w.now.Mono))
		if w.now.Mono = next; due == nil {
			return
		}
		w.give(due, engine.Tick{})
	}
}
