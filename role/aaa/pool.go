package aaa

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"

	"roam6/engine"
	"roam6/wire/ip6"
)

// pool is the home agents of a realm and how much of each is in use.
type pool struct {
	agents []Agent
	used   []int // sessions, and requests on their way to become one
	open   func(host string) bool
}

func newPool(agents []Agent, open func(string) bool) pool {
	return pool{append([]Agent(nil), agents...), make([]int, len(agents)), open}
}

// none is no place in a pool.
const none = -1

func (p *pool) find(a netip.Addr) int {
	for i := range p.agents {
		if p.agents[i].Address == a {
			return i
		}
	}
	return none
}

// choose finds, of the home agents that fit, the one with the least part of its capacity in use: open, not drained, with room. Of equals
// the first.
//
// spec DM-13
func (p *pool) choose(fits func(*Agent) bool) int {
	best := none
	for i := range p.agents {
		a := &p.agents[i]
		if a.Drained || p.used[i] >= a.Capacity || !p.open(a.Host) || !fits(a) {
			continue
		}
		if best == none || int64(p.used[i])*int64(p.agents[best].Capacity) < int64(p.used[best])*int64(a.Capacity) {
			best = i
		}
	}
	return best
}

// away says whether one of the home agents that fit would be chosen if it were connected.
func (p *pool) away(fits func(*Agent) bool) bool {
	for i := range p.agents {
		if a := &p.agents[i]; !a.Drained && p.used[i] < a.Capacity && !p.open(a.Host) && fits(a) {
			return true
		}
	}
	return false
}

// take and give count one use; neither minds none.
func (p *pool) take(i int) {
	if i != none {
		p.used[i]++
	}
}

func (p *pool) give(i int) {
	if i != none {
		p.used[i]--
	}
}

// address draws a home address of a home link.
func address(r *engine.Rand, prefix netip.Prefix) netip.Addr {
	var id [8]byte
	r.Read(id[:])
	return identified(prefix, id)
}

// steady is the home address that a user always gets on a home link, as RFC 7217 §5 makes them: whoever lacks the secret can neither guess it
// nor tell whose it is. attempt is the number of home agents that refused it before.
//
// spec DM-17
func steady(secret []byte, prefix netip.Prefix, user string, attempt int) netip.Addr {
	m := hmac.New(sha256.New, secret)
	net := prefix.Masked().Addr().As16()
	m.Write(append(net[:], byte(prefix.Bits()), byte(attempt)))
	m.Write([]byte(user))
	return identified(prefix, [8]byte(m.Sum(nil)))
}

// assigns gives a home address for a user: a steady one if there is a secret.
func (s *Server) assigns(secret []byte, prefix netip.Prefix, user string, attempt int) netip.Addr {
	if len(secret) == 0 || user == "" {
		return address(s.rand, prefix)
	}
	return steady(secret, prefix, user, attempt)
}

// identified is an address of an interface identifier, with its universal and group bits clear (RFC 4291 §2.5.1); of one that is reserved even
// so, one that is not.
func identified(prefix netip.Prefix, id [8]byte) netip.Addr {
	a := prefix.Masked().Addr().As16()
	copy(a[8:], id[:])
	a[8] &^= 0x03
	if ip6.ReservedID(netip.AddrFrom16(a)) {
		a[8] ^= 0x04
	}
	return netip.AddrFrom16(a)
}

// unspecified is the home address of an update whose home agent is to assign one (§9.5.2).
var unspecified = netip.IPv6Unspecified()

// known says whether a is an address, rather than absent or unspecified.
func known(a netip.Addr) bool { return ip6.Routable(a) }
