package diameter

import (
	"encoding/binary"
	"fmt"
)

// MaxFailed is the longest AVP in octets that is sent back whole in Failed-AVP; of a longer one only the header is, with the shortest value, lest
// an answer be longer than the message it refuses was allowed to be.
const MaxFailed = 4096

// ResultCode is the value of the Result-Code AVP, RFC 6733 §7.1.
type ResultCode uint32

// Error is what is wrong with a message, in the words of the protocol and of people.
type Error struct {
	Code   ResultCode
	Failed []byte // the AVP that belongs into Failed-AVP, RFC 6733 §7.5; nil if there is none
	Text   string // for Error-Message and for people
}

// Error renders "diameter: 5014 DIAMETER_INVALID_AVP_LENGTH: …".
func (e *Error) Error() string { return fmt.Sprintf("diameter: %v: %s", e.Code, e.Text) }

// IsProtocol says whether an answer with this code carries the E flag: those in the 3000s, RFC 6733 §7.1.3.
func (c ResultCode) IsProtocol() bool { return c/1000 == 3 }

// Success says whether the request was carried out: the 2000s, RFC 6733 §7.1.2.
func (c ResultCode) Success() bool { return c/1000 == 2 }

func fail(code ResultCode, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// failAVP blames an AVP that is whole.
func failAVP(code ResultCode, a AVP, format string, args ...any) *Error {
	e := fail(code, format, args...)
	e.Failed = copied(a)
	return e
}

// copied is an AVP for Failed-AVP.
func copied(a AVP) []byte {
	if len(a.raw) <= MaxFailed {
		return append([]byte(nil), a.raw...)
	}
	return zeroFilled(a.Key, a.Flags, typeOf(a.Key))
}

// lies blames the AVP at the start of b, whose length contradicts what is there. Failed is its header, filled up with zeros if it is cut,
// and the shortest value of its type in zeros (RFC 6733 §7.1.5); its length is the true one, for otherwise the answer would lie as well.
func lies(b []byte) *Error {
	var head [avpVendorLen]byte
	there := copy(head[:], b)
	k := Key{Code: binary.BigEndian.Uint32(head[:])}
	f := AVPFlags(head[offAVPFlags])
	if f&VendorBit != 0 {
		k.Vendor = binary.BigEndian.Uint32(head[offAVPVendor:])
	}
	e := fail(InvalidAVPLength, "%s says it has %d octets; %d are there", k.Name(), uint24(head[offAVPLength:]), len(b))
	if there < avpHeaderLen {
		e.Text = fmt.Sprintf("%d octets are no AVP", there)
	}
	e.Failed = zeroFilled(k, f, typeOf(k))
	return e
}

// zeroFilled is an AVP with the shortest value of its type, in zeros.
func zeroFilled(k Key, f AVPFlags, t Type) []byte {
	n, _ := t.least()
	head := appendHead(nil, k, f&^VendorBit, n)
	if f&VendorBit != 0 && k.Vendor == 0 { // a Vendor-ID of 0, or one that was cut off
		head = append(head, 0, 0, 0, 0)
		head[offAVPFlags] |= byte(VendorBit)
		putUint24(head[offAVPLength:], uint32(avpVendorLen+n))
	}
	return pad(append(head, make([]byte, n)...))
}
