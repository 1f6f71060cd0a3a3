//go:build linux

package lab

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"roam6/scenario"
)

const (
	// captureBuffer is what a capture file gathers before it writes, octets.
	captureBuffer = 256 << 10
	// captureEvery is how often it is written all the same: who works in a lab reads the files meanwhile.
	captureEvery = time.Second
)

// captures are the pcapng files of a run, one a segment. Every frame is written once, as its sender put it on the segment
// (lost ones too), on an interface of the file that is named after the sender: "mn/wlan0".
type captures struct {
	base  time.Time
	files map[string]*capture // by segment
	err   error               // the first that went wrong; nothing is written after it
	limit int                 // octets of a file
	full  int                 // frames that found no room
}

type capture struct {
	f   *os.File
	buf *bufio.Writer
	w   *pcapgo.NgWriter
	ids map[*member]int
	n   int // octets of the frames in it, and of what pcapng adds to them
}

// blockExtra bounds what pcapng adds to a frame, octets.
const blockExtra = 64

// openCaptures makes the files; dir "" makes none.
func openCaptures(dir string, p *scenario.Plan, base time.Time) (*captures, error) {
	c := &captures{base: base, files: map[string]*capture{}, limit: CaptureLimit}
	if dir == "" {
		return c, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("captures: %w", err)
	}
	for _, s := range p.Segments {
		f, err := os.Create(filepath.Join(dir, fileName(s.Name)+".pcapng"))
		if err != nil {
			c.close()
			return nil, fmt.Errorf("captures: %w", err)
		}
		c.files[s.Name] = &capture{f: f, buf: bufio.NewWriterSize(f, captureBuffer), ids: map[*member]int{}}
	}
	return c, nil
}

// fileName keeps letters, digits, dots and hyphens of a segment's name.
func fileName(segment string) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r == '_' || (r >= '0' && r <= '9') || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') {
			return r
		}
		return '_'
	}, segment)
}

func (c *captures) write(f *taped, b []byte) {
	file := c.files[f.seg.name]
	if file == nil || c.err != nil {
		return
	}
	if file.n += len(b) + blockExtra; file.n > c.limit {
		c.full++
		return
	}
	id, err := file.interfaceOf(f.from, f.seg.name)
	if err == nil {
		info := gopacket.CaptureInfo{Timestamp: c.base.Add(time.Duration(f.at)), CaptureLength: len(b), Length: len(b), InterfaceIndex: id}
		err = file.w.WritePacket(info, b)
	}
	if err != nil {
		c.err = fmt.Errorf("capture of segment %s: %w", f.seg.name, err)
	}
}

// interfaceOf is the number of a sender's interface in the file, written when it first sends.
func (c *capture) interfaceOf(m *member, segment string) (int, error) {
	if id, ok := c.ids[m]; ok {
		return id, nil
	}
	intf := pcapgo.NgInterface{Name: m.label, Description: "segment " + segment, OS: runtime.GOOS,
		LinkType: layers.LinkTypeEthernet, TimestampResolution: 9}
	if c.w != nil {
		id, err := c.w.AddInterface(intf)
		c.ids[m] = id
		return id, err
	}
	opts := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Hardware: runtime.GOARCH, OS: runtime.GOOS, Application: "roam6 lab"}}
	w, err := pcapgo.NewNgWriterInterface(c.buf, intf, opts)
	c.w, c.ids[m] = w, 0
	return 0, err
}

// flush writes what has been gathered.
func (c *captures) flush() {
	for name, file := range c.files { // the order does not matter: each file is its own
		if file.w == nil || c.err != nil {
			continue
		}
		err := file.w.Flush()
		if err == nil {
			err = file.buf.Flush()
		}
		if err != nil {
			c.err = fmt.Errorf("capture of segment %s: %w", name, err)
		}
	}
}

// close completes the files. A segment nothing crossed leaves a file without packets. Its error is a *CaptureError.
func (c *captures) close() error {
	cut := &CaptureError{}
	for name, file := range c.files { // the order does not matter: each file is its own
		var err error
		cut.Files = append(cut.Files, file.f.Name())
		if file.w == nil {
			_, err = file.interfaceOf(&member{label: name}, name)
		}
		if err == nil {
			err = file.w.Flush()
		}
		if err == nil {
			err = file.buf.Flush()
		}
		if err2 := file.f.Close(); err == nil {
			err = err2
		}
		if err != nil && c.err == nil {
			c.err = fmt.Errorf("capture of segment %s: %w", name, err)
		}
	}
	c.files = nil
	if c.err == nil {
		return nil
	}
	cut.Err = c.err
	return cut
}
