package driver

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"roam6/plane"
)

// tunDevice is where TUN devices are made.
const tunDevice = "/dev/net/tun"

// Offloads of a TUN device (linux/if_tun.h) that golang.org/x/sys does not name.
const (
	tunCsum = 0x01
	tunTSO6 = 0x04
	tunECN  = 0x08
	tunUSO4 = 0x20
	tunUSO6 = 0x40
)

// tun is the Kernel port: a TUN device.
//
// Our own, not wireguard-go's: that one starts listeners for events and makes the device when it opens it. Here the file is
// opened by New, which ties it to the caller's network namespace, and the device is made later, if it is wanted at all.
//
// The kernel hands over merged packets as they are (TSO, USO), and takes such. What cannot be merged before it is written,
// packets in a tunnel, the kernel merges after (IFF_NAPI, GRO) when it may wait for more: see mergeTime.
type tun struct {
	name    string
	fd      int
	made    bool  // the device exists
	bare    bool  // no merged packets either way: another forwarder in front counts packets
	frame   frame // read into
	arrival Arrival
	train   *train
	heads   [segmentHead]byte
	wrote   time.Time // when something was written last that the kernel may hold for a moment, to merge it
}

// segmentHead is the room for the headers of one segment: virtio-net, Ethernet, tunnel, IPv6 and TCP with options, and for extension headers.
const segmentHead = 512

// openTun opens the way to a TUN device in this thread's network namespace. The device is not there yet.
func openTun(name string) (*tun, error) {
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV):
		return nil, fmt.Errorf("%w: %s is missing (modprobe tun; in a container: --device %s)", ErrNoDevice, tunDevice, tunDevice)
	case err != nil:
		return nil, fmt.Errorf("%w: opening %s (it must be readable and writable for this user): %w", ErrNoDevice, tunDevice, err)
	}
	return &tun{name: name, fd: fd}, nil
}

// create makes the device. One left by a killed process is gone with it, or is taken over if it was made to stay.
func (t *tun) create() error {
	req, err := unix.NewIfreq(t.name)
	if err != nil {
		return fmt.Errorf("%w: %q is no interface name (1 to 15 characters)", ErrNoDevice, t.name)
	}
	flags := uint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if !t.bare {
		flags |= unix.IFF_NAPI
	}
	req.SetUint16(flags)
	if err := unix.IoctlIfreq(t.fd, unix.TUNSETIFF, req); err != nil {
		switch {
		case errors.Is(err, unix.EBUSY):
			return fmt.Errorf("%w: %s is in use; another roam6 runs with it: stop that one, or give this one another name with the key tun", ErrNoDevice, t.name)
		case errors.Is(err, unix.EINVAL):
			return fmt.Errorf("%w: an interface %s exists that is no TUN device; another name is given with the key tun", ErrNoDevice, t.name)
		}
		return fmt.Errorf("%w: %w", ErrNoDevice, lacks("making "+t.name, "CAP_NET_ADMIN", err))
	}
	t.made = true
	t.frame.buf, t.train = make([]byte, frameSize), newTrain()
	if t.bare {
		return nil
	}
	const tcp = tunCsum | tunTSO6 | tunECN
	if unix.IoctlSetInt(t.fd, unix.TUNSETOFFLOAD, tcp|tunUSO4|tunUSO6) != nil { // before Linux 6.2
		_ = unix.IoctlSetInt(t.fd, unix.TUNSETOFFLOAD, tcp) // else packets come one by one
	}
	return nil
}

// tunDrop is the reason why a write failed.
func tunDrop(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOBUFS):
		return DropQueueFull
	case errors.Is(err, unix.EIO): // the device is down
		return DropLinkDown
	case errors.Is(err, unix.EINVAL):
		return DropNotIPv6
	}
	return DropSend
}

// send writes a packet. What was gathered goes first.
func (t *tun) send(data []byte) error {
	t.flush()
	t.writes()
	var none [vnetLen]byte
	return tunDrop(write2(t.fd, none[:], data))
}

