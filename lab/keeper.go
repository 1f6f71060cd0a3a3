//go:build linux

package lab

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A program with a terminal runs below a keeper: this program once more, as the leader of the terminal's session. When the
// leader of a session ends, the kernel hangs up whoever is in the terminal's foreground. A daemon (iperf3 -s -D) is for a
// moment: it has forked, its parent ends, and only then it leaves the session. So the leader must not be that parent. As below
// a shell, the leader outlives it, for as long as it takes the daemon to leave.

// keeperName as its name makes this program a keeper: its arguments are the path of a program and all of that one's.
const keeperName = "roam6-lab-session"

// How long a program's children may take to leave the terminal's foreground before they are hung up, and how long they get
// where nobody can see whether they have, because /proc is that of another PID namespace.
const (
	leaveGrace = time.Second
	blindGrace = 100 * time.Millisecond
)

// commLimit is how many octets of a name the kernel keeps (TASK_COMM_LEN and its final zero).
const commLimit = 15

// Exit statuses of programs that never ran, as env(1) has them.
const (
	exitCannot   = 126 // it is there and cannot be run
	exitNotFound = 127
)

// A keeper is no process of the program it is in: nothing of that may run. init is the only place before all of it.
func init() {
	if len(os.Args) > 2 && os.Args[0] == keeperName {
		os.Exit(keep(os.Args[1], os.Args[2:]))
	}
}

// keep runs a program in the foreground of the terminal that is its standard input, and gives the status to end with.
func keep(path string, argv []string) int {
	name(keeperName[:commLimit])
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, append([]os.Signal{syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU}, forwarded...)...)
	c := &exec.Cmd{Path: path, Args: argv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // init runs on the main thread, which lives as long as we do
	if err := c.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "roam6: %v\n", err)
		return exitCannot
	}
	go func() {
		for s := range signals {
			// The terminal's and the lab's signals go to the whole group. A shell has made a group of its own.
			if group, err := unix.Getpgid(c.Process.Pid); err == nil && group != unix.Getpgrp() && slices.Contains(forwarded, s) {
				c.Process.Signal(s)
			}
		}
	}()
	c.Wait()
	if processes() == nil {
		time.Sleep(blindGrace)
	}
	for end := time.Now().Add(leaveGrace); time.Now().Before(end) && crowded(); {
		time.Sleep(time.Millisecond)
	}
	return exitStatus(c.ProcessState)
}

// crowded reports whether anybody but this process is in the foreground of the terminal.
func crowded() bool {
	front, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	if err != nil {
		return false // the terminal is gone
	}
	return slices.ContainsFunc(processes(), func(pid int) bool {
		group, err := unix.Getpgid(pid)
		return err == nil && group == front && pid != os.Getpid()
	})
}

// processes are those of this PID namespace; nil where /proc is that of another one.
func processes() []int {
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return nil
	}
	list, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range list {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
