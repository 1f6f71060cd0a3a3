//go:build linux

package lab

import (
	"errors"
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
	status, err := client.Exec(t.Context(), "b", []string{"/bin/sh", "-c", "grep -q 20010db8000b /proc/net/if_inet6"}, [3]*os.File{}, nil)
	if err != nil || status != 0 {
		t.Errorf("a program in b: status %d, %v", status, err)
	}
	if err := client.Down(); err != nil {
		t.Error(err)
	}
	if line, err := out.ReadString('\n'); err != nil || line != "down\n" {
		t.Errorf("the helper said %q, %v", line, err)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	gone(t, spaces)
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
