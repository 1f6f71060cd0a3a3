//go:build linux

package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"roam6/scenario"
)

// inside is a lab in a process of its own, with the PID namespace that gives it, and a client of it. In node b a shell and
// two sleepers run.
func inside(t *testing.T) *Client {
	t.Helper()
	needLab(t)
	socket := filepath.Join(t.TempDir(), "lab.sock")
	startHelper(t, "inside", socket, nil)
	return reach(t, socket)
}

// said runs a program in a node, and gives its status and what it wrote.
func said(t *testing.T, c *Client, node string, argv ...string) (int, string) {
	t.Helper()
	take, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer take.Close()
	text := make(chan string)
	go func() {
		b, _ := io.ReadAll(take)
		text <- string(b)
	}()
	status, err := c.Exec(t.Context(), node, argv, [3]*os.File{nil, out, out}, nil)
	out.Close()
	if err != nil {
		t.Error(err)
	}
	return status, <-text
}

// Orphans that end in a lab are buried, and nobody's exit status goes with them: every program ends with the one it gave while
// the lab's first process takes hundreds of others off its list.
func TestOrphansAreBuried(t *testing.T) {
	c := inside(t)
	var all sync.WaitGroup
	for k := range 40 {
		all.Go(func() {
			script := fmt.Sprintf("for i in 1 2 3 4 5; do (setsid sleep 0.0$i >/dev/null 2>&1 &) ; done; exit %d", 100+k)
			if status, err := c.Exec(t.Context(), "a", []string{"/bin/sh", "-c", script}, [3]*os.File{}, nil); err != nil || status != 100+k {
				t.Errorf("status %d, %v, want %d", status, err, 100+k)
			}
		})
	}
	all.Wait()
	var text string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		_, text = said(t, c, "a", "/bin/sh", "-c", "grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null; true")
		if text == "" {
			return
		}
	}
	t.Errorf("these ended long ago: %q", text)
}

// A daemon that takes a moment to leave its terminal is not hung up when the program that began it ends.
func TestDaemonOutlivesTerminal(t *testing.T) {
	c := inside(t)
	before := sleepers(t)
	status, _ := onTerminal(t, c, nil, "/bin/sh", "-c", "(sleep 0.2; exec setsid sleep 98765) </dev/null >/dev/null 2>&1 & exit 6")
	if status != 6 {
		t.Errorf("status %d, want 6", status)
	}
	for end := time.Now().Add(5 * time.Second); sleepers(t) == before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the daemon is gone with its terminal")
		}
	}
}

// What stays in the foreground is hung up, as by any terminal.
func TestTerminalHangsUp(t *testing.T) {
	if hupIgnored() {
		t.Skip("SIGHUP is ignored here (nohup), and so by every program started from here")
	}
	c := inside(t)
	before := sleepers(t)
	onTerminal(t, c, nil, "/bin/sh", "-c", "sleep 98765 </dev/null >/dev/null 2>&1 & exit 0")
	for end := time.Now().Add(5 * time.Second); sleepers(t) > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a program in the background of no shell outlived its terminal")
		}
	}
}

// hupIgnored reports whether this process was started with SIGHUP ignored.
func hupIgnored() bool {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	_, rest, _ := bytes.Cut(b, []byte("SigIgn:"))
	var set uint64
	fmt.Sscanf(string(rest), "%x", &set)
	return set&1 != 0
}

// user types on a terminal and reads what comes.
type user struct {
	t      *testing.T
	master *os.File
	mu     sync.Mutex
	seen   []byte
}

// expect waits until a text has come since it last did.
func (u *user) expect(text string) {
	u.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		u.mu.Lock()
		_, rest, ok := bytes.Cut(u.seen, []byte(text))
		if ok {
			u.seen = bytes.Clone(rest)
		}
		seen := string(u.seen)
		u.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(end) {
			u.t.Errorf("%q does not come; there was %q", text, seen)
			return
		}
	}
}

func (u *user) types(text string) { io.WriteString(u.master, text) }

