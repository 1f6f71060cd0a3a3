//go:build linux

package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"roam6/scenario"
)

// envHelper makes the test binary a program that uses the lab, for the tests that kill one or run one without root.
const envHelper = "LAB_TEST_HELPER"

func TestMain(m *testing.M) {
	switch os.Getenv(envHelper) {
	case "":
		os.Exit(m.Run())
	case "inside":
		helper(EnterOptions{})
	case "detached":
		helper(EnterOptions{Detach: true})
	case "signals":
		signalHelper()
	case "client":
		clientHelper()
	case "standing":
		standing()
	case "supported":
		fmt.Println(Supported())
	}
}

// helper enters, brings a lab up, runs a program in it that would outlive it, says what it is, and serves until it is told to end.
func helper(o EnterOptions) {
	quit := func(err error) {
		if err != nil {
			Ready(err)
			fmt.Println("helper:", err)
			os.Exit(1)
		}
	}
	inside, exit, err := Enter(tContext{}, o)
	quit(err)
	if !inside {
		os.Exit(exit)
	}
	l, err := New(Config{Plan: triangle(scenario.LinkModel{}, scenario.LinkModel{Delay: 1000000})})
	quit(err)
	quit(l.Start(tContext{}))
	go l.Exec(tContext{}, "b", []string{"/bin/sh", "-c", "setsid sleep 98765 & sleep 98765"}, [3]*os.File{}, nil)
	time.Sleep(200 * time.Millisecond)
	fmt.Printf("up %s\n", namespaces(l))
	quit(Serve(tContext{}, l, os.Getenv("LAB_TEST_SOCKET")))
	quit(l.Close())
	fmt.Println("down")
}

// clientHelper looks for the address of node b and takes the lab down.
func clientHelper() {
	quit := func(err error) {
		if err != nil {
			fmt.Println("helper:", err)
			os.Exit(1)
		}
	}
	c, err := Dial(os.Getenv("LAB_TEST_SOCKET"))
	quit(err)
	status, err := c.Exec(tContext{}, "b", []string{"grep", "-q", "20010db8000b", "/proc/net/if_inet6"}, [3]*os.File{}, nil)
	quit(err)
	s, err := c.Status()
	quit(err)
	d, err := c.Down()
	quit(err)
	fmt.Printf("status %d, process %d, %d nodes, %d programs\n", status, s.PID, len(d.Status.Nodes), len(d.Programs))
}

// signalHelper enters and waits for the end of a context that a signal ends, which is exit status 42.
func signalHelper() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if os.Getenv(envOutside) == "" {
		fmt.Println("begun")
	}
	inside, exit, err := Enter(ctx, EnterOptions{})
	switch {
	case errors.Is(err, context.Canceled):
		os.Exit(42)
	case err != nil:
		fmt.Println("helper:", err)
		os.Exit(1)
	case !inside:
		os.Exit(exit)
	}
	<-ctx.Done()
	os.Exit(42)
}

// namespaces names the nodes' namespaces: "net:[4026532001]=81,…".
func namespaces(l *Lab) string {
	var list []string
	for _, n := range l.nodes {
		inNS(n.ns, func() error {
			name, err := os.Readlink(threadNS)
			list = append(list, name+"="+cookie())
			return err
		})
	}
	return strings.Join(list, ",")
}

// cookie is the number of the thread's namespace that no other ever gets; the one that readlink shows is given out again, and
// other programs make namespaces too.
func cookie() string {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err.Error()
	}
	defer unix.Close(fd)
	n, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return err.Error()
	}
	return strconv.FormatUint(n, 10)
}

// same says whether a file of /proc is one of the namespaces.
func same(file string, spaces []string) bool {
	name, err := os.Readlink(file)
	if err != nil || !slices.ContainsFunc(spaces, func(s string) bool { return strings.HasPrefix(s, name+"=") }) {
		return false
	}
	ns, err := os.Open(file)
	if err != nil {
		return false
	}
	defer ns.Close()
	inNS(ns, func() error { name += "=" + cookie(); return nil })
	return slices.Contains(spaces, name)
}

// tContext never ends.
type tContext struct{}

func (tContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (tContext) Done() <-chan struct{}       { return nil }
func (tContext) Err() error                  { return nil }
func (tContext) Value(any) any               { return nil }

// holders are the processes with a thread in one of the namespaces or a file that is one.
func holders(t *testing.T, spaces []string) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"/proc/[0-9]*/task/*/ns/net", "/proc/[0-9]*/fd/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if same(f, spaces) {
				found = append(found, f)
			}
		}
	}
	return found
}

