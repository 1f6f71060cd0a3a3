package main

import (
	"bytes"
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
	ask     queryFunc
	note    func(n *regNode, e engine.Effect) // what else engines want
	err     error
}

type regNode struct {
	name string
	engine.Engine
	out engine.Effects
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
func (w *regWorld) add(name string, e engine.Engine) *regNode {
	n := &regNode{name: name, Engine: e}
	w.nodes = append(w.nodes, n)
	w.give(n, engine.Start{})
	return n
}

// give hands an input to a node, and runs all that follows at once.
func (w *regWorld) give(n *regNode, in engine.Input) {
	w.queue = append(w.queue, regInput{n, in})
	for i := 0; i < len(w.queue); i++ {
		to := w.queue[i].to
		to.Handle(w.now, w.queue[i].in, &to.out)
		for _, e := range to.out.List {
			w.carry(to, e)
		}
		to.out.Reset()
	}
	clear(w.queue)
	w.queue = w.queue[:0]
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
			w.later(other.at, engine.Stream{Conn: other.c, Data: bytes.Clone(e.Data)})
		}
	case engine.Close:
		if other, ok := w.ends[regEnd{n, e.Conn}]; ok {
			delete(w.ends, regEnd{n, e.Conn})
			delete(w.ends, other)
			w.later(n, engine.Closed{Conn: e.Conn, Reason: engine.ReasonClosed})
			w.later(other.at, engine.Closed{Conn: other.c, Reason: engine.ReasonPeerClosed})
		}
	case engine.Query:
		value, err := w.ask(context.Background(), e.Table, e.Key, e.Put)
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
