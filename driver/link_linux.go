package driver

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"roam6/plane"
	"roam6/wire/ip6"
)

// Limits of reading and writing.
const (
	maxBatch     = 64      // packets read at one wake-up
	maxDrain     = 1 << 14 // frames thrown away at once; the receive buffer holds fewer
	socketBuffer = 4 << 20 // octets of a socket's buffer each way, as far as the kernel allows
	etherTypeV6  = 0x86dd
)

// link is one interface seen through a packet socket.
//
// The socket is SOCK_RAW because only that kind has PACKET_VNET_HDR, and without it nobody tells that a frame from a
// kernel peer over veth has no checksum yet, or is several segments merged. Raw system calls, because mdlayher/packet
// has no such header, and opens its socket bound: ours must outlive its interface.
type link struct {
	Link
	fd    int
	index int // 0: the interface does not exist now
	hw    plane.HW
	mtu   int
	up    bool
	// blinks is how often the carrier had changed when it was last told, once it has been.
	blinks  uint32
	counted bool
	groups  map[netip.Addr]struct{} // joined
	ahead   bool                    // packets are looked at here before the kernel's IPv6 has them; see hook
	out     [vnetLen + etherLen]byte
	frame   frame // read into
	arrival Arrival
	burst   *burst // nil before the first merged packet leaves
	// epoch counts how often the link was told to have come or gone; what is read is stamped with it.
	epoch uint32
}

// openLink makes the socket, in this thread's network namespace, deaf until bind.
func openLink(c Link) (*link, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, lacks("a packet socket", "CAP_NET_RAW", err)
	}
	l := &link{Link: c, fd: fd, groups: map[netip.Addr]struct{}{}}
	for _, o := range []struct {
		name string
		opt  int
	}{{"PACKET_VNET_HDR", unix.PACKET_VNET_HDR}, {"PACKET_IGNORE_OUTGOING", unix.PACKET_IGNORE_OUTGOING}} {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, o.opt, 1); err != nil {
			unix.Close(fd)
			return nil, fmt.Errorf("packet socket option %s (Linux 4.20 or later has it): %w", o.name, err)
		}
	}
	for _, o := range []struct{ forced, asked int }{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, o.forced, socketBuffer) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, o.asked, socketBuffer)
		}
	}
	if err := l.setFilter(nil, nil); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return l, nil
}

// bind attaches the socket to an interface, or to none (index 0), and joins its groups there. The kernel forgets
// both when an interface goes away.
func (l *link) bind(index int) error {
	l.index = index
	if index == 0 {
		return nil
	}
	err := l.hook()
	if err != nil {
		return err
	}
	// Routers solicit and are solicited here whether or not the kernel itself listens.
	for _, a := range []netip.Addr{ip6.AllNodes, ip6.AllRouters} {
		l.groups[a] = struct{}{}
	}
	for a := range l.groups {
		if e := l.member(unix.PACKET_ADD_MEMBERSHIP, a); e != nil {
			err = e
		}
	}
	return err
}

// hook has the socket see the packets of its interface. One that is bound to IPv6 comes behind the kernel's own IPv6, which then finds each
// packet shared, and copies the headers of all that it forwards, of packets of one segment everything. One that is bound to all comes before,
// and before what other programs do on the link's way in (tc): the fast path's hand over to the TUN what this socket must not see.
func (l *link) hook() error {
	proto := uint16(etherTypeV6)
	if l.ahead {
		proto = unix.ETH_P_ALL // the filter leaves the others out
	}
	if err := unix.Bind(l.fd, &unix.SockaddrLinklayer{Protocol: htons(proto), Ifindex: l.index}); err != nil {
		return fmt.Errorf("binding to %s: %w", l.Ifname, err)
	}
	return nil
}

func (l *link) join(a netip.Addr) error {
	l.groups[a] = struct{}{}
	return l.member(unix.PACKET_ADD_MEMBERSHIP, a)
}

func (l *link) leave(a netip.Addr) error {
	delete(l.groups, a)
	return l.member(unix.PACKET_DROP_MEMBERSHIP, a)
}

func (l *link) member(opt int, a netip.Addr) error {
	if l.index == 0 {
		return nil
	}
	hw := ip6.MulticastHW(a)
	m := unix.PacketMreq{Ifindex: int32(l.index), Type: unix.PACKET_MR_MULTICAST, Alen: uint16(len(hw))}
	copy(m.Address[:], hw[:])
	err := unix.SetsockoptPacketMreq(l.fd, unix.SOL_PACKET, opt, &m)
	if errors.Is(err, unix.EADDRNOTAVAIL) && opt == unix.PACKET_DROP_MEMBERSHIP {
		return nil // it went with the interface
	}
	if err != nil {
		return fmt.Errorf("group %s on %s: %w", a, l.Ifname, err)
	}
	return nil
}

