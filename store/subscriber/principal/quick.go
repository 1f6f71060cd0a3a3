package principal

import (
	"encoding/base64"
	"strconv"
	"time"

	keys "roam6/keying/krb5"
)

// A KDC reads a principal for each logon. quick reads exactly what Encode writes, in a tenth of the time that package json takes; what is in any other form, as a newer store's
// may be, is left to that.

// quick takes pieces from the front of octets; ok is false from the first that is not there.
type quick struct {
	b  []byte
	ok bool
}

func (q *quick) skip(s string) {
	if q.ok = q.ok && len(q.b) >= len(s) && string(q.b[:len(s)]) == s; q.ok {
		q.b = q.b[len(s):]
	}
}

// has passes over s if it is next.
func (q *quick) has(s string) bool {
	if !q.ok || len(q.b) < len(s) || string(q.b[:len(s)]) != s {
		return false
	}
	q.b = q.b[len(s):]
	return true
}

// text reads a string without anything escaped in it, and of ASCII alone: of other octets json makes what is UTF-8.
func (q *quick) text() []byte {
	q.skip(`"`)
	for i, c := range q.b {
		switch {
		case !q.ok || c == '\\' || c < ' ' || c >= 0x80:
			q.ok = false
			return nil
		case c == '"':
			v := q.b[:i]
			q.b = q.b[i+1:]
			return v
		}
	}
	q.ok = false
	return nil
}

// number reads digits: no sign, no zero in front, of at most 18.
func (q *quick) number() int64 {
	n := 0
	for n < len(q.b) && q.b[n] >= '0' && q.b[n] <= '9' {
		n++
	}
	if q.ok = q.ok && n > 0 && n <= 18 && (n == 1 || q.b[0] != '0'); !q.ok {
		return 0
	}
	v, err := strconv.ParseInt(string(q.b[:n]), 10, 64)
	q.ok, q.b = err == nil, q.b[n:]
	return v
}

func (q *quick) octets() []byte {
	text := q.text()
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(out, text)
	q.ok = q.ok && err == nil
	return out[:n]
}

// u32 is a number that has 32 bits.
func (q *quick) u32() uint32 {
	n := q.number()
	q.ok = q.ok && n < 1<<32
	return uint32(n)
}

func (q *quick) key() (w wireKey) {
	q.skip(`{"kvno":`)
	w.Version = q.u32()
	q.skip(`,"etype":`)
	n := q.u32()
	q.ok = q.ok && n < 1<<31
	w.EType = keys.EType(n)
	q.skip(`,"key":`)
	w.Octets = q.octets()
	if q.has(`,"salt":`) {
		w.Salt = string(q.text())
	}
	if q.has(`,"s2kparams":`) {
		w.Params = q.octets()
	}
	if q.has(`,"made":`) {
		w.Made = q.number()
	}
	q.skip(`}`)
	return w
}

func (q *quick) keys() []wireKey {
	list := make([]wireKey, 0, len(keys.ETypes()))
	q.skip(`[`)
	if q.has(`]`) {
		return list
	}
	for q.ok && len(list) <= MaxKeys {
		list = append(list, q.key())
		if !q.has(`,`) {
			break
		}
	}
	q.skip(`]`)
	return list
}

// quickly reads what Encode wrote; false if something else did, perhaps.
func quickly(b []byte, w *wire) bool {
	q := quick{b, true}
	q.skip(`{"name":`)
	w.Name = string(q.text())
	q.skip(`,"kind":`)
	switch {
	case q.has(`"subscriber"`):
		w.Kind = Subscriber
	case q.has(`"service"`):
		w.Kind = Service
	default:
		return false
	}
	q.skip(`,"enabled":`)
	if w.Enabled = q.has(`true`); !w.Enabled {
		q.skip(`false`)
	}
	q.skip(`,"keys":`)
	w.Keys = q.keys()
	q.skip(`,"flags":[`)
	for i := 0; q.ok && !q.has(`]`); i++ {
		if i > 0 {
			q.skip(`,`)
		}
		w.bits |= flagIn(q.text())
	}
	q.skip(`,"max_life_s":`)
	w.MaxLife = q.number()
	q.skip(`,"max_renew_s":`)
	w.MaxRenew = q.number()
	if q.has(`,"attributes":`) {
		w.Attributes = q.octets()
	}
	q.skip(`,"revision":`)
	w.Revision = uint64(q.number())
	q.skip(`}`)
	return q.ok && len(q.b) == 0
}

func flagIn(name []byte) Flags {
	for i, n := range FlagNames {
		if string(name) == n {
			return 1 << i
		}
	}
	return 0
}

// quickKeys reads what EncodeKeys wrote.
func quickKeys(b []byte) ([]wireKey, bool) {
	q := quick{b, true}
	list := q.keys()
	return list, q.ok && len(q.b) == 0
}

// plain says whether a text is written by json as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// appendKeys writes keys as json does; false if a text needs more.
func appendKeys(b []byte, list []Key) ([]byte, bool) {
	b = append(b, '[')
	for i, k := range list {
		if !plain(k.Salt) {
			return nil, false
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(append(b, `{"kvno":`...), uint64(k.Version), 10)
		b = strconv.AppendInt(append(b, `,"etype":`...), int64(k.EType), 10)
		b = appendOctets(append(b, `,"key":`...), k.Octets)
		if k.Salt != "" {
			b = append(append(append(b, `,"salt":"`...), k.Salt...), '"')
		}
		if len(k.Params) > 0 {
			b = appendOctets(append(b, `,"s2kparams":`...), k.Params)
		}
		if !k.Made.IsZero() && k.Made.Unix() != 0 {
			b = strconv.AppendInt(append(b, `,"made":`...), k.Made.Unix(), 10)
		}
		b = append(b, '}')
	}
	return append(b, ']'), true
}

func appendOctets(b, v []byte) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	return append(base64.StdEncoding.AppendEncode(append(b, '"'), v), '"')
}

// encodeQuickly writes what package json would; false if a text needs more.
func encodeQuickly(p *Principal) ([]byte, bool) {
	if !plain(p.Name) || !plain(string(p.Kind)) {
		return nil, false
	}
	b := make([]byte, 0, 256+96*len(p.Keys)+2*len(p.Attributes))
	b = append(append(append(append(b, `{"name":"`...), p.Name...), `","kind":"`...), p.Kind...)
	b = strconv.AppendBool(append(b, `","enabled":`...), p.Enabled)
	b, ok := appendKeys(append(b, `,"keys":`...), p.Keys)
	if !ok {
		return nil, false
	}
	b = append(b, `,"flags":[`...)
	first := true
	for i, n := range FlagNames {
		if p.Flags&(1<<i) == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(append(append(b, '"'), n...), '"')
	}
	b = strconv.AppendInt(append(b, `],"max_life_s":`...), int64(p.MaxLife/time.Second), 10)
	b = strconv.AppendInt(append(b, `,"max_renew_s":`...), int64(p.MaxRenew/time.Second), 10)
	if len(p.Attributes) > 0 {
		b = appendOctets(append(b, `,"attributes":`...), p.Attributes)
	}
	return append(strconv.AppendUint(append(b, `,"revision":`...), p.Revision, 10), '}'), true
}
