package driver

import (
	"bufio"
	"context"
	"net"
)

// Attend answers one client on a connection that somebody else accepted, and closes it: a world that keeps many nodes has one
// socket for all of them, and judges there who may ask. It returns when the client goes away, the node ends, or ctx does.
func (n *Node) Attend(ctx context.Context, conn net.Conn) {
	c := &Control{n: n, open: map[net.Conn]struct{}{}}
	c.ctx, c.end = context.WithCancel(ctx)
	defer c.end()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c.serve(conn)
}

// NewClient talks over a connection that leads to a node already: the other end of Attend.
func NewClient(conn net.Conn) *Client {
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxAnswer)
	return &Client{conn: conn, lines: lines}
}
