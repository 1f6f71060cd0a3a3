package main

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"roam6/lab"
	"roam6/scenario"
	"roam6/sim"
)

// pcaps are the captures of a simulated run, one pcapng a segment, on the simulation's own clock.
type pcaps struct {
	files map[string]*pcap // nil: none are wanted
	err   error            // the first that went wrong; nothing is written after it
}

type pcap struct {
	file *os.File
	buf  *bufio.Writer
	w    *pcapgo.NgWriter
}

// openPcaps makes the files in a directory; "" makes none.
func openPcaps(dir string, p *scenario.Plan) (*pcaps, error) {
	c := &pcaps{}
	if dir == "" {
		return c, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, usage(err)
	}
	c.files = map[string]*pcap{}
	for _, s := range p.Segments {
		f, err := newPcap(filepath.Join(dir, pcapName(s.Name)), s.Name)
		if err != nil {
			c.err = err
			c.close()
			return nil, err
		}
		c.files[s.Name] = f
	}
	return c, nil
}

// pcapName keeps letters, digits, dots, hyphens and underscores of a segment's name.
func pcapName(segment string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(".-_", r) || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, segment) + ".pcapng"
}

func newPcap(path, segment string) (*pcap, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	c := &pcap{file: f, buf: bufio.NewWriterSize(f, 1<<18)}
	link := pcapgo.NgInterface{Name: segment, LinkType: layers.LinkTypeEthernet, TimestampResolution: 9}
	info := pcapgo.NgSectionInfo{Application: "roam6 sim"}
	if c.w, err = pcapgo.NewNgWriterInterface(c.buf, link, pcapgo.NgWriterOptions{SectionInfo: info}); err != nil {
		f.Close()
		return nil, err
	}
	return c, nil
}

// write takes one frame as it leaves its sender.
func (c *pcaps) write(segment string, at time.Duration, frame []byte) {
	f := c.files[segment]
	if f == nil || c.err != nil {
		return
	}
	info := gopacket.CaptureInfo{Timestamp: sim.Epoch.Add(at), CaptureLength: len(frame), Length: len(frame)}
	if err := f.w.WritePacket(info, frame); err != nil {
		c.err = err
	}
}

// close completes the files. When one cannot be written, none is whole: its error is then a *lab.CaptureError.
func (c *pcaps) close() error {
	cut := &lab.CaptureError{}
	for _, f := range c.files { //order:any
		cut.Files = append(cut.Files, f.file.Name())
		for _, step := range []func() error{f.w.Flush, f.buf.Flush, f.file.Close} {
			if err := step(); err != nil && c.err == nil {
				c.err = err
			}
		}
	}
	c.files = nil
	if c.err == nil {
		return nil
	}
	cut.Err = c.err
	return cut
}

// withoutCaptures takes what went wrong with captures out of a run's error, and their files away: what is cut in the middle of a
// packet is of no use, and the room may do for the rest of the report.
func withoutCaptures(err error) (cut *lab.CaptureError, rest error) {
	var several interface{ Unwrap() []error }
	if errors.As(err, &cut) {
		if errors.As(err, &several) {
			for _, e := range several.Unwrap() {
				_, more := withoutCaptures(e)
				rest = errors.Join(rest, more)
			}
		}
		for _, name := range cut.Files {
			os.Remove(name)
		}
		return cut, rest
	}
	return nil, err
}
