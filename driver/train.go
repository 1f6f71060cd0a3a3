package driver

import (
	"bytes"
	"encoding/binary"

	"roam6/wire/ip6"
)

// Where things are in a TCP packet without extension headers.
const (
	tcpAt     = ip6.HeaderLen
	tcpSeq    = tcpAt + 4
	tcpAck    = tcpAt + 8
	tcpFlags  = tcpAt + 13
	tcpWindow = tcpAt + 14
	tcpSum    = tcpAt + 16
	tcpLeast  = tcpAt + 20
	flagACK   = 0x10
	flagPSH   = 0x08
)

// train gathers segments of one TCP connection that go to the kernel one behind the other, so that it takes them as one packet,
// as it takes what a network card has merged. Only what it could take apart again, octet for octet, is gathered.
type train struct {
	frame
	count int
	next  uint32 // the sequence number that goes on
	last  bool   // nothing may follow
}

// newTrain makes an empty one.
func newTrain() *train { return &train{frame: frame{buf: make([]byte, frameSize)}} }

// takes says whether a packet can be one of a train: data of TCP, nothing else said, no extension headers, and a checksum that is
// right: afterwards nobody can see that it was not. header is where its payload begins.
func (t *train) takes(f *frame) (header int, ok bool) {
	p := f.packet()
	if f.n <= tcpLeast || p[6] != ip6.ProtoTCP || f.h.kind != gsoNone || p[tcpFlags]&^flagPSH != flagACK {
		return 0, false
	}
	header = tcpAt + int(p[tcpAt+12]>>4)*4
	if header < tcpLeast || header >= f.n {
		return 0, false
	}
	if f.h.needsChecksum {
		return header, f.h.start == tcpAt && f.h.offset == tcpSum-tcpAt
	}
	return header, onesAdd(pseudoSum(p), ip6.Sum(p[tcpAt:])) == 0xffff
}

// pseudoSum is the sum of the pseudo-header of a packet without extension headers, RFC 8200 §8.1.
func pseudoSum(p []byte) uint16 {
	return onesAdd(ip6.Sum(p[8:ip6.HeaderLen]), onesAdd(uint16(len(p)-ip6.HeaderLen), uint16(p[6])))
}

// follows says whether a packet, which takes said yes to, goes on where the train ends.
func (t *train) follows(p []byte, header int) bool {
	q := t.packet()
	payload := len(p) - header
	return t.count > 0 && !t.last && header == t.header && payload <= t.h.segment && t.n+payload <= tcpAt+0xffff && t.count < maxSegments &&
		binary.BigEndian.Uint32(p[tcpSeq:]) == t.next &&
		bytes.Equal(p[:4], q[:4]) && bytes.Equal(p[6:tcpSeq], q[6:tcpSeq]) && bytes.Equal(p[tcpAck:tcpFlags], q[tcpAck:tcpFlags]) &&
		bytes.Equal(p[tcpWindow:tcpSum], q[tcpWindow:tcpSum]) && bytes.Equal(p[tcpSum+2:header], q[tcpSum+2:header])
}

// begin makes a packet, which takes said yes to, the first.
func (t *train) begin(f *frame, header int) {
	t.at, t.n = frameRoom, copy(t.buf[frameRoom:], f.packet())
	t.h, t.header = f.h, header
	t.h.segment = t.n - header
	t.count = 1
	t.next = binary.BigEndian.Uint32(t.packet()[tcpSeq:]) + uint32(t.n-header)
	t.last = t.packet()[tcpFlags]&flagPSH != 0
}

// join appends a packet that follows.
func (t *train) join(p []byte, header int) {
	payload := p[header:]
	t.n += copy(t.buf[t.at+t.n:], payload)
	t.count++
	t.next += uint32(len(payload))
	q := t.packet()
	q[tcpFlags] |= p[tcpFlags] & flagPSH
	t.last = len(payload) < t.h.segment || q[tcpFlags]&flagPSH != 0
}

// ready makes of what was gathered the frame that goes to the kernel, and leaves the train empty; false if it was.
func (t *train) ready() (n int, ok bool) {
	n, t.count = t.count, 0
	if n > 1 {
		p := t.packet()
		binary.BigEndian.PutUint16(p[4:], uint16(t.n-ip6.HeaderLen))
		binary.BigEndian.PutUint16(p[tcpSum:], pseudoSum(p))
		t.h = vnet{needsChecksum: true, kind: gsoTCPv6, segment: t.h.segment, start: tcpAt, offset: tcpSum - tcpAt}
	}
	return n, n > 0
}
