package fmipv6

import (
	"fmt"
	"net/netip"

	"roam6/keying/mip"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Key is the handover key that a mobile node shares with the access routers it visits. RFC 5568 §6.4.5 has the companion
// protocol RFC 5269 (SEND) agree on one with each router; ours is configured.
type Key struct {
	SPI    uint32 // 256 or more, of this node alone
	Secret []byte // 16 to 64 octets
}

// prover makes and checks the authenticators of FBU and FBack: HMAC_SHA1, its first 96 bits, RFC 5568 §6.4.5.
type prover struct {
	spi uint32
	key mip.Key
}

func newProver(k Key) (prover, error) {
	key, err := mip.NewKey(mip.HMACSHA1, k.Secret)
	if err != nil {
		return prover{}, fmt.Errorf("handover key: %w", err)
	}
	if k.SPI < mip.MinSPI {
		return prover{}, fmt.Errorf("handover key: SPI %d is reserved; use %d to 4294967295", k.SPI, mip.MinSPI)
	}
	return prover{k.SPI, key}, nil
}

// protect builds the packet around a FBU or FBack about a new care-of address, between its node and the router par.
func (v prover) protect(p ip6.Packet, m mh.Message, ncoa, par netip.Addr) []byte {
	m.Opts().FastAuth = &mh.FastAuth{SPI: v.spi}
	p.Proto = ip6.ProtoMH
	p.Payload = mh.AppendSigned(nil, p.EffectiveSrc(), p.EffectiveDst(), m, func(covered []byte) []byte { return v.key.Sum(ncoa, par, covered) })
	return p.Append(nil)
}

// proves says whether a received message about a new care-of address was made with the key.
//
// spec MIP-09
func (v prover) proves(p *ip6.Packet, m mh.Message, ncoa, par netip.Addr) bool {
	a := m.Opts().FastAuth
	if a == nil || a.SPI != v.spi || !ncoa.IsValid() {
		return false
	}
	covered, got, err := mh.Covered(p.Payload)
	return err == nil && v.key.Verify(ncoa, par, covered, got)
}
