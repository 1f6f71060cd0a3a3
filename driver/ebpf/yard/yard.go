package yard

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// The addresses of the yard.
var (
	HoA = netip.MustParseAddr("2001:db8:1::100") // home address of the mobile node
	HA  = netip.MustParseAddr("2001:db8:1::1")   // the home agent's
	CoA = netip.MustParseAddr("2001:db8:a::100") // the mobile node's care-of address
	CN  = netip.MustParseAddr("2001:db8:c::1")   // the correspondent node
)

// Yard is a set of network namespaces, gone with the process.
type Yard struct {
	names map[string]*os.File
}

// New makes namespaces. It needs root and the program ip.
func New(names ...string) (*Yard, error) {
	if _, err := exec.LookPath("ip"); err != nil {
		return nil, errors.New("no ip (apt-get install iproute2)")
	}
	y := &Yard{names: map[string]*os.File{}}
	for _, n := range names {
		err := apart(func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("a network namespace (root can make one): %w", err)
			}
			f, err := os.Open("/proc/thread-self/ns/net")
			y.names[n] = f
			return err
		})
		if err != nil {
			y.Close()
			return nil, err
		}
		if err := y.IP(n, "link set lo up"); err != nil {
			y.Close()
			return nil, err
		}
	}
	return y, nil
}

// Close lets the namespaces go. They end with the last process and socket in them.
func (y *Yard) Close() {
	for _, f := range y.names {
		if f != nil {
			f.Close()
		}
	}
}

// apart runs f on a thread that nobody uses after.
func apart(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// In runs f on a thread that is in a namespace, and what f starts is there too. f must not start goroutines that need it.
func (y *Yard) In(name string, f func() error) error {
	return apart(func() error {
		if err := unix.Setns(int(y.names[name].Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("namespace %s: %w", name, err)
		}
		return f()
	})
}

// Enter puts the calling goroutine into a namespace for good: its thread is nobody else's from then on.
func (y *Yard) Enter(name string) error {
	runtime.LockOSThread()
	return unix.Setns(int(y.names[name].Fd()), unix.CLONE_NEWNET)
}

// IP runs lines of ip -6 in a namespace.
func (y *Yard) IP(name string, lines ...string) error {
	for _, l := range lines {
		if err := y.In(name, func() error { return run("ip", append([]string{"-6"}, strings.Fields(l)...)...) }); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// Set writes settings below /proc/sys/net/ipv6/conf in a namespace: "all/forwarding=1".
func (y *Yard) Set(name string, settings ...string) error {
	return y.In(name, func() error {
		for _, s := range settings {
			key, value, _ := strings.Cut(s, "=")
			if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+key, []byte(value), 0o644); err != nil {
				return err
			}
		}
		return nil
	})
}

func run(name string, args ...string) error { return runIn(nil, name, args...) }

// runIn runs a program that finds a namespace at its descriptor 3.
func runIn(ns *os.File, name string, args ...string) error {
	c := exec.Command(name, args...)
	if ns != nil {
		c.ExtraFiles = []*os.File{ns}
	}
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return nil
}
