package gate

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel is asked elsewhere: a gate of the same name where we are stays as it is, and we stay where we are.
func TestProbeTouchesNothing(t *testing.T) {
	fresh(t)
	g := open(t, "roam6-probe")
	must(t, g.Set("lo", prefix("2001:db8::/64"), false, nil))
	before, err := os.Readlink("/proc/thread-self/ns/net")
	must(t, err)
	must(t, Probe())
	if after, err := os.Readlink("/proc/thread-self/ns/net"); err != nil || after != before {
		t.Errorf("the thread was in %s and is in %s (%v)", before, after, err)
	}
	if !has(t, unix.NFT_MSG_GETTABLE, "roam6-probe", "") || !has(t, unix.NFT_MSG_GETSET, "roam6-probe", "from64") {
		t.Error("the gate that was there is gone")
	}
}

// Who may not ask is told so, and not that the kernel has no gates.
func TestProbeOfAUser(t *testing.T) {
	if os.Geteuid() != 0 {
		if err := Probe(); !errors.Is(err, ErrNotAsked) {
			t.Error(err)
		}
		return
	}
	fresh(t)
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	must(t, unix.Capset(&head, &none[0]))             // of this thread, which ends with the test
	if err := probe(); !errors.Is(err, ErrNotAsked) { // here: a thread that Probe makes has its own rights
		t.Error(err)
	}
}
