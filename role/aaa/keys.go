package aaa

import (
	"roam6/keying/aaa"
	"roam6/wire/access"
	"roam6/wire/mip6aaa"
)

// pending is a key that the mobile node asked for, until its peer has said what it needs to be told.
type pending struct {
	access.KeyRequest
	method access.Methods
	random []byte // with access.Random: what the mobile node will be told
}

// method chooses one of those that a mobile node can do.
func (s *Server) method(m access.Methods) access.Methods {
	if m&access.DiffieHellman != 0 && (s.cfg.Home.PreferDH || m&access.Random == 0) {
		return access.DiffieHellman
	}
	return access.Random
}

// agentKeys makes what the home agent takes or makes its key of: the session key of a fresh random number, or the mobile node's public
// value, which leaves the key to the two of them.
//
// spec DM-19 DM-20
func (s *Server) agentKeys(t *registration) (list []mip6aaa.PeerKey) {
	t.keys = nil
	for _, k := range t.req.Keys {
		if k.Use != access.HomeAgent {
			continue
		}
		p := pending{KeyRequest: k, method: s.method(k.Methods)}
		e := mip6aaa.PeerKey{Use: k.Use, Method: p.method, MNSPI: k.SPI, Lifetime: t.lifetime, Algorithm: access.AESGCM}
		if p.method == access.Random {
			p.random, e.Material = s.session(t, k.Use)
		} else {
			e.Public = k.Public
		}
		t.keys, list = append(t.keys, p), append(list, e)
	}
	return list
}

// session draws a random number and makes the session key of it.
func (s *Server) session(t *registration, use access.Use) (random, material []byte) {
	random = make([]byte, aaa.RandomLen)
	s.rand.Read(random)
	k, err := t.key.Session(aaa.Use(use), random)
	if err != nil {
		panic(err) // only wrong sizes are an error, and ours are constants
	}
	material = k.Octets()
	k.Erase()
	return random, material
}

// mobileKey is what the mobile node makes its end of a key of, once the peer has said its SPI and, with Diffie-Hellman, its public value,
// for which the server vouches. false if the peer did not.
//
// spec DM-19 DM-20
func (t *registration) mobileKey(p pending, peer *mip6aaa.PeerKey) (mip6aaa.MNKey, bool) {
	if peer == nil || peer.Method != p.method || peer.PeerSPI == 0 || p.method == access.DiffieHellman && peer.Public == nil {
		return mip6aaa.MNKey{}, false
	}
	d := access.KeyData{Use: p.Use, Method: p.method, Algorithm: access.AESGCM, SPI: peer.PeerSPI, Lifetime: t.lifetime, Value: p.random}
	if peer.Lifetime > 0 {
		d.Lifetime = min(d.Lifetime, peer.Lifetime)
	}
	if p.method == access.DiffieHellman {
		d.Value = peer.Public
		d.MAC = t.key.Vouch(aaa.Use(p.Use), t.req.HostChallenge, p.Public, peer.Public, peer.PeerSPI)
	}
	return mip6aaa.MNKey{KeyData: d, MNSPI: p.SPI}, true
}

// routerKey answers the request for a key with the access router, by what that offered in the ARR. Without an offer there is none.
//
// spec DM-19 DM-20
func (s *Server) routerKey(t *registration) (mip6aaa.MNKey, mip6aaa.PeerKey, bool) {
	offer := mip6aaa.FindPeerKey(t.arr.Peer, access.AccessRouter)
	for _, k := range t.req.Keys {
		if k.Use != access.AccessRouter || offer == nil || k.Methods&offer.Method == 0 {
			continue
		}
		p := pending{KeyRequest: k, method: offer.Method}
		e := mip6aaa.PeerKey{Use: k.Use, Method: p.method, MNSPI: k.SPI, PeerSPI: offer.PeerSPI, Lifetime: t.lifetime, Algorithm: access.AESGCM}
		if p.method == access.Random {
			p.random, e.Material = s.session(t, k.Use)
		} else {
			e.Public = k.Public
		}
		m, ok := t.mobileKey(p, offer)
		if !ok {
			e.Erase()
			return mip6aaa.MNKey{}, mip6aaa.PeerKey{}, false
		}
		return m, e, true
	}
	return mip6aaa.MNKey{}, mip6aaa.PeerKey{}, false
}
