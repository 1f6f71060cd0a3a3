//go:build linux

package lab

import (
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// family tells the programs this process has started, which those who started them wait for, from orphans: daemons that
// were begun in a node and have no parent any more. The first process of a PID namespace gets all of these; when they end
// they stay as zombies until it asks how they ended, and nobody else will.
type family struct {
	mu    sync.Mutex // also held from before a program is started until it is known
	own   map[int]bool
	nudge chan struct{}
}

// programs are those of this process.
var programs = &family{own: map[int]bool{}, nudge: make(chan struct{}, 1)}

// start is c.Start; left must be called after c.Wait.
func (f *family) start(c *exec.Cmd) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := c.Start(); err != nil {
		return err
	}
	f.own[c.Process.Pid] = true
	return nil
}

// left forgets a program that has been waited for.
func (f *family) left(c *exec.Cmd) {
	f.mu.Lock()
	delete(f.own, c.Process.Pid)
	f.mu.Unlock()
	select { // it may have stood before orphans in the kernel's list
	case f.nudge <- struct{}{}:
	default:
	}
}

// adopt buries orphans for as long as this process lives.
func (f *family) adopt() {
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	for {
		for f.bury() {
		}
		select {
		case <-died:
		case <-f.nudge:
		}
	}
}

// bury takes one ended orphan off the kernel's list. It reports whether there may be more.
func (f *family) bury() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	pid := ended()
	if pid == 0 || f.own[pid] {
		return false
	}
	_, err := unix.Wait4(pid, nil, unix.WNOHANG, nil)
	return err == nil
}

// deceased is the kernel's siginfo_t as waitid(2) fills it in; the package unix keeps the process to itself.
type deceased struct {
	_     [3]int32
	child struct {
		pid int32
		_   uintptr // the kernel aligns what it is part of to this
	}
	_ [128]byte // more than the rest
}

// ended is a child that has ended and not been waited for, which it remains; 0 for none.
func ended() int {
	var d deceased
	if err := unix.Waitid(unix.P_ALL, 0, (*unix.Siginfo)(unsafe.Pointer(&d)), unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != nil {
		return 0
	}
	return int(d.child.pid)
}
