//go:build linux

package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// client is one that the lab attends to.
type client struct {
	l     *Lab
	conn  *net.UnixConn
	in    *bufio.Reader // what it says after its order
	files []*os.File
	down  context.CancelCauseFunc // ends Serve
}

// ops are the orders. What they give is the answer, unless the connection was hijacked.
var ops map[string]func(ctx context.Context, c *client, o order) (a answer, err error)

func init() { // what they call leads to their table again
	ops = map[string]func(ctx context.Context, c *client, o order) (a answer, err error){
		"status": func(_ context.Context, c *client, _ order) (answer, error) {
			s := c.l.Status()
			return answer{Status: &s}, nil
		},
		"down":   serveDown,
		"do":     serveDo,
		"exec":   serveExec,
		"move":   serveMove,
		"events": serveEvents,
		"ctl":    serveCtl,
	}
}

// errHijacked is of an order after whose answer the connection has served for something else.
var errHijacked = errors.New("the connection was taken over")

// attend serves one client.
func (l *Lab) attend(ctx context.Context, down context.CancelCauseFunc, conn *net.UnixConn) {
	c := &client{l: l, conn: conn, down: down}
	a, err := c.serve(ctx)
	if errors.Is(err, errHijacked) {
		return
	}
	if err != nil {
		a.Err = err.Error()
	}
	c.say(a)
}

func (c *client) serve(ctx context.Context) (answer, error) {
	if err := checkPeer(c.conn); err != nil {
		return answer{}, err
	}
	in, o, files, err := readOrder(c.conn)
	defer closeAll(files)
	if err != nil {
		return answer{}, err
	}
	c.in, c.files = in, files
	op := ops[o.Op]
	if op == nil {
		return answer{}, fmt.Errorf("lab: unknown order %q; is the lab that is up of another version?", o.Op)
	}
	return op(ctx, c, o)
}

// sayTimeout is how long a client may take to read a line: a lab does not end while it answers.
const sayTimeout = 5 * time.Second

func (c *client) say(a answer) error {
	c.conn.SetWriteDeadline(time.Now().Add(sayTimeout))
	return json.NewEncoder(c.conn).Encode(a)
}

// tell sends events.
func (c *client) tell(t Told) error { return c.say(answer{Told: &t}) }

// listening is a context that ends when the client goes away, which is all it can say from now on.
func (c *client) listening(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		io.Copy(io.Discard, c.in)
	}()
	return ctx, cancel
}

func serveDown(_ context.Context, c *client, _ order) (answer, error) {
	d := c.l.goingDown()
	err := c.l.Close()
	c.down(errDown)
	return answer{Downed: &d}, err
}

func serveDo(_ context.Context, c *client, o order) (answer, error) {
	if o.Action == nil {
		return answer{}, errors.New("lab: do came without an action")
	}
	return answer{}, c.l.byHand(*o.Action)
}

func serveMove(ctx context.Context, c *client, o order) (answer, error) {
	if o.Move == nil {
		return answer{}, errors.New("lab: move came without a move")
	}
	ctx, cancel := c.listening(ctx)
	defer cancel()
	moved, err := c.l.Move(ctx, *o.Move, func(t Told) { _ = c.tell(t) })
	return answer{Moved: &moved}, err
}

func serveEvents(ctx context.Context, c *client, o order) (answer, error) {
	ctx, cancel := c.listening(ctx)
	defer cancel()
	return answer{}, c.l.Follow(ctx, o.Node, c.tell)
}

// serveCtl makes the connection one to a node. Its file has the mode of the lab's socket and checkPeer has looked who comes.
func serveCtl(ctx context.Context, c *client, o order) (answer, error) {
	n, err := c.l.alive(o.Node)
	if err != nil {
		return answer{}, err
	}
	if err := c.say(answer{}); err != nil {
		return answer{}, err
	}
	n.Attend(ctx, c.conn)
	return answer{}, errHijacked
}

func serveExec(ctx context.Context, c *client, o order) (answer, error) {
	if len(c.files) != 3 {
		return answer{}, fmt.Errorf("lab: exec came with %d files, 3 are needed", len(c.files))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	signals := make(chan os.Signal, 8)
	go func() {
		defer cancel() // the client has gone: so must the program
		for d := json.NewDecoder(c.in); ; {
			var s signalLine
			if d.Decode(&s) != nil {
				return
			}
			select {
			case signals <- syscall.Signal(s.Signal):
			default: // a program that takes none need not get more
			}
		}
	}()
	exit, err := c.l.exec(ctx, o.Node, job{argv: o.Argv, files: [3]*os.File(c.files), env: o.Env, dir: o.Dir, tty: o.TTY, signals: signals})
	return answer{Exit: exit}, err
}
