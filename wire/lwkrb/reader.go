package lwkrb

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"roam6/wire"
)

// reader takes fields from the front of b until one is wrong; after that it gives nothing.
type reader struct {
	b   []byte
	at  int
	err error
}

func (r *reader) fail(field string, at int, cause error) {
	if r.err == nil {
		r.err = fail(field, at, cause)
	}
}

// take gives the next n octets, nil if they are not there.
func (r *reader) take(field string, n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.b)-r.at {
		r.fail(field, len(r.b), wire.ErrTruncated)
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at : r.at]
}

// rest gives what is left, least to most octets of it.
func (r *reader) rest(field string, least, most int) []byte {
	n := len(r.b) - r.at
	switch {
	case r.err != nil:
		return nil
	case n < least:
		r.fail(field, len(r.b), wire.ErrTruncated)
		return nil
	case n > most:
		r.fail(field, r.at, wire.ErrLimit)
		return nil
	}
	return r.take(field, n)
}

// done gives what was read, nothing if a field was wrong or something stands behind the last one.
func done[M any](r *reader, m M) (M, error) {
	if r.at < len(r.b) {
		r.fail("end", r.at, wire.ErrLength)
	}
	if r.err != nil {
		var none M
		return none, r.err
	}
	return m, nil
}

func (r *reader) octet(field string) byte {
	b := r.take(field, 1)
	if b == nil {
		return 0
	}
	return b[0]
}

func (r *reader) half(field string) uint16 {
	b := r.take(field, 2)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

func (r *reader) word(field string) uint32 {
	b := r.take(field, 4)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

// time reads seconds since 1970, not 0.
func (r *reader) time(field string) time.Time {
	at := r.at
	n := r.word(field)
	if n == 0 {
		r.fail(field, at, wire.ErrValue)
		return time.Time{}
	}
	return time.Unix(int64(n), 0).UTC()
}

// counted gives least to most octets behind their length of one octet.
func (r *reader) counted(field string, least, most int) []byte {
	n, at := r.length("length(", field)
	switch {
	case r.err != nil:
		return nil
	case n < least:
		r.fail("length("+field+")", at, wire.ErrLength)
		return nil
	case n > most:
		r.fail("length("+field+")", at, wire.ErrLimit)
		return nil
	}
	return r.take(field, n)
}

// length reads an octet that counts what follows, and says where it stands. Its name in errors is put together only for one: that costs more than to read it.
func (r *reader) length(what, field string) (n, at int) {
	at = r.at
	switch {
	case r.err != nil:
		return 0, at
	case at == len(r.b):
		r.fail(what+field+")", at, wire.ErrTruncated)
		return 0, at
	}
	r.at++
	return int(r.b[at]), at
}

func (r *reader) principal(field string) Principal {
	at := r.at + 1
	p := Principal(r.counted(field, MinPrincipal, MaxPrincipal))
	if r.err == nil && !p.Valid() {
		r.fail(field, at, wire.ErrValue)
	}
	return p
}

func (r *reader) keyName() KeyName {
	k := KeyName{Principal: r.principal("Principal"), KVNO: r.word("Key version")}
	at := r.at
	if k.EType = r.octet("Encryption type"); r.err == nil && !Known(k.EType) {
		r.fail("Encryption type", at, wire.ErrUnknown)
	}
	return k
}

// realms reads a list of at most MaxRealms, none of them twice.
func (r *reader) realms(field string) []string {
	n, at := r.length("count(", field)
	if r.err != nil || n == 0 {
		return nil
	}
	if n > MaxRealms {
		r.fail("count("+field+")", at, wire.ErrLimit)
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		at = r.at
		realm := string(r.counted(field, 1, MaxRealm))
		if r.err != nil {
			return nil
		}
		if !ValidRealm(realm) || has(list, realm) {
			r.fail(field, at+1, wire.ErrValue)
			return nil
		}
		list = append(list, realm)
	}
	return list
}

func has(list []string, realm string) bool {
	for _, r := range list {
		if r == realm {
			return true
		}
	}
	return false
}

// address reads that of one node, of a scope that reaches beyond the link.
func (r *reader) address(field string, ok func(netip.Addr) bool) netip.Addr {
	at := r.at
	b := r.take(field, 16)
	if b == nil {
		return netip.Addr{}
	}
	a := netip.AddrFrom16([16]byte(b))
	if !ok(a) {
		r.fail(field, at, wire.ErrValue)
	}
	return a
}

// appendTime writes seconds since 1970. What lies outside 1970 to 2106 becomes the nearest that does not.
func appendTime(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(min(max(t.Unix(), 1), math.MaxUint32)))
}

func appendCounted[S ~string | ~[]byte](b []byte, s S) []byte {
	return append(append(b, byte(len(s))), s...)
}

func appendRealms(b []byte, list []string) []byte {
	b = append(b, byte(len(list)))
	for _, s := range list {
		b = appendCounted(b, s)
	}
	return b
}
