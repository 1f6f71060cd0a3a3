package driver

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// udpPort is a UDP socket in the node's namespace. It is one of IPv6 in any case: IPv4 comes and goes by it with mapped addresses (RFC 4291
// §2.5.5.2), and the kernel tells and takes a datagram's own address in one form (IPV6_PKTINFO) for both.
type udpPort struct {
	file   *os.File
	raw    syscall.RawConn
	closed atomic.Bool

	in  receiving
	out sending
}

// receiving is what Receive has; read is made once, since what a function literal captures costs memory each time.
type receiving struct {
	read func(fd uintptr) bool
	b    []byte
	oob  [256]byte
	h    Heard
	err  error
	lost uint32 // as the kernel has counted so far
}

// sending is what Send has.
type sending struct {
	write func(fd uintptr) bool
	to    unix.SockaddrInet6
	from  []byte // the control message that says from where a datagram leaves
	oob   []byte // from, or none
	data  []byte
	err   error
}

// Bind opens a UDP port in the node's namespace. No option lets another socket have the same port.
func (m *machine) Bind(at netip.AddrPort) (s Socket, err error) {
	if e := m.within(func() { s, err = openUDP(at) }); e != nil {
		return nil, fmt.Errorf("entering the node's network namespace: %w", e)
	}
	return s, err
}

func openUDP(at netip.AddrPort) (Socket, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := setUDP(fd, at.Addr()); err != nil {
		unix.Close(fd)
		return nil, err
	}
	to := sockaddr(at)
	if err := unix.Bind(fd, &to); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	s := &udpPort{file: os.NewFile(uintptr(fd), "udp "+whereTo(at))}
	s.in.read, s.out.write = s.in.receive, s.out.send
	s.out.from = make([]byte, unix.CmsgSpace(unix.SizeofInet6Pktinfo))
	head := unix.Cmsghdr{Level: unix.IPPROTO_IPV6, Type: unix.IPV6_PKTINFO}
	head.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
	_, _ = binary.Encode(s.out.from, binary.NativeEndian, head) // it has room
	if s.raw, err = s.file.SyscallConn(); err != nil {
		s.file.Close()
		return nil, err
	}
	return s, nil
}

// setUDP sets the options of a socket that is to be bound to an address, or to none.
func setUDP(fd int, at netip.Addr) error {
	alone := 0
	if at.Is6() {
		alone = 1
	}
	for _, o := range []struct {
		name              string
		level, opt, value int
	}{
		{"IPV6_V6ONLY", unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, alone},
		{"IPV6_RECVPKTINFO", unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
		{"SO_RXQ_OVFL", unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1},
	} {
		if err := unix.SetsockoptInt(fd, o.level, o.opt, o.value); err != nil {
			return os.NewSyscallError("setsockopt "+o.name, err)
		}
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, DatagramBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, DatagramBuffer)
	}
	return nil
}

// Receive waits for a datagram.
func (s *udpPort) Receive(b []byte) (Heard, error) {
	s.in.b = b
	err := s.raw.Read(s.in.read)
	switch {
	case s.closed.Load():
		return Heard{}, os.ErrClosed
	case err != nil:
		return Heard{}, err
	}
	return s.in.h, os.NewSyscallError("recvmsg", s.in.err)
}

// receive takes a datagram, if there is one.
func (r *receiving) receive(fd uintptr) bool {
	var n, oobn int
	var from unix.Sockaddr
	for {
		if n, oobn, _, from, r.err = unix.Recvmsg(int(fd), r.b, r.oob[:], 0); r.err != unix.EINTR {
			break
		}
	}
	if r.err == nil {
		r.h = Heard{N: n, Peer: addrPortOf(from)}
		r.beside(r.oob[:oobn])
	}
	return r.err != unix.EAGAIN
}

// beside reads what the kernel tells beside a datagram: the address that it came to, and how many were lost so far.
func (r *receiving) beside(oob []byte) {
	for len(oob) > 0 {
		head, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return
		}
		switch {
		case head.Level == unix.IPPROTO_IPV6 && head.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			r.h.Local = zoned(netip.AddrFrom16([16]byte(data)), binary.NativeEndian.Uint32(data[16:]))
		case head.Level == unix.SOL_SOCKET && head.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			total := binary.NativeEndian.Uint32(data)
			r.h.Lost, r.lost = int(total-r.lost), total // the kernel's counter goes round
		}
		oob = rest
	}
}

// Send sends a datagram now or not at all.
func (s *udpPort) Send(peer netip.AddrPort, local netip.Addr, data []byte) error {
	if !peer.IsValid() || local.IsValid() && local.Is4() != peer.Addr().Is4() {
		return DropNoWay
	}
	s.out.to, s.out.data, s.out.oob = sockaddr(peer), data, nil
	if local.IsValid() {
		s.out.leaving(local)
	}
	err := s.raw.Write(s.out.write)
	if s.out.data = nil; err != nil {
		return DropSend
	}
	return whyLost(s.out.err)
}

// send sends, and is never to be called again: the loop does not wait.
func (o *sending) send(fd uintptr) bool {
	_, o.err = unix.SendmsgN(int(fd), o.data, o.oob, &o.to, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return true
}

// whyLost puts what the kernel says to a datagram in the driver's words.
func whyLost(err error) error {
	switch err {
	case nil:
		return nil
	case unix.EMSGSIZE:
		return DropTooBig
	case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM:
		return DropQueueFull
	case unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ENETDOWN, unix.EADDRNOTAVAIL, unix.EAFNOSUPPORT, unix.EINVAL, unix.ENODEV:
		return DropNoWay // EINVAL: this host does not have the address (RFC 3542 §6.2)
	}
	return DropSend
}

// leaving puts an address into the control message.
func (o *sending) leaving(local netip.Addr) {
	info := o.from[unix.CmsgLen(0):]
	from := local.As16()
	copy(info, from[:])
	binary.NativeEndian.PutUint32(info[16:], zone(local))
	o.oob = o.from
}

// sockaddr is an address as the kernel takes it: IPv4 mapped, and no address as ::.
func sockaddr(at netip.AddrPort) unix.SockaddrInet6 {
	to := unix.SockaddrInet6{Port: int(at.Port()), ZoneId: zone(at.Addr())}
	if at.Addr().IsValid() {
		to.Addr = at.Addr().As16()
	}
	return to
}

// addrPortOf is an address of the kernel's.
func addrPortOf(from unix.Sockaddr) netip.AddrPort {
	if a, ok := from.(*unix.SockaddrInet6); ok {
		return netip.AddrPortFrom(zoned(netip.AddrFrom16(a.Addr), a.ZoneId), uint16(a.Port))
	}
	return netip.AddrPort{}
}

// zoned gives a link-local address the number of its interface, and an IPv4 address its own form.
func zoned(a netip.Addr, index uint32) netip.Addr {
	if a = a.Unmap(); a.Is6() && a.IsLinkLocalUnicast() && index > 0 {
		return a.WithZone(strconv.Itoa(int(index)))
	}
	return a
}

// zone is the number of the interface of a link-local address; 0 if it has none.
func zone(a netip.Addr) uint32 {
	if a.Zone() == "" {
		return 0
	}
	n, _ := strconv.ParseUint(a.Zone(), 10, 32)
	return uint32(n)
}

// Close ends Receive.
func (s *udpPort) Close() error {
	s.closed.Store(true)
	return s.file.Close()
}
