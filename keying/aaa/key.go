package aaa

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"

	"roam6/keying"
)

// Sizes in octets.
const (
	KeyLen    = 32 // the long-term key, a Session
	RandomLen = 32 // the random number of §10.1
	MACLen    = 16 // authentication data: the first half of HMAC-SHA-256
)

// Labels of HKDF. Those of sessions and ESP keys are followed by what they are made for.
const (
	labelMN      = "aaa mn authentication"
	labelNetwork = "aaa network authentication"
	labelPublic  = "aaa public value"
	labelSession = "aaa session"
	labelX25519  = "aaa x25519"
	labelESP     = "aaa esp"
)

// Identity is the name that a mobile node's keys are bound to: its NAI if it has one, else its home address (§3.2 of the draft).
// No NAI is taken for an address, nor the other way round.
func Identity(nai string, home netip.Addr) string {
	if nai != "" {
		return "nai:" + nai
	}
	return "home:" + home.String()
}

// Key is the long-term key of one mobile node together with the parties of one exchange. It never prints. The zero Key is none: using it
// panics.
type Key struct {
	keying.Hidden
	k func() *bound
}

type bound struct {
	root        [sha256.Size]byte // of the long-term key: all that is made of it is expanded of that
	mn, visited string
}

// NewKey binds a long-term key of KeyLen octets to the mobile node's Identity and the identifier of the network it visits.
func NewKey(longTerm []byte, mn, visited string) (Key, error) {
	if len(longTerm) != KeyLen {
		return Key{}, fmt.Errorf("aaa: the long-term key has %d octets; use %d", len(longTerm), KeyLen)
	}
	if mn == "" || visited == "" {
		return Key{}, fmt.Errorf("aaa: the mobile node is %q and the visited network %q; both need a name", mn, visited)
	}
	k := &bound{extract(longTerm), mn, visited}
	return Key{k: func() *bound { return k }}, nil
}

// extract takes a secret of KeyLen octets.
func extract(secret []byte) [sha256.Size]byte {
	root, err := keying.Extract(secret)
	if err != nil {
		panic(err) // only a wrong size is an error, and KeyLen is none
	}
	return root
}

// Erase overwrites the key. It is none afterwards: what is derived from it is worthless.
func (k Key) Erase() { clear(k.k().root[:]) }

// derive makes a key for this mobile node and network.
func (k *bound) derive(label string) (key [KeyLen]byte) {
	keying.Expand(key[:], &k.root, label, k.mn, k.visited)
	return key
}

// mac is the first MACLen octets of HMAC-SHA-256 under a key of its own, over fields that stand behind their lengths of four octets.
func (k *bound) mac(label string, fields ...[]byte) []byte {
	key := k.derive(label)
	defer clear(key[:])
	n := 0
	for _, f := range fields {
		n += 4 + len(f)
	}
	message := make([]byte, 0, n)
	for _, f := range fields {
		message = append(binary.BigEndian.AppendUint32(message, uint32(len(f))), f...)
	}
	sum := keying.MAC(&key, message)
	return sum[:MACLen:MACLen]
}

// Exchange is what both authenticators of one exchange are about.
type Exchange struct {
	HostChallenge  []byte     // drawn by the mobile node
	LocalChallenge []byte     // of the router advertisement
	CareOf         netip.Addr // the mobile node's
	Request        []byte     // all that the request says besides its authentication data (access.Request.Covered)
}

func (x Exchange) careOf() []byte {
	a := x.CareOf.As16()
	return a[:]
}

// Answer is the MN authentication data, §7.3.1 step 3 of the draft: over host challenge, local challenge, care-of address and request,
// under a key for this identity and this visited network.
//
// spec DM-05
func (k Key) Answer(x Exchange) []byte {
	return k.k().mac(labelMN, x.HostChallenge, x.LocalChallenge, x.careOf(), x.Request)
}

// VerifyAnswer reports, in constant time, whether got is the mobile node's.
//
// spec DM-05
func (k Key) VerifyAnswer(x Exchange, got []byte) bool { return hmac.Equal(k.Answer(x), got) }

// Greeting is the network authentication data, §7.6 of the draft: over the same, so that it answers this request alone, and over reply, all
// that the home server says (access.Reply.Covered).
//
// spec DM-05
func (k Key) Greeting(x Exchange, reply []byte) []byte {
	return k.k().mac(labelNetwork, x.HostChallenge, x.LocalChallenge, x.careOf(), x.Request, reply)
}

// VerifyGreeting reports, in constant time, whether got is the home network's.
//
// spec DM-05
func (k Key) VerifyGreeting(x Exchange, reply, got []byte) bool {
	return hmac.Equal(k.Greeting(x, reply), got)
}
