package fast

import (
	"net/netip"

	"roam6/wire"
	"roam6/wire/ip6"
)

// parsers read the draft's layout of each subtype.
var parsers = map[uint8]func(*fields) Message{
	SubtypeRedirect:        parseRedirect,
	SubtypeRedirectAck:     func(f *fields) Message { parseSized(f); return new(RedirectAck) },
	SubtypeHandover:        func(f *fields) Message { m := new(Handover); m.parse(f); return m },
	SubtypeHandoverError:   parseHandoverError,
	SubtypeAuthenticatedMN: func(f *fields) Message { parseSized(f); return new(AuthenticatedMN) },
	SubtypeNotification:    parseNotification,
	SubtypeSHIN:            func(f *fields) Message { m := new(SHIN); m.parse(f); return m },
	SubtypeSHREP:           func(f *fields) Message { m := new(SHREP); m.parse(f); return m },
}

// Prefix Size in bits. A shorter prefix leaves no place for that of link-local addresses (RFC 4291 §2.4), a longer one none for an interface.
const (
	MinPrefix = 10
	MaxPrefix = 127
)

// fields reads one field after the other from offset at of a message. After the first error it gives zero values.
type fields struct {
	b   []byte
	at  int
	err error
}

func (f *fields) fail(field string, offset int, cause error) {
	if f.err == nil {
		f.err = fail(field, offset, cause)
	}
}

func (f *fields) next(field string, n int) []byte {
	if f.err == nil && f.at+n > len(f.b) {
		f.fail(field, len(f.b), wire.ErrTruncated)
	}
	if f.err != nil {
		return nil
	}
	f.at += n
	return f.b[f.at-n : f.at]
}

// start reads Prefix Size, flags and Reserved.
func (f *fields) start() (bits int, flags uint8) {
	d := f.next("Prefix Size", 4)
	if d == nil {
		return 0, 0
	}
	if d[0] < MinPrefix || d[0] > MaxPrefix {
		f.fail("Prefix Size", f.at-4, wire.ErrValue)
	}
	return int(d[0]), d[1]
}

// addr reads an address of one node, of a scope beyond the link.
func (f *fields) addr(field string) netip.Addr {
	d := f.next(field, 16)
	if d == nil {
		return netip.Addr{}
	}
	a := netip.AddrFrom16([16]byte(d))
	if !ip6.Routable(a) {
		f.fail(field, f.at-16, wire.ErrValue)
	}
	return a
}

func appendAddr(b []byte, a netip.Addr) []byte {
	x := a.As16()
	return append(b, x[:]...)
}

// A MAC Address field of 64 bits is an EUI-64: one of 48 bits has ff fe in its middle, as in RFC 4291 appendix A, and its universal bit is as
// the link layer has it, since this is no interface identifier. Link layers with longer addresses are not known here.
func (f *fields) mac(field string) (hw [6]byte) {
	d := f.next(field, 8)
	if d == nil {
		return hw
	}
	hw = [6]byte{d[0], d[1], d[2], d[5], d[6], d[7]}
	if d[3] != 0xff || d[4] != 0xfe || hw == [6]byte{} {
		f.fail(field, f.at-8, wire.ErrValue)
	}
	return hw
}

// appendMAC writes nothing for the zero address.
func appendMAC(b []byte, hw [6]byte) []byte {
	if hw == [6]byte{} {
		return b
	}
	return append(b, hw[0], hw[1], hw[2], 0xff, 0xfe, hw[3], hw[4], hw[5])
}
