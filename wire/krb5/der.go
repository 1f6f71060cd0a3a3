package krb5

import (
	"encoding/binary"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"roam6/wire"
)

const proto = "krb5"

// reader takes DER elements from the front of octets until one is wrong; after that it gives nothing. It reads in place: an element within
// is a piece of the same octets, so how far it lies from the end of them says where it stands.
type reader struct {
	end int // capacity of the octets that were given, from which offsets are counted back
	err error
}

func reading(b []byte) (reader, cryptobyte.String) { return reader{end: cap(b)}, b }

// at is the offset of what s begins with.
func (r *reader) at(s cryptobyte.String) int { return r.end - cap(s) }

func (r *reader) fail(field string, s cryptobyte.String, cause error) {
	if r.err == nil {
		r.err = wire.Fail(proto, field, r.at(s), cause)
	}
}

// take gives the contents of the next element, which must have a tag.
func (r *reader) take(s *cryptobyte.String, field string, tag asn1.Tag) (c cryptobyte.String) {
	if r.err != nil {
		return nil
	}
	at := *s
	switch {
	case s.ReadASN1(&c, tag):
		return c
	case len(at) == 0:
		r.fail(field, at, wire.ErrTruncated)
	case asn1.Tag(at[0]) != tag:
		r.fail(field, at, wire.ErrValue)
	default:
		r.fail(field, at, cutOrLying(at))
	}
	return nil
}

// cutOrLying says why an element cannot be read: it is longer than the octets there are, or its length is not DER.
func cutOrLying(b []byte) error {
	if len(b) < 2 {
		return wire.ErrTruncated
	}
	n, head := int(b[1]), 2
	if n > 0x80 && n <= 0x84 {
		head += n & 0x7f
		if len(b) < head {
			return wire.ErrTruncated
		}
		n = 0
		for _, x := range b[2:head] {
			n = n<<8 | int(x)
		}
	}
	if n > len(b)-head && b[1] != 0x80 {
		return wire.ErrTruncated
	}
	return wire.ErrLength
}

