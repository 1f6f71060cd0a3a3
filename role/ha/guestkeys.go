package ha

import (
	"net/netip"
	"time"

	"roam6/keying/aaa"
	"roam6/machine/sa"
	"roam6/wire/access"
	"roam6/wire/mip6aaa"
)

// freshKeys are an association to be, and what AAA is told of it.
type freshKeys struct {
	config   sa.ESPConfig
	sa       *sa.SA
	lifetime time.Duration
	told     mip6aaa.PeerKey
}

// protect makes the association with a home address, by which its owner is known.
func (k *freshKeys) protect(hoa netip.Addr) bool {
	s, err := sa.New(sa.Config{ESP: &k.config}, hoa.String())
	if err == nil {
		k.sa = s
	}
	return err == nil
}

// wantsKeys refuses a HOR without the keys that its node needs, or with some for one that has its own.
func (a *Agent) wantsKeys(e *errand, m *mobile) string {
	k := mip6aaa.FindPeerKey(e.hor.Peer, access.HomeAgent)
	switch {
	case k != nil && m != nil && !m.visitor:
		return "hor-keys-not-wanted"
	case k == nil && (m == nil || a.served(m.hoa) != m):
		return "hor-no-keys"
	case k != nil && (k.MNSPI < sa.MinSPI || k.Algorithm != access.AESGCM):
		return "hor-no-keys"
	}
	return ""
}

// makeKeys makes the association that a HOR asks for, §10 of the draft: of a session key that AAA sent, or with Diffie-Hellman of one
// that AAA never sees.
//
// spec DM-19 DM-20
func (a *Agent) makeKeys(e *errand, home netip.Addr) string {
	h := e.hor
	k := mip6aaa.FindPeerKey(h.Peer, access.HomeAgent)
	if k == nil {
		return ""
	}
	e.identity = aaa.Identity(h.User, home)
	fresh := &freshKeys{lifetime: k.Lifetime}
	if fresh.lifetime == 0 {
		fresh.lifetime = authorization(h.Lifetime, nil)
	}
	fresh.lifetime = min(fresh.lifetime, MaxAuthorization)
	fresh.told = mip6aaa.PeerKey{Use: access.HomeAgent, Method: k.Method, MNSPI: k.MNSPI, PeerSPI: a.drawSPI(), Lifetime: fresh.lifetime, Algorithm: access.AESGCM}
	session, reason := a.session(e, k, fresh)
	if reason != "" {
		return reason
	}
	toPeer, toMobile := session.ESP(aaa.HomeAgent, e.identity, a.cfg.Address.String(), fresh.told.PeerSPI, k.MNSPI)
	session.Erase()
	fresh.config = sa.ESPConfig{OutSPI: k.MNSPI, InSPI: fresh.told.PeerSPI, OutKey: toMobile, InKey: toPeer}
	if !fresh.protect(home) {
		return "hor-no-keys"
	}
	a.guests.spis[fresh.told.PeerSPI] = true
	e.keys = fresh
	return ""
}

// session is the key that the association is made of.
func (a *Agent) session(e *errand, k *mip6aaa.PeerKey, fresh *freshKeys) (aaa.Session, string) {
	switch {
	case k.Method == access.Random && len(k.Material) == aaa.KeyLen:
		s, err := aaa.NewSession(k.Material)
		if err != nil {
			return aaa.Session{}, "hor-no-keys"
		}
		return s, ""
	case k.Method == access.DiffieHellman && len(k.Public) == aaa.PublicLen && e.hor.Visited != "":
		own := aaa.DrawPrivate(a.rand)
		fresh.told.Public = own.Public()
		s, err := own.Session(aaa.Parties{Use: aaa.HomeAgent, Mobile: e.identity, Visited: e.hor.Visited, MobilePublic: k.Public, PeerPublic: fresh.told.Public})
		if err != nil {
			return aaa.Session{}, "hor-public-value"
		}
		return s, ""
	}
	return aaa.Session{}, "hor-no-keys"
}

// drawSPI chooses the SPI of what the mobile node sends: no other of this agent's.
func (a *Agent) drawSPI() uint32 {
	for {
		if spi := uint32(a.rand.Uint64()); spi >= sa.MinSPI && !a.guests.spis[spi] {
			return spi
		}
	}
}

// dropKeys takes back what makeKeys made.
func (a *Agent) dropKeys(e *errand) {
	if e.keys != nil {
		delete(a.guests.spis, e.keys.told.PeerSPI)
		e.keys = nil
	}
}
