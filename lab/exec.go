//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netns"
)

// execGrace is how long a program asked to end by SIGHUP has before SIGKILL.
const execGrace = 2 * time.Second

// job is a program to run in a node.
type job struct {
	argv    []string
	files   [3]*os.File
	env     []string         // nil: that of this process
	dir     string           // "": that of this process
	tty     bool             // files[0] becomes its controlling terminal
	signals <-chan os.Signal // sent on to it
}

// Exec runs a program inside a node with the given standard input, output and error and returns its exit status
// (128 + signal number when a signal ended it). Its end comes with ctx or with the lab.
func (l *Lab) Exec(ctx context.Context, node string, argv []string, files [3]*os.File, env []string) (int, error) {
	return l.exec(ctx, node, job{argv: argv, files: files, env: env})
}

func (l *Lab) exec(ctx context.Context, name string, j job) (int, error) {
	l.mu.Lock()
	n, up := l.byName[name], l.up && !l.closed && l.ctx.Err() == nil
	if up && n != nil {
		l.execs.Add(1)
	}
	l.mu.Unlock()
	switch {
	case !up:
		return 0, errors.New("lab: it is not up")
	case n == nil:
		return 0, fmt.Errorf("lab: there is no node %q; there are %s", name, strings.Join(l.nodeNames(), ", "))
	case len(j.argv) == 0:
		l.execs.Done()
		return 0, errors.New("lab: no program to run was given")
	}
	defer l.execs.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	status := 0
	// The thread that starts the program waits for it: Pdeathsig means the death of that thread.
	err := onThread(func() (err error) {
		if err = netns.Set(netns.NsHandle(n.ns.Fd())); err == nil {
			status, err = j.run(ctx)
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("lab: %w", err)
	}
	return status, err
}

func (l *Lab) nodeNames() []string {
	var names []string
	for _, n := range l.c.Plan.Nodes {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	return names
}

// run starts the program in the namespaces of the calling thread and waits for its end.
func (j *job) run(ctx context.Context) (int, error) {
	c := exec.CommandContext(ctx, j.argv[0], j.argv[1:]...)
	c.Env, c.Dir = j.env, j.dir
	if f := j.files[0]; f != nil { // a nil *os.File in the interface would not be nil
		c.Stdin = f
	}
	if f := j.files[1]; f != nil {
		c.Stdout = f
	}
	if f := j.files[2]; f != nil {
		c.Stderr = f
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: j.tty, Pdeathsig: syscall.SIGKILL}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGHUP) }
	c.WaitDelay = execGrace
	if err := c.Start(); err != nil {
		return 0, err
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case s := <-j.signals:
				if s, ok := s.(syscall.Signal); ok {
					syscall.Kill(-c.Process.Pid, s)
				}
			case <-stop:
				return
			}
		}
	}()
	err := c.Wait()
	if ctx.Err() != nil {
		syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // whoever of its session is left
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		return 0, err
	}
	return exitStatus(c.ProcessState), nil
}

// exitStatus is a program's exit status as a shell gives it.
func exitStatus(p *os.ProcessState) int {
	if w, ok := p.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return p.ExitCode()
}

// forwarded are the signals that are passed on to programs inside.
var forwarded = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2}

func catch() (<-chan os.Signal, func()) {
	ch := make(chan os.Signal, 8)
	signal.Notify(ch, forwarded...)
	return ch, func() { signal.Stop(ch) }
}
