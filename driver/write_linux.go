package driver

import (
	"errors"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below are raw: descriptors do not block, so the scheduler of goroutines need not be told. Else it takes the processor
// away from a call that lasts (20 µs; a write goes as far as the next queue of the kernel), and wakes threads to do so.

// read reads a packet.
func read(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// write writes a packet.
func write(fd int, b []byte) error {
	for {
		switch _, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))); errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}

// write2 writes two parts as one packet; the second may be empty. unix.Writev takes a slice of slices, which it copies.
func write2(fd int, a, b []byte) error {
	var v [2]unix.Iovec
	v[0].Base = unsafe.SliceData(a)
	v[0].SetLen(len(a))
	v[1].Base = unsafe.SliceData(b)
	v[1].SetLen(len(b))
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&v[0])), 2)
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
			continue
		}
		return errno
	}
}

// message is a struct mmsghdr.
type message struct {
	hdr unix.Msghdr
	n   uint32
}

// burst is packets of two parts that are sent with one system call.
type burst struct {
	n        int
	heads    [maxBatch][segmentHead]byte
	parts    [maxBatch][2]unix.Iovec
	messages [maxBatch]message
}

func (b *burst) add(head, part []byte) {
	v := &b.parts[b.n]
	v[0].Base = unsafe.SliceData(head)
	v[0].SetLen(len(head))
	v[1].Base = unsafe.SliceData(part)
	v[1].SetLen(len(part))
	m := &b.messages[b.n]
	m.hdr.Iov = &v[0]
	m.hdr.SetIovlen(2)
	b.n++
}

// send gives how many left, and why the others did not.
func (b *burst) send(fd int) (sent int, err error) {
	defer runtime.KeepAlive(b)
	for sent < b.n {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.messages[sent])), uintptr(b.n-sent), 0, 0, 0)
		switch {
		case errno == 0:
			sent += int(n)
		case !errors.Is(errno, unix.EINTR):
			return sent, errno
		}
	}
	return sent, nil
}
