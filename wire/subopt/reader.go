package subopt

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"roam6/wire"
)

// reader takes a joined value apart. After the first error it gives zero values.
type reader struct {
	proto string
	at    int // where the value's first suboption begins
	b     []byte
	err   error
}

// fail keeps the first error. Offsets are those of the suboption: inside a value that was split they would mean nothing.
func (r *reader) fail(field string, cause error) {
	if r.err == nil {
		r.err = wire.Fail(r.proto, field, r.at, cause)
	}
	r.b = nil
}

func (r *reader) must(field string, ok bool) {
	if r.err == nil && !ok {
		r.fail(field, wire.ErrValue)
	}
}

// end wants nothing to be left.
func (r *reader) end(field string) {
	if r.err == nil && len(r.b) > 0 {
		r.fail(field, wire.ErrLength)
	}
}

// next is the next n octets.
func (r *reader) next(field string, n int) []byte {
	if r.err == nil && n > len(r.b) {
		r.fail(field, wire.ErrTruncated)
	}
	if r.err != nil {
		return nil
	}
	d := r.b[:n]
	r.b = r.b[n:]
	return d
}

// exactly is the whole value, of n octets.
func (r *reader) exactly(field string, n int) []byte {
	if r.err == nil && len(r.b) != n {
		r.fail(field, wire.ErrLength)
	}
	return r.next(field, n)
}

func (r *reader) octet(field string) uint8 {
	if d := r.exactly(field, 1); d != nil {
		return d[0]
	}
	return 0
}

// some is the whole value, which is not empty.
func (r *reader) some(field string) []byte {
	if r.err == nil && len(r.b) == 0 {
		r.fail(field, wire.ErrLength)
	}
	return bytes.Clone(r.next(field, len(r.b)))
}

// text is one octet of length and as many of UTF-8 without spaces and control characters. An @ stands between name and realm when
// people write them, so neither has one.
func (r *reader) text(field string) string {
	n := r.next(field, 1)
	if n == nil {
		return ""
	}
	s := string(r.next(field, int(n[0])))
	bad := func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) || c == '@' }
	r.must(field, s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, bad))
	return s
}

func (r *reader) realms() (list []string) {
	if len(r.b) == 0 {
		r.fail("Realm", wire.ErrLength)
	}
	for r.err == nil && len(r.b) > 0 {
		if len(list) == MaxRealms {
			r.fail("Realm", wire.ErrLimit)
			return nil
		}
		list = append(list, r.text("Realm"))
	}
	return list
}

func (r *reader) contexts() (list []Context) {
	if len(r.b) == 0 {
		r.fail("Context", wire.ErrLength)
	}
	for r.err == nil && len(r.b) > 0 {
		if len(list) == MaxContexts {
			r.fail("Context", wire.ErrLimit)
			return nil
		}
		d := r.next("Context", contextHeader)
		if d == nil {
			return nil
		}
		data := r.next("Context Length", int(d[2])<<8|int(d[3]))
		list = append(list, Context{ContextKind(d[0]), bytes.Clone(data)})
	}
	return list
}

// Tags of RFC 4120 §5.10: messages and tickets are [APPLICATION n], constructed.
const (
	tagApplication = 0x60
	tagTicket      = tagApplication | 1
	tagMask        = 0xe0
)

// kerberos is the whole value: one DER element of class APPLICATION, of the given tag if that is not 0, neither longer nor shorter than it
// says. What is in it is package krb5's to read.
func (r *reader) kerberos(field string, tag uint8) []byte {
	d := r.some(field)
	if d == nil {
		return nil
	}
	if d[0]&tagMask != tagApplication || tag != 0 && d[0] != tag {
		r.fail(field, wire.ErrValue)
		return nil
	}
	if n, ok := derSize(d); !ok || n != len(d) {
		r.fail(field, wire.ErrLength)
		return nil
	}
	return d
}

// derSize is the length of the element d begins with, X.690 §8.1.3, definite and in the shortest form (§10.1). Elements over 65535
// octets, which no suboptions hold, are not ok.
func derSize(d []byte) (n int, ok bool) {
	switch {
	case len(d) >= 2 && d[1] < 0x80:
		return 2 + int(d[1]), true
	case len(d) >= 3 && d[1] == 0x81 && d[2] >= 0x80:
		return 3 + int(d[2]), true
	case len(d) >= 4 && d[1] == 0x82 && d[2] > 0:
		return 4 + int(d[2])<<8 + int(d[3]), true
	}
	return 0, false
}
