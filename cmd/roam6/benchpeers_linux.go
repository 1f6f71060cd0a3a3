package main

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"roam6/driver/ebpf/yard"
	"roam6/wire/ip6"
)

// runLoop starts what user space does at the least for the home agent's tunnel: a packet read from a TUN device, a header put
// before it or taken off, the packet written.
func (c *contender) runLoop() error {
	var fd int
	err := c.y.In("ha", func() (err error) {
		if fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
			return err
		}
		req, err := unix.NewIfreq("loop6")
		if err != nil {
			return err
		}
		req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		return unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	})
	if err != nil {
		return fmt.Errorf("a TUN device: %w", err)
	}
	tun := os.NewFile(uintptr(fd), "loop6")
	c.close = tun.Close
	if err := c.y.IP("ha", "link set loop6 up mtu 1500", "route add "+yard.HoA.String()+"/128 dev loop6", "route add "+yard.HA.String()+"/128 dev loop6"); err != nil {
		return err
	}
	raw, err := tun.SyscallConn()
	if err != nil {
		return err
	}
	go func() { _ = raw.Read(func(fd uintptr) bool { return loopOnce(int(fd)) }) }()
	return nil
}

// loopOnce forwards until nothing is left to read; true ends it.
func loopOnce(fd int) bool {
	ha, coa := yard.HA.As16(), yard.CoA.As16()
	var buf [2048]byte
	header := buf[:ip6.HeaderLen]
	header[0], header[6], header[7] = 0x60, ip6.ProtoIPv6, 64
	copy(header[8:], ha[:])
	copy(header[24:], coa[:])
	for {
		n, err := unix.Read(fd, buf[ip6.HeaderLen:])
		if err != nil || n < ip6.HeaderLen {
			return err != nil && !errors.Is(err, unix.EAGAIN)
		}
		p := buf[ip6.HeaderLen : ip6.HeaderLen+n]
		switch {
		case [16]byte(p[24:40]) == ha && p[6] == ip6.ProtoIPv6:
			p = p[ip6.HeaderLen:]
		case [16]byte(p[24:40]) == yard.HoA.As16():
			binary.BigEndian.PutUint16(header[4:], uint16(n))
			p = buf[:ip6.HeaderLen+n]
		default:
			continue
		}
		_, _ = unix.Write(fd, p)
	}
}

// findWireGuard finds wireguard-go, in the path or beside this program, and its version.
func findWireGuard() (path, version string, err error) {
	if path, err = besideUs("wireguard-go"); err != nil {
		return "", "", errors.New("no wireguard-go (in a clone: make wireguard-go, the version that figures here are of; or apt-get install wireguard-go)")
	}
	said, err := exec.Command(path, "--version").Output()
	first, _, _ := strings.Cut(string(said), "\n")
	return path, first, err
}

// How long wireguard-go may take to listen, and the MTU of its tunnel.
const (
	wireGuardPatience = 5 * time.Second
	wireGuardMTU      = yard.LinkMTU - 80
)

// runWireGuard starts wireguard-go at both ends.
func (c *contender) runWireGuard() error {
	path, _, err := findWireGuard()
	if err != nil {
		return err
	}
	var keys [2]*ecdh.PrivateKey
	for i := range keys {
		seed := make([]byte, 32)
		_, _ = rand.Read(seed)
		if keys[i], err = ecdh.X25519().NewPrivateKey(seed); err != nil {
			return err
		}
	}
	ends := [2]struct{ in, at, to string }{{"ha", "2001:db8:a::fe", yard.HoA.String() + "/128"}, {"mn", "2001:db8:a::fd", "::/0"}}
	for i, e := range ends {
		name := fmt.Sprintf("wg%db%d", i, os.Getpid()%1_000_000) // its socket is where all of them have theirs
		other := 1 - i
		says := fmt.Sprintf("set=1\nprivate_key=%s\nlisten_port=5555\npublic_key=%s\nendpoint=[%s]:5555\nallowed_ip=%s\n\n",
			hex.EncodeToString(keys[i].Bytes()), hex.EncodeToString(keys[other].PublicKey().Bytes()), ends[other].at, e.to)
		if err := c.wireGuard(path, e.in, name, says); err != nil {
			return err
		}
		lines := []string{"link set " + name + " up mtu " + fmt.Sprint(wireGuardMTU)}
		if e.in == "mn" {
			lines = append(lines, "addr add "+yard.HoA.String()+"/128 dev lo nodad", "route add "+yard.CN.String()+"/128 dev "+name+" src "+yard.HoA.String())
		} else {
			lines = append(lines, "route add "+yard.HoA.String()+"/128 dev "+name)
		}
		if err := c.y.IP(e.in, lines...); err != nil {
			return err
		}
	}
	return nil
}

// wireGuard runs one end, and tells it what it needs to know.
func (c *contender) wireGuard(path, in, name, says string) error {
	var p *exec.Cmd
	err := c.y.In(in, func() error {
		p = exec.Command(path, "-f", name)
		p.Env = append(os.Environ(), "LOG_LEVEL=error")
		return p.Start()
	})
	if err != nil {
		return err
	}
	before := c.close
	c.close = func() error {
		killed := errors.Join(p.Process.Kill(), ignoreExit(p.Wait()))
		_ = os.Remove("/var/run/wireguard/" + name + ".sock") // it had no time to
		return errors.Join(killed, before())
	}
	ctx, cancel := context.WithTimeout(context.Background(), wireGuardPatience)
	defer cancel()
	for ctx.Err() == nil {
		conn, err := net.Dial("unix", "/var/run/wireguard/"+name+".sock")
		if err != nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(wireGuardPatience))
		if _, err := io.WriteString(conn, says); err != nil {
			return err
		}
		answer := make([]byte, 100)
		n, err := conn.Read(answer)
		if err == nil && !strings.HasPrefix(string(answer[:n]), "errno=0\n") {
			err = fmt.Errorf("it answers %q", answer[:n])
		}
		return err
	}
	return fmt.Errorf("%s does not listen within %v", name, wireGuardPatience)
}
