package mip6aaa

import (
	"bytes"
	"math"
	"time"

	"roam6/wire/access"
	"roam6/wire/diameter"
)

// MNKey is what the mobile node makes a key of: an MN-Key-Distribution.
type MNKey struct {
	access.KeyData
	MNSPI uint32 // which the mobile node asked for; it knows, the reply on its link does not repeat it
}

// PeerKey is what a home agent or an AAA client takes or makes its key of, or says of itself: a Key-Distribution.
type PeerKey struct {
	Use       access.Use
	Method    access.Methods // exactly one
	MNSPI     uint32         // of what is sent to the mobile node; to the peer
	PeerSPI   uint32         // of what is sent to the peer, which chose it; from the peer
	Lifetime  time.Duration  // whole seconds; 0: not there
	Algorithm access.Algorithm
	Material  []byte // the session key, access.ValueLen octets: a secret. With Random, to the peer
	Public    []byte // with DiffieHellman: the mobile node's value to the peer, the peer's from it
}

// Erase overwrites the session key.
func (k *PeerKey) Erase() { clear(k.Material) }

// seconds is a time as the wire has it, never 0 by rounding.
func seconds(d time.Duration) uint32 { return uint32(min(max(d/time.Second, 1), math.MaxUint32)) }

func appendKeyRequests(b *diameter.Builder, list []access.KeyRequest) {
	for _, k := range list {
		for _, method := range []access.Methods{access.Random, access.DiffieHellman} {
			if k.Methods&method == 0 {
				continue
			}
			b.Group(diameter.KeyRequest, func(b *diameter.Builder) {
				b.Uint32(diameter.KeyType, uint32(k.Use)).Uint32(diameter.KeyMethod, uint32(method)).Uint32(diameter.MNSPI, k.SPI)
				if method == access.DiffieHellman {
					b.Bytes(diameter.DHPublicValue, k.Public)
				}
			})
		}
	}
}

func appendMNKeys(b *diameter.Builder, list []MNKey) {
	for _, k := range list {
		b.Group(diameter.MNKeyDistribution, func(b *diameter.Builder) {
			b.Uint32(diameter.KeyType, uint32(k.Use)).Uint32(diameter.KeyMethod, uint32(k.Method)).Uint32(diameter.MNSPI, k.MNSPI)
			b.Uint32(diameter.PeerSPI, k.SPI).Uint32(diameter.KeyLifetime, seconds(k.Lifetime)).Uint32(diameter.KeyAlgorithm, uint32(k.Algorithm))
			if k.Method == access.DiffieHellman {
				b.Bytes(diameter.DHPublicValue, k.Value).Bytes(diameter.DHAuthenticationData, k.MAC)
			} else {
				b.Bytes(diameter.KeyRandomNumber, k.Value)
			}
		})
	}
}

func appendPeerKeys(b *diameter.Builder, list []PeerKey) {
	for _, k := range list {
		b.Group(diameter.KeyDistribution, func(b *diameter.Builder) {
			b.Uint32(diameter.KeyType, uint32(k.Use)).Uint32(diameter.KeyMethod, uint32(k.Method))
			word(b, diameter.MNSPI, k.MNSPI)
			word(b, diameter.PeerSPI, k.PeerSPI)
			if k.Lifetime > 0 {
				b.Uint32(diameter.KeyLifetime, seconds(k.Lifetime))
			}
			word(b, diameter.KeyAlgorithm, uint32(k.Algorithm))
			octets(b, diameter.KeyMaterial, k.Material)
			octets(b, diameter.DHPublicValue, k.Public)
		})
	}
}

// entry is what the three groups of keys hold, each its part.
type entry struct {
	use                           access.Use
	method                        access.Methods
	algorithm                     access.Algorithm
	mn, peer, life                uint32
	random, material, public, mac []byte
}

func parseEntry(a diameter.AVP) (e entry, err error) {
	l, err := a.Group()
	if err != nil {
		return e, err
	}
	for x := range l.All() {
		if err := e.take(x); err != nil {
			return entry{}, err
		}
	}
	if e.use != access.HomeAgent && e.use != access.AccessRouter {
		return entry{}, bad(a, "a key of type %d; 1 (home agent) and 2 (access router) are known", e.use)
	}
	if e.method != access.Random && e.method != access.DiffieHellman {
		return entry{}, bad(a, "a key by method %d; 1 (random number) and 2 (Diffie-Hellman) are known", e.method)
	}
	return e, nil
}

