package mn

import (
	"time"

	"roam6/engine"
)

// Registering on trust. Where the previous router has announced the node to the next one (RFC 5568) and has said so under the handover key,
// the next one lets it send for a while before it has authenticated itself (docs/access.md). So a fast handover is none the slower
// where networks ask who comes: the update goes at once, and the home network is asked beside it.

// LentFor is how long after it came such a node counts on passing: less than ar.Grace, so that nothing goes into a gate that has just
// closed. Until then the home network has answered, or packets are held.
const LentFor = 2 * time.Second

// passes reports whether the router lets the node pass for now because it was announced. Who lacks something that only the home network
// can give cannot register, and waits for it.
//
// spec DM-08
func (n *Node) passes(now engine.Now, a *access) bool {
	return a.vouched && a.lent > now.Mono && !n.lacks(now)
}

// onTrust reports whether what leaves now by an access does so before the home network has answered.
func (n *Node) onTrust(now engine.Now, a *access) bool {
	return a.applicant != nil && a.lent > now.Mono && !a.applicant.Admitted(now, a.coa)
}

// lentTick ends what was lent. What only the home agent's answer opened is closed again, unless the home network has answered.
//
// spec DM-08
func (n *Node) lentTick(now engine.Now, a *access, out *engine.Effects) {
	if a.lent == 0 || a.lent > now.Mono {
		return
	}
	a.lent = 0
	if !a.applicant.Known() || a.applicant.Admitted(now, a.coa) || !n.shutOut(now, a, out) {
		return
	}
	n.strategy.RegistrationFailed(now, a.link.Port, "not let in yet", out)
}

// shutOut takes back that packets go by an access: the home agent knows its address, but nothing passes any more. It is false where they do
// not.
func (n *Node) shutOut(now engine.Now, a *access, out *engine.Effects) bool {
	r := &n.home
	a.lent = 0
	if r.phase != current || r.atHome || r.port != a.link.Port || r.coa != a.coa {
		return false
	}
	r.phase = updating
	r.timers.Stop(refresh)
	n.Hold(now, out)
	return true
}
