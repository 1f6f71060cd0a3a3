package aaa

import (
	"slices"
	"strings"
	"unicode"

	"roam6/engine"
	"roam6/machine/peers"
	"roam6/store/subscriber/profile"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// claim is whose an accounting record is.
type claim struct {
	network string // whose peer sent it
	name    string // of the subscriber in the database
	known   bool   // the session is
}

// claim says whose a record is, or why it is not taken. Of a session that is in another network it is not, whatever user it names. A network may
// speak of sessions that its own hosts have named, though: otherwise who used their Session-Ids for sessions of its own would have
// their records refused.
//
// spec DM-22
func (s *Server) claim(now engine.Now, f peers.Arrived, acr *mip6aaa.ACR) (claim, *diameter.Error, string) {
	refuse := func(code diameter.ResultCode, text, why string) (claim, *diameter.Error, string) {
		return claim{}, &diameter.Error{Code: code, Text: text}, why
	}
	p, ok := s.counter(f.From, acr.OriginRealm)
	if !ok {
		return refuse(unauthorized, "peer "+f.From+" does not count for our users", "accounting-not-of-peer")
	}
	name, err := acr.User, error(nil)
	if name != "" {
		name, err = profile.Canonical(name)
	} else if acr.Home.IsValid() {
		name = acr.Home.String()
	}
	x := s.sessions.byID[sessionKey{user: name, id: acr.Session}]
	known := x != nil && s.countsFor(f.From, x.seen)
	const most = 1<<63 - 1
	switch {
	case !known && (x != nil || s.elsewhere(acr.Session, f.From)) && !p.named(acr.Session):
		return refuse(unauthorized, "the session is not in a network of peer "+f.From, "accounting-not-of-network")
	case err != nil || name == "":
		return refuse(diameter.InvalidAVPValue, "User-Name names nobody", "acr-malformed")
	case strings.ContainsFunc(acr.Session, unicode.IsControl):
		return refuse(diameter.InvalidAVPValue, "Session-Id has control characters", "acr-malformed")
	case max(acr.OctetsUp, acr.OctetsDown, acr.PacketsUp, acr.PacketsDown) > most:
		return refuse(diameter.InvalidAVPValue, "a count over 2^63-1", "acr-malformed")
	case !known && !s.serves(name):
		return refuse(unauthorized, "the user is of another realm", "accounting-not-of-realm")
	case len(s.records) >= MaxRecords || s.recording[p.Network] >= MaxRecordsOfPartner:
		return refuse(tooBusy, "too many records at a time; send it again", "records-full")
	case !known && !s.unknownBucket(p.Network).Take(now.Mono, UnknownBurst, UnknownRate):
		return refuse(tooBusy, "too many records of sessions that are not known; send it again", "accounting-unknown-full")
	case known && !x.records.Take(now.Mono, RecordBurst, RecordRate):
		return refuse(tooBusy, "too many records of one session; send it again", "accounting-known-full")
	}
	return claim{p.Network, name, known}, nil, ""
}

// counter is the network whose accounting comes from a peer: a partner's, or that of AAA clients of our own. A peer that speaks for several is believed
// which of them: the one whose realm the request is from, which is the same by whatever way a copy comes, else the first.
func (s *Server) counter(from, realm string) (p Partner, ok bool) {
	list := s.cfg.Home.Partners
	if v := s.cfg.Visited; v != nil {
		list = append(slices.Clip(list), Partner{Network: v.Network, Realm: s.realm, Hosts: v.Clients})
	}
	for _, q := range list {
		if !contains(q.Hosts, from) {
			continue
		}
		if strings.EqualFold(q.realm(), realm) {
			return q, true
		}
		if !ok {
			p, ok = q, true
		}
	}
	return p, ok
}

// countsFor says whether accounting of sessions in a network comes from a peer.
func (s *Server) countsFor(from, network string) bool {
	_, ok := s.partner(from, network)
	return ok
}

// elsewhere says whether a Session-Id is known, of any user, and not for a network of a peer.
func (s *Server) elsewhere(id, from string) bool {
	list := s.sessions.named[id]
	return len(list) > 0 && !slices.ContainsFunc(list, func(x *session) bool { return s.countsFor(from, x.seen) })
}

// named says whether a Session-Id begins with the name of a host of the network's (RFC 6733 §8.8).
func (p *Partner) named(id string) bool {
	host, _, _ := strings.Cut(strings.ToLower(id), ";")
	return contains(p.Hosts, host) || strings.HasSuffix(host, "."+strings.ToLower(p.realm()))
}

// serves says whether a user is of one of our realms. One without a NAI is.
func (s *Server) serves(name string) bool {
	_, realm, nai := strings.Cut(name, "@")
	return !nai || contains(s.cfg.Home.Realms, realm)
}

// unknownBucket bounds the records of sessions that are not known, which a network could make up without end. There is one for each partner.
func (s *Server) unknownBucket(network string) *engine.Bucket {
	b := s.unknown[network]
	if b == nil {
		b = new(engine.Bucket)
		s.unknown[network] = b
	}
	return b
}
