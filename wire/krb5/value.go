package krb5

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"roam6/wire"
)

// Limits of what is read.
const (
	MaxMessage    = 1 << 16 // octets of a message, also over TCP: tickets with a Windows PAC have up to 48,000
	MaxString     = 1024    // octets of a realm or of a component of a name
	MaxComponents = 16      // of a name
	MaxList       = 64      // elements of a list: padata, encryption types, addresses, authorization data
	MaxTickets    = 8       // additional tickets
)

// Secret is the octets of a key. They never print.
type Secret []byte

const hidden = "[key]"

// String says "[key]".
func (Secret) String() string { return hidden }

// GoString says "[key]".
func (Secret) GoString() string { return hidden }

// Format says "[key]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// MarshalText says "[key]"; JSON and YAML use it.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// EncryptionKey is a key and its encryption type, RFC 4120 §5.2.9.
type EncryptionKey struct {
	EType int32
	Value Secret
}

// IsZero says whether there is no key.
func (k EncryptionKey) IsZero() bool { return k.EType == 0 && len(k.Value) == 0 }

// EncryptedData is a ciphertext, RFC 4120 §5.2.9. KVNO is the version of the long-term key, 0 if none is named.
type EncryptedData struct {
	EType  int32
	KVNO   uint32
	Cipher []byte
}

// IsZero says whether there is none.
func (e EncryptedData) IsZero() bool { return e.EType == 0 && len(e.Cipher) == 0 }

// Checksum is a checksum and its type, RFC 4120 §5.2.9.
type Checksum struct {
	Type int32
	Sum  []byte
}

// IsZero says whether there is none.
func (c Checksum) IsZero() bool { return c.Type == 0 && len(c.Sum) == 0 }

// Types of addresses, RFC 4120 §7.5.3.
const (
	AddrIPv4 = 2
	AddrIPv6 = 24
)

// HostAddress is an address of a host, RFC 4120 §5.2.5.
type HostAddress struct {
	Type    int32
	Address []byte
}

// HostAddr is an IP address as a HostAddress.
func HostAddr(a netip.Addr) HostAddress {
	if a.Is4() {
		return HostAddress{AddrIPv4, a.AsSlice()}
	}
	return HostAddress{AddrIPv6, a.AsSlice()}
}

// IP is the address if it is one of IP, the invalid one otherwise.
func (h HostAddress) IP() netip.Addr {
	if h.Type == AddrIPv4 && len(h.Address) == 4 || h.Type == AddrIPv6 && len(h.Address) == 16 {
		a, _ := netip.AddrFromSlice(h.Address)
		return a
	}
	return netip.Addr{}
}

// Typed is an element of AuthorizationData, of padata or of ticket extensions: octets and what they are.
type Typed struct {
	Type int32
	Data []byte
}

// List is AuthorizationData, METHOD-DATA, padata or ticket extensions, in order.
type List []Typed

// Find gives the first of a type.
func (l List) Find(t int32) (data []byte, ok bool) {
	for _, x := range l {
		if x.Type == t {
			return x.Data, true
		}
	}
	return nil, false
}

func (r *reader) encrypted(s *cryptobyte.String, field string, n uint8) EncryptedData {
	c := r.field(s, field, n)
	return r.encryptedData(c, field)
}

func (r *reader) encryptedData(c cryptobyte.String, field string) (v EncryptedData) {
	seq := r.whole(c, field)
	v.EType = r.number(&seq, "etype", 0)
	if r.has(&seq, 1) {
		v.KVNO = r.unsigned(&seq, "kvno", 1)
	}
	v.Cipher = r.octets(&seq, "cipher", 2)
	r.later(seq, field, 2)
	return v
}

func (v EncryptedData) append(b []byte, n uint8) []byte {
	b, outer := open(b, context(n))
	return shut(v.Append(b), outer)
}

// Append writes the EncryptedData by itself, as PA-ENC-TIMESTAMP and the encrypted challenge have it.
func (v EncryptedData) Append(b []byte) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b = appendNumber(b, 0, int64(v.EType))
	if v.KVNO != 0 {
		b = appendNumber(b, 1, int64(v.KVNO))
	}
	return shut(appendOctets(b, 2, v.Cipher), seq)
}

