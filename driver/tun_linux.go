package driver

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"roam6/plane"
)

// tunDevice is where TUN devices are made.
const tunDevice = "/dev/net/tun"

// tun is the Kernel port: a TUN device.
//
// Our own, not wireguard-go's: that one starts listeners for events, wants IFF_VNET_HDR and its offsets in every
// buffer, and makes the device when it opens it. Here the file is opened by New, which ties it to the caller's network
// namespace, and the device is made later, if it is wanted at all.
type tun struct {
	name string
	fd   int
	file *os.File // nil until the device exists
	raw  syscall.RawConn
}

// openTun opens the way to a TUN device in this thread's network namespace. The device is not there yet.
func openTun(name string) (*tun, error) {
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV):
		return nil, fmt.Errorf("%w: %s is missing (modprobe tun; in a container: --device %s)", ErrNoDevice, tunDevice, tunDevice)
	case err != nil:
		return nil, fmt.Errorf("%w: opening %s (it must be readable and writable for this user): %w", ErrNoDevice, tunDevice, err)
	}
	return &tun{name: name, fd: fd}, nil
}

// create makes the device. One left by a killed process is gone with it, or is taken over if it was made to stay.
func (t *tun) create() error {
	req, err := unix.NewIfreq(t.name)
	if err != nil {
		return fmt.Errorf("%w: %q is no interface name (1 to 15 characters)", ErrNoDevice, t.name)
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(t.fd, unix.TUNSETIFF, req); err != nil {
		switch {
		case errors.Is(err, unix.EBUSY):
			return fmt.Errorf("%w: %s is in use; another roam6 runs with it, or set another name", ErrNoDevice, t.name)
		case errors.Is(err, unix.EINVAL):
			return fmt.Errorf("%w: an interface %s exists that is no TUN device; set another name", ErrNoDevice, t.name)
		}
		return fmt.Errorf("%w: %w", ErrNoDevice, lacks("making "+t.name, "CAP_NET_ADMIN", err))
	}
	t.file = os.NewFile(uintptr(t.fd), tunDevice)
	t.raw, err = t.file.SyscallConn()
	return err
}

func (t *tun) send(data []byte) error {
	for {
		_, err := unix.Write(t.fd, data)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOBUFS):
			return DropQueueFull
		case errors.Is(err, unix.EIO): // the device is down
			return DropLinkDown
		case errors.Is(err, unix.EINVAL):
			return DropNotIPv6
		}
		return DropSend
	}
}

// read feeds the loop until the device is closed or the node ends.
func (t *tun) read(f Feed) {
	buf := make([]byte, maxFrame)
	for {
		var batch []Arrival
		stop := false
		err := t.raw.Read(func(uintptr) bool {
			for len(batch) < maxBatch {
				n, err := unix.Read(t.fd, buf)
				switch {
				case err == nil:
					if relevant(buf[:n]) {
						batch = append(batch, Arrival{Port: plane.Kernel, Data: roomy(buf[:n], nil)})
					}
				case errors.Is(err, unix.EINTR):
				case errors.Is(err, unix.EAGAIN):
					return len(batch) > 0
				default:
					// EBADFD: somebody deleted the device.
					stop = true
					return true
				}
			}
			return true
		})
		if len(batch) > 0 && !f.Packets(batch) || err != nil {
			return
		}
		if stop {
			f.Fail(fmt.Errorf("%w: %s was deleted by somebody else", ErrNoDevice, t.name))
			return
		}
	}
}

// relevant leaves out what a kernel says to a link by itself (listener reports, solicitations, other protocols): no
// one but the kernel is on this one.
func relevant(p []byte) bool {
	if len(p) < 40 || p[0]>>4 != 6 {
		return false
	}
	linkScopeGroup := p[24] == 0xff && p[25]&0xf <= 2
	return !linkScopeGroup
}

func (t *tun) close() error {
	if t.file == nil {
		err := error(nil)
		if t.fd >= 0 {
			err = unix.Close(t.fd)
			t.fd = -1
		}
		return err
	}
	return ignoreClosed(t.file.Close())
}
