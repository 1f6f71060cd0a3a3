package ah

import (
	"encoding/binary"
	"errors"
	"slices"
)

// Protocol numbers and sizes of IPv6, RFC 8200 §3 and §4.
const (
	ipLen         = 40
	protoHopByHop = 0
	protoRouting  = 43
	protoFragment = 44
	protoAH       = 51
	protoDestOpts = 60
	maxPayload    = 0xffff

	nextAt, lengthAt, hopLimitAt, srcAt, dstAt = 6, 4, 7, 8, 24
	addrLen                                    = 16
)

// Options, RFC 8200 §4.2 and RFC 6275 §6.3.
const (
	optPad1        = 0
	optMutable     = 0x20 // bit of a type: the data may change on the way
	optHomeAddress = 0xc9
)

// MaxExtensions is the number of extension headers that are walked in front of an Authentication Header; a packet with more is ErrMalformed.
const MaxExtensions = 8

// Reasons why a packet cannot be protected, or is refused.
var (
	ErrMalformed   = errors.New("ah: no whole IPv6 packet, or its headers contradict each other")
	ErrFragment    = errors.New("ah: a fragment: reassembly comes before security (RFC 4302 §3.4.1)")
	ErrRouting     = errors.New("ah: a routing header of a type that is not known has segments left")
	ErrTooLong     = errors.New("ah: no room in the packet for an Authentication Header")
	ErrExhausted   = errors.New("ah: the sequence number is 0 or has run over: the association needs new keys")
	ErrUnprotected = errors.New("ah: no Authentication Header")
	ErrSPI         = errors.New("ah: another association's SPI")
	ErrReplay      = errors.New("ah: replayed: seen before, or left of the window")
	ErrAuth        = errors.New("ah: integrity check failed: wrong key, or the packet was altered")
)

// layout is where the extension headers of a packet are.
type layout struct {
	packet []byte // cut to its Payload Length
	next   uint8  // the protocol behind them
	nextAt int    // of the octet that says so
	end    int    // where they end
	heads  [MaxExtensions]struct {
		kind     uint8
		at, size int
	}
	n int
}

// lay walks a packet up to its upper layer or Authentication Header.
func lay(b []byte) (l layout, err error) {
	if len(b) < ipLen || b[0]>>4 != 6 {
		return l, ErrMalformed
	}
	end := ipLen + int(binary.BigEndian.Uint16(b[lengthAt:]))
	if end > len(b) {
		return l, ErrMalformed
	}
	l = layout{packet: b[:end], next: b[nextAt], nextAt: nextAt, end: ipLen}
	for {
		switch l.next {
		case protoHopByHop, protoDestOpts, protoRouting:
		case protoFragment:
			return l, ErrFragment
		default:
			return l, nil
		}
		rest := l.packet[l.end:]
		if l.n == MaxExtensions || l.next == protoHopByHop && l.n > 0 || len(rest) < 8 || len(rest) < 8*(int(rest[1])+1) {
			return l, ErrMalformed
		}
		h := &l.heads[l.n]
		h.kind, h.at, h.size = l.next, l.end, 8*(int(rest[1])+1)
		l.n++
		l.next, l.nextAt, l.end = rest[0], l.end, l.end+h.size
	}
}

// covered is a copy of the headers as the ICV covers them.
func (l *layout) covered() ([]byte, error) {
	c := slices.Clone(l.packet[:l.end])
	c[0], c[1], c[2], c[3], c[hopLimitAt] = 6<<4, 0, 0, 0, 0
	for _, h := range l.heads[:l.n] {
		ext := c[h.at : h.at+h.size]
		var err error
		if h.kind == protoRouting {
			err = coverRouting(c, ext)
		} else {
			err = coverOptions(c, ext, h.kind == protoDestOpts)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// coverRouting makes of a type 2 routing header what it is at its end: the home address is the destination (RFC 6275 §6.4).
func coverRouting(c, ext []byte) error {
	switch kind, left := ext[2], ext[3]; {
	case left == 0:
		return nil
	case kind != 2:
		return ErrRouting
	case left != 1 || len(ext) != 8+addrLen:
		return ErrMalformed
	}
	swap(c[dstAt:dstAt+addrLen], ext[8:])
	ext[3] = 0
	return nil
}

// coverOptions clears the data of options that may change, and makes the home address the source (RFC 6275 §11.3.2).
func coverOptions(c, ext []byte, destination bool) error {
	for i := 2; i < len(ext); {
		if ext[i] == optPad1 {
			i++
			continue
		}
		if i+2 > len(ext) || i+2+int(ext[i+1]) > len(ext) {
			return ErrMalformed
		}
		kind, data := ext[i], ext[i+2:i+2+int(ext[i+1])]
		switch {
		case kind&optMutable != 0:
			clear(data)
		case destination && kind == optHomeAddress && len(data) == addrLen:
			swap(c[srcAt:srcAt+addrLen], data)
		}
		i += 2 + len(data)
	}
	return nil
}

func swap(a, b []byte) {
	for i := range a {
		a[i], b[i] = b[i], a[i]
	}
}