// context is the tag [n] of a field.
func context(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

// application is the tag of a message.
func application(n uint8) asn1.Tag { return asn1.Tag(0x60 | n) }

// field gives what stands in the field [n], which must be there.
func (r *reader) field(s *cryptobyte.String, name string, n uint8) cryptobyte.String {
	return r.take(s, name, context(n))
}

// has says whether the field [n] is next.
func (r *reader) has(s *cryptobyte.String, n uint8) bool {
	return r.err == nil && s.PeekASN1Tag(context(n))
}

// sequence gives the fields of a SEQUENCE.
func (r *reader) sequence(s *cryptobyte.String, name string) cryptobyte.String {
	return r.take(s, name, asn1.SEQUENCE)
}

// message opens [APPLICATION n] SEQUENCE, which is all of s.
func (r *reader) message(s cryptobyte.String, name string, n uint8) cryptobyte.String {
	c := r.take(&s, name, application(n))
	r.empty(name, s)
	return r.whole(c, name)
}

// whole opens the SEQUENCE that is all of s.
func (r *reader) whole(s cryptobyte.String, name string) cryptobyte.String {
	c := r.sequence(&s, name)
	r.empty(name, s)
	return c
}

// empty wants nothing more in a field that has one value.
func (r *reader) empty(name string, s cryptobyte.String) {
	if r.err == nil && len(s) > 0 {
		r.fail(name, s, wire.ErrLength)
	}
}

// later passes over fields that later documents may have added behind the last one known here (RFC 4120 §1.5.1): well-formed, with
// tags that rise.
func (r *reader) later(s cryptobyte.String, name string, last uint8) {
	for r.err == nil && len(s) > 0 {
		var c cryptobyte.String
		var tag asn1.Tag
		at := s
		switch ok := s.ReadAnyASN1(&c, &tag); {
		case !ok:
			r.fail(name, at, cutOrLying(at))
		case tag&0xe0 != 0xa0 && tag&0xe0 != 0x80 || uint8(tag&0x1f) <= last:
			r.fail(name, at, wire.ErrValue)
		}
		last = uint8(tag & 0x1f)
	}
}

// integer reads an INTEGER of at most 32 bits of either kind. A number that should be without sign may come as a negative one: old
// implementations of kvno, nonce and seq-number did that (RFC 4120 §5.2.4, §5.3.2).
func (r *reader) integer(s cryptobyte.String, name string) int64 {
	at := s
	var v int64
	if r.err != nil {
		return 0
	}
	if !s.ReadASN1Integer(&v) {
		r.take(&at, name, asn1.INTEGER)
		r.fail(name, at, wire.ErrValue)
		return 0
	}
	r.empty(name, s)
	if v < -1<<31 || v >= 1<<32 {
		r.fail(name, at, wire.ErrValue)
		return 0
	}
	return v
}

// number reads the field [n] as an Int32 or, by its low 32 bits, as a UInt32.
func (r *reader) number(s *cryptobyte.String, name string, n uint8) int32 {
	return int32(r.integer(r.field(s, name, n), name))
}

func (r *reader) unsigned(s *cryptobyte.String, name string, n uint8) uint32 {
	return uint32(r.integer(r.field(s, name, n), name))
}

// exactly wants the field [n] to have one value: pvno and msg-type.
func (r *reader) exactly(s *cryptobyte.String, name string, n uint8, want int64) {
	c := r.field(s, name, n)
	if v := r.integer(c, name); r.err == nil && v != want {
		r.fail(name, c, wire.ErrValue)
	}
}

// octets reads the field [n] as an OCTET STRING, in place.
func (r *reader) octets(s *cryptobyte.String, name string, n uint8) []byte {
	c := r.field(s, name, n)
	v := r.take(&c, name, asn1.OCTET_STRING)
	r.empty(name, c)
	return kept(v)
}

// kept is v without room behind it; none is nil.
func kept(v []byte) []byte {
	if len(v) == 0 {
		return nil
	}
	return v[:len(v):len(v)]
}

// text reads the field [n] as a KerberosString: octets of any kind up to MaxString, as long as they are no NUL.
func (r *reader) text(s *cryptobyte.String, name string, n uint8) string {
	c := r.field(s, name, n)
	v := r.take(&c, name, asn1.GeneralString)
	r.empty(name, c)
	r.readable(v, name)
	return string(v)
}

func (r *reader) readable(v cryptobyte.String, name string) {
	if len(v) > MaxString {
		r.fail(name, v, wire.ErrLimit)
		return
	}
	for _, x := range v {
		if x == 0 {
			r.fail(name, v, wire.ErrValue)
		}
	}
}

// micro reads the field [n] as Microseconds.
func (r *reader) micro(s *cryptobyte.String, name string, n uint8) int32 {
	c := r.field(s, name, n)
	v := r.integer(c, name)
	if r.err == nil && (v < 0 || v > 999999) {
		r.fail(name, c, wire.ErrValue)
	}
	return int32(v)
}

// time reads the field [n] as a KerberosTime: YYYYMMDDhhmmssZ, not before 1970.
func (r *reader) time(s *cryptobyte.String, name string, n uint8) time.Time {
	c := r.field(s, name, n)
	v := r.take(&c, name, asn1.GeneralizedTime)
	r.empty(name, c)
	if r.err != nil {
		return time.Time{}
	}
	var d [14]int
	for i := range d {
		if len(v) != len(d)+1 || v[i] < '0' || v[i] > '9' || v[len(d)] != 'Z' {
			r.fail(name, v, wire.ErrValue)
			return time.Time{}
		}
		d[i] = int(v[i] - '0')
	}
	two := func(i int) int { return 10*d[i] + d[i+1] }
	year, month, day := 100*two(0)+two(2), two(4), two(6)
	t := time.Date(year, time.Month(month), day, two(8), two(10), two(12), 0, time.UTC)
	if year < 1970 || t.Year() != year || int(t.Month()) != month || t.Day() != day || t.Hour() != two(8) || t.Minute() != two(10) || t.Second() != two(12) {
		r.fail(name, v, wire.ErrValue)
		return time.Time{}
	}
	return t
}

// flags reads the field [n] as KerberosFlags: the first 32 bits of a BIT STRING. Fewer are as if zeros stood behind them, more are not
// looked at (RFC 4120 §5.2.8).
func (r *reader) flags(s *cryptobyte.String, name string, n uint8) uint32 {
	c := r.field(s, name, n)
	v := r.take(&c, name, asn1.BIT_STRING)
	r.empty(name, c)
	if r.err != nil {
		return 0
	}
	if len(v) == 0 || v[0] > 7 || len(v) == 1 && v[0] > 0 {
		r.fail(name, v, wire.ErrValue)
		return 0
	}
	var b [4]byte
	copy(b[:], v[1:])
	if used := 8*(len(v)-1) - int(v[0]); used < 32 { // what the sender does not use does not count
		return binary.BigEndian.Uint32(b[:]) &^ (1<<(32-used) - 1)
	}
	return binary.BigEndian.Uint32(b[:])
}

// The functions below append DER. An element of unknown length is opened with room for a length of one octet, and moved up when it is closed
// if it became longer: messages are short, and nothing has to be measured first.

func open(b []byte, tag asn1.Tag) ([]byte, int) { return append(b, byte(tag), 0), len(b) + 2 }

func shut(b []byte, at int) []byte {
	n := len(b) - at
	if n < 0x80 {
		b[at-1] = byte(n)
		return b
	}
	more := 1
	for x := n; x > 0xff; x >>= 8 {
		more++
	}
	b = append(b, 0, 0, 0, 0)[:len(b)+more]
	copy(b[at+more:], b[at:at+n])
	b[at-1] = 0x80 | byte(more)
	for i := range more {
		b[at+i] = byte(n >> (8 * (more - 1 - i)))
	}
	return b
}

// open2 opens [APPLICATION n] SEQUENCE; both places are to be shut by shut2.
func open2(b []byte, tag asn1.Tag) ([]byte, int, int) {
	b, outer := open(b, tag)
	b, inner := open(b, asn1.SEQUENCE)
	return b, outer, inner
}

func shut2(b []byte, outer, inner int) []byte { return shut(shut(b, inner), outer) }

func appendInteger(b []byte, v int64) []byte {
	n := 1
	for x := v; x > 127 || x < -128; x >>= 8 {
		n++
	}
	b = append(b, byte(asn1.INTEGER), byte(n))
	for i := n - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i)))
	}
	return b
}

