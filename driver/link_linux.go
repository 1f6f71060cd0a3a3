package driver

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"syscall"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"roam6/plane"
	"roam6/wire/ip6"
)

// Limits of reading.
const (
	maxBatch    = 64       // packets read at one wake-up
	maxFrame    = 64 << 10 // a merged packet (GRO, TSO) may be this long
	maxDrain    = 1 << 14  // frames thrown away at once; the receive buffer holds fewer
	readBuffer  = 4 << 20  // octets of the socket's receive buffer, as far as the kernel allows
	etherTypeV6 = 0x86dd
)

// link is one interface seen through a packet socket.
//
// The socket is SOCK_RAW because only that kind has PACKET_VNET_HDR, and without it nobody tells that a frame from a
// kernel peer over veth has no checksum yet, or is several segments merged. Raw system calls, because mdlayher/packet
// has no such header, and opens its socket bound: ours must outlive its interface.
type link struct {
	Link
	fd    int
	file  *os.File // owns fd; the poller's
	raw   syscall.RawConn
	index int // 0: the interface does not exist now
	hw    plane.HW
	mtu   int
	up    bool
	// blinks is how often the carrier had changed when it was last told, once it has been.
	blinks  uint32
	counted bool
	groups  map[netip.Addr]struct{} // joined
	out     [vnetLen + etherLen]byte
	// epoch counts how often the link was told to have come or gone; the loop raises it, the reader stamps frames with it.
	epoch atomic.Uint32
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
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, readBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, readBuffer)
	}
	if err := l.setFilter(nil, nil); err != nil {
		unix.Close(fd)
		return nil, err
	}
	l.file = os.NewFile(uintptr(fd), "packet socket of "+c.Ifname)
	if l.raw, err = l.file.SyscallConn(); err != nil {
		l.file.Close()
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
	err := unix.Bind(l.fd, &unix.SockaddrLinklayer{Protocol: htons(etherTypeV6), Ifindex: index})
	if err != nil {
		return fmt.Errorf("binding to %s: %w", l.Ifname, err)
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

// send writes one frame. The kernel takes it or refuses it at once.
func (l *link) send(to plane.HW, data []byte) error {
	if l.index == 0 {
		return DropLinkDown
	}
	eth := l.out[vnetLen:]
	copy(eth, to[:])
	copy(eth[6:], l.hw[:])
	eth[12], eth[13] = etherTypeV6>>8, etherTypeV6&0xff
	for {
		_, err := unix.Writev(l.fd, [][]byte{l.out[:], data})
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOBUFS):
			return DropQueueFull
		case errors.Is(err, unix.EMSGSIZE):
			return DropTooBig
		case errors.Is(err, unix.ENETDOWN), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
			return DropLinkDown
		}
		return DropSend
	}
}

// read feeds the loop until the socket is closed or the node ends. It survives the interface: while it is down or
// gone the socket is merely silent.
func (l *link) read(f Feed) {
	frame := make([]byte, vnetLen+etherLen+maxFrame)
	for {
		var batch []Arrival
		bad, stop := 0, false
		err := l.raw.Read(func(uintptr) bool {
			for len(batch) < maxBatch {
				epoch := l.epoch.Load() // before the frame is read: one that waited over a change is of the link as it was
				n, err := unix.Read(l.fd, frame)
				switch {
				case err == nil:
					var ok bool
					if batch, ok = l.decode(batch, epoch, frame[:n]); !ok {
						bad++
					}
				case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENETDOWN), errors.Is(err, unix.EINVAL):
					// ENETDOWN tells once that the interface went down; EINVAL is a merged frame that
					// the kernel cannot describe, and has thrown away.
					if errors.Is(err, unix.EINVAL) {
						bad++
					}
				case errors.Is(err, unix.EAGAIN):
					return len(batch)+bad > 0
				default:
					stop = true
					return true
				}
			}
			return true
		})
		if bad > 0 {
			f.Drop(string(DropGSO), bad)
		}
		if len(batch) > 0 && !f.Packets(batch) || err != nil || stop {
			return
		}
	}
}

// decode takes the frame apart and appends its packets.
func (l *link) decode(batch []Arrival, epoch uint32, frame []byte) ([]Arrival, bool) {
	if len(frame) < vnetLen+etherLen {
		return batch, true // a runt; no loss to anyone
	}
	var from plane.HW
	copy(from[:], frame[vnetLen+6:])
	packets, err := unmerge(parseVnet(frame), frame[vnetLen+etherLen:], etherLen)
	if err != nil {
		return batch, false
	}
	for _, p := range packets {
		batch = append(batch, Arrival{Port: l.Port, From: from, Data: p, Epoch: epoch})
	}
	return batch, true
}

// drain throws away the frames that wait in the socket and counts them. The reader may be reading meanwhile.
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

func (l *link) close() error { return ignoreClosed(l.file.Close()) }

func htons(v uint16) uint16 { return v<<8 | v>>8 }

// lacks explains a refusal: what was wanted, what it takes, what the kernel said.
func lacks(what, need string, err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%s needs %s (run as root, or: setcap cap_net_admin,cap_net_raw+ep on the binary): %w", what, need, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
