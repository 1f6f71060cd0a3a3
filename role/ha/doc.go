// Package ha is the home agent: it keeps bindings of mobile nodes that are away, speaks for their home addresses on the
// home link, and has the plane tunnel their packets.
//
//	BU  ─▶ update.go   checks of RFC 6275 §10.3.1, §10.3.2; status codes        ─▶ binding.go   the cache, its records and its plane paths
//	       networks.go networks of mobile routers (RFC 3963)     several.go several care-of addresses (RFC 5648)
//	HOR ─▶ diameter.go, errand.go   what a HOR asks for    guest.go, guestkeys.go, guestrecord.go   mobile nodes that come from AAA
//	NS  ─▶ package neighbor answers for home addresses (§10.4.1)
//	DHAAD, mobile prefix solicitations ─▶ agents.go, prefix.go                     (§10.5, §10.6)
//
// agent.go is the dispatcher. The agent's service address lives in user space: the host's kernel routes packets for it, and for
// the home addresses it represents, into the plane.
package ha
