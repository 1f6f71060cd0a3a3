package driver

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// openSys gives a view of /sys of this thread's network namespace, whatever is mounted there; where this process may not make one,
// what is mounted, which may be another namespace's.
func openSys() *os.File {
	fs, err := unix.Fsopen("sysfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return mountedSys()
	}
	defer unix.Close(fs)
	if unix.FsconfigCreate(fs) != nil {
		return mountedSys()
	}
	at, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return mountedSys()
	}
	return os.NewFile(uintptr(at), "/sys")
}

func mountedSys() *os.File {
	f, err := os.Open("/sys")
	if err != nil {
		return nil
	}
	return f
}

// mergeWrites lets the kernel hold what is written to the TUN device for mergeTime. Without it, all works, and TCP into tunnels is
// slower: where this process may not, a rule of udev can (examples/systemd).
func (m *machine) mergeWrites() {
	if m.sys == nil || m.tun.bare {
		return
	}
	at := "class/net/" + m.tun.name + "/"
	if said, err := m.attribute(at+"ifindex", unix.O_RDONLY, ""); err != nil || said != fmt.Sprint(m.kernel.index) {
		return // a device of another namespace
	}
	_, _ = m.attribute(at+"gro_flush_timeout", unix.O_WRONLY, strconv.FormatInt(mergeTime.Nanoseconds(), 10))
}

// attribute reads or writes a file of /sys.
func (m *machine) attribute(path string, flag int, value string) (string, error) {
	fd, err := unix.Openat(int(m.sys.Fd()), path, flag|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	if flag == unix.O_WRONLY {
		_, err = unix.Write(fd, []byte(value))
		return "", err
	}
	var b [64]byte
	n, err := unix.Read(fd, b[:])
	return strings.TrimSpace(string(b[:max(0, n)])), err
}