// links are the interfaces of the namespace the test runs in, by name.
func links(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/net/dev")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		if name, _, ok := strings.Cut(line, ":"); ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	slices.Sort(names)
	return names
}

// gone waits until nobody holds the namespaces: the kernel ends a PID namespace's processes one after the other.
func gone(t *testing.T, spaces []string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left := holders(t, spaces)
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("still there: %q", left)
		}
	}
}

// After Close no namespace, interface or descriptor is left.
func TestCloseLeavesNothing(t *testing.T) {
	needLab(t)
	before, fds := links(t), openFiles(t)
	l, err := New(Config{Plan: triangle(scenario.LinkModel{}, scenario.LinkModel{}), CaptureDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	spaces := strings.Split(namespaces(l), ",")
	if len(holders(t, spaces)) == 0 {
		t.Fatal("the test does not see the lab's namespaces")
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	gone(t, spaces)
	if after := links(t); !slices.Equal(before, after) {
		t.Errorf("interfaces before %q, after %q", before, after)
	}
	if n := openFiles(t); n > fds {
		t.Errorf("%d files open before, %d after", fds, n)
	}
	if _, err := l.Exec(t.Context(), "a", []string{"true"}, [3]*os.File{}, nil); err == nil {
		t.Error("a closed lab runs programs")
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func helperCommand(mode, socket string, cred *syscall.Credential) *exec.Cmd {
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), envHelper+"="+mode, "LAB_TEST_SOCKET="+socket)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	return c
}

// startHelper runs this test binary as a program with a lab and returns it with its namespaces.
func startHelper(t *testing.T, mode, socket string, cred *syscall.Credential) (*exec.Cmd, *bufio.Reader, []string) {
	t.Helper()
	c := helperCommand(mode, socket, cred)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	r := bufio.NewReader(out)
	line, err := r.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "up ") {
		t.Fatalf("the helper said %q, %v", line, err)
	}
	return c, r, strings.Split(strings.TrimSpace(line[3:]), ",")
}

// kill -9 of the outer process takes the inner one, all programs run in nodes and all namespaces with it.
func TestKillLeavesNothing(t *testing.T) {
	needLab(t)
	before := links(t)
	socket := filepath.Join(t.TempDir(), "lab.sock")
	for round := range 2 { // the second start finds the first one's socket
		c, _, spaces := startHelper(t, "inside", socket, nil)
		if len(holders(t, spaces)) == 0 {
			t.Fatal("the test does not see the lab's namespaces")
		}
		if n := sleepers(t); n != 2 {
			t.Errorf("round %d: %d programs run in the lab, want 2", round, n)
		}
		c.Process.Kill()
		c.Wait()
		gone(t, spaces)
		if n := sleepers(t); n != 0 {
			t.Errorf("round %d: %d programs outlived the lab", round, n)
		}
	}
	if after := links(t); !slices.Equal(before, after) {
		t.Errorf("interfaces before %q, after %q", before, after)
	}
}

// sleepers counts the helper's programs.
func sleepers(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && string(b) == "sleep\x0098765\x00" {
			n++
		}
	}
	return n
}

// SIGTERM and SIGINT reach the inside.
func TestSignalsPass(t *testing.T) {
	needLab(t)
	c, _, spaces := startHelper(t, "inside", filepath.Join(t.TempDir(), "lab.sock"), nil)
	c.Process.Signal(syscall.SIGTERM)
	c.Wait()
	if code := exitStatus(c.ProcessState); code == 0 || code == 128+9 {
		t.Errorf("exit status %d", code)
	}
	gone(t, spaces)
}

// A signal that comes while the inside is being made is not lost: the kernel keeps it from the first process of a PID namespace
// that does not take it yet.
func TestEarlySignalsPass(t *testing.T) {
	needLab(t)
	for i := range 20 {
		c := helperCommand("signals", "", nil)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "begun\n" {
			t.Fatalf("the helper said %q, %v", line, err)
		}
		time.Sleep(time.Duration(i) * time.Millisecond)
		c.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(10*time.Second, func() { c.Process.Kill() })
		c.Wait()
		late.Stop()
		if code := exitStatus(c.ProcessState); code != 42 {
			t.Fatalf("a signal after %d ms: exit status %d, want 42", i, code)
		}
	}
}
