//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// instead is the way that needs nothing of the machine.
const instead = "`roam6 sim run` runs the same scenarios without any of this"

// Supported says whether a lab can run here; the error names what lacks, what to do, and the way that needs nothing.
func Supported() error {
	for _, look := range []func() error{lookWait, lookIPv6, lookDevice, lookNamespaces} {
		if err := look(); err != nil {
			return fmt.Errorf("the lab cannot run here: %w; %s", err, instead)
		}
	}
	return nil
}

// lookWait looks for epoll_pwait2, the emulator's wait.
func lookWait() error {
	_, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, ^uintptr(0), 0, 0, 0, 0, 0)
	if errno == unix.ENOSYS {
		return errors.New("the kernel has no epoll_pwait2: Linux 5.11 or newer is needed")
	}
	return nil
}

// lookIPv6: without it a lab would come up to where the first address is set.
func lookIPv6() error {
	if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil {
		return errors.New("the kernel has no IPv6: boot without ipv6.disable=1")
	}
	return nil
}

func lookDevice() error {
	f, err := os.OpenFile(tunDevice, os.O_RDWR, 0)
	if err == nil {
		return f.Close()
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no %s: load the module (`sudo modprobe tun`); in a container, pass the device in (--device %s)", tunDevice, tunDevice)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s has mode %s and user %d may not open it: run as root, or `sudo chmod 0666 %s` (the mode Debian gives it; "+
			"a device of it is only made by who may make networks)", tunDevice, modeOf(tunDevice), os.Geteuid(), tunDevice)
	}
	return fmt.Errorf("%s cannot be opened: %w; the kernel needs TUN/TAP support (CONFIG_TUN)", tunDevice, err)
}

func modeOf(path string) string {
	i, err := os.Stat(path)
	if err != nil {
		return "?"
	}
	owner := "?"
	if s, ok := i.Sys().(*syscall.Stat_t); ok {
		owner = fmt.Sprintf("%d:%d", s.Uid, s.Gid)
	}
	return fmt.Sprintf("%04o (owner %s)", i.Mode().Perm(), owner)
}

// lookNamespaces starts a program that does not exist in fresh namespaces: the way it fails tells whether they can be had.
func lookNamespaces() error {
	c := exec.Command("/proc/self/no-such-program")
	c.SysProcAttr = fresh()
	err := c.Start()
	if err == nil || errors.Is(err, unix.ENOENT) {
		return lookAppArmor()
	}
	if c.SysProcAttr.Cloneflags&unix.CLONE_NEWUSER == 0 {
		return fmt.Errorf("network and mount namespaces are refused to this process: %w", err)
	}
	if cause := (*os.PathError)(nil); errors.As(err, &cause) {
		err = cause.Err // the program that is not there says nothing to users
	}
	why := "in a container, allow unprivileged user namespaces (--security-opt seccomp=unconfined) or run it with CAP_SYS_ADMIN and CAP_NET_ADMIN"
	switch {
	case sysctl("user/max_user_namespaces") == "0":
		why = "`sudo sysctl user.max_user_namespaces=10000`"
	case sysctl("kernel/unprivileged_userns_clone") == "0":
		why = "`sudo sysctl kernel.unprivileged_userns_clone=1`"
	}
	return fmt.Errorf("user namespaces are refused (%w): run as root, or %s", err, why)
}

// lookAppArmor: Ubuntu lets user namespaces be made but takes their power away.
func lookAppArmor() error {
	if capable(unix.CAP_SYS_ADMIN) || sysctl("kernel/apparmor_restrict_unprivileged_userns") != "1" {
		return nil
	}
	if label, err := os.ReadFile("/proc/self/attr/current"); err == nil && !strings.HasPrefix(string(label), "unconfined") {
		return nil // a profile of its own, which may allow them
	}
	return errors.New("AppArmor takes the power of unprivileged user namespaces: run as root, or " +
		"`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`")
}

func sysctl(name string) string {
	b, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
