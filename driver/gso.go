package driver

import (
	"encoding/binary"
	"errors"

	"roam6/plane"
	"roam6/wire/ip6"
)

// vnet is the part of a struct virtio_net_hdr (linux/virtio_net.h) that a receiver must act on.
type vnet struct {
	needsChecksum bool
	kind          uint8 // gso_type
	segment       int   // gso_size: octets of payload in each segment
	start, offset int   // where the checksum begins (octets from the frame's start), and its field from there
}

// Values of virtio_net_hdr, and its length: it stands before every frame.
const (
	vnetLen           = 10
	vnetNeedsChecksum = 1
	gsoNone           = 0
	gsoTCPv6          = 4
	gsoUDPSegments    = 5
	gsoECN            = 0x80
)

// maxSegments is the number of packets one merged packet may hold: 64 KiB in segments of TCP's least MSS on Linux, 48.
const maxSegments = 1366

// maxFrame is how long a merged packet (GRO, TSO) may be, its first header aside.
const maxFrame = 64 << 10

var errMerged = errors.New("a merged packet of an unknown kind")

// parseVnet reads the header. Its fields are in the byte order of the machine.
func parseVnet(b []byte) vnet {
	return vnet{
		needsChecksum: b[0]&vnetNeedsChecksum != 0,
		kind:          b[1],
		segment:       int(binary.NativeEndian.Uint16(b[4:])),
		start:         int(binary.NativeEndian.Uint16(b[6:])),
		offset:        int(binary.NativeEndian.Uint16(b[8:])),
	}
}

// put writes the header before a packet whose payload begins at an offset.
func (h vnet) put(b []byte, header int) {
	clear(b[:vnetLen])
	if !h.needsChecksum {
		return
	}
	b[0], b[1] = vnetNeedsChecksum, h.kind
	if h.kind != gsoNone {
		binary.NativeEndian.PutUint16(b[2:], uint16(header))
		binary.NativeEndian.PutUint16(b[4:], uint16(h.segment))
	}
	binary.NativeEndian.PutUint16(b[6:], uint16(h.start))
	binary.NativeEndian.PutUint16(b[8:], uint16(h.offset))
}

// Room in the buffers that packets are read into.
const (
	// frameRoom is what may come before a packet on its way out: virtio-net, Ethernet and tunnel headers.
	frameRoom = 80
	// frameSize is a buffer: room, the largest merged packet with the headers around it, and room behind for the plane.
	frameSize = frameRoom + 2*etherLen + maxFrame + plane.Headroom
)

// frame is what the kernel handed over at once: a packet, whole or with its checksum to be completed, or several merged.
type frame struct {
	buf    []byte // a whole buffer
	at, n  int    // where the packet is in it, and how long
	h      vnet   // h.start counts from the packet's start
	header int    // of a merged one: where its payload begins
}

// parse takes over what was read, behind linkLen octets of link header, which start counts too. An error leaves a frame
// that nobody can use.
func (f *frame) parse(h vnet, at, n, linkLen int) error {
	h.start -= linkLen
	f.at, f.n, f.h, f.header = at, n, h, 0
	p := f.packet()
	if h.needsChecksum && (h.start < ip6.HeaderLen || h.start+h.offset+2 > n) {
		return errMerged
	}
	switch h.kind &^ gsoECN {
	case gsoNone:
		f.h.kind, f.h.segment = gsoNone, 0
		return nil
	case gsoTCPv6:
		if h.needsChecksum && h.start+20 <= n {
			f.header = h.start + max(20, int(p[h.start+12]>>4)*4)
		}
	case gsoUDPSegments:
		f.header = h.start + 8
	}
	if !h.needsChecksum || h.segment <= 0 || f.header == 0 || f.header > n || h.start+h.offset+2 > f.header || n-f.header > h.segment*maxSegments {
		return errMerged
	}
	return nil
}

func (f *frame) packet() []byte { return f.buf[f.at : f.at+f.n] }

// moved says that the packet begins elsewhere in the buffer: a header came before it, or went.
func (f *frame) moved(by int) {
	f.at -= by
	f.n += by
	f.h.start += by
	if f.header > 0 {
		f.header += by
	}
}

