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
	kind          uint8 // gso_type without the ECN bit
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

var errMerged = errors.New("a merged packet of an unknown kind")

// parseVnet reads the header. Its fields are in the byte order of the machine.
func parseVnet(b []byte) vnet {
	return vnet{
		needsChecksum: b[0]&vnetNeedsChecksum != 0,
		kind:          b[1] &^ gsoECN,
		segment:       int(binary.NativeEndian.Uint16(b[4:])),
		start:         int(binary.NativeEndian.Uint16(b[6:])),
		offset:        int(binary.NativeEndian.Uint16(b[8:])),
	}
}

// unmerge makes of what the kernel handed over the packets that were, or would have been, on the wire: with checksums
// completed, and merged ones (TSO of a peer on this machine, GRO) taken apart. The packets are copies with room to be
// encapsulated in place. linkLen is the length of the link header, which start counts.
func unmerge(h vnet, p []byte, linkLen int) ([][]byte, error) {
	start := h.start - linkLen
	if h.kind == gsoNone {
		p = roomy(p, nil)
		if h.needsChecksum {
			if start < ip6.HeaderLen || start+h.offset+2 > len(p) {
				return nil, errMerged
			}
			finish(p, start, h.offset)
		}
		return [][]byte{p}, nil
	}
	if !h.needsChecksum || h.segment <= 0 || start < ip6.HeaderLen || start+h.offset+2 > len(p) {
		return nil, errMerged
	}
	header := 0
	switch h.kind {
	case gsoTCPv6:
		if start+20 > len(p) {
			return nil, errMerged
		}
		header = start + max(20, int(p[start+12]>>4)*4)
	case gsoUDPSegments:
		header = start + 8
	}
	if header == 0 || header > len(p) || start+h.offset+2 > header || len(p)-header > h.segment*maxSegments {
		return nil, errMerged
	}
	return split(h, p, start, header), nil
}

// split cuts a merged packet. start is where its transport header begins, header where its payload does.
func split(h vnet, p []byte, start, header int) [][]byte {
	payload := p[header:]
	var out [][]byte
	for off := 0; off < len(payload) || off == 0; off += h.segment {
		part := payload[off:min(off+h.segment, len(payload))]
		q := roomy(p[:header], part)
		shorter := uint16(len(payload) - len(part))
		shorten(q, start, shorter)
		// The field holds the sum of the pseudo-header with the merged length: take the difference out of it.
		sum := binary.BigEndian.Uint16(q[start+h.offset:])
		binary.BigEndian.PutUint16(q[start+h.offset:], onesAdd(sum, ^shorter))
		last := off+len(part) == len(payload)
		if h.kind == gsoUDPSegments {
			binary.BigEndian.PutUint16(q[start+4:], uint16(8+len(part)))
		} else {
			retouchTCP(q[start:], uint32(off), off == 0, last)
		}
		finish(q, start, h.offset)
		out = append(out, q)
	}
	return out
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

// finish completes a checksum: its field holds the sum of the pseudo-header.
func finish(p []byte, start, offset int) {
	var sum uint64
	for b := p[start:]; len(b) > 0; b = b[min(2, len(b)):] {
		if len(b) == 1 {
			sum += uint64(b[0]) << 8
		} else {
			sum += uint64(binary.BigEndian.Uint16(b))
		}
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	c := ^uint16(sum)
	if c == 0 {
		c = 0xffff // UDP has no zero checksum over IPv6, RFC 8200 §8.1; for the others both are the same
	}
	binary.BigEndian.PutUint16(p[start+offset:], c)
}

func onesAdd(a, b uint16) uint16 {
	s := uint32(a) + uint32(b)
	return uint16(s>>16 + s&0xffff)
}

// roomy copies a packet from two parts and leaves room behind it.
func roomy(a, b []byte) []byte {
	p := make([]byte, 0, len(a)+len(b)+plane.Headroom)
	return append(append(p, a...), b...)
}
