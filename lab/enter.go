//go:build linux

package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Environment of a program that Enter has run again: the network namespace it came from, and that the descriptor readyFD
// leads to the parent, which waits there until the lab is up (readyUp) or until the program takes signals (readyHears).
const (
	envOutside = "ROAM6_LAB_OUTSIDE"
	envReady   = "ROAM6_LAB_READY"
	readyUp    = "up"
	readyHears = "hears"
	readyFD    = 3
	readyOK    = "up"
)

// signalGrace is how long after the end of Enter's context the signal that ended it may take to come to us as well.
const signalGrace = 100 * time.Millisecond

// readyPipe is the way to a parent that waits in a detached Enter; readyOnce guards it.
var (
	readyPipe *os.File
	readyOnce sync.Once
)

// Enter runs this program again, with the same arguments, inside fresh namespaces: mount, PID and network, and a user
// namespace in which it is root when it is not root already. In that second program it returns inside true. In the first
// it returns when the second has ended (or, detached, is ready), with the exit status to end with. Signals are passed on, and
// the end of ctx as SIGTERM, whenever they come: callers take signals before they call Enter, in the second program too. A
// detached lab that is not up when ctx ends is taken down.
//
// The second program dies with the first, unless detached. As the first process of its PID namespace it takes every
// process it started with it when it dies, however it dies, and it waits for those that have no parent any more. So it must
// start programs by Exec only: how others ended it may not learn.
func Enter(ctx context.Context, o EnterOptions) (inside bool, exit int, err error) {
	outside := os.Getenv(envOutside)
	here, err := os.Readlink(threadNS)
	if err != nil {
		return false, 0, fmt.Errorf("lab: %w (is /proc mounted?)", err)
	}
	if outside != "" && outside != here {
		return true, 0, arrive()
	}
	if o.Detach {
		exit, err = detach(ctx, here, o.Log)
	} else {
		exit, err = attached(ctx, here)
	}
	if err != nil {
		err = fmt.Errorf("lab: %w", err)
	}
	return false, exit, err
}

// arrive is the inside's first deed: its mounts become its own.
func arrive() error {
	os.Unsetenv(envOutside)
	name(insideName)
	if err := answerParent(); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("lab: making the mounts private: %w", err)
	}
	// A /proc of the new PID namespace is a nicety for programs run in the nodes; where it is refused the old one serves.
	unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	go programs.adopt()
	return nil
}

// insideName is what ps calls the process that holds a lab; as it was started by /proc/self/exe it would be "exe".
const insideName = "roam6-lab"

// name gives this process a name, for people who look at lists of processes.
func name(s string) { _ = os.WriteFile("/proc/self/comm", []byte(s), 0) }

// again is this program once more, to be started in fresh namespaces.
func again(here string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Args[0] = os.Args[0]
	c.Env = append(os.Environ(), envOutside+"="+here)
	c.SysProcAttr = fresh()
	return c
}

// fresh are the namespaces, with a user namespace unless this process may make the others without.
func fresh() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID}
	if !capable(unix.CAP_SYS_ADMIN) || !capable(unix.CAP_NET_ADMIN) {
		a.Cloneflags |= unix.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return a
}

// capable reports whether this process has a capability in effect.
func capable(capability uint) bool {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	return unix.Capget(&h, &d[0]) == nil && d[capability/32].Effective&(1<<(capability%32)) != 0
}

// answerParent takes the way to the parent over, and tells one that wants to know that signals are heard from here on: what
// comes before the first process of a PID namespace takes signals is lost.
func answerParent() error {
	wants := os.Getenv(envReady)
	os.Unsetenv(envReady)
	if wants == "" {
		return nil
	}
	pipe := os.NewFile(readyFD, "ready")
	unix.CloseOnExec(readyFD)
	if wants == readyUp {
		readyPipe = pipe
		return nil
	}
	defer pipe.Close()
	if _, err := io.WriteString(pipe, readyHears); err != nil {
		return fmt.Errorf("the program that started this one is gone: %w", err) // before our death could be tied to its
	}
	return nil
}

// attached runs the inside as a child that shares everything with this process and dies with it.
func attached(ctx context.Context, here string) (int, error) {
	runtime.LockOSThread() // Pdeathsig means the death of this thread
	defer runtime.UnlockOSThread()
	signals, stop := catch()
	defer stop()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	c := again(here)
	c.Env = append(c.Env, envReady+"="+readyHears)
	c.ExtraFiles = []*os.File{w} // becomes readyFD
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr.Pdeathsig = syscall.SIGKILL
	err = c.Start()
	w.Close()
	if err != nil {
		return 0, startError(err)
	}
	hears := make(chan struct{})
	go func() {
		io.ReadAll(r)
		close(hears)
	}()
	quit := make(chan struct{})
	defer close(quit)
	go relay(ctx, signals, hears, quit, func(s os.Signal) { c.Process.Signal(s) })
	err = c.Wait()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return 0, err
	}
	return exitStatus(c.ProcessState), nil
}

// relay passes signals on once they are heard, and the end of ctx as SIGTERM unless it was one of the signals that ended it.
func relay(ctx context.Context, signals <-chan os.Signal, hears, quit <-chan struct{}, send func(os.Signal)) {
	ended, heard, some := ctx.Done(), hears, false
	var late <-chan time.Time
	var held []os.Signal
	pass := func(s os.Signal) {
		some = true
		if heard != nil {
			held = append(held, s)
			return
		}
		send(s)
	}
	for {
		select {
		case s := <-signals:
			pass(s)
		case <-ended:
			ended, late = nil, time.After(signalGrace)
		case <-late:
			if !some {
				pass(syscall.SIGTERM)
			}
		case <-heard:
			heard = nil
			for _, s := range held {
				send(s)
			}
		case <-quit:
			return
		}
	}
}

// detach runs the inside in a session of its own and waits until it is ready.
func detach(ctx context.Context, here string, log *os.File) (int, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	c := again(here)
	c.Env = append(c.Env, envReady+"="+readyUp)
	c.ExtraFiles = []*os.File{w} // becomes readyFD
	c.SysProcAttr.Setsid = true
	if log != nil {
		c.Stdout, c.Stderr = log, log
	}
	err = c.Start()
	w.Close()
	if err != nil {
		return 0, startError(err)
	}
	defer context.AfterFunc(ctx, func() { c.Process.Kill() })()
	said, err := io.ReadAll(bufio.NewReader(r))
	switch {
	case ctx.Err() != nil:
		c.Process.Kill()
		c.Wait()
		return 0, ctx.Err()
	case err != nil:
		return 0, err
	case string(said) == readyOK:
		return 0, c.Process.Release()
	case len(said) > 0:
		c.Wait()
		return max(1, exitStatus(c.ProcessState)), errors.New(strings.TrimPrefix(string(said), "lab: ")) // its status says whose fault it is
	}
	c.Wait()
	return exitStatus(c.ProcessState), errors.New("the lab ended before it was up; its log says why")
}

// Ready tells the waiting parent of a detached Enter that the inside is up, or why it is not. Serve says the first. Without
// such a parent it does nothing.
func Ready(err error) {
	if readyPipe == nil {
		return
	}
	readyOnce.Do(func() {
		said := readyOK
		if err != nil {
			said = err.Error()
		}
		io.WriteString(readyPipe, said)
		readyPipe.Close()
	})
}

func startError(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EUSERS) || errors.Is(err, unix.EACCES) {
		return errors.Join(fmt.Errorf("namespaces cannot be made: %w", err), Supported())
	}
	return err
}
