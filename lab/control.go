//go:build linux

package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"roam6/scenario"
)

// The protocol on the control socket: the client sends one order as a line of JSON (for exec with three files as
// SCM_RIGHTS beside it), then, for exec, a line for every signal. The server answers with one line.
type order struct {
	Op   string   `json:"op"` // "exec", "do", "status" or "down"
	Node string   `json:"node,omitempty"`
	Argv []string `json:"argv,omitempty"`
	Env  []string `json:"env,omitempty"`
	Dir  string   `json:"dir,omitempty"`
	TTY  bool     `json:"tty,omitempty"`

	Action *scenario.Action `json:"action,omitempty"` // with do
}

type signalLine struct {
	Signal int `json:"signal"`
}

type answer struct {
	Err    string  `json:"err,omitempty"`
	Exit   int     `json:"exit,omitempty"`
	Status *Status `json:"status,omitempty"`
}

// orderLimit bounds an order's line, octets: an environment fits many times.
const orderLimit = 1 << 20

// Serve answers clients on a Unix socket until ctx ends, a client asks for Down (which closes the lab), or a node fails.
// A parent that waits in a detached Enter is told that the lab is up. Only this user may reach the socket. A socket left by a killed lab is replaced; one that is answered is not.
func Serve(ctx context.Context, l *Lab, socket string) error {
	ln, err := listen(socket)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	Ready(nil)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var clients sync.WaitGroup
	go func() {
		select {
		case err := <-l.failed:
			cancel(err)
		case <-ctx.Done():
		}
		ln.Close()
	}()
	for {
		conn, err := ln.AcceptUnix()
		if err != nil {
			break
		}
		clients.Go(func() {
			defer conn.Close()
			// One that has not said what it wants must not keep the lab; answers still go out.
			defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Now()) })()
			l.attend(ctx, cancel, conn)
		})
	}
	clients.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, errDown) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("lab: %w", err)
	}
	return nil
}

// errDown ends Serve when a client asked for it.
var errDown = errors.New("asked to go down")

func listen(socket string) (*net.UnixListener, error) {
	if conn, err := net.Dial("unix", socket); err == nil {
		conn.Close()
		return nil, fmt.Errorf("a lab is up at %s already: `roam6 lab down` ends it", socket)
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		os.Remove(socket)
	}
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return nil, err
	}
	return ln, nil
}

// attend serves one client.
func (l *Lab) attend(ctx context.Context, down context.CancelCauseFunc, conn *net.UnixConn) {
	in, o, files, err := readOrder(conn)
	defer closeAll(files)
	var a answer
	switch {
	case err != nil:
		a.Err = err.Error()
	case o.Op == "status":
		s := l.Status()
		a.Status = &s
	case o.Op == "down":
		if err := l.Close(); err != nil {
			a.Err = err.Error()
		}
		down(errDown)
	case o.Op == "do" && o.Action != nil:
		if err := l.Do(*o.Action); err != nil {
			a.Err = err.Error()
		}
	case o.Op == "exec" && len(files) != 3:
		a.Err = fmt.Sprintf("lab: exec came with %d files, 3 are needed", len(files))
	case o.Op == "exec":
		a = l.serveExec(ctx, in, o, [3]*os.File(files))
	default:
		a.Err = fmt.Sprintf("lab: unknown order %q", o.Op)
	}
	json.NewEncoder(conn).Encode(a)
}

func (l *Lab) serveExec(ctx context.Context, in *bufio.Reader, o order, files [3]*os.File) answer {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	signals := make(chan os.Signal, 8)
	go func() {
		defer cancel() // the client has gone: so must the program
		for d := json.NewDecoder(in); ; {
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
	exit, err := l.exec(ctx, o.Node, job{argv: o.Argv, files: files, env: o.Env, dir: o.Dir, tty: o.TTY, signals: signals})
	if err != nil {
		return answer{Err: err.Error()}
	}
	return answer{Exit: exit}
}

// readOrder reads the first line and the files that came with it.
func readOrder(conn *net.UnixConn) (*bufio.Reader, order, []*os.File, error) {
	var o order
	first, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(3*4))
	n, on, _, _, err := conn.ReadMsgUnix(first, oob)
	if err != nil {
		return nil, o, nil, err
	}
	files, err := rights(oob[:on])
	if err != nil {
		return nil, o, files, err
	}
	in := bufio.NewReader(&prefixed{first[:n], conn})
	var text []byte
	for {
		part, err := in.ReadSlice('\n')
		text = append(text, part...)
		if len(text) > orderLimit {
			return nil, o, files, errors.New("lab: the order is too long")
		}
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, o, files, err
		}
	}
	err = json.Unmarshal(text, &o)
	return in, o, files, err
}

// prefixed is a connection some octets of which have been read already.
type prefixed struct {
	head []byte
	rest net.Conn
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.rest.Read(b)
}

func rights(oob []byte) ([]*os.File, error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for k := range msgs {
		fds, err := unix.ParseUnixRights(&msgs[k])
		if err != nil {
			return files, err
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
