package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"roam6/wire/describe"
)

// input is one packet to be shown.
type input struct {
	file   string
	number int       // in the file, from 1
	line   int       // where it begins in a text, 0 in a capture
	at     time.Time // zero when the input does not say
	iface  string    // the capture's name for where it was seen
	link   layers.LinkType
	text   bool // from a hex dump: what it begins with has to be guessed
	data   []byte
	length int // octets it had on the link; more than data when the capture cut it
}

// title says which packet it is.
func (p input) title() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s packet %d", p.file, p.number)
	if p.line > 0 {
		fmt.Fprintf(&s, " (line %d)", p.line)
	}
	if p.iface != "" {
		fmt.Fprintf(&s, " on %s", p.iface)
	}
	if !p.at.IsZero() {
		s.WriteString(p.at.Format(" 2006-01-02 15:04:05.000000"))
	}
	if p.length > len(p.data) {
		fmt.Fprintf(&s, " (only %d of %d octets captured)", len(p.data), p.length)
	}
	return s.String()
}

// linkRaw12 is DLT_RAW as some systems number it in files; LINKTYPE_RAW is 101.
const linkRaw12, linkIPv6 = layers.LinkType(12), layers.LinkType(229)

// kind is what the packet begins with: the link says it, or the user, or the octets themselves.
func (p input) kind(as describe.Kind) (describe.Kind, error) {
	switch {
	case p.text && as != "":
		return as, nil
	case p.text:
		kind, err := describe.Guess(p.data)
		if err != nil {
			return "", usagef("%s: line %d: %w; say what it is with --as %s", p.file, p.line, err, kindWords(" or "))
		}
		return kind, nil
	case as != "":
		return "", usagef("%s: --as %s is for hex; this is a capture, which says itself what its packets begin with", p.file, as)
	case p.link == layers.LinkTypeEthernet:
		return describe.KindEther, nil
	}
	return describe.KindIP, nil
}

// kindWords lists what --as may be.
func kindWords(last string) string {
	var w []string
	for _, k := range describe.Kinds() {
		w = append(w, string(k))
	}
	return strings.Join(w[:len(w)-1], ", ") + last + w[len(w)-1]
}

// usableLink refuses link types that cannot be taken off.
func usableLink(file string, link layers.LinkType) error {
	switch link {
	case layers.LinkTypeEthernet, layers.LinkTypeRaw, linkRaw12, linkIPv6:
		return nil
	}
	return usagef("%s: link type %d (%v): only Ethernet (1) and raw IP (101, 229) can be decoded", file, link, link)
}

// readPackets finds out what r holds and gives its packets to yield in order.
func readPackets(file string, r io.Reader, yield func(input) error) error {
	br := bufio.NewReader(r)
	if magic, _ := br.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(br)
		if err != nil {
			return usagef("%s: %w", file, err)
		}
		br = bufio.NewReader(z)
	}
	magic, err := br.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return usagef("%s: %w", file, err)
	}
	if len(magic) == 0 {
		return usagef("%s: empty", file)
	}
	switch {
	case isPcapng(magic):
		return readPcapng(file, br, yield)
	case isPcap(magic):
		return readPcap(file, br, yield)
	}
	return readHex(file, br, yield)
}

func isPcapng(magic []byte) bool { return bytes.Equal(magic, []byte{0x0a, 0x0d, 0x0d, 0x0a}) }

// isPcap knows the magic numbers of micro- and nanosecond files in both octet orders.
func isPcap(magic []byte) bool {
	if len(magic) < 4 {
		return false
	}
	for _, m := range []uint32{0xa1b2c3d4, 0xa1b23c4d} {
		if binary.LittleEndian.Uint32(magic) == m || binary.BigEndian.Uint32(magic) == m {
			return true
		}
	}
	return false
}

func readPcap(file string, r io.Reader, yield func(input) error) error {
	pr, err := pcapgo.NewReader(r)
	if err != nil {
		return usagef("%s: not a usable pcap: %w", file, err)
	}
	if err := usableLink(file, pr.LinkType()); err != nil {
		return err
	}
	return readCapture(file, pr.ReadPacketData, func(p *input, _ gopacket.CaptureInfo) { p.link = pr.LinkType() }, yield)
}

func readPcapng(file string, r io.Reader, yield func(input) error) error {
	pr, err := pcapgo.NewNgReader(r, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
	if err != nil {
		return usagef("%s: not a usable pcapng: %w", file, err)
	}
	return readCapture(file, pr.ReadPacketData, func(p *input, ci gopacket.CaptureInfo) {
		if i, err := pr.Interface(ci.InterfaceIndex); err == nil {
			p.link, p.iface = i.LinkType, i.Name
		}
	}, yield)
}

// readCapture reads packets until the end. label fills in what the file knows of a packet's link.
func readCapture(file string, next func() ([]byte, gopacket.CaptureInfo, error), label func(*input, gopacket.CaptureInfo), yield func(input) error) error {
	for n := 1; ; n++ {
		data, ci, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return usagef("%s: packet %d: %w", file, n, err)
		}
		p := input{file: file, number: n, at: ci.Timestamp, data: data, length: ci.Length}
		label(&p, ci)
		if err := usableLink(fmt.Sprintf("%s: packet %d", file, n), p.link); err != nil {
			return err
		}
		if err := yield(p); err != nil {
			return err
		}
	}
}
