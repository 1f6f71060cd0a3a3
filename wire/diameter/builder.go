package diameter

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Builder writes one message after another into memory of its own. The zero value is ready. Values must be valid, and shorter than the 2^24-1
// octets a length can say: building cannot fail.
type Builder struct {
	buf []byte
}

// Request begins a request. flags are those besides R. The identifiers are zero: SetHopByHop and SetEndToEnd write them in what Done gives.
func (b *Builder) Request(command, app uint32, flags Flags) *Builder {
	return b.begin(Header{Flags: flags | Request, Command: command, App: app})
}

// Answer begins the answer to a request and writes its Result-Code; the E flag follows from the code (RFC 6733 §7.1.3).
// A Session-Id must stand first: Reply does that.
func (b *Builder) Answer(to Header, code ResultCode) *Builder {
	return b.answer(to, code).Uint32(ResultCodeAVP, uint32(code))
}

// Reply begins the answer to a message as RFC 6733 §6.2 wants it: its Session-Id first, the Result-Code, who answers, and its Proxy-Info in
// their order.
func (b *Builder) Reply(to Message, code ResultCode, host, realm string) *Builder {
	b.answer(to.Header, code)
	if a, ok := to.Find(SessionID); ok {
		b.Copy(a)
	}
	b.Uint32(ResultCodeAVP, uint32(code)).Text(OriginHost, host).Text(OriginRealm, realm)
	for l := []byte(to.AVPs()); len(l) > 0; {
		a, rest, ok := next(l)
		if !ok {
			break
		}
		if a.Key == ProxyInfo {
			b.Copy(a)
		}
		l = rest
	}
	return b
}

// Refuse is the whole answer to a message with which something is wrong: Reply, the words, and the AVP that failed.
func (b *Builder) Refuse(to Message, e *Error, host, realm string) *Builder {
	b.Reply(to, e.Code, host, realm).Text(ErrorMessage, e.Text)
	if e.Failed != nil {
		b.Group(FailedAVP, func(b *Builder) { b.Raw(e.Failed) })
	}
	return b
}

func (b *Builder) answer(to Header, code ResultCode) *Builder {
	to.Flags &= Proxiable
	if code.IsProtocol() {
		to.Flags |= ErrorBit
	}
	return b.begin(to)
}

func (b *Builder) begin(h Header) *Builder {
	var empty [HeaderLen]byte
	b.buf = append(b.buf[:0], empty[:]...)
	b.buf[0], b.buf[offFlags] = Version, byte(h.Flags)
	putUint24(b.buf[offCommand:], h.Command)
	binary.BigEndian.PutUint32(b.buf[offApp:], h.App)
	binary.BigEndian.PutUint32(b.buf[offHopByHop:], h.HopByHop)
	binary.BigEndian.PutUint32(b.buf[offEndToEnd:], h.EndToEnd)
	return b
}

// Uint32 adds an Unsigned32 or Enumerated.
func (b *Builder) Uint32(k Key, v uint32) *Builder {
	b.buf = binary.BigEndian.AppendUint32(appendHead(b.buf, k, flagsOf(k), 4), v)
	return b
}

// Uint64 adds an Unsigned64.
func (b *Builder) Uint64(k Key, v uint64) *Builder {
	b.buf = binary.BigEndian.AppendUint64(appendHead(b.buf, k, flagsOf(k), 8), v)
	return b
}

// Text adds a UTF8String, DiameterIdentity or DiameterURI.
func (b *Builder) Text(k Key, s string) *Builder {
	b.buf = appendText(b.buf, k, flagsOf(k), s)
	return b
}

// Bytes adds an OctetString.
func (b *Builder) Bytes(k Key, data []byte) *Builder {
	b.buf = pad(append(appendHead(b.buf, k, flagsOf(k), len(data)), data...))
	return b
}

// Addr adds an Address, RFC 6733 §4.3.1. IPv4 in IPv6 form goes as IPv4.
func (b *Builder) Addr(k Key, a netip.Addr) *Builder {
	if a = a.Unmap(); a.Is4() {
		x := a.As4()
		b.buf = binary.BigEndian.AppendUint16(appendHead(b.buf, k, flagsOf(k), 2+len(x)), familyIPv4)
		b.buf = pad(append(b.buf, x[:]...))
		return b
	}
	x := a.As16()
	b.buf = binary.BigEndian.AppendUint16(appendHead(b.buf, k, flagsOf(k), 2+len(x)), familyIPv6)
	b.buf = pad(append(b.buf, x[:]...))
	return b
}

// Time adds a Time in whole seconds, RFC 6733 §4.3.1.
func (b *Builder) Time(k Key, t time.Time) *Builder { return b.Uint32(k, uint32(t.Unix()+to1970)) }

// Group adds a Grouped with what f writes.
func (b *Builder) Group(k Key, f func(*Builder)) *Builder {
	at := len(b.buf)
	b.buf = appendHead(b.buf, k, flagsOf(k), 0)
	f(b)
	putUint24(b.buf[at+offAVPLength:], uint32(len(b.buf)-at))
	return b
}

// Copy adds an AVP of another message as it is.
func (b *Builder) Copy(a AVP) *Builder {
	b.buf = append(b.buf, a.raw...)
	return b
}

// Raw adds whole AVPs as they are: those of another message or of Error.Failed.
func (b *Builder) Raw(avps []byte) *Builder {
	b.buf = append(b.buf, avps...)
	return b
}

// Done gives the message, which is good until the builder begins another.
func (b *Builder) Done() []byte {
	putUint24(b.buf[offLength:], uint32(len(b.buf)))
	return b.buf
}

func appendHead(b []byte, k Key, f AVPFlags, n int) []byte {
	n += avpHeaderLen
	if k.Vendor != 0 {
		f |= VendorBit
		n += avpVendorLen - avpHeaderLen
	}
	b = binary.BigEndian.AppendUint32(b, k.Code)
	b = binary.BigEndian.AppendUint32(b, uint32(f)<<24|uint32(n))
	if k.Vendor != 0 {
		b = binary.BigEndian.AppendUint32(b, k.Vendor)
	}
	return b
}

func appendText(b []byte, k Key, f AVPFlags, s string) []byte {
	return pad(append(appendHead(b, k, f, len(s)), s...))
}

// pad fills the last AVP to 32 bits. A message begins at a multiple of 4 of its buffer.
func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
