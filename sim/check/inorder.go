package check

import (
	"bytes"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/sim"
)

// InOrder demands of connections what engines build on: what one end is given is what the other wrote, once and in its order, from the
// first octet on; and an engine hears of a connection in the order Opened, Stream, Closed, after its own Close nothing but Closed.
type InOrder struct {
	failure
	ends  map[streamEnd]*stream
	ways  map[way]*[]byte
	Given int // octets that arrived
}

// NewInOrder makes the checker.
func NewInOrder() *InOrder {
	return &InOrder{ends: map[streamEnd]*stream{}, ways: map[way]*[]byte{}}
}

type streamEnd struct {
	node, engine string
	conn         engine.Conn
}

type stream struct {
	to, from *[]byte // written and not given yet: by this end, by the other
	closed   bool    // by its own engine
}

// way is one direction of a connection.
type way struct{ from, to netip.AddrPort }

// Observe follows the octets; see sim.Checker.
func (c *InOrder) Observe(o sim.Observation) {
	switch o := o.(type) {
	case sim.Streamed:
		c.given(o)
	case sim.Handled:
		switch in := o.Input.(type) {
		case engine.Opened:
			c.opened(o.At, streamEnd{o.Node, o.Engine, in.Conn}, in)
		case engine.Closed:
			delete(c.ends, streamEnd{o.Node, o.Engine, in.Conn})
		}
		for _, e := range o.Effects {
			switch e := e.(type) {
			case engine.Write:
				if s := c.ends[streamEnd{o.Node, o.Engine, e.Conn}]; s != nil && !s.closed {
					*s.to = append(*s.to, e.Data...)
				}
			case engine.Close:
				if s := c.ends[streamEnd{o.Node, o.Engine, e.Conn}]; s != nil {
					s.closed = true
				}
			}
		}
	case sim.Crashed:
		for end := range c.ends { //order:any
			if end.node == o.Node {
				delete(c.ends, end)
			}
		}
	}
}

func (c *InOrder) opened(at time.Duration, end streamEnd, o engine.Opened) {
	if c.ends[end] != nil {
		c.fail("streams: at %v %s/%s is told twice that connection %d opened", at, end.node, end.engine, end.conn)
		return
	}
	out, in := way{o.From, o.To}, way{o.To, o.From}
	if o.Conn.Dialled() { // the end that is told first
		c.ways[out], c.ways[in] = new([]byte), new([]byte)
	}
	c.ends[end] = &stream{to: c.way(out), from: c.way(in)}
}

func (c *InOrder) way(w way) *[]byte {
	if c.ways[w] == nil {
		c.ways[w] = new([]byte)
	}
	return c.ways[w]
}

func (c *InOrder) given(o sim.Streamed) {
	s := c.ends[streamEnd{o.Node, o.Engine, o.Conn}]
	switch {
	case s == nil:
		c.fail("streams: at %v %s/%s is given octets of connection %d, which is not open", o.At, o.Node, o.Engine, o.Conn)
	case s.closed:
		c.fail("streams: at %v %s/%s is given octets of connection %d, which it has closed", o.At, o.Node, o.Engine, o.Conn)
	case len(o.Data) == 0 || !bytes.HasPrefix(*s.from, o.Data):
		c.fail("streams: at %v %s/%s is given %d octets on connection %d that are not the next ones the peer wrote", o.At, o.Node, o.Engine, len(o.Data), o.Conn)
	default:
		*s.from = (*s.from)[len(o.Data):]
		c.Given += len(o.Data)
	}
}
