package gpsk

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"roam6/keying"
)

// Sizes in octets.
const (
	MinPSK  = 16 // RFC 5433 §4
	MaxPSK  = 64 // RFC 5433 §5
	MSKLen  = 64 // RFC 5433 §4; the EMSK as well
	RandLen = 32 // RAND_Peer, RAND_Server, RFC 5433 §9.3
	idLen   = 16 // Method-ID
)

// Suite is the CSuite/Specifier of a ciphersuite of the IETF. The numbers are those of eap.Suite.
type Suite uint16

// The suites, RFC 5433 §6.
const (
	AES    Suite = 1 // AES-CBC-128, AES-CMAC-128
	SHA256 Suite = 2 // no encryption, HMAC-SHA256
)

// Size is KS and ML, the octets of the suite's keys and of its MAC; 0 if the suite is not known.
func (s Suite) Size() int {
	switch s {
	case AES:
		return 16
	case SHA256:
		return 32
	}
	return 0
}

// octets is CSuite_Sel, RFC 5433 §9.2.
func (s Suite) octets() []byte { return []byte{0, 0, 0, 0, byte(s >> 8), byte(s)} }

// methodType is EAP_Method_Type, RFC 5433 §4: the number of EAP-GPSK.
const methodType = 51

// Key is a pre-shared key. It never prints. The zero Key is none.
type Key struct {
	keying.Hidden
	k func() []byte
}

// NewKey takes a pre-shared key of MinPSK to MaxPSK octets. Suite 2 works with 32 or more only (RFC 5433 §6).
func NewKey(psk []byte) (Key, error) {
	if len(psk) < MinPSK || len(psk) > MaxPSK {
		return Key{}, fmt.Errorf("gpsk: the key has %d octets; use %d to %d, best 32", len(psk), MinPSK, MaxPSK)
	}
	k := bytes.Clone(psk)
	return Key{k: func() []byte { return k }}, nil
}

// Fits says whether a suite is known and the key long enough for it.
func (k Key) Fits(s Suite) bool { return k.k != nil && s.Size() > 0 && len(k.k()) >= s.Size() }

// Erase overwrites the key. What is derived from it afterwards is worthless.
func (k Key) Erase() {
	if k.k != nil {
		clear(k.k())
	}
}

// Run is what is particular to one conversation.
type Run struct {
	Suite                Suite // CSuite_Sel
	RandPeer, RandServer [RandLen]byte
	Peer, Server         []byte // ID_Peer, ID_Server
}

// input is inputString of RFC 5433 §4.
func (r Run) input() []byte {
	return bytes.Join([][]byte{r.RandPeer[:], r.Peer, r.RandServer[:], r.Server}, nil)
}

// mac is the MAC of a suite. Its key has as many octets as the MAC: KS = ML in both suites.
func mac(s Suite, key []byte, parts ...[]byte) []byte {
	if s == AES {
		return cmac(key, parts...)
	}
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// gkdf makes size octets of key and parts, RFC 5433 §7.
func gkdf(s Suite, size int, key []byte, parts ...[]byte) []byte {
	var out []byte
	for i := uint16(1); len(out) < size; i++ {
		out = append(out, mac(s, key, append([][]byte{binary.BigEndian.AppendUint16(nil, i)}, parts...)...)...)
	}
	return out[:size]
}

// Derive makes the keys of a run, RFC 5433 §4. A suite that does not fit the key is the caller's mistake.
func (k Key) Derive(r Run) Keys {
	if !k.Fits(r.Suite) {
		panic("gpsk: the suite does not fit the key")
	}
	psk, ks, input := k.k(), r.Suite.Size(), r.input()
	suite := r.Suite.octets()
	length := binary.BigEndian.AppendUint16(nil, uint16(len(psk)))
	mk := gkdf(r.Suite, ks, psk[:ks], length, psk, suite, input)
	defer clear(mk)
	d := derived{suite: r.Suite, all: gkdf(r.Suite, 2*MSKLen+2*ks, mk, input)}
	d.id = append([]byte{methodType}, gkdf(r.Suite, idLen, psk[:ks], []byte("Method ID"), []byte{methodType}, suite, input)...)
	return Keys{k: func() derived { return d }}
}

// Keys are the keys of one run. They never print. The zero Keys are none: using them panics.
type Keys struct {
	keying.Hidden
	k func() derived
}

// derived has the keys one behind the other: MSK, EMSK, SK, PK.
type derived struct {
	suite Suite
	all   []byte
	id    []byte
}

// Valid says whether there are keys.
func (k Keys) Valid() bool { return k.k != nil }

// MSK is the master session key, for whoever protects the access link.
func (k Keys) MSK() []byte { return bytes.Clone(k.k().all[:MSKLen]) }

// EMSK is the extended master session key. It never leaves peer and server (RFC 3748 §7.10).
func (k Keys) EMSK() []byte { return bytes.Clone(k.k().all[MSKLen : 2*MSKLen]) }

// SessionID names the run, RFC 5247 §1.4: the type and the Method-ID. It is no secret.
func (k Keys) SessionID() []byte { return bytes.Clone(k.k().id) }

// Suite is the ciphersuite.
func (k Keys) Suite() Suite { return k.k().suite }

// Equal compares in constant time.
func (k Keys) Equal(other Keys) bool { return hmac.Equal(k.k().all, other.k().all) }

// Erase overwrites the keys.
func (k Keys) Erase() {
	if k.k != nil {
		clear(k.k().all)
	}
}

func (d derived) sk() []byte { return d.all[2*MSKLen:][:d.suite.Size()] }
func (d derived) pk() []byte { return d.all[2*MSKLen+d.suite.Size():] }

// MAC is the payload MAC of a message, RFC 5433 §9.3, under SK over what it covers (eap.GPSKMessage).
func (k Keys) MAC(covered []byte) []byte {
	d := k.k()
	return mac(d.suite, d.sk(), covered)
}

// Verify reports, in constant time, whether got is the MAC.
func (k Keys) Verify(covered, got []byte) bool { return hmac.Equal(k.MAC(covered), got) }
