package pkinit

import (
	"crypto/ecdh"
	"fmt"
	"io"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Group is what Diffie-Hellman is done in.
type Group uint8

// The groups.
const (
	MODP2048 Group = iota // group 14, RFC 3526 §3; what every implementation has
	P256                  // RFC 5349
)

// String is the name.
func (g Group) String() string {
	if g == P256 {
		return "P-256"
	}
	return "MODP 2048"
}

// Lengths in octets.
const (
	modpLen   = 256
	secretLen = 64 // of a private value in MODP2048: more than twice the strength of the group (RFC 3526 §8)
)

// prime is 2^2048 - 2^1984 - 1 + 2^64 * ([2^1918 pi] + 124476), RFC 3526 §3; the generator is 2, and (prime-1)/2 is prime too.
var (
	prime, _ = new(big.Int).SetString("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"+
		"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"+
		"49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804"+
		"F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"+
		"15728E5A8AACAA68FFFFFFFFFFFFFFFF", 16)
	half      = new(big.Int).Rsh(prime, 1)
	generator = big.NewInt(2)
)

// Private is one end's secret of one exchange, and to be used for no other: how long package big works on it depends on it. It never prints. The zero Private is none.
type Private struct {
	group Group
	modp  func() *big.Int
	curve func() *ecdh.PrivateKey
}

// Draw makes a secret of octets read from rand. It panics when nothing can be read.
func Draw(g Group, rand io.Reader) Private {
	b := make([]byte, secretLen)
	defer clear(b)
	if g == P256 {
		for { // one of 2^32 draws is no scalar
			read(rand, b[:32])
			if k, err := ecdh.P256().NewPrivateKey(b[:32]); err == nil {
				return Private{group: g, curve: func() *ecdh.PrivateKey { return k }}
			}
		}
	}
	read(rand, b)
	b[0] |= 0x80 // neither zero nor small
	x := new(big.Int).SetBytes(b)
	return Private{group: g, modp: func() *big.Int { return x }}
}

func read(rand io.Reader, b []byte) {
	if _, err := io.ReadFull(rand, b); err != nil {
		panic(err)
	}
}

// Valid says whether there is a secret.
func (p Private) Valid() bool { return p.modp != nil || p.curve != nil }

// Format says "[key]" for every verb.
func (Private) Format(f fmt.State, _ rune) { io.WriteString(f, "[key]") }

// Public is what the other end is told, as the contents of a BIT STRING: a DER INTEGER (RFC 4556 §3.2.3.1), or an uncompressed point (RFC 5349 §4).
func (p Private) Public() []byte {
	if p.group == P256 {
		return p.curve().PublicKey().Bytes()
	}
	var b cryptobyte.Builder
	b.AddASN1BigInt(new(big.Int).Exp(generator, p.modp(), prime))
	return b.BytesOrPanic()
}

// PublicInfo is the public value with its group: a SubjectPublicKeyInfo, for AuthPack.
func (p Private) PublicInfo() []byte {
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { p.group.add(b) })
			b.AddASN1BitString(p.Public())
		})
	})
}

// add writes what an AlgorithmIdentifier has.
func (g Group) add(b *cryptobyte.Builder) {
	if g == P256 {
		addOID(b, oidEC)
		addOID(b, oidP256)
		return
	}
	addOID(b, oidDH)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(prime)
		b.AddASN1BigInt(generator)
		b.AddASN1BigInt(half)
	})
}

// Parameters are the groups that are taken, as AlgorithmIdentifiers in a row: what TD-DH-PARAMETERS has (RFC 4556 §3.1.3).
func Parameters() []byte {
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, g := range []Group{MODP2048, P256} {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { g.add(b) })
			}
		})
	})
}

// ParsePublicInfo reads a SubjectPublicKeyInfo. WrongParameters if the group is none that is taken; the public value is not looked at yet.
func ParsePublicInfo(b []byte) (g Group, public []byte, err error) {
	s := cryptobyte.String(b)
	var info, algorithm, oid cryptobyte.String
	if !s.ReadASN1(&info, asn1.SEQUENCE) || !s.Empty() || !info.ReadASN1(&algorithm, asn1.SEQUENCE) || !algorithm.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) ||
		!info.ReadASN1BitStringAsBytes(&public) || !info.Empty() {
		return 0, nil, Malformed
	}
	switch string(oid) {
	case oidEC:
		var curve cryptobyte.String
		if !algorithm.ReadASN1(&curve, asn1.OBJECT_IDENTIFIER) || !algorithm.Empty() || string(curve) != oidP256 {
			return 0, nil, WrongParameters
		}
		return P256, public, nil
	case oidDH:
		var domain cryptobyte.String
		var p, base big.Int
		if !algorithm.ReadASN1(&domain, asn1.SEQUENCE) || !algorithm.Empty() || !domain.ReadASN1Integer(&p) || !domain.ReadASN1Integer(&base) ||
			p.Cmp(prime) != 0 || base.Cmp(generator) != 0 {
			return 0, nil, WrongParameters
		}
		return MODP2048, public, nil
	}
	return 0, nil, WrongParameters
}

// Shared is the secret that both ends have, as long as the group's elements are (RFC 4556 §3.2.3.1, RFC 5349 §4). WrongPublic if what the other end told is no element
// that may be.
func (p Private) Shared(public []byte) ([]byte, error) {
	if p.group == P256 {
		k, err := ecdh.P256().NewPublicKey(public)
		if err != nil {
			return nil, WrongPublic
		}
		z, err := p.curve().ECDH(k)
		if err != nil {
			return nil, WrongPublic
		}
		return z, nil
	}
	s := cryptobyte.String(public)
	var y big.Int
	if len(public) > modpLen+8 || !s.ReadASN1Integer(&y) || !s.Empty() {
		return nil, WrongPublic
	}
	// 0, 1 and prime-1 give a secret that everybody knows (RFC 2631 §2.1.5). Others have the order half or prime-1: there are no more small groups.
	if y.Cmp(big.NewInt(1)) <= 0 || y.Cmp(new(big.Int).Sub(prime, big.NewInt(1))) >= 0 {
		return nil, WrongPublic
	}
	return new(big.Int).Exp(&y, p.modp(), prime).FillBytes(make([]byte, modpLen)), nil
}
