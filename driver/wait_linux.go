package driver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// waiter blocks the loop until a packet comes: the loop itself, for a goroutine that reads for it costs two wake-ups of
// threads a packet, which is most of what user space adds to its way.
type waiter struct {
	bell   *os.File // an eventfd that Wake writes to; not a bare descriptor, for Wake may come after close
	asleep atomic.Bool
	woken  atomic.Bool
	fds    []unix.PollFd
	told   bool // fds tell what can be read
}

func openWaiter() (*waiter, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("an eventfd: %w", err)
	}
	return &waiter{bell: os.NewFile(uintptr(fd), "bell"), fds: []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}}, nil
}

// wake ends wait, or the next one.
func (w *waiter) wake() {
	w.woken.Store(true)
	if w.asleep.Load() {
		var one [8]byte
		binary.NativeEndian.PutUint64(one[:], 1)
		_, _ = w.bell.Write(one[:])
	}
}

// wait returns when one of the descriptors can be read, when it is woken, or when the time is over; never earlier for that.
func (w *waiter) wait(d time.Duration, fds ...int) {
	w.asleep.Store(true)
	w.told = false
	if !w.woken.Load() {
		w.fds = w.fds[:1]
		for _, fd := range fds {
			w.fds = append(w.fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
		timeout := unix.NsecToTimespec(max(0, d).Nanoseconds())
		_, err := unix.Ppoll(w.fds, &timeout, nil)
		if w.told = err == nil; w.told && w.fds[0].Revents != 0 {
			var count [8]byte
			_, _ = unix.Read(int(w.fds[0].Fd), count[:])
		}
	}
	w.asleep.Store(false)
	w.woken.Store(false) // what was asked for before is seen to now
}

// readable says whether a descriptor can be read, as far as the wait that was over just now knows; ask for all of them in one turn.
func (w *waiter) readable(fd int) bool {
	if !w.told {
		return true
	}
	for i := range w.fds {
		if int(w.fds[i].Fd) == fd {
			return w.fds[i].Revents != 0
		}
	}
	return true // it has come since
}

func (w *waiter) close() error {
	if err := w.bell.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
