//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// nobody is a user without any right.
const nobody = 65534

// Without root the same lab comes up in a user namespace.
func TestRootless(t *testing.T) {
	if os.Geteuid() == 0 {
		openDevice(t)
	} else if err := Supported(); err != nil {
		t.Skip(err)
	}
	dir, err := os.MkdirTemp("", "rootless") // not t.TempDir, whose parents only its owner may enter
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var cred *syscall.Credential
	if os.Geteuid() == 0 {
		cred = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(dir, nobody, nobody)); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(dir, "lab.sock")
	c, out, spaces := startHelper(t, "inside", socket, cred)
	client := reach(t, socket)
	if cred != nil { // we are another user than the lab's, and the socket's mode does not keep root out
		if _, err := client.Status(); err == nil || !strings.Contains(err.Error(), "another user's") {
			t.Errorf("another user was answered: %v", err)
		}
	}
	want := fmt.Sprintf("status 0, process %d, 3 nodes, 3 programs\n", inner(t, c.Process.Pid)) // a shell and two sleeps
	said, err := helperCommand("client", socket, cred).CombinedOutput()
	if err != nil || string(said) != want {
		t.Fatalf("its own user: %v, %q, want %q", err, said, want)
	}
	if line, err := out.ReadString('\n'); err != nil || line != "down\n" {
		t.Errorf("the helper said %q, %v", line, err)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	gone(t, spaces)
}

// inner is the only child of a process.
func inner(t *testing.T, pid int) int {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	child := 0
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil {
			fmt.Sscan(string(b), &child)
		}
	}
	return child
}

// openDevice lets every user open /dev/net/tun for the time of the test, as Debian does always.
func openDevice(t *testing.T) {
	t.Helper()
	i, err := os.Stat(tunDevice)
	if err != nil {
		t.Skip(err)
	}
	if i.Mode().Perm()&0o006 == 0o006 {
		return
	}
	if err := os.Chmod(tunDevice, 0o666); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { os.Chmod(tunDevice, i.Mode().Perm()) })
}

// What lacks is named, with what to do and the way that needs nothing.
func TestSupportedNamesTheDevice(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to become someone who may not open the device")
	}
	i, err := os.Stat(tunDevice)
	if err != nil {
		t.Skip(err)
	}
	if i.Mode().Perm()&0o006 != 0 {
		t.Skipf("%s is open to all", tunDevice)
	}
	c := helperCommand("supported", "", &syscall.Credential{Uid: nobody, Gid: nobody})
	out, err := c.CombinedOutput()
	for _, want := range []string{tunDevice, "mode 0600 (owner 0:0)", "chmod 0666", "roam6 sim run"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %q does not say %q", err, out, want)
		}
	}
}

func resizeTo(t *testing.T, f *os.File, rows, cols uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(fdOf(f), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols}); err != nil {
		t.Fatal(err)
	}
}
