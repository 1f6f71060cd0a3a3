package krb5

import (
	"encoding/binary"
	"fmt"
	"time"

	"roam6/wire"
)

// KeytabEntry is a long-term key in a keytab.
type KeytabEntry struct {
	Principal Principal
	Time      time.Time // when the key was made, in seconds; may be zero
	KVNO      uint32
	Key       EncryptionKey
}

// Limits of a keytab.
const (
	MaxKeytab        = 1 << 20 // octets
	MaxKeytabEntries = 4096
)

const (
	keytabVersion = 0x0502 // of the file format: numbers with the highest octet first
	keytabHeader  = 2
)

// cursor takes numbers and counted octets from the front of an entry; what is not there is an error.
type cursor struct {
	b     []byte
	at    int // of b in the file
	err   error
	field string
}

func (c *cursor) fail(cause error) {
	if c.err == nil {
		c.err = wire.Fail("keytab", c.field, c.at, cause)
	}
}

func (c *cursor) take(field string, n int) []byte {
	c.field = field
	if n > len(c.b) {
		c.fail(wire.ErrTruncated)
	}
	if c.err != nil {
		return nil
	}
	v := c.b[:n]
	c.b, c.at = c.b[n:], c.at+n
	return v
}

func (c *cursor) number(field string, n int) (v uint32) {
	for _, x := range c.take(field, n) {
		v = v<<8 | uint32(x)
	}
	return v
}

func (c *cursor) counted(field string) []byte { return c.take(field, int(c.number(field, 2))) }

func (c *cursor) text(field string) string {
	v := c.counted(field)
	if len(v) > MaxString {
		c.fail(wire.ErrLimit)
	}
	for _, x := range v {
		if x == 0 {
			c.fail(wire.ErrValue)
		}
	}
	return string(v)
}

// ParseKeytab reads a keytab of MIT Kerberos, file format 0x0502; it shares nothing with b. Holes are passed over. A keytab of format 0x0501
// is one of ten years before RFC 4120, and refused.
func ParseKeytab(b []byte) ([]KeytabEntry, error) {
	c := cursor{b: b}
	if len(b) > MaxKeytab {
		c.field = "file"
		c.fail(wire.ErrLimit)
	}
	if v := c.number("version", keytabHeader); c.err == nil && v != keytabVersion {
		c.at = 0
		c.fail(wire.ErrUnknown)
	}
	var out []KeytabEntry
	for c.err == nil && len(c.b) > 0 {
		size := int32(c.number("record length", 4))
		if size == 0 { // the end, whatever is behind it
			break
		}
		if size < 0 {
			if size == -1<<31 {
				c.fail(wire.ErrLength)
			}
			c.take("hole", int(-int64(size)))
			continue
		}
		at := c.at
		record := cursor{b: c.take("record", int(size)), at: at}
		if c.err != nil {
			break
		}
		if len(out) == MaxKeytabEntries {
			c.fail(wire.ErrLimit)
			break
		}
		out = append(out, record.entry())
		c.err = record.err
	}
	return checked(out, c.err)
}

func (c *cursor) entry() (e KeytabEntry) {
	n := int(c.number("components", 2))
	e.Principal.Realm = c.text("realm")
	if c.err == nil && (n < 1 || n > MaxComponents) {
		c.field = "components"
		c.fail(wire.ErrLimit)
	}
	for range n {
		if c.err != nil {
			return e
		}
		e.Principal.Name.Parts = append(e.Principal.Name.Parts, c.text("component"))
	}
	e.Principal.Name.Type = NameType(int32(c.number("name type", 4)))
	if t := c.number("timestamp", 4); t != 0 {
		e.Time = time.Unix(int64(t), 0).UTC()
	}
	e.KVNO = c.number("key version", 1)
	e.Key.EType = int32(int16(c.number("enctype", 2)))
	e.Key.Value = append(Secret(nil), c.counted("key")...)
	if len(c.b) >= 4 {
		if v := c.number("key version", 4); v != 0 {
			e.KVNO = v
		}
	}
	return e
}

// AppendKeytab writes a keytab. An entry that the format has no room for is an error: a name or key of more than 65535 octets, an encryption
// type of more than 16 bits.
func AppendKeytab(b []byte, list []KeytabEntry) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, keytabVersion)
	for _, e := range list {
		if e.Key.EType != int32(int16(e.Key.EType)) || len(e.Key.Value) > 0xffff {
			return nil, fmt.Errorf("krb5: the key of %v is of type %d with %d octets, which a keytab cannot hold", e.Principal, e.Key.EType, len(e.Key.Value))
		}
		if n := len(e.Principal.Name.Parts); n < 1 || n > MaxComponents {
			return nil, fmt.Errorf("krb5: %v has %d components; a keytab takes 1 to %d", e.Principal, n, MaxComponents)
		}
		start := len(b)
		b = append(b, 0, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(len(e.Principal.Name.Parts)))
		for i := -1; i < len(e.Principal.Name.Parts); i++ {
			s := e.Principal.Realm
			if i >= 0 {
				s = e.Principal.Name.Parts[i]
			}
			if len(s) > MaxString {
				return nil, fmt.Errorf("krb5: a name of %d octets; a keytab takes %d", len(s), MaxString)
			}
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
		}
		b = binary.BigEndian.AppendUint32(b, uint32(e.Principal.Name.Type))
		var t uint32
		if !e.Time.IsZero() {
			t = uint32(e.Time.Unix())
		}
		b = binary.BigEndian.AppendUint32(b, t)
		b = append(b, byte(e.KVNO))
		b = binary.BigEndian.AppendUint16(b, uint16(e.Key.EType))
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(e.Key.Value))), e.Key.Value...)
		b = binary.BigEndian.AppendUint32(b, e.KVNO)
		binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	}
	return b, nil
}

// BestKey gives the key of a principal for an encryption type: of version kvno, or of the highest version if kvno is 0. ok is false if there is
// none.
func BestKey(list []KeytabEntry, p Principal, etype int32, kvno uint32) (best KeytabEntry, ok bool) {
	for _, e := range list {
		if !e.Principal.Equal(p) || e.Key.EType != etype || kvno != 0 && e.KVNO != kvno {
			continue
		}
		if !ok || e.KVNO > best.KVNO {
			best, ok = e, true
		}
	}
	return best, ok
}