// honest says whether what was told of the frame is what its headers say: a packet of TCP or UDP, alone or in one tunnel. Who
// sent it may have told it, from a virtual machine. Others are taken apart as told, and each then is what it is.
func (f *frame) honest() bool {
	if !f.h.needsChecksum {
		return f.h.kind == gsoNone
	}
	p, start := f.packet(), ip6.HeaderLen
	proto := p[6]
	if proto == ip6.ProtoIPv6 && f.n > 2*ip6.HeaderLen {
		proto, start = p[start+6], 2*ip6.HeaderLen
	}
	kind := f.h.kind &^ gsoECN
	switch {
	case f.h.start != start:
		return false
	case proto == ip6.ProtoTCP:
		return f.h.offset == 16 && (kind == gsoNone || kind == gsoTCPv6)
	}
	return proto == ip6.ProtoUDP && f.h.offset == 6 && (kind == gsoNone || kind == gsoUDPSegments)
}

// merged is what the plane is told of it.
func (f *frame) merged() plane.Merged { return plane.Merged{Segment: f.h.segment, Header: f.header} }

// each makes the packets that were, or would have been, on the wire: with checksums completed, and merged ones taken apart.
// Each has room to be encapsulated in place, and is there until the next: scratch serves them, as large as the largest.
func (f *frame) each(scratch []byte, take func([]byte)) {
	if f.h.kind == gsoNone {
		f.finish()
		take(f.packet())
		return
	}
	for i := range f.segments() {
		head, part := f.segment(i, scratch)
		take(append(scratch[:head], part...))
	}
}

// finish completes the checksum of a packet that is not merged.
func (f *frame) finish() {
	if f.h.needsChecksum {
		complete(f.packet()[f.h.start:], nil, f.h.offset)
		f.h.needsChecksum = false
	}
}

// packets is how many packets it stands for.
func (f *frame) packets() int {
	if f.h.kind == gsoNone {
		return 1
	}
	return f.segments()
}

// segments is packets of a merged one.
func (f *frame) segments() int { return max(1, (f.n-f.header+f.h.segment-1)/f.h.segment) }

// segment writes the headers of one of them to head, and gives their length and the payload.
func (f *frame) segment(i int, head []byte) (n int, part []byte) {
	n = copy(head, f.packet()[:f.header])
	return n, f.cut(i, head[:n])
}

// cut makes of a copy of the headers those of one of them, and gives its payload.
func (f *frame) cut(i int, head []byte) (part []byte) {
	off, payload := i*f.h.segment, f.packet()[f.header:]
	part = payload[off:min(off+f.h.segment, len(payload))]
	shorter := uint16(len(payload) - len(part))
	shorten(head, f.h.start, shorter)
	upper := head[f.h.start:]
	// The field holds the sum of the pseudo-header with the merged length: take the difference out of it.
	sum := binary.BigEndian.Uint16(upper[f.h.offset:])
	binary.BigEndian.PutUint16(upper[f.h.offset:], onesAdd(sum, ^shorter))
	if f.h.kind&^gsoECN == gsoUDPSegments {
		binary.BigEndian.PutUint16(upper[4:], uint16(8+len(part)))
	} else {
		retouchTCP(upper, uint32(off), off == 0, off+len(part) == len(payload))
	}
	complete(upper, part, f.h.offset)
	return part
}

// retouchTCP makes a copied TCP header that of a segment: sequence number, FIN and PSH on the last only, CWR on the first only.
func retouchTCP(tcp []byte, off uint32, first, last bool) {
	const fin, psh, cwr = 0x01, 0x08, 0x80
	binary.BigEndian.PutUint32(tcp[4:], binary.BigEndian.Uint32(tcp[4:])+off)
	if !last {
		tcp[13] &^= fin | psh
	}
	if !first {
		tcp[13] &^= cwr
	}
}

// shorten takes a number of octets off the Payload Length of the IPv6 header and of those of the tunnels inside, up to
// the transport header.
func shorten(p []byte, start int, by uint16) {
	at := 0
	for at+ip6.HeaderLen <= start {
		length := binary.BigEndian.Uint16(p[at+4:])
		binary.BigEndian.PutUint16(p[at+4:], length-by)
		next, off := p[at+6], at+ip6.HeaderLen
		for off+8 <= start && (next == ip6.ProtoDestOpts || next == ip6.ProtoHopByHop || next == ip6.ProtoRouting) {
			next, off = p[off], off+8*(int(p[off+1])+1)
		}
		if next != ip6.ProtoIPv6 {
			return
		}
		at = off
	}
}
