//go:build linux

package lab

import (
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// threadNS is the network namespace of the calling thread.
const threadNS = "/proc/thread-self/ns/net"

// newNS makes a network namespace that lives as long as the file it returns, and no longer.
func newNS() (*os.File, error) {
	var ns *os.File
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare(CLONE_NEWNET): %w", err)
		}
		f, err := os.Open(threadNS)
		ns = f
		return err
	})
	return ns, err
}

// inNS runs f on a thread of its own inside the namespace. What f opens there stays there.
func inNS(ns *os.File, f func() error) error {
	return onThread(func() error {
		if err := netns.Set(netns.NsHandle(ns.Fd())); err != nil {
			return fmt.Errorf("setns: %w", err)
		}
		return f()
	})
}

// onThread runs f on a locked thread and brings the thread back to the namespace it came from. A thread that
// cannot be brought back is poisoned: it dies with its goroutine instead of serving others in the wrong place.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open(threadNS)
		if err != nil {
			runtime.UnlockOSThread()
			done <- err
			return
		}
		defer home.Close()
		err = f()
		if back := netns.Set(netns.NsHandle(home.Fd())); back == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}
