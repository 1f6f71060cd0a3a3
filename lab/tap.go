//go:build linux

package lab

import (
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/scenario"
)

// tunDevice is where TAP and TUN devices come from.
const tunDevice = "/dev/net/tun"

// defaultMTU is the MTU of an interface that names none.
const defaultMTU = 1500

// tapQueue is how many frames the kernel keeps for the emulator to read. Losses belong to the link model: what a node
// sends in one burst, such as all it held during a handover, must not drown in the usual queue of 1000 before it gets there.
const tapQueue = 16384

// openTAP makes the interface in the namespace of the calling thread and leaves it down. The returned
// descriptor does not block; closing it removes the interface.
func openTAP(i *scenario.Iface) (int, error) {
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: tunDevice, Err: err}
	}
	if err := setupTAP(fd, i); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("interface %s: %w", i.Name, err)
	}
	return fd, nil
}

func setupTAP(fd int, i *scenario.Iface) error {
	req, err := unix.NewIfreq(i.Name)
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return fmt.Errorf("TUNSETIFF: %w", err)
	}
	link, err := netlink.LinkByName(i.Name)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetHardwareAddr(link, net.HardwareAddr(i.HW[:])); err != nil {
		return fmt.Errorf("link-layer address %s: %w", net.HardwareAddr(i.HW[:]), err)
	}
	if err := netlink.LinkSetMTU(link, mtuOf(i)); err != nil {
		return fmt.Errorf("MTU %d: %w", mtuOf(i), err)
	}
	if err := netlink.LinkSetTxQLen(link, tapQueue); err != nil {
		return fmt.Errorf("queue of %d frames: %w", tapQueue, err)
	}
	return nil
}

func mtuOf(i *scenario.Iface) int {
	if i.MTU == 0 {
		return defaultMTU
	}
	return i.MTU
}