// ParseEncryptedData reads an EncryptedData by itself.
func ParseEncryptedData(b []byte) (EncryptedData, error) {
	r, s := reading(b)
	v := r.encryptedData(s, "EncryptedData")
	return checked(v, r.err)
}

// checked is v, or nothing with an error.
func checked[T any](v T, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

// pair reads the SEQUENCE of a number [first] and octets [first+1] that keys, checksums, addresses and Typed are.
func (r *reader) pair(c cryptobyte.String, field, number, octets string, first uint8) (t int32, v []byte) {
	seq := r.whole(c, field)
	t = r.number(&seq, number, first)
	v = r.octets(&seq, octets, first+1)
	r.later(seq, field, first+1)
	return t, v
}

func appendPair(b []byte, t int32, v []byte, first uint8) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b = appendNumber(b, first, int64(t))
	return shut(appendOctets(b, first+1, v), seq)
}

func (r *reader) key(s *cryptobyte.String, field string, n uint8) EncryptionKey {
	t, v := r.pair(r.field(s, field, n), field, "keytype", "keyvalue", 0)
	return EncryptionKey{t, v}
}

func (k EncryptionKey) append(b []byte, n uint8) []byte {
	b, at := open(b, context(n))
	return shut(appendPair(b, k.EType, k.Value, 0), at)
}

func (r *reader) checksum(s *cryptobyte.String, field string, n uint8) Checksum {
	t, v := r.pair(r.field(s, field, n), field, "cksumtype", "checksum", 0)
	return Checksum{t, v}
}

func (c Checksum) append(b []byte, n uint8) []byte {
	b, at := open(b, context(n))
	return shut(appendPair(b, c.Type, c.Sum, 0), at)
}

// elements counts the elements of a SEQUENCE OF, at most most, and gives its contents.
func (r *reader) elements(c cryptobyte.String, field string, most int) (list cryptobyte.String, n int) {
	list = r.whole(c, field)
	for rest := list; r.err == nil && len(rest) > 0; n++ {
		at := rest
		var x cryptobyte.String
		var tag asn1.Tag
		if !rest.ReadAnyASN1(&x, &tag) {
			r.fail(field, at, cutOrLying(at))
		}
		if n == most {
			r.fail(field, at, wire.ErrLimit)
		}
	}
	if r.err != nil {
		return nil, 0
	}
	return list, n
}

// typed reads the SEQUENCE OF that is all of c; first is the tag of the elements' types.
func (r *reader) typed(c cryptobyte.String, field, number, octets string, first uint8) List {
	list, n := r.elements(c, field, MaxList)
	if n == 0 {
		return nil
	}
	out := make(List, 0, n)
	for len(list) > 0 && r.err == nil {
		var x cryptobyte.String
		at := list
		if !list.ReadASN1Element(&x, asn1.SEQUENCE) {
			r.fail(field, at, wire.ErrValue)
			break
		}
		t, v := r.pair(x, field, number, octets, first)
		out = append(out, Typed{t, v})
	}
	return out
}

func (l List) append(b []byte, n, first uint8) []byte {
	if len(l) == 0 {
		return b
	}
	b, at := open(b, context(n))
	return shut(l.sequence(b, first), at)
}

func (l List) sequence(b []byte, first uint8) []byte {
	b, at := open(b, asn1.SEQUENCE)
	for _, x := range l {
		b = appendPair(b, x.Type, x.Data, first)
	}
	return shut(b, at)
}

// The tags with which the types of lists begin.
const (
	paFirst = 1 // RFC 4120 §5.2.7
	adFirst = 0 // RFC 4120 §5.2.6
)

func (r *reader) padata(s *cryptobyte.String, n uint8) List {
	return r.typed(r.field(s, "padata", n), "padata", "padata-type", "padata-value", paFirst)
}

func (r *reader) authData(s *cryptobyte.String, n uint8) List {
	return r.typed(r.field(s, "authorization-data", n), "authorization-data", "ad-type", "ad-data", adFirst)
}