// sendFrame writes what the plane has let through: into a tunnel, or out of one. It gives how many packets were lost, and why.
func (t *tun) sendFrame(f *frame, tunnel bool) (lost int, err error) {
	if !tunnel && f.h.kind == gsoNone {
		if header, ok := t.train.takes(f); ok {
			if p := f.packet(); t.train.follows(p, header) {
				t.train.join(p, header)
			} else {
				lost, err = t.flush()
				t.train.begin(f, header)
			}
			return lost, err
		}
	}
	if lost, err = t.flush(); err != nil {
		return lost, err // what comes next finds the same
	}
	t.writes()
	switch {
	case f.h.kind == gsoNone && tunnel:
		f.finish() // a card behind the tunnel header may not find it
		fallthrough
	case !tunnel:
		return t.write(f, 1)
	}
	return t.cut(f)
}

// cut writes the packets of a merged one. The headers of each come before its payload, over the end of what is written already: a write of
// one piece is cheaper than one of two.
func (t *tun) cut(f *frame) (lost int, err error) {
	model := t.heads[:copy(t.heads[:], f.packet()[:f.header])]
	for i := range f.segments() {
		at := f.at + i*f.h.segment
		clear(f.buf[at-vnetLen : at])
		copy(f.buf[at:], model)
		part := f.cut(i, f.buf[at:at+len(model)])
		if e := tunDrop(write(t.fd, f.buf[at-vnetLen:at+len(model)+len(part)])); e != nil {
			lost, err = lost+1, e
		}
	}
	return lost, err
}

// writes notes that something is written now that the kernel may hold.
func (t *tun) writes() {
	if !t.bare {
		t.wrote = time.Now()
	}
}

// write writes a frame as it is, which stands for count packets.
func (t *tun) write(f *frame, count int) (lost int, err error) {
	f.h.put(f.buf[f.at-vnetLen:], f.header)
	if err = write(t.fd, f.buf[f.at-vnetLen:f.at+f.n]); err != nil {
		return count, tunDrop(err)
	}
	return 0, nil
}

// flush writes what was gathered.
func (t *tun) flush() (lost int, err error) {
	if t.train == nil {
		return 0, nil
	}
	if n, ok := t.train.ready(); ok {
		return t.write(&t.train.frame, n)
	}
	return 0, nil
}

// mergeTime is how long the kernel may hold what was written, if more of the same connection may come; what cannot be merged passes
// at once, as does a segment with PSH. A burst of TCP is written in less. Latency, and order across ports (see calm), ask for little.
const mergeTime = 20 * time.Microsecond

// calmTime is when the kernel holds nothing any more.
const calmTime = 5 * mergeTime

// calm waits until what was written has gone on: what follows goes another way, or says that nothing more comes by this one, and
// must not overtake it.
func (t *tun) calm() {
	if t.wrote.IsZero() {
		return
	}
	t.flush()
	for time.Since(t.wrote) < calmTime { // too short to sleep
	}
	t.wrote = time.Time{}
}

// read hands over what has come, at most maxBatch frames; more is false when there was nothing left.
func (t *tun) read(take func(*Arrival)) (more bool, err error) {
	f := &t.frame
	for range maxBatch {
		n, err := read(t.fd, f.buf[frameRoom-vnetLen:frameRoom+maxFrame+etherLen])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return false, nil
		case err != nil: // EBADFD: somebody deleted the device
			return false, fmt.Errorf("%w: %s was deleted by somebody else", ErrNoDevice, t.name)
		}
		if n -= vnetLen; n < 0 || !relevant(f.buf[frameRoom:frameRoom+n]) {
			continue
		}
		if f.parse(parseVnet(f.buf[frameRoom-vnetLen:]), frameRoom, n, 0) == nil {
			t.arrival = Arrival{Port: plane.Kernel, Data: f.packet(), frame: f}
			take(&t.arrival)
		}
	}
	return true, nil
}

// relevant leaves out what a kernel says to a link by itself (listener reports, solicitations, other protocols): no
// one but the kernel is on this one.
func relevant(p []byte) bool {
	if len(p) < 40 || p[0]>>4 != 6 {
		return false
	}
	linkScopeGroup := p[24] == 0xff && p[25]&0xf <= 2
	return !linkScopeGroup
}

func (t *tun) close() error {
	if t.fd < 0 {
		return nil
	}
	err := unix.Close(t.fd)
	t.fd = -1
	return err
}
