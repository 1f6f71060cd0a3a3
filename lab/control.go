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
// SCM_RIGHTS beside it), then, for exec, a line for every signal. The server answers with one line; to events, and while a move
// lasts, with a line for every event before it. After ctl and its answer the connection is one to the node's control socket.
type order struct {
	Op   string   `json:"op"` // a key of ops
	Node string   `json:"node,omitempty"`
	Argv []string `json:"argv,omitempty"`
	Env  []string `json:"env,omitempty"`
	Dir  string   `json:"dir,omitempty"`
	TTY  bool     `json:"tty,omitempty"`

	Action *scenario.Action `json:"action,omitempty"` // with do
	Move   *Move            `json:"move,omitempty"`   // with move
}

type signalLine struct {
	Signal int `json:"signal"`
}

type answer struct {
	Err    string  `json:"err,omitempty"`
	Exit   int     `json:"exit,omitempty"`
	Status *Status `json:"status,omitempty"`
	Moved  *Moved  `json:"moved,omitempty"`
	Downed *Downed `json:"downed,omitempty"`
	Told   *Told   `json:"told,omitempty"` // an event; more lines come
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

// checkPeer refuses other users, should they come past the modes of the socket and of its directory: who may give orders here
// runs programs as the lab's user. In a user namespace both numbers are those of its own.
func checkPeer(conn *net.UnixConn) error {
	who, err := peer(conn)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if int(who.Uid) != os.Geteuid() {
		return errors.New("lab: this lab is another user's")
	}
	return nil
}

// peer is who is at the other end: of a socket that listened, the process that made it listen.
func peer(conn *net.UnixConn) (who *unix.Ucred, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	if e := raw.Control(func(fd uintptr) { who, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); e != nil {
		err = e
	}
	return who, err
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
