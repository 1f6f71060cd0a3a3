//go:build linux

package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

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
	a, err := receive(conn)
	if err != nil || a.Status == nil {
		return Status{}, err
	}
	return *a.Status, nil
}

// Do carries out one action in the lab, now; see Lab.Do.
func (c *Client) Do(a scenario.Action) error {
	conn, err := c.send(order{Op: "do", Action: &a}, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = receive(conn)
	return err
}

// Down ends the lab and returns when nothing of it is left.
func (c *Client) Down() error {
	conn, err := c.send(order{Op: "down"}, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = receive(conn)
	return err
}

// Exec runs a program in a node with the given files, environment (nil: this process's) and this process's directory,
// and returns its exit status. Signals to this process go to it. When its standard input is a terminal, it gets a
// terminal of its own that follows this one in all, its size included.
func (c *Client) Exec(ctx context.Context, node string, argv []string, files [3]*os.File, env []string) (int, error) {
	if env == nil {
		env = os.Environ()
	}
	dir, _ := os.Getwd()
	o := order{Op: "exec", Node: node, Argv: argv, Env: env, Dir: dir}
	if files[0] != nil && isTerminal(files[0]) {
		t, err := openTerminal(files[0], files[1])
		if err != nil {
			return 0, fmt.Errorf("lab: terminal: %w", err)
		}
		defer t.close()
		o.TTY = true
		files = [3]*os.File{t.slave, t.slave, t.slave}
		return c.follow(ctx, o, files, t)
	}
	return c.follow(ctx, o, files, nil)
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
	a, err := receive(conn)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return a.Exit, err
}

func (c *Client) send(o order, files []*os.File) (*net.UnixConn, error) {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: c.socket, Net: "unix"})
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
	if err != nil {
		conn.Close()
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

func receive(conn *net.UnixConn) (answer, error) {
	var a answer
	err := json.NewDecoder(conn).Decode(&a)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return a, errors.New("lab: it ended before it answered")
	case err != nil:
		return a, fmt.Errorf("lab: %w", err)
	case a.Err != "":
		return a, errors.New(a.Err)
	}
	return a, nil
}

// lastWords is how long a terminal is read on after its program has ended.
const lastWords = 500 * time.Millisecond

// terminal is a pseudo-terminal for a program inside that follows a real one outside.
type terminal struct {
	in, out       *os.File // the real one
	master, slave *os.File
	saved         *unix.Termios
	resized       chan os.Signal
	copied        chan struct{}
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(fdOf(f), unix.TCGETS)
	return err == nil
}

func openTerminal(in, out *os.File) (*terminal, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	fd := fdOf(master)
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		master.Close()
		return nil, err
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		master.Close()
		return nil, err
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		master.Close()
		return nil, err
	}
	return &terminal{in: in, out: out, master: master, slave: slave, resized: make(chan os.Signal, 1), copied: make(chan struct{})}, nil
}

// run turns the real terminal raw and copies both ways.
func (t *terminal) run() {
	t.slave.Close() // the program has it now: the master reads to its end when the program has gone
	if saved, err := unix.IoctlGetTermios(fdOf(t.in), unix.TCGETS); err == nil {
		t.saved = saved
		raw := *saved
		raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
		raw.Oflag &^= unix.OPOST
		raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
		raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
		raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
		unix.IoctlSetTermios(fdOf(t.in), unix.TCSETS, &raw)
	}
	t.resize()
	signal.Notify(t.resized, unix.SIGWINCH)
	go func() {
		for range t.resized {
			t.resize()
		}
	}()
	go io.Copy(t.master, t.in) // ends with this process
	go func() {
		defer close(t.copied)
		if t.out != nil {
			io.Copy(t.out, t.master)
		}
	}()
}

func (t *terminal) resize() {
	if size, err := unix.IoctlGetWinsize(fdOf(t.in), unix.TIOCGWINSZ); err == nil {
		unix.IoctlSetWinsize(fdOf(t.master), unix.TIOCSWINSZ, size)
	}
}

// close waits for the program's last words and gives the real terminal its settings back.
func (t *terminal) close() {
	t.slave.Close()
	if t.saved != nil {
		select {
		case <-t.copied:
		case <-time.After(lastWords): // something it left behind still holds the terminal
		}
		signal.Stop(t.resized)
		close(t.resized)
		unix.IoctlSetTermios(fdOf(t.in), unix.TCSETS, t.saved)
	}
	t.master.Close()
}
