//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
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
		return 0, errNotUp
	case n == nil:
		return 0, l.noNode(name)
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

func (l *Lab) noNode(name string) error {
	var names []string
	for _, n := range l.c.Plan.Nodes {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	return fmt.Errorf("lab: there is no node %q; there are %s", name, strings.Join(names, ", "))
}

// run starts the program in the namespaces of the calling thread and waits for its end.
func (j *job) run(ctx context.Context) (int, error) {
	env := j.env
	if env == nil {
		env = os.Environ()
	}
	path, err := lookPath(j.argv[0], env, j.dir)
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EISDIR):
		return exitCannot, err
	case err != nil:
		return exitNotFound, err
	}
	c := exec.CommandContext(ctx, path)
	c.Args, c.Env, c.Dir = j.argv, env, j.dir
	if j.tty {
		c.Path, c.Args = "/proc/self/exe", append([]string{keeperName, path}, j.argv...)
	}
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
	if err := ordinarily(func() error { return programs.start(c) }); err != nil {
		return exitCannot, err
	}
	defer programs.left(c)
	defer j.pass(c.Process.Pid)()
	err = c.Wait()
	if ctx.Err() != nil {
		syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // whoever of its session is left
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		return 0, err
	}
	return exitStatus(c.ProcessState), nil
}

// pass sends signals on to a process group until the function it gives is called.
func (j *job) pass(group int) (stop func()) {
	quit := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-j.signals:
				if s, ok := s.(syscall.Signal); ok {
					syscall.Kill(-group, s)
				}
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit) }
}

// lookPath finds a program as the shell would in whose environment and directory it is to run: those of the lab may be others.
func lookPath(name string, env []string, dir string) (string, error) {
	runs := func(path string) error {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		i, err := os.Stat(path)
		if err == nil && i.IsDir() {
			return &fs.PathError{Op: "run", Path: path, Err: syscall.EISDIR}
		}
		if err == nil && unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) != nil {
			return &fs.PathError{Op: "run", Path: path, Err: syscall.EACCES}
		}
		return err
	}
	if strings.Contains(name, "/") {
		return name, runs(name)
	}
	for _, e := range slices.Backward(env) { // the last one counts
		list, ok := strings.CutPrefix(e, "PATH=")
		if !ok {
			continue
		}
		for _, d := range filepath.SplitList(list) {
			if path := filepath.Join(d, name); runs(path) == nil {
				if !filepath.IsAbs(path) { // of an empty element or a relative one
					path = filepath.Join(dir, path)
				}
				return path, nil
			}
		}
		break
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
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
