package driver

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// needed are the capabilities a running node keeps.
var needed = []struct {
	bit  uint
	name string
	what string
}{
	{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN", "TUN device, addresses, routes, settings of interfaces"},
	{unix.CAP_NET_RAW, "CAP_NET_RAW", "packet sockets on the links"},
}

// Lack is something a machine does not offer, and what that means.
type Lack struct {
	Name string // "CAP_NET_RAW", "/dev/net/tun"
	What string // what cannot be done without it
	How  string // what to do about it
}

// Missing tells what this process lacks to run a node. Empty: nothing.
func Missing() []Lack {
	var out []Lack
	have, err := capabilities()
	for _, c := range needed {
		if err != nil || have&(1<<c.bit) == 0 {
			out = append(out, Lack{c.name, c.what, "run as root, or: setcap cap_net_admin,cap_net_raw+ep on the binary"})
		}
	}
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		out = append(out, Lack{tunDevice, "the plane's door to this host (" + err.Error() + ")",
			"modprobe tun; in a container: --device " + tunDevice + "; or make it accessible to this user"})
	} else {
		unix.Close(fd)
	}
	if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil {
		out = append(out, Lack{"IPv6", "everything", "boot without ipv6.disable=1"})
	}
	return out
}

// capabilities reads the effective set of this thread.
func capabilities() (uint64, error) {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	if err := unix.Capget(&h, &d[0]); err != nil {
		return 0, err
	}
	return uint64(d[1].Effective)<<32 | uint64(d[0].Effective), nil
}

// errThreads: the Go runtime can change all threads at once only where it made them all.
var errThreads = errors.New("driver: capabilities cannot be dropped in a binary built with cgo; build with CGO_ENABLED=0")

// DropCapabilities gives up, in all threads and for good, every capability but those a node needs, and the ability
// to gain any (no_new_privs). A node that has nothing to do with packets needs none; one whose engines listen at ports below 1024 keeps
// CAP_NET_BIND_SERVICE, since they open their ports when they start, and again when one has ended. Call it after New.
func DropCapabilities(packets, lowPorts bool) (err error) {
	have, err := capabilities()
	if err != nil {
		return fmt.Errorf("driver: reading capabilities: %w", err)
	}
	var keep uint64
	for _, c := range needed {
		if packets {
			keep |= have & (1 << c.bit)
		}
	}
	if lowPorts {
		keep |= have & (1 << unix.CAP_NET_BIND_SERVICE)
	}
	if err := everywhere(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return fmt.Errorf("driver: no_new_privs: %w", err)
	}
	if err := everywhere(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0); err != nil {
		return fmt.Errorf("driver: ambient capabilities: %w", err)
	}
	if have&(1<<unix.CAP_SETPCAP) != 0 {
		for bit := uintptr(0); bit < 64; bit++ {
			if keep&(1<<bit) != 0 {
				continue
			}
			if err := everywhere(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, bit, 0); errors.Is(err, unix.EINVAL) {
				break // beyond the last this kernel knows
			} else if err != nil {
				return fmt.Errorf("driver: bounding set: %w", err)
			}
		}
	}
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	for i := range d {
		part := uint32(keep >> (32 * i))
		d[i] = unix.CapUserData{Effective: part, Permitted: part}
	}
	err = everywhere(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&h)), uintptr(unsafe.Pointer(&d[0])), 0)
	if err != nil {
		return fmt.Errorf("driver: setting capabilities: %w", err)
	}
	return nil
}

// everywhere makes a system call in every thread of the process: capabilities belong to threads. Pointers among its
// arguments stay where they are until it returns.
//
//go:uintptrescapes
func everywhere(call, a, b, c uintptr) error {
	_, _, errno := syscall.AllThreadsSyscall6(call, a, b, c, 0, 0, 0)
	switch errno {
	case 0:
		return nil
	case syscall.ENOTSUP:
		return errThreads
	}
	return errno
}

// Held names the capabilities this process has, for messages.
func Held() string {
	have, err := capabilities()
	if err != nil {
		return "unknown"
	}
	var names []string
	for _, c := range needed {
		if have&(1<<c.bit) != 0 {
			names = append(names, c.name)
			have &^= 1 << c.bit
		}
	}
	if have&(1<<unix.CAP_NET_BIND_SERVICE) != 0 {
		names = append(names, "CAP_NET_BIND_SERVICE")
		have &^= 1 << unix.CAP_NET_BIND_SERVICE
	}
	if have != 0 {
		names = append(names, fmt.Sprintf("others (%#x)", have))
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}
