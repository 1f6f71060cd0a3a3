//go:build linux

package lab

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"roam6/driver"
)

// downPatienceAll is how long a lab that has closed may take to end with all its processes.
const downPatienceAll = 10 * time.Second

// goingDown is what ends with the lab.
func (l *Lab) goingDown() Downed { return Downed{Status: l.Status(), Programs: l.programs()} }

// programs are the processes in the nodes' namespaces; none where /proc does not show them.
func (l *Lab) programs() []Program {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := map[string]string{} // node by namespace
	for _, n := range l.nodes {
		var s unix.Stat_t
		if l.closed || unix.Fstat(int(n.ns.Fd()), &s) != nil {
			return nil
		}
		at[fmt.Sprintf("net:[%d]", s.Ino)] = n.plan.Name
	}
	var list []Program
	for _, pid := range processes() {
		dir := fmt.Sprintf("/proc/%d/", pid)
		space, err := os.Readlink(dir + "ns/net")
		node := at[space]
		if err != nil || node == "" || pid == os.Getpid() {
			continue
		}
		line, err := os.ReadFile(dir + "cmdline")
		if err != nil || len(line) == 0 || bytes.HasPrefix(line, []byte(keeperName+"\x00")) {
			continue // it has ended, or is ours
		}
		command := strings.ReplaceAll(strings.TrimRight(string(line), "\x00"), "\x00", " ")
		list = append(list, Program{PID: pid, Node: node, Command: command})
	}
	slices.SortFunc(list, func(a, b Program) int { return a.PID - b.PID })
	return list
}

// alive is the node whose engines run.
func (l *Lab) alive(name string) (*driver.Node, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.byName[name]
	switch {
	case !l.up || l.closed:
		return nil, errNotUp
	case n == nil:
		return nil, l.noNode(name)
	case l.plain(n):
		return nil, fmt.Errorf("lab: node %q is a plain kernel and answers nothing; roam6 lab status shows which nodes run", name)
	case n.life == nil:
		return nil, fmt.Errorf("lab: the engines of node %q have crashed", name)
	}
	return n.life.node, nil
}

// watchEnd gives a function that waits until the process behind a lab's socket has ended, and with it, as the first of its
// PID namespace, all that were in it. It must be called while the process lives.
func watchEnd(conn *net.UnixConn) func() error {
	who, err := peer(conn)
	if err != nil || who.Pid <= 0 || int(who.Pid) == os.Getpid() {
		return func() error { return nil } // it cannot be seen from here, or serves itself
	}
	fd, err := unix.PidfdOpen(int(who.Pid), 0)
	if err != nil {
		return func() error { return nil }
	}
	return func() error {
		defer unix.Close(fd)
		for end := time.Now().Add(downPatienceAll); ; {
			left := time.Until(end)
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(max(0, left/time.Millisecond)))
			switch {
			case err == unix.EINTR:
			case err != nil || n > 0:
				return err
			default:
				return fmt.Errorf("lab: it is closed, but its process %d still runs after %v", who.Pid, downPatienceAll)
			}
		}
	}
}
