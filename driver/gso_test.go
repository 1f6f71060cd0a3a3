package driver

import (
	"bytes"
	"encoding/binary"
	"testing"

	"roam6/wire/ip6"
)

// merged is a TCP packet as a kernel peer hands it over: its checksum field holds the sum of the pseudo-header. With
// tunnel set it is in an IPv6-in-IPv6 tunnel behind an encapsulation limit, as GRO merges it.
func merged(payload []byte, tunnel bool) (p []byte, start int) {
	tcp := make([]byte, 24) // with one word of options
	binary.BigEndian.PutUint32(tcp[4:], 0xffffff00)
	tcp[12], tcp[13] = 6<<4, 0x80|0x10|0x08|0x01 // CWR ACK PSH FIN
	tcp = append(tcp, payload...)
	binary.BigEndian.PutUint16(tcp[16:], ^ip6.Checksum(cn, hoa, ip6.ProtoTCP, nil)) // without the length
	binary.BigEndian.PutUint16(tcp[16:], onesAdd(binary.BigEndian.Uint16(tcp[16:]), uint16(len(tcp))))
	in := ip6.Packet{Header: ip6.Header{Src: cn, Dst: hoa}, Proto: ip6.ProtoTCP, Payload: tcp}
	p, start = in.Append(nil), ip6.HeaderLen
	if tunnel {
		out := ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, EncapLimit: 5, Proto: ip6.ProtoIPv6, Payload: p}
		outer := out.Append(nil)
		return outer, start + len(outer) - len(p)
	}
	return p, start
}

// framed is a frame as a kernel hands it over.
func framed(h vnet, p []byte, linkLen int) (*frame, error) {
	f := &frame{buf: make([]byte, frameSize)}
	return f, f.parse(h, frameRoom, copy(f.buf[frameRoom:], p), linkLen)
}

// unmerge gives the packets of what a kernel hands over.
func unmerge(h vnet, p []byte, linkLen int) (parts [][]byte, err error) {
	f, err := framed(h, p, linkLen)
	if err == nil {
		f.each(make([]byte, frameSize), func(p []byte) { parts = append(parts, bytes.Clone(p)) })
	}
	return parts, err
}

func TestUnmergeTCP(t *testing.T) {
	payload := make([]byte, 3001)
	for i := range payload {
		payload[i] = byte(i * 7)
	}
	for _, tunnel := range []bool{false, true} {
		p, start := merged(payload, tunnel)
		h := vnet{needsChecksum: true, kind: gsoTCPv6, segment: 1000, start: start + etherLen, offset: 16}
		parts, err := unmerge(h, p, etherLen)
		if err != nil || len(parts) != 4 {
			t.Fatalf("tunnel %v: %d segments, %v", tunnel, len(parts), err)
		}
		var got []byte
		for i, part := range parts {
			q, err := ip6.Parse(part)
			if err == nil && tunnel {
				q, err = ip6.Parse(q.Payload)
			}
			if err != nil || q.Proto != ip6.ProtoTCP || checksum(q) != 0 {
				t.Fatalf("tunnel %v, segment %d: %v, checksum %#x", tunnel, i, err, checksum(q))
			}
			if seq, want := binary.BigEndian.Uint32(q.Payload[4:]), uint32(0xffffff00)+uint32(len(got)); seq != want {
				t.Errorf("segment %d: sequence %#x, want %#x", i, seq, want)
			}
			if want := []byte{0x90, 0x10, 0x10, 0x19}[i]; q.Payload[13] != want {
				t.Errorf("segment %d: flags %#x, want %#x", i, q.Payload[13], want)
			}
			got = append(got, q.Payload[24:]...)
		}
		if !bytes.Equal(got, payload) {
			t.Errorf("tunnel %v: the payload came apart", tunnel)
		}
	}
}

// The header comes from the kernel, the packet from anyone: no combination may break the reader.
func FuzzUnmerge(f *testing.F) {
	p, start := merged(make([]byte, 100), true)
	f.Add([]byte{1, 4, 0, 0, 50, 0, byte(start + etherLen), 0, 16, 0}, p)
	f.Add([]byte{1, 5, 0, 0, 10, 0, 54, 0, 6, 0}, p)
	f.Add([]byte{1, 0, 0, 0, 0, 0, 54, 0, 6, 0}, p)
	f.Fuzz(func(t *testing.T, header, p []byte) {
		if len(header) < vnetLen {
			return
		}
		parts, err := unmerge(parseVnet(header), p, etherLen)
		if err != nil {
			return
		}
		for _, q := range parts {
			if len(q) > len(p) {
				t.Errorf("a part of %d octets from %d", len(q), len(p))
			}
		}
	})
}

// checksum is zero for a right one.
func checksum(p ip6.Packet) uint16 { return ip6.Checksum(p.Src, p.Dst, p.Proto, p.Payload) }

// What a virtual machine may say of its packets is believed only where the packet says it too.
func TestFrameHonest(t *testing.T) {
	tcp := vnet{needsChecksum: true, kind: gsoTCPv6, segment: 1000, start: tcpAt, offset: 16}
	for name, c := range map[string]struct {
		tunnel bool
		change func(h *vnet)
		want   bool
	}{
		"as it is":              {false, func(*vnet) {}, true},
		"one packet":            {false, func(h *vnet) { h.kind = gsoNone }, true},
		"nothing told":          {false, func(h *vnet) { *h = vnet{} }, true},
		"ECN":                   {false, func(h *vnet) { h.kind |= gsoECN }, true},
		"in a tunnel":           {true, func(h *vnet) { h.start += ip6.HeaderLen }, true},
		"the field elsewhere":   {false, func(h *vnet) { h.offset = 18 }, false},
		"the start elsewhere":   {false, func(h *vnet) { h.start += 2 }, false},
		"UDP":                   {false, func(h *vnet) { h.kind, h.offset = gsoUDPSegments, 6 }, false},
		"the tunnel overlooked": {true, func(*vnet) {}, false},
	} {
		p, _ := merged(make([]byte, 3001), false)
		if c.tunnel {
			out := ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Proto: ip6.ProtoIPv6, Payload: p}
			p = out.Append(nil)
		}
		h := tcp
		c.change(&h)
		if f, err := framed(h, p, 0); err != nil || f.honest() != c.want {
			t.Errorf("%s: %v, honest %v", name, err, !c.want)
		}
	}
}
