package lwkrb

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"
)

// Sizes in octets of the keys of associations, and of what tells replays.
const (
	AHKeyLen  = 32 // HMAC-SHA-256-128, RFC 4868 §2.1.1
	ESPKeyLen = 36 // AES-256 and the salt, RFC 4106 §8.1
	IDLen     = 16
	MACLen    = 16 // of an authenticated error
)

// Access is the key that one ap-req gives a mobile node and the access router it names. It never prints. The zero Access is none: using
// it panics.
type Access struct {
	k func() *access // a function, because package fmt looks through anything else
}

type access struct {
	secret [KeyLen]byte
	box    box
}

func newAccess(key []byte) Access {
	a := &access{}
	copy(a.secret[:], key)
	return a.ready()
}

// ready makes an Access of the secret.
func (a *access) ready() Access {
	a.box.init(a.secret[:])
	return Access{func() *access { return a }}
}

// NewAccess takes the access key of an open-rep: KeyLen octets.
func NewAccess(key []byte) (Access, error) {
	if len(key) != KeyLen {
		return Access{}, fmt.Errorf("lwkrb: the access key has %d octets; use %d", len(key), KeyLen)
	}
	return newAccess(key), nil
}

// Octets gives the key itself, for the one sealed message that takes it to the access router.
func (a Access) Octets() []byte { return bytes.Clone(a.k().secret[:]) }

// Erase overwrites the key. It cannot be used afterwards.
func (a Access) Erase() {
	clear(a.k().secret[:])
	a.k().box.erase()
}

// ID names the ap-req: two have the same only if they are the same. It is no secret. An access router remembers it against replays, and
// nobody but the owner of the ticket can make an ap-req that has one which another has.
//
// spec FH-18
func (a Access) ID() (id [IDLen]byte) {
	a.k().box.derive(id[:], labelID)
	return id
}

// SealReply appends the sealed part of an ap-rep to dst. before is its header, drawn is fresh from the caller's randomness.
//
// spec FH-10
func (a Access) SealReply(dst []byte, drawn [NonceLen]byte, before, body []byte) []byte {
	x := a.k().box.box(labelReply)
	defer x.erase()
	return x.seal(dst, drawn, before, body)
}

// OpenReply gives the body of an ap-rep in memory of its own, or ErrReply.
//
// spec FH-10
func (a Access) OpenReply(before, sealed []byte) ([]byte, error) {
	x := a.k().box.box(labelReply)
	defer x.erase()
	return x.open(before, sealed, ErrReply)
}

// AH makes the keys of HMAC-SHA-256-128 of the sealed part of an ap-rep: toRouter protects what the mobile node sends, toMobile what the access
// router sends.
//
// spec FH-16
func (a Access) AH(reply []byte) (toRouter, toMobile []byte) { return a.pair(labelAH, reply, AHKeyLen) }

// ESP makes the keys of AES-256-GCM, likewise.
//
// spec FH-16
func (a Access) ESP(reply []byte) (toRouter, toMobile []byte) {
	return a.pair(labelESP, reply, ESPKeyLen)
}

func (a Access) pair(label byte, reply []byte, size int) (toRouter, toMobile []byte) {
	toRouter, toMobile = make([]byte, size), make([]byte, size)
	a.k().box.derive(toRouter, label, []byte{1}, nonceOf(reply))
	a.k().box.derive(toMobile, label, []byte{2}, nonceOf(reply))
	return toRouter, toMobile
}

// ErrorKey makes the key that authenticates a refusal of the ap-req. It can make none of the other keys.
//
// spec FH-18
func (a Access) ErrorKey() ErrorKey { return newErrorKey(a.k().box.key(labelError)) }

// ErrorKey authenticates lwkerb-error. It never prints. The zero ErrorKey is none: using it panics.
type ErrorKey struct {
	k func() *access
}

func newErrorKey(key [KeyLen]byte) ErrorKey {
	e := &access{secret: key}
	e.box.init(e.secret[:])
	return ErrorKey{func() *access { return e }}
}

// NewErrorKey takes the key of an open-rep that refuses: KeyLen octets.
func NewErrorKey(key []byte) (ErrorKey, error) {
	if len(key) != KeyLen {
		return ErrorKey{}, fmt.Errorf("lwkrb: the error key has %d octets; use %d", len(key), KeyLen)
	}
	return newErrorKey([KeyLen]byte(key)), nil
}

// Octets gives the key itself, for the one sealed message that takes it to the access router.
func (e ErrorKey) Octets() []byte { return bytes.Clone(e.k().secret[:]) }

// Erase overwrites the key. It cannot be used afterwards.
func (e ErrorKey) Erase() {
	clear(e.k().secret[:])
	e.k().box.erase()
}

// MAC is that of an error, over all that stands before it (wire/lwkrb.Error.Covered).
func (e ErrorKey) MAC(covered []byte) []byte {
	var sum [MACLen]byte
	e.k().box.cmac(&sum, nil, covered)
	return sum[:]
}

// Verify reports, in constant time, whether got is the MAC.
//
// spec FH-18
func (e ErrorKey) Verify(covered, got []byte) bool {
	return subtle.ConstantTimeCompare(e.MAC(covered), got) == 1
}

// String says "[key]", as do all ways to print an Access.
func (Access) String() string { return hidden }

// GoString says "[key]".
func (Access) GoString() string { return hidden }

// Format says "[key]" for every verb.
func (Access) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// MarshalText says "[key]"; JSON and YAML use it.
func (Access) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// String says "[key]", as do all ways to print an ErrorKey.
func (ErrorKey) String() string { return hidden }

// GoString says "[key]".
func (ErrorKey) GoString() string { return hidden }

// Format says "[key]" for every verb.
func (ErrorKey) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// MarshalText says "[key]"; JSON and YAML use it.
func (ErrorKey) MarshalText() ([]byte, error) { return []byte(hidden), nil }
