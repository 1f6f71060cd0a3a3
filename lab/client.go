//go:build linux

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"roam6/driver"
	"roam6/scenario"
)

// Client talks to a served lab. Every order takes a connection of its own.
type Client struct{ socket string }

// Dial looks whether a lab serves on the socket.
func Dial(socket string) (*Client, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("lab: none is up at %s: `roam6 lab up` starts one", socket)
		}
		return nil, fmt.Errorf("lab: %w", err)
	}
	conn.Close()
	return &Client{socket}, nil
}

// Status asks how the lab is.
func (c *Client) Status() (Status, error) {
	conn, err := c.send(order{Op: "status"}, nil)
	if err != nil {
		return Status{}, err
	}
	defer conn.Close()
	a, err := receive(conn, nil)
	if err != nil || a.Status == nil {
		return Status{}, err
	}
	if who, err := peer(conn); err == nil && who.Pid > 0 { // the lab's own number is one of its PID namespace
		a.Status.PID = int(who.Pid)
	}
	return *a.Status, nil
}

// alivePatience is how long a lab may take to say that it is there; one that is busy for longer is there all the same.
const alivePatience = 2 * time.Second

// Alive tells whether somebody answers: the socket of a killed lab takes connections until the kernel has cleared its devices away.
func (c *Client) Alive() bool {
	conn, err := c.send(order{Op: "status"}, nil)
	if err != nil {
		return !errors.Is(err, ErrEnded)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(alivePatience))
	_, err = receive(conn, nil)
	return !errors.Is(err, ErrEnded)
}

// Do carries out one action in the lab, now; see Lab.Do.
func (c *Client) Do(a scenario.Action) error {
	conn, err := c.send(order{Op: "do", Action: &a}, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = receive(conn, nil)
	return err
}

// Move moves a node by hand; see Lab.Move.
func (c *Client) Move(ctx context.Context, m Move, tell func(Told)) (Moved, error) {
	conn, err := c.send(order{Op: "move", Move: &m}, nil)
	if err != nil {
		return Moved{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	a, err := receive(conn, tell)
	if ctx.Err() != nil {
		return Moved{}, ctx.Err()
	}
	if err != nil || a.Moved == nil {
		return Moved{}, err
	}
	return *a.Moved, nil
}

// Follow calls f with every event of a node, or of all when its name is empty, until ctx (nil) or the lab ends.
func (c *Client) Follow(ctx context.Context, node string, f func(Told)) error {
	conn, err := c.send(order{Op: "events", Node: node}, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	_, err = receive(conn, f)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Node leads to the control socket of a node: what it answers is what a real node would.
func (c *Client) Node(name string) (*driver.Client, error) {
	conn, err := c.send(order{Op: "ctl", Node: name}, nil)
	if err != nil {
		return nil, err
	}
	// Octet by octet: what follows the line is the node's.
	var line []byte
	for one := make([]byte, 1); ; {
		if _, err = conn.Read(one); err != nil || one[0] == '\n' {
			break
		}
		line = append(line, one[0])
	}
	if err == nil || errors.Is(err, io.EOF) {
		_, err = receive(bytes.NewReader(line), nil)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return driver.NewClient(conn), nil
}

// Down ends the lab and returns when nothing of it is left.
func (c *Client) Down() (Downed, error) {
	conn, err := c.send(order{Op: "down"}, nil)
	if err != nil {
		return Downed{}, err
	}
	defer conn.Close()
	gone := watchEnd(conn)
	a, err := receive(conn, nil)
	err = errors.Join(err, gone())
	if a.Downed == nil {
		return Downed{}, err
	}
	return *a.Downed, err
}

// Exec runs a program in a node with the given files, environment (nil: this process's) and this process's directory,
// and returns its exit status; with an error 127 when there is no such program and 126 when it cannot be run. Signals to this
// process go to it. When its standard input and output are a terminal, it gets a terminal of its own that follows this one in
// all, its size included.
func (c *Client) Exec(ctx context.Context, node string, argv []string, files [3]*os.File, env []string) (int, error) {
	if env == nil {
		env = os.Environ()
	}
	dir, _ := os.Getwd()
	o := order{Op: "exec", Node: node, Argv: argv, Env: env, Dir: dir}
	// With only one of the two, as in a pipe, who is at the other end of the pipe may want the terminal's keys.
	if !isTerminal(files[0]) || !isTerminal(files[1]) {
		return c.follow(ctx, o, files, nil)
	}
	t, err := openTerminal(files[0], files[1])
	if err != nil {
		return 0, fmt.Errorf("lab: terminal: %w", err)
	}
	defer t.close()
	o.TTY = true
	for k, f := range files {
		if isTerminal(f) {
			files[k] = t.slave
		}
	}
	return c.follow(ctx, o, files, t)
}

// follow sends the order and passes signals on until the program has ended.
func (c *Client) follow(ctx context.Context, o order, files [3]*os.File, t *terminal) (int, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	for k := range files {
		if files[k] == nil {
			files[k] = null
		}
	}
	conn, err := c.send(o, files[:])
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if t != nil {
		t.run()
	}
	signals, stop := catch()
	defer stop()
	quit := make(chan struct{})
	defer close(quit)
	go func() {
		for e := json.NewEncoder(conn); ; {
			select {
			case s := <-signals:
				if s, ok := s.(syscall.Signal); ok {
					e.Encode(signalLine{int(s)})
				}
			case <-quit:
				return
			}
		}
	}()
	a, err := receive(conn, nil)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return a.Exit, err
}

func (c *Client) send(o order, files []*os.File) (*net.UnixConn, error) {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: c.socket, Net: "unix"})
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
		return nil, ErrEnded
	}
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	b, err := json.Marshal(o)
	if err != nil {
		conn.Close()
		return nil, err
	}
	var oob []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for k, f := range files {
			fds[k] = fdOf(f)
		}
		oob = unix.UnixRights(fds...)
	}
	b = append(b, '\n')
	n, _, err := conn.WriteMsgUnix(b, oob, nil)
	if err == nil && n < len(b) {
		_, err = conn.Write(b[n:])
	}
	if errors.Is(err, syscall.EPIPE) { // refused unheard: the answer is there all the same
		if _, why := receive(conn, nil); why != nil {
			conn.Close()
			return nil, why
		}
	}
	if err != nil {
		conn.Close()
		if errors.Is(err, syscall.ECONNRESET) {
			return nil, ErrEnded
		}
		return nil, fmt.Errorf("lab: %w", err)
	}
	return conn, nil
}

// fdOf is a file's descriptor, without the change to blocking mode that File.Fd brings along.
func fdOf(f *os.File) int {
	fd := -1
	if raw, err := f.SyscallConn(); err == nil {
		raw.Control(func(n uintptr) { fd = int(n) })
	}
	return fd
}

// receive reads the answer, and hands over the events before it.
func receive(conn io.Reader, tell func(Told)) (answer, error) {
	for d := json.NewDecoder(conn); ; {
		var a answer
		err := d.Decode(&a)
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET):
			return a, ErrEnded
		case err != nil:
			return a, fmt.Errorf("lab: %w", err)
		case a.Told != nil && tell != nil:
			tell(*a.Told)
		case a.Told != nil:
		case a.Err != "":
			return a, errors.New(a.Err)
		default:
			return a, nil
		}
	}
}
