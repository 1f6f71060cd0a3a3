package driver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"roam6/engine"
)

// Limits of the control socket.
const (
	maxRequest     = 1 << 20          // octets of a request line
	maxControls    = 32               // connections at once; further ones wait
	controlTimeout = 30 * time.Second // for an engine's reply
	writeTimeout   = 10 * time.Second // for a client to take a line
	helloTimeout   = 5 * time.Second  // for a client to send its first request: who says nothing takes no room
	MaxSocketPath  = 107              // octets of a Unix socket's path: what Linux takes
)

// Verbs the driver answers itself, when a request names no engine.
const (
	VerbViews    = "views"     // every engine's view, by name
	VerbStats    = "stats"     // Stats
	VerbTable    = "table"     // the plane's wanted state
	VerbEngines  = "engines"   // names of the engines
	VerbEvents   = "events"    // a stream: one Told a line, until the connection closes
	VerbLinkUp   = "link-up"   // args port, attachment, hw: what a link-layer daemon knows and the kernel does not
	VerbLinkDown = "link-down" // args port
	VerbHint     = "hint"      // args port, hw, attachment, in: where the link layer expects to be soon
	VerbStop     = "stop"      // ends the node
)

var ownVerbs = []string{VerbViews, VerbStats, VerbTable, VerbEngines, VerbEvents, VerbLinkUp, VerbLinkDown, VerbHint, VerbStop}

// Request is one line a client sends. The answer is an engine.Reply with the same ID.
type Request struct {
	ID     uint64            `json:"id"`
	Engine string            `json:"engine,omitempty"` // empty: the driver's verbs, or the only engine's
	Verb   string            `json:"verb"`
	Args   map[string]string `json:"args,omitempty"`
}

// Control serves a node on a Unix socket that only its owner may open: JSON lines, one Request, one reply.
type Control struct {
	n    *Node
	ln   net.Listener
	path string
	ctx  context.Context
	end  context.CancelFunc
	wg   sync.WaitGroup
	room chan struct{}
	mu   sync.Mutex
	open map[net.Conn]struct{}
}

// Serve begins to answer at path. A socket that a killed node left there is replaced; that of a living one is an error.
func Serve(n *Node, path string) (*Control, error) {
	if len(path) > MaxSocketPath {
		return nil, fmt.Errorf("driver: control socket: %s has more than %d octets; choose a shorter path", path, MaxSocketPath)
	}
	if err := clearStale(path); err != nil {
		return nil, err
	}
	// The mode is set before the socket has a name: there is no moment at which others may connect.
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), 0o600) }); e != nil {
			return e
		}
		return err
	}}
	ln, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("driver: control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil { // where the first did not reach the file
		return nil, errors.Join(fmt.Errorf("driver: control socket: %w", err), ln.Close())
	}
	c := &Control{n: n, ln: ln, path: path, room: make(chan struct{}, maxControls), open: map[net.Conn]struct{}{}}
	c.ctx, c.end = context.WithCancel(context.Background())
	c.wg.Add(1)
	go c.accept()
	return c, nil
}

func clearStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("driver: control socket: %w", err)
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("driver: control socket: %s exists and is no socket; remove it or choose another path", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return fmt.Errorf("driver: control socket: a running node answers at %s; stop it or choose another path", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("driver: control socket: %w", err)
	}
	return os.Remove(path)
}

// Close ends every connection and removes the socket.
func (c *Control) Close() error {
	c.end()
	err := c.ln.Close() // removes the socket's name too
	c.mu.Lock()
	for conn := range c.open {
		conn.Close()
	}
	c.mu.Unlock()
	c.wg.Wait()
	return ignoreClosed(err)
}

func (c *Control) accept() {
	defer c.wg.Done()
	for {
		select {
		case c.room <- struct{}{}:
		case <-c.ctx.Done():
			return
		}
		conn, err := c.ln.Accept()
		if err != nil {
			<-c.room
			if c.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(10 * time.Millisecond) // out of file descriptors: others must close theirs first
			continue
		}
		c.wg.Add(1)
		go func() {
			defer c.wg.Done()
			c.serve(conn)
			<-c.room
		}()
	}
}

func (c *Control) serve(conn net.Conn) {
	defer conn.Close()
	c.mu.Lock()
	c.open[conn] = struct{}{}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.open, conn)
		c.mu.Unlock()
	}()
	if c.ctx.Err() != nil {
		return
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxRequest)
	_ = conn.SetReadDeadline(time.Now().Add(helloTimeout))
	for lines.Scan() {
		_ = conn.SetReadDeadline(time.Time{})
		var r Request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			c.write(conn, engine.Reply{Err: "not a request: " + err.Error()})
			return
		}
		if r.Engine == "" && r.Verb == VerbEvents {
			c.stream(conn)
			return
		}
		if r.Engine == "" && r.Verb == VerbStop {
			c.write(conn, engine.Reply{ID: r.ID, Data: []byte("null")}) // first: the end of the node closes its clients
			c.n.Stop()
			return
		}
		if !c.write(conn, c.answer(r)) {
			return
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		c.write(conn, engine.Reply{Err: fmt.Sprintf("a request is at most %d octets long", maxRequest)})
	}
}

func (c *Control) write(conn net.Conn, v any) bool {
	b, err := json.Marshal(v)
	if err != nil {
		return false
	}
	_ = conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err = conn.Write(append(b, '\n'))
	return err == nil
}

// stream sends events until the client goes away or the node ends.
func (c *Control) stream(conn net.Conn) {
	gone := make(chan struct{})
	go func() { // a client says nothing more; its silence ends when it closes
		defer close(gone)
		var b [1]byte
		_, _ = conn.Read(b[:])
	}()
	events, leave := c.n.hub.follow()
	defer leave()
	defer func() { conn.Close(); <-gone }()
	for {
		select {
		case <-gone:
			return
		case t, ok := <-events:
			if !ok || !c.write(conn, t) {
				return
			}
		}
	}
}

func (c *Control) answer(r Request) engine.Reply {
	ctx, cancel := context.WithTimeout(c.ctx, controlTimeout)
	defer cancel()
	if r.Engine == "" && slices.Contains(ownVerbs, r.Verb) {
		return c.own(ctx, r)
	}
	reply, err := c.n.Command(ctx, r.Engine, r.Verb, r.Args)
	if err != nil {
		reply.Err = err.Error()
		if r.Engine == "" {
			reply.Err += "; without an engine: " + strings.Join(ownVerbs, ", ")
		}
	}
	reply.ID = r.ID
	return reply
}

// own answers the driver's verbs.
func (c *Control) own(ctx context.Context, r Request) engine.Reply {
	var v any
	var err error
	switch r.Verb {
	case VerbViews:
		v, err = c.n.Views(ctx)
	case VerbStats:
		v, err = c.n.Stats(ctx)
	case VerbTable:
		v, err = c.n.Table(ctx)
	case VerbEngines:
		var names []string
		for _, s := range c.n.loop.slots {
			names = append(names, s.Name)
		}
		v = names
	case VerbLinkUp, VerbLinkDown, VerbHint:
		err = c.link(ctx, r)
	}
	if err != nil {
		return engine.Reply{ID: r.ID, Err: err.Error()}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return engine.Reply{ID: r.ID, Err: err.Error()}
	}
	return engine.Reply{ID: r.ID, Data: b}
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
