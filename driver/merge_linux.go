package driver

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// openSys gives a view of /sys of this thread's network namespace, whatever is mounted there; nil where this process may not have one.
func openSys() *os.File {
	fs, err := unix.Fsopen("sysfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil
	}
	defer unix.Close(fs)
	if unix.FsconfigCreate(fs) != nil {
		return nil
	}
	at, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(at), "/sys")
}

// mergeWrites lets the kernel hold what is written to the TUN device for mergeTime. Without it, all works, and slower.
func (m *machine) mergeWrites() {
	if m.sys == nil || m.tun.bare {
		return
	}
	fd, err := unix.Openat(int(m.sys.Fd()), "class/net/"+m.tun.name+"/gro_flush_timeout", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, strconv.AppendInt(nil, mergeTime.Nanoseconds(), 10))
	m.tun.merging = err == nil
}
