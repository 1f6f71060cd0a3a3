package admit

import (
	"bytes"
	"crypto/sha256"

	"roam6/engine"
)

// challenge is one local challenge, with the host challenges that came with it.
type challenge struct {
	value []byte // nil: none
	pairs map[pair]struct{}
}

// pair is a host challenge, hashed: so all take the same room. A guess at another one's comes true once in 2^64.
type pair [16]byte

func pairOf(host []byte) pair {
	sum := sha256.Sum256(host)
	return pair(sum[:])
}

// rotate draws a new challenge. The one that was advertised until now stays fresh, so that a request on its way is not late.
//
// spec DM-05
func (c *Client) rotate(now engine.Now) {
	c.last = c.now
	c.now = challenge{value: make([]byte, challengeLen), pairs: map[pair]struct{}{}}
	c.rand.Read(c.now.value)
	c.turn = now.Mono.Add(c.cfg.Rotate)
}

// fresh is the challenge that a request echoes; nil when it is an old one or was never ours.
//
// spec DM-09
func (c *Client) fresh(value []byte) *challenge {
	for _, x := range []*challenge{&c.now, &c.last} {
		if x.value != nil && bytes.Equal(x.value, value) {
			return x
		}
	}
	return nil
}

// taken says whether the pair was used. Without a host challenge (EAP alone) there is no pair: EAP's methods see to that themselves.
func (x *challenge) taken(host []byte) bool {
	if host == nil {
		return false
	}
	_, ok := x.pairs[pairOf(host)]
	return ok
}

// take uses a pair. When there is no more room for pairs a new challenge is drawn: the old pairs go with their challenge, so that none can
// be used again.
func (c *Client) take(now engine.Now, x *challenge, host []byte) {
	if host == nil {
		return
	}
	x.pairs[pairOf(host)] = struct{}{}
	if len(x.pairs) < MaxPairs {
		return
	}
	if x == &c.last {
		c.last = challenge{}
	} else {
		c.rotate(now)
	}
}
