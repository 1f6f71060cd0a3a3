package correspond

import (
	"time"

	"roam6/engine"
	"roam6/keying/mip"
)

// Life of a nonce, RFC 6275 §5.2.7 and §12. A new one every NonceInterval makes each token good for
// MAX_TOKEN_LIFETIME (210 s) at least.
const (
	MaxNonceLifetime = 240 * time.Second // MAX_NONCE_LIFETIME, from its first use
	NonceInterval    = 30 * time.Second
	keptNonces       = int(MaxNonceLifetime / NonceInterval)
)

// nonce is a nonce with the node key Kcn of its time. Both are drawn together, so that an index names both (§5.2.7) and
// no secret is older than MaxNonceLifetime.
type nonce struct {
	kcn   [mip.KcnLen]byte
	value [mip.NonceLen]byte
	first engine.Mono // when it was first used
}

// nonces are the last nonces, by the low bits of their index.
type nonces struct {
	ring  [keptNonces]nonce
	drawn int    // of ring
	last  uint16 // index of the newest; the first is random, so that tokens of an earlier life meet no nonce
}

// current is the nonce for tokens handed out now. Nonces are drawn on demand: a node nobody asks draws none.
func (n *nonces) current(now engine.Mono, rand *engine.Rand) (*nonce, uint16) {
	c := &n.ring[int(n.last)%keptNonces]
	switch {
	case n.drawn == 0:
		n.last = rand.Uint16()
	case now.Sub(c.first) < NonceInterval:
		return c, n.last
	default:
		n.last++
	}
	n.drawn = min(n.drawn+1, keptNonces)
	c = &n.ring[int(n.last)%keptNonces]
	rand.Read(c.kcn[:])
	rand.Read(c.value[:])
	c.first = now
	return c, n.last
}

// find is the nonce of an index; nil if it is not known any more, or never was.
func (n *nonces) find(now engine.Mono, index uint16) *nonce {
	if int(n.last-index) >= n.drawn {
		return nil
	}
	c := &n.ring[int(index)%keptNonces]
	if now.Sub(c.first) > MaxNonceLifetime {
		return nil
	}
	return c
}
