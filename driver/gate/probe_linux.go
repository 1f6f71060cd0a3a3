package gate

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"

	"golang.org/x/sys/unix"
)

// ErrNotAsked says that this process may not try a gate: who may not make a network namespace may not close one either.
var ErrNotAsked = errors.New("not known to this user")

// Probe says why this kernel takes no gate or no meter; nil when it does. It tries with some that nobody passes, in a network namespace which is
// gone when it returns. The kernel may load nf_tables for it.
func Probe() error {
	answer := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends here, and the namespace with it
		answer <- probe()
	}()
	return <-answer
}

func probe() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("%w (%w)", ErrNotAsked, err)
	}
	g := Open("roam6-probe")
	defer g.Close()
	if err := g.Set("lo", netip.MustParsePrefix("::/64"), false, nil); err != nil {
		return errors.Unwrap(err) // what the kernel said, without what it means for a node
	}
	if err := g.SetMeter("lo", netip.IPv6Loopback(), nil); err != nil {
		return errors.Unwrap(err)
	}
	return g.Measure([]Meter{{Ifname: "lo", Addr: netip.IPv6Loopback()}})
}