func (e *entry) take(x diameter.AVP) (err error) {
	var v uint32
	switch x.Key {
	case diameter.KeyType:
		v, err = small(x)
		e.use = access.Use(v)
	case diameter.KeyMethod:
		v, err = small(x)
		e.method = access.Methods(v)
	case diameter.KeyAlgorithm:
		v, err = small(x)
		if err == nil && access.Algorithm(v) != access.AESGCM {
			return bad(x, "algorithm %d; 1 (AES-256-GCM) is known", v)
		}
		e.algorithm = access.Algorithm(v)
	case diameter.MNSPI:
		e.mn, err = spi(x)
	case diameter.PeerSPI:
		e.peer, err = spi(x)
	case diameter.KeyLifetime:
		if e.life, err = x.Uint32(); err == nil && e.life == 0 {
			return bad(x, "a key with no lifetime")
		}
	case diameter.KeyRandomNumber:
		e.random, err = exactly(x, access.ValueLen)
	case diameter.KeyMaterial:
		e.material, err = exactly(x, access.ValueLen)
	case diameter.DHPublicValue:
		e.public, err = exactly(x, access.ValueLen)
	case diameter.DHAuthenticationData:
		e.mac, err = exactly(x, access.AuthLen)
	}
	return err
}

// takeKeyRequest joins a Key-Request to the others: two for one use are one request that will have either method.
func takeKeyRequest(list []access.KeyRequest, a diameter.AVP) ([]access.KeyRequest, error) {
	e, err := parseEntry(a)
	if err != nil {
		return list, err
	}
	dh := e.method == access.DiffieHellman
	if e.mn == 0 || dh != (e.public != nil) {
		return list, bad(a, "a Key-Request needs an SPI, and a public value with Diffie-Hellman alone")
	}
	for i := range list {
		k := &list[i]
		if k.Use != e.use {
			continue
		}
		if k.Methods&e.method != 0 || k.SPI != e.mn {
			return list, contradiction(a, "two Key-Requests for one use; they may differ in their method alone")
		}
		k.Methods |= e.method
		if dh {
			k.Public = e.public
		}
		return list, nil
	}
	return append(list, access.KeyRequest{Use: e.use, Methods: e.method, SPI: e.mn, Public: e.public}), nil
}

func takeMNKey(list []MNKey, a diameter.AVP) ([]MNKey, error) {
	e, err := parseEntry(a)
	if err != nil {
		return list, err
	}
	for _, k := range list {
		if k.Use == e.use {
			return list, contradiction(a, "two MN-Key-Distributions for one use")
		}
	}
	k := MNKey{access.KeyData{Use: e.use, Method: e.method, Algorithm: e.algorithm, SPI: e.peer, Lifetime: time.Duration(e.life) * time.Second}, e.mn}
	if e.method == access.Random && e.random != nil && e.public == nil && e.mac == nil {
		k.Value = e.random
	} else if e.method == access.DiffieHellman && e.random == nil && e.public != nil && e.mac != nil {
		k.Value, k.MAC = e.public, e.mac
	}
	if k.Value == nil || e.mn == 0 || e.peer == 0 || e.life == 0 || e.algorithm == 0 {
		return list, bad(a, "an MN-Key-Distribution needs both SPIs, lifetime, algorithm, and what its method works with")
	}
	return append(list, k), nil
}

func takePeerKey(list []PeerKey, a diameter.AVP) ([]PeerKey, error) {
	e, err := parseEntry(a)
	if err != nil {
		return list, err
	}
	for _, k := range list {
		if k.Use == e.use {
			return list, contradiction(a, "two Key-Distributions for one use")
		}
	}
	if e.method == access.Random && e.public != nil || e.method == access.DiffieHellman && e.material != nil {
		return list, bad(a, "a Key-Distribution with what another method works with")
	}
	return append(list, PeerKey{e.use, e.method, e.mn, e.peer, time.Duration(e.life) * time.Second, e.algorithm, e.material, e.public}), nil
}

// FindPeerKey gives the entry for a use, or nil.
func FindPeerKey(list []PeerKey, use access.Use) *PeerKey {
	for i := range list {
		if list[i].Use == use {
			return &list[i]
		}
	}
	return nil
}

// ErasePeerKeys overwrites the session keys of a message that has been written, or read and used.
func ErasePeerKeys(list []PeerKey) {
	for i := range list {
		list[i].Erase()
	}
}

func exactly(a diameter.AVP, n int) ([]byte, error) {
	if len(a.Data) != n {
		return nil, short(a, "%s with %d octets; %d are needed", a.Name(), len(a.Data), n)
	}
	return bytes.Clone(a.Data), nil
}

// small reads a number that fits an octet: of no other are there names.
func small(a diameter.AVP) (uint32, error) {
	v, err := a.Uint32()
	if err == nil && v > math.MaxUint8 {
		return 0, bad(a, "%s %d is not known", a.Name(), v)
	}
	return v, err
}

func spi(a diameter.AVP) (uint32, error) {
	v, err := a.Uint32()
	if err == nil && v < access.MinSPI {
		return 0, bad(a, "%s %d is reserved; %d is the lowest (RFC 4303 §2.1)", a.Name(), v, access.MinSPI)
	}
	return v, err
}