func appendNumber(b []byte, n uint8, v int64) []byte {
	b, at := open(b, context(n))
	return shut(appendInteger(b, v), at)
}

// element appends a primitive element.
func element[T ~[]byte | ~string](b []byte, tag asn1.Tag, v T) []byte {
	b, at := open(b, tag)
	return shut(append(b, v...), at)
}

func appendOctets(b []byte, n uint8, v []byte) []byte {
	b, at := open(b, context(n))
	return shut(element(b, asn1.OCTET_STRING, v), at)
}

func appendText(b []byte, n uint8, v string) []byte {
	b, at := open(b, context(n))
	return shut(element(b, asn1.GeneralString, v), at)
}

// appendTime writes a time to the second; none is 1970, which peers take for none.
func appendTime(b []byte, n uint8, t time.Time) []byte {
	if t.IsZero() {
		t = time.Unix(0, 0)
	}
	b, at := open(b, context(n))
	b = append(b, byte(asn1.GeneralizedTime), 15)
	year, month, day := t.UTC().Date()
	hour, minute, second := t.UTC().Clock()
	for _, x := range [...]int{year / 100, year % 100, int(month), day, hour, minute, second} {
		b = append(b, '0'+byte(x/10%10), '0'+byte(x%10))
	}
	return shut(append(b, 'Z'), at)
}

func appendFlags(b []byte, n uint8, v uint32) []byte {
	b, at := open(b, context(n))
	b = append(b, byte(asn1.BIT_STRING), 5, 0)
	return shut(binary.BigEndian.AppendUint32(b, v), at)
}