// setFilter lets through what is wanted, but no tunnel packets to lent addresses: those come by another way.
func (l *link) setFilter(wants []netip.Prefix, lent []netip.Addr) error {
	code, err := bpf.Assemble(slices.Concat(kernelChecks(), withoutTunnels(lent), filter(wants)))
	if err != nil {
		return fmt.Errorf("filter of %s: %w", l.Ifname, err)
	}
	prog := make([]unix.SockFilter, len(code))
	for i, c := range code {
		prog[i] = unix.SockFilter{Code: c.Op, Jt: c.Jt, Jf: c.Jf, K: c.K}
	}
	err = unix.SetsockoptSockFprog(l.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]})
	if err != nil {
		return fmt.Errorf("filter of %s: %w", l.Ifname, err)
	}
	return nil
}

// linkDrop is the reason why a frame was refused.
func linkDrop(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOBUFS):
		return DropQueueFull
	case errors.Is(err, unix.EMSGSIZE):
		return DropTooBig
	case errors.Is(err, unix.ENETDOWN), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return DropLinkDown
	}
	return DropSend
}

// address writes what stands before a packet: no virtio-net header's worth of news, and the Ethernet header.
func (l *link) address(b []byte, to plane.HW) {
	clear(b[:vnetLen])
	eth := b[vnetLen:]
	copy(eth, to[:])
	copy(eth[6:], l.hw[:])
	eth[12], eth[13] = etherTypeV6>>8, etherTypeV6&0xff
}

// send writes one frame. The kernel takes it or refuses it at once.
func (l *link) send(to plane.HW, data []byte) error {
	if l.index == 0 {
		return DropLinkDown
	}
	l.address(l.out[:], to)
	return linkDrop(write2(l.fd, l.out[:], data))
}

// sendFrame writes what the plane has let through, with all headers complete. It gives how many packets were lost, and why.
func (l *link) sendFrame(to plane.HW, f *frame) (lost int, err error) {
	const before = vnetLen + etherLen
	if l.index == 0 {
		return f.packets(), DropLinkDown
	}
	if f.h.kind == gsoNone {
		f.finish()
		l.address(f.buf[f.at-before:], to)
		if err := linkDrop(write(l.fd, f.buf[f.at-before:f.at+f.n])); err != nil {
			return 1, err
		}
		return 0, nil
	}
	if l.burst == nil {
		l.burst = new(burst)
	}
	for i, all := 0, f.segments(); i < all; {
		l.burst.n = 0
		for ; i < all && l.burst.n < maxBatch; i++ {
			head := l.burst.heads[l.burst.n][:]
			l.address(head, to)
			n, part := f.segment(i, head[before:])
			l.burst.add(head[:before+n], part)
		}
		n, e := l.burst.send(l.fd)
		if e != nil {
			lost, err = lost+l.burst.n-n, linkDrop(e)
		}
	}
	return lost, err
}

// read hands over what has come, at most maxBatch frames; more is false when there was nothing left. While the interface is down or
// gone the socket is merely silent. bad counts frames that the kernel or we could not take apart.
func (l *link) read(take func(*Arrival)) (more bool, bad int) {
	const before = vnetLen + etherLen
	if l.frame.buf == nil {
		l.frame.buf = make([]byte, frameSize)
	}
	f := &l.frame
	for range maxBatch {
		n, err := read(l.fd, f.buf[frameRoom-before:frameRoom+maxFrame+etherLen])
		switch {
		case err == nil && n < before: // a runt; no loss to anyone
		case err == nil:
			if f.parse(parseVnet(f.buf[frameRoom-before:]), frameRoom, n-before, etherLen) != nil {
				bad++
				continue
			}
			l.arrival = Arrival{Port: l.Port, Data: f.packet(), Epoch: l.epoch, frame: f}
			copy(l.arrival.From[:], f.buf[frameRoom-etherLen+6:])
			take(&l.arrival)
		// ENETDOWN tells once that the interface went down; EINVAL is a merged frame that
		// the kernel cannot describe, and has thrown away.
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENETDOWN):
		case errors.Is(err, unix.EINVAL):
			bad++
		default:
			return false, bad
		}
	}
	return true, bad
}

// drain throws away the frames that wait in the socket and counts them.
func (l *link) drain() int {
	var head [vnetLen + etherLen]byte // a read takes the whole frame, whatever it has room for
	n := 0
	for range maxDrain {
		switch _, err := unix.Read(l.fd, head[:]); {
		case err == nil:
			n++
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENETDOWN), errors.Is(err, unix.EINVAL): // as in read
		default:
			return n
		}
	}
	return n
}

// overflow reads and resets the kernel's count of packets that found the receive buffer full.
func (l *link) overflow() int {
	st, err := unix.GetsockoptTpacketStats(l.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return int(st.Drops)
}

func (l *link) close() error { return unix.Close(l.fd) }

func htons(v uint16) uint16 { return v<<8 | v>>8 }

// lacks explains a refusal: what was wanted, what it takes, what the kernel said.
func lacks(what, need string, err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%s needs %s (run as root, or: setcap cap_net_admin,cap_net_raw+ep on the binary): %w", what, need, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
