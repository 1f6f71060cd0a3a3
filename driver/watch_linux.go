package driver

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"roam6/engine"
	"roam6/plane"
)

// watch hears of the machine's interfaces coming, going, and changing state. It reads netlink itself: a link that goes
// down and up again between two looks may have moved to another cell, so each message counts, and when the kernel had to
// throw some away (ENOBUFS) every link is taken as changed.
type watch struct {
	fd   int
	file *os.File
	raw  syscall.RawConn
}

// carries is what an interface that can carry packets shows: set up, with carrier, and past any authentication of its own.
const carries = unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOWER_UP

// seen is an interface as a message describes it.
type seen struct {
	gone  bool
	addr  bool // only this is told: the kernel has got an IPv6 address on it, or lost one
	index int
	name  string
	flags uint32
	mtu   int
	hw    plane.HW
	// blinks counts how often the carrier went or came. The kernel tells of carrier changes up to a second late, and of a
	// loss that ended meanwhile not at all; but it counts it.
	blinks  uint32
	counted bool
}

func openWatch() (*watch, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("a netlink socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK | unix.RTMGRP_IPV6_IFADDR}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listening to link changes: %w", err)
	}
	w := &watch{fd: fd, file: os.NewFile(uintptr(fd), "link watch")}
	w.raw, err = w.file.SyscallConn()
	return w, err
}

// ask has the kernel tell of every link, as if each had changed; the answers come to read.
func (w *watch) ask() error {
	const size = unix.SizeofNlMsghdr + unix.SizeofIfInfomsg
	b := make([]byte, size)
	binary.NativeEndian.PutUint32(b, size)
	binary.NativeEndian.PutUint16(b[4:], unix.RTM_GETLINK)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	if err := unix.Sendto(w.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("asking for the state of links: %w", err)
	}
	return nil
}

func (w *watch) close() error { return ignoreClosed(w.file.Close()) }

// read calls changed on the loop for every message, and with nil when messages were lost.
func (w *watch) read(f Feed, changed func(*seen)) {
	buf := make([]byte, 64<<10)
	for {
		var n int
		var bad error
		err := w.raw.Read(func(uintptr) bool {
			n, bad = unix.Read(w.fd, buf)
			return !errors.Is(bad, unix.EAGAIN)
		})
		switch {
		case err != nil:
			return
		case errors.Is(bad, unix.EINTR):
			continue
		case bad != nil:
			if !f.Do(func() { changed(nil) }) {
				return
			}
			continue
		}
		for _, s := range parseLinks(buf[:n]) {
			if !f.Do(func() { changed(&s) }) {
				return
			}
		}
	}
}

// parseLinks reads RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR and RTM_DELADDR messages.
func parseLinks(b []byte) []seen {
	messages, err := syscall.ParseNetlinkMessage(b)
	if err != nil {
		return nil
	}
	var out []seen
	for i := range messages {
		m := &messages[i]
		if (m.Header.Type == unix.RTM_NEWADDR || m.Header.Type == unix.RTM_DELADDR) && len(m.Data) >= unix.SizeofIfAddrmsg {
			out = append(out, seen{addr: true, gone: m.Header.Type == unix.RTM_DELADDR, index: int(int32(binary.NativeEndian.Uint32(m.Data[4:])))})
			continue
		}
		if (m.Header.Type != unix.RTM_NEWLINK && m.Header.Type != unix.RTM_DELLINK) || len(m.Data) < unix.SizeofIfInfomsg {
			continue
		}
		s := seen{
			gone:  m.Header.Type == unix.RTM_DELLINK,
			index: int(int32(binary.NativeEndian.Uint32(m.Data[4:]))),
			flags: binary.NativeEndian.Uint32(m.Data[8:]),
		}
		attrs, err := syscall.ParseNetlinkRouteAttr(m)
		if err != nil {
			continue
		}
		for _, a := range attrs {
			switch {
			case a.Attr.Type == unix.IFLA_IFNAME:
				s.name = string(bytes.TrimRight(a.Value, "\x00"))
			case a.Attr.Type == unix.IFLA_MTU && len(a.Value) >= 4:
				s.mtu = int(binary.NativeEndian.Uint32(a.Value))
			case a.Attr.Type == unix.IFLA_CARRIER_CHANGES && len(a.Value) >= 4:
				s.blinks, s.counted = binary.NativeEndian.Uint32(a.Value), true
			case a.Attr.Type == unix.IFLA_ADDRESS && len(a.Value) == 6:
				copy(s.hw[:], a.Value)
			}
		}
		if m.Data[0] != unix.AF_UNSPEC {
			continue // a bridge port's own message (AF_BRIDGE), not of the interface
		}
		out = append(out, s)
	}
	return out
}

// changed takes one message in; nil means look at every link.
func (m *machine) changed(s *seen) {
	if s == nil || s.addr {
		m.held.look(m)
	}
	for _, l := range m.order {
		switch {
		case s == nil:
			m.refresh(l)
			m.hush(l, "")
			_ = m.watch.ask() // for the counts
		case s.addr:
			if s.index == l.index && !s.gone {
				m.hush(l, "somebody switched IPv6 of the kernel on again on "+l.Ifname+", which is the node's alone; it is off again. "+
					"Tell the network manager to leave IPv6 there alone, or let the kernel have the link too (kernel: on)")
			}
		case s.name == l.Ifname:
			m.observe(l, *s)
		case s.index == l.index && s.name != "":
			m.observe(l, seen{gone: true, index: s.index}) // renamed: the link is its name
		}
	}
	m.follow(s)
}

// refresh asks the kernel for a link's state.
func (m *machine) refresh(l *link) {
	dev, err := m.kernel.byName(l.Ifname)
	if err != nil {
		m.observe(l, seen{gone: true, index: l.index})
		return
	}
	a := dev.Attrs()
	s := seen{index: a.Index, name: a.Name, flags: a.RawFlags, mtu: a.MTU}
	copy(s.hw[:], a.HardwareAddr)
	m.observe(l, s)
}

// observe follows an interface: binds the socket anew when it is another one by the same name, and tells the engines.
func (m *machine) observe(l *link, s seen) {
	if s.gone {
		if s.index == l.index {
			l.index, l.counted = 0, false
			m.tell(l, false)
		}
		return
	}
	if s.index != l.index {
		m.tell(l, false)
		l.counted = false
		m.hush(l, "")
		if err := l.bind(s.index); err != nil {
			l.index = 0
			m.feed.Tell(engine.Event{Name: EventKernel, Reason: err.Error()})
			return
		}
	}
	if s.hw != l.hw {
		m.tell(l, false) // another address is another node to everyone on the link
	}
	grown := s.mtu != 0 && s.mtu != l.mtu
	l.hw = s.hw
	if s.mtu != 0 {
		l.mtu = s.mtu
	}
	if s.counted {
		if l.counted && l.blinks != s.blinks {
			m.tell(l, false) // perhaps another cell is behind it now
		}
		l.blinks, l.counted = s.blinks, true
	}
	up := s.flags&carries == carries
	if up && grown && l.up {
		m.tell(l, false)
	}
	m.tell(l, up)
}

// tell reports a change of a watched link.
func (m *machine) tell(l *link, up bool) {
	if l.up == up {
		return
	}
	l.up = up
	if l.External {
		return
	}
	if !up {
		m.feed.Input(engine.LinkDown{Port: l.Port})
		return
	}
	m.feed.Input(engine.LinkUp{Port: l.Port, Name: l.Ifname, HW: l.hw, MTU: l.mtu})
}