// onTerminal runs a program of node a with a terminal of 33 rows and 99 columns, while acts does something there, and gives its
// status and what is left on the screen.
func onTerminal(t *testing.T, c *Client, acts func(u *user), argv ...string) (int, string) {
	t.Helper()
	outer, err := openTerminal(nil, nil) // stands for the user's
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	defer outer.master.Close()
	resizeTo(t, outer.master, 33, 99)
	set, err := unix.IoctlGetTermios(fdOf(outer.slave), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	set.Cc[unix.VERASE] = '\b' // as some people's terminals have it
	if err := unix.IoctlSetTermios(fdOf(outer.slave), unix.TCSETS, set); err != nil {
		t.Fatal(err)
	}
	u := &user{t: t, master: outer.master}
	go func() {
		for b := make([]byte, 4096); ; {
			n, err := outer.master.Read(b)
			u.mu.Lock()
			u.seen = append(u.seen, b[:n]...)
			u.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if acts != nil {
			acts(u)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	status, err := c.Exec(ctx, "a", argv, [3]*os.File{outer.slave, outer.slave, outer.slave}, nil)
	if err != nil {
		t.Error(err)
	}
	<-done
	outer.slave.Close()
	time.Sleep(10 * time.Millisecond) // the last of it is on its way through the terminal
	u.mu.Lock()
	defer u.mu.Unlock()
	return status, string(u.seen)
}

// A shell works as on any terminal: jobs, Ctrl-C, Ctrl-Z, and signals to the client come to it.
func TestShellOnTerminal(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	t.Setenv("PS1", "ready>")
	c, _ := served(t)
	before := sleepers(t)
	status, _ := onTerminal(t, c, func(u *user) {
		u.expect("ready>")
		u.types("trap 'exit 9' USR1\n")
		u.expect("ready>")
		u.types("sleep 98765\n")
		for end := time.Now().Add(5 * time.Second); sleepers(t) == before && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		}
		u.types("\x1a")
		u.expect("Stopped")
		u.types("jobs\n")
		u.expect("Stopped")
		u.types("fg\n")
		u.expect("sleep 98765")
		time.Sleep(50 * time.Millisecond) // the shell says what it will do before it does
		u.types("\x03")
		u.expect("ready>")
		u.types("echo $?-from-sleep\n")
		u.expect("130-from-sleep")
		u.expect("ready>")
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	}, bash, "--norc", "--noprofile", "--noediting", "-i")
	if status != 9 {
		t.Errorf("status %d, want 9, of the signal's trap", status)
	}
}

// The program's terminal has the settings of the user's, and follows its size.
func TestTerminalFollows(t *testing.T) {
	c, _ := served(t)
	status, _ := onTerminal(t, c, func(u *user) {
		u.expect("33 99")
		u.expect("erase = ^H")
		resizeTo(t, u.master, 40, 120)
		syscall.Kill(os.Getpid(), syscall.SIGWINCH) // the kernel tells those whose terminal it is; ours is another
		u.expect("40 120")
	}, "/bin/sh", "-c", "trap 'stty size; exit 3' WINCH; stty size; stty -a; while :; do sleep 0.02; done")
	if status != 3 {
		t.Errorf("status %d, want 3", status)
	}
}

// In a pipe a program has no terminal: what it writes is what comes out.
func TestPipeIsNoTerminal(t *testing.T) {
	c, _ := served(t)
	outer, err := openTerminal(nil, nil)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	defer outer.master.Close()
	take, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer take.Close()
	status, err := c.Exec(t.Context(), "a", []string{"/bin/sh", "-c", "test -t 0 && ! test -t 1 && printf 'a\\nb\\n'"},
		[3]*os.File{outer.slave, out, out}, nil)
	out.Close()
	b, _ := io.ReadAll(take)
	if err != nil || status != 0 || string(b) != "a\nb\n" {
		t.Errorf("status %d, %v, wrote %q", status, err, b)
	}
}

// Programs are found by the environment they run with; one that is not found or cannot run is told from one that fails.
func TestExecFinds(t *testing.T) {
	c, _ := served(t)
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"mine": 0o755, "text": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\nexit 5\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []struct {
		program, path string
		status        int
		err           string
	}{
		{"mine", dir, 5, ""},
		{"mine", "/bin", exitNotFound, "not found"},
		{"text", dir, exitNotFound, "not found"},
		{dir + "/text", dir, exitCannot, "permission denied"},
		{dir, dir, exitCannot, "is a directory"},
		{dir + "/none", dir, exitNotFound, "no such file"},
	} {
		status, err := c.Exec(t.Context(), "a", []string{x.program}, [3]*os.File{}, []string{"PATH=/nowhere", "PATH=" + x.path})
		if status != x.status || (err == nil) != (x.err == "") || err != nil && !strings.Contains(err.Error(), x.err) {
			t.Errorf("%s in %s: status %d, %v; want %d, %q", x.program, x.path, status, err, x.status, x.err)
		}
	}
}

// Programs of the nodes have the niceness of the user's, not that of the lab.
func TestExecIsNoNicer(t *testing.T) {
	c, _ := served(t)
	own, err := unix.Getpriority(unix.PRIO_PROCESS, 1) // 20 less the niceness: 20 for 0
	if err != nil || own != 20 {
		t.Skip("the machine's first process has a niceness of its own")
	}
	if _, text := said(t, c, "a", "nice"); strings.TrimSpace(text) != "0" {
		t.Errorf("a program's niceness is %q, want 0", text)
	}
}

// cycles is how often a lab goes up and down when leaks are looked for.
const cycles = 6

// Labs that have come and gone leave no descriptor, no thread and no namespace: as many after the last as after the first.
func TestLabsLeaveNothing(t *testing.T) {
	needLab(t)
	var fds, threads []int
	var spaces []string
	for range cycles {
		l := up(t, Config{Plan: triangle(scenario.LinkModel{}, scenario.LinkModel{}), CaptureDir: t.TempDir()})
		spaces = append(spaces, strings.Split(namespaces(l), ",")...)
		c, ended := serve(t, l)
		for _, argv := range [][]string{{"true"}, {"/no/such"}} {
			c.Exec(t.Context(), "a", argv, [3]*os.File{}, nil)
		}
		onTerminal(t, c, nil, "true")
		if _, err := c.Down(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		fds, threads = append(fds, openFiles(t)), append(threads, len(tasks))
	}
	gone(t, spaces)
	const spare = 6 // threads the Go runtime may have come to need meanwhile
	if slices.Max(fds[1:]) > fds[0] || slices.Max(threads[1:]) > threads[0]+spare {
		t.Errorf("after each lab %d files and %d threads were there", fds, threads)
	}
}
