package driver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"syscall"

	"roam6/engine"
)

// maxAnswer bounds a line from a node: the views of a home agent with many bindings are long.
const maxAnswer = 256 << 20

// Client talks to a node's control socket. It is for one goroutine.
type Client struct {
	conn  net.Conn
	lines *bufio.Scanner
	last  uint64
}

// Dial connects to the node that serves at path.
func Dial(path string) (*Client, error) {
	conn, err := net.Dial("unix", path)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("no node answers at %s; is it running, and with this control socket? %w", path, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("the control socket %s belongs to another user; use theirs, or sudo: %w", path, err)
	case err != nil:
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return NewClient(conn), nil
}

// Call sends a request and waits for its reply. After the context ended the client is of no further use.
func (c *Client) Call(ctx context.Context, engineName, verb string, args map[string]string) (engine.Reply, error) {
	c.last++
	r := Request{ID: c.last, Engine: engineName, Verb: verb, Args: args}
	var reply engine.Reply
	err := c.exchange(ctx, r, func(line []byte) (bool, error) {
		return false, json.Unmarshal(line, &reply)
	})
	return reply, err
}

// Follow calls f with every event from now on until the context ends (nil) or the node does (an error).
func (c *Client) Follow(ctx context.Context, f func(Told)) error {
	err := c.exchange(ctx, Request{Verb: VerbEvents}, func(line []byte) (bool, error) {
		var t Told
		if err := json.Unmarshal(line, &t); err != nil {
			return false, err
		}
		f(t)
		return true, nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// exchange sends a request and hands over lines while take wants more.
func (c *Client) exchange(ctx context.Context, r Request, take func([]byte) (bool, error)) error {
	defer context.AfterFunc(ctx, func() { c.conn.Close() })()
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err := c.conn.Write(append(b, '\n')); err != nil {
		return c.why(ctx, err)
	}
	for c.lines.Scan() {
		more, err := take(c.lines.Bytes())
		if err != nil || !more {
			return err
		}
	}
	return c.why(ctx, c.lines.Err())
}

func (c *Client) why(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		return errors.New("the node closed the connection")
	}
	return err
}

// Close ends the connection.
func (c *Client) Close() error { return ignoreClosed(c.conn.Close()) }
