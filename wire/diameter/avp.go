package diameter

import (
	"encoding/binary"
	"iter"
)

// Sizes and limits of AVPs.
const (
	avpHeaderLen    = 8    // octets, RFC 6733 §4.1
	avpVendorLen    = 12   // with Vendor-ID
	MaxAVPs         = 2048 // AVPs of one message, those in groups counted by Check
	MaxDepth        = 8    // groups inside groups that Check goes into; the base protocol needs 2
	offAVPFlags     = 4
	offAVPLength    = 5
	offAVPVendor    = 8
	reservedAVPBits = 0x1f
)

// AVPFlags of RFC 6733 §4.1.
type AVPFlags uint8

// The AVP flags.
const (
	VendorBit AVPFlags = 1 << 7 // V: a Vendor-ID follows the length
	Mandatory AVPFlags = 1 << 6 // M: who does not know it must refuse the message
	Protected AVPFlags = 1 << 5 // P: reserved for end-to-end security; sent as zero
)

// Key names an AVP: its code in the numbers of a vendor, 0 for those of the IETF.
type Key struct{ Code, Vendor uint32 }

// AVP is a view of one attribute-value pair. Data is without padding.
type AVP struct {
	Key
	Flags AVPFlags
	Data  []byte
	raw   []byte // header and data with padding
}

// Raw is the AVP as it stands in its message, with its padding.
func (a AVP) Raw() []byte { return a.raw }

// List is a sequence of AVPs whose frame has been checked: that of a message or of a group.
type List []byte

// All gives each AVP in order.
func (l List) All() iter.Seq[AVP] {
	return func(yield func(AVP) bool) {
		for b := []byte(l); len(b) > 0; {
			a, rest, ok := next(b)
			if !ok || !yield(a) {
				return
			}
			b = rest
		}
	}
}

// Find gives the first AVP with this key.
func (l List) Find(k Key) (AVP, bool) {
	for b := []byte(l); len(b) >= avpHeaderLen; {
		a, rest, ok := next(b)
		if !ok {
			break
		}
		if a.Key == k {
			return a, true
		}
		b = rest
	}
	return AVP{}, false
}

// next reads the AVP at the start of b. It fails where b does not hold it whole, with its padding.
func next(b []byte) (a AVP, rest []byte, ok bool) {
	if len(b) < avpHeaderLen {
		return AVP{}, nil, false
	}
	n, head := int(uint24(b[offAVPLength:])), avpHeaderLen
	a.Code, a.Flags = binary.BigEndian.Uint32(b), AVPFlags(b[offAVPFlags])
	if a.Flags&VendorBit != 0 {
		head = avpVendorLen
	}
	whole := (n + 3) &^ 3
	if n < head || whole > len(b) {
		return AVP{}, nil, false
	}
	if head == avpVendorLen {
		a.Vendor = binary.BigEndian.Uint32(b[offAVPVendor:])
	}
	a.Data, a.raw = b[head:n:n], b[:whole:whole]
	return a, b[whole:], true
}

// check holds the lengths of a list against each other and counts its AVPs.
func (l List) check() (int, error) {
	n := 0
	for b := []byte(l); len(b) > 0; n++ {
		a, rest, ok := next(b)
		switch {
		case !ok:
			return n, lies(b)
		case n == MaxAVPs:
			return n, failAVP(UnableToComply, a, "more than %d AVPs", MaxAVPs)
		}
		b = rest
	}
	return n, nil
}