// ParseMethodData reads METHOD-DATA: the e-data of a KRB-ERROR that wants pre-authentication, RFC 4120 §5.9.1.
func ParseMethodData(b []byte) (List, error) {
	r, s := reading(b)
	v := r.typed(s, "METHOD-DATA", "padata-type", "padata-value", paFirst)
	return checked(v, r.err)
}

// AppendMethodData writes METHOD-DATA.
func AppendMethodData(b []byte, l List) []byte { return l.sequence(b, paFirst) }

// ParseAuthData reads AuthorizationData by itself: what is encrypted in enc-authorization-data, and what AD-IF-RELEVANT holds.
func ParseAuthData(b []byte) (List, error) {
	r, s := reading(b)
	v := r.typed(s, "AuthorizationData", "ad-type", "ad-data", adFirst)
	return checked(v, r.err)
}

// AppendAuthData writes AuthorizationData by itself.
func AppendAuthData(b []byte, l List) []byte { return l.sequence(b, adFirst) }

// MaxRelevant is how deep AD-IF-RELEVANT may stand in AD-IF-RELEVANT.
const MaxRelevant = 4

// AppendTypedData writes TYPED-DATA, RFC 4120 §5.9.1, which looks as AuthorizationData does.
func AppendTypedData(b []byte, l List) []byte { return l.sequence(b, adFirst) }

// Flat is the list with the contents of each AD-IF-RELEVANT in its place. What is none in spite of its type, or stands too deep, is left out:
// what is only to be heeded by who understands it can be passed over (RFC 4120 §5.2.6.1).
func (l List) Flat() List { return l.flat(nil, 0) }

func (l List) flat(out List, depth int) List {
	for _, x := range l {
		if x.Type != ADIfRelevant {
			out = append(out, x)
			continue
		}
		if in, err := ParseAuthData(x.Data); err == nil && depth < MaxRelevant && len(out) < MaxList {
			out = in.flat(out, depth+1)
		}
	}
	return out
}

// IfRelevant is the list as one AD-IF-RELEVANT.
func (l List) IfRelevant() Typed { return Typed{ADIfRelevant, AppendAuthData(nil, l)} }

func (r *reader) addresses(s *cryptobyte.String, field string, n uint8) []HostAddress {
	list, k := r.elements(r.field(s, field, n), field, MaxList)
	if k == 0 {
		return nil
	}
	out := make([]HostAddress, 0, k)
	for len(list) > 0 && r.err == nil {
		var x cryptobyte.String
		at := list
		if !list.ReadASN1Element(&x, asn1.SEQUENCE) {
			r.fail(field, at, wire.ErrValue)
			break
		}
		t, v := r.pair(x, field, "addr-type", "address", 0)
		out = append(out, HostAddress{t, v})
	}
	return out
}

func appendAddresses(b []byte, n uint8, list []HostAddress) []byte {
	if len(list) == 0 {
		return b
	}
	b, outer, inner := openList(b, n)
	for _, a := range list {
		b = appendPair(b, a.Type, a.Address, 0)
	}
	return shut2(b, outer, inner)
}

// AppendFrame writes a message as TCP has it, RFC 4120 §7.2.2: behind its length in four octets.
func AppendFrame(b, message []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(message))), message...)
}

// NextFrame takes the first message from a stream. message is nil while it is not whole. A length over MaxMessage is an error, after which the
// connection is to be closed; one with the highest bit set asks for an extension that is not known (RFC 5021), which is the same.
func NextFrame(b []byte) (message, rest []byte, err error) {
	if len(b) < 4 {
		return nil, b, nil
	}
	n := binary.BigEndian.Uint32(b)
	switch {
	case n > MaxMessage:
		return nil, b, wire.Fail(proto, "length", 0, wire.ErrLimit)
	case n == 0:
		return nil, b, wire.Fail(proto, "length", 0, wire.ErrLength)
	case int(n) > len(b)-4:
		return nil, b, nil
	}
	return b[4 : 4+n : 4+n], b[4+n:], nil
}
