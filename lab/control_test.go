//go:build linux

package lab

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"roam6/scenario"
)

// served is a lab on a socket.
func served(t *testing.T) (*Client, chan error) {
	t.Helper()
	return serve(t, up(t, Config{Plan: triangle(scenario.LinkModel{}, scenario.LinkModel{})}))
}

// serve serves a lab.
func serve(t *testing.T, l *Lab) (*Client, chan error) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "lab.sock")
	ended := make(chan error, 1)
	go func() { ended <- Serve(t.Context(), l, socket) }()
	return reach(t, socket), ended
}

// reach dials a lab that is about to serve.
func reach(t *testing.T, socket string) *Client {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		c, err := Dial(socket)
		if err == nil {
			return c
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestControl(t *testing.T) {
	c, ended := served(t)
	if i, err := os.Stat(c.socket); err != nil || i.Mode().Perm()&0o077 != 0 {
		t.Errorf("the socket has mode %v, %v: others can reach it", i.Mode(), err)
	}
	s, err := c.Status()
	if err != nil || s.Scenario != "triangle" || len(s.Nodes) != 3 || s.Nodes[1].Ifaces[1].Segment != "right" || s.Nodes[0].State != "kernel" {
		t.Errorf("status %+v, %v", s, err)
	}
	take, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	dir, _ := os.Getwd()
	status, err := c.Exec(t.Context(), "a", []string{"/bin/sh", "-c", "pwd; cat; exit 3"}, [3]*os.File{nil, out, out}, nil)
	out.Close()
	said, _ := io.ReadAll(take)
	if err != nil || status != 3 || strings.TrimSpace(string(said)) != dir {
		t.Errorf("status %d, %v, said %q, want 3 and %q", status, err, said, dir)
	}
	if _, err := c.Exec(t.Context(), "zz", []string{"true"}, [3]*os.File{}, nil); err == nil || !strings.Contains(err.Error(), "a, b, r") {
		t.Errorf("a node that does not exist: %v", err)
	}
	if err := Serve(t.Context(), &Lab{}, c.socket); err == nil || !strings.Contains(err.Error(), "lab down") {
		t.Errorf("a second lab on the socket: %v", err)
	}
	if _, err := c.Down(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := Dial(c.socket); err == nil || !strings.Contains(err.Error(), "lab up") {
		t.Errorf("a lab that is down: %v", err)
	}
}

// Signals to the client's process reach the program.
func TestControlSignals(t *testing.T) {
	c, _ := served(t)
	take, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		one := make([]byte, 1)
		take.Read(one) // the trap is set
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	}()
	status, err := c.Exec(t.Context(), "a", []string{"/bin/sh", "-c", "trap 'exit 9' USR1; echo; while :; do sleep 0.05; done"}, [3]*os.File{nil, out, nil}, nil)
	if err != nil || status != 9 {
		t.Errorf("status %d, %v", status, err)
	}
}

// A client that never says what it wants does not keep a lab from its end.
func TestControlSilentClient(t *testing.T) {
	c, ended := served(t)
	conn, err := net.Dial("unix", c.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := c.Down(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the lab serves on")
	}
}

// A client that dies takes its program with it.
func TestControlClientDies(t *testing.T) {
	c, _ := served(t)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	conn, err := c.send(order{Op: "exec", Node: "b", Argv: []string{"sleep", "98765"}}, []*os.File{null, null, null})
	if err != nil {
		t.Fatal(err)
	}
	wait := func(want int) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); sleepers(t) != want; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d programs run, want %d", sleepers(t), want)
			}
		}
	}
	wait(1)
	conn.Close()
	wait(0)
}

// With a terminal for its input the program has one of its own, with the size of ours.
func TestControlTerminal(t *testing.T) {
	c, _ := served(t)
	outer, err := openTerminal(nil, nil) // stands for the user's
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	defer outer.master.Close()
	resizeTo(t, outer.master, 33, 99)
	heard := make(chan string, 1)
	go func() {
		var all []byte
		b := make([]byte, 4096)
		for !strings.Contains(string(all), "END") {
			n, err := outer.master.Read(b)
			if err != nil {
				break
			}
			all = append(all, b[:n]...)
		}
		heard <- string(all)
	}()
	status, err := c.Exec(t.Context(), "a", []string{"/bin/sh", "-c", "stty size; tty; ps -o tty= -p $$ >/dev/null; echo END; exit 4"},
		[3]*os.File{outer.slave, outer.slave, outer.slave}, nil)
	if err != nil || status != 4 {
		t.Errorf("status %d, %v", status, err)
	}
	if s := <-heard; !strings.Contains(s, "33 99") || strings.Contains(s, "not a tty") {
		t.Errorf("the program said %q", s)
	}
}

// `lab up` returns when the lab is up; the lab lives on, is reached by its socket, and ends by it.
func TestDetached(t *testing.T) {
	needLab(t)
	socket := filepath.Join(t.TempDir(), "lab.sock")
	c := helperCommand("detached", socket, nil)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	client, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := client.Status(); err != nil || len(s.Nodes) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	if n := sleepers(t); n != 2 {
		t.Errorf("%d programs run, want 2", n)
	}
	if _, err := client.Down(); err != nil {
		t.Error(err)
	}
	for end := time.Now().Add(5 * time.Second); sleepers(t) != 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d programs outlived the lab", sleepers(t))
		}
	}
}
