package node

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"roam6/conf"
)

// Hints are what may be a mistake in a file that is right as far as the file alone can tell: realms and agreements that are nobody's among the
// Diameter nodes that it names. Each names file, line, key and value; none keeps a node from running.
func (c *Config) Hints() []error {
	h := &hinter{c: c}
	for i, r := range c.Roles {
		at := fmt.Sprintf(defaultRolePfx, i)
		switch {
		case r.AAA != nil:
			h.server(at+".aaa", r.AAA)
		case r.AR != nil && r.AR.AAA != nil:
			h.ownRealm(at+".ar.aaa.diameter", &r.AR.AAA.Diameter, "the AAA server of the network is of it")
		case r.HA != nil && r.HA.AAA != nil:
			h.ownRealm(at+".ha.aaa.diameter", &r.HA.AAA.Diameter, "the AAA server that sends mobile nodes is of it")
		case r.MN != nil && r.MN.AAA != nil && r.MN.NAI != "":
			_, realm, _ := strings.Cut(r.MN.NAI, "@")
			h.unless(realm != "", at+".mn.nai", r.MN.NAI, "names no realm, by which a network that is visited would find the home network: user@realm")
		}
	}
	return h.hints
}

// Secrets reports whether the file holds keys, rather than names of files with keys.
func (c *Config) Secrets() bool { return c.doc != nil && c.doc.HasSecrets() }

type hinter struct {
	c     *Config
	hints []error
}

// unless notes a hint at a place if something is not so. The line is named and not shown.
func (h *hinter) unless(ok bool, at, value, problem string) {
	if ok {
		return
	}
	err := h.c.Wrong(at, value, problem)
	if e := new(conf.Error); errors.As(err, &e) {
		e.Excerpt = ""
	}
	h.hints = append(h.hints, err)
}

// reach are the realms that a node's requests get to: those of its peers, and those of its routes; all says that there is a route for every realm.
func reach(d *DiameterConfig) (realms []string, all bool) {
	add := func(realm string) {
		if !among(realms, realm) {
			realms = append(realms, realm)
		}
	}
	for _, p := range d.Peers {
		add(p.Realm)
	}
	for _, r := range d.Routes {
		if all = all || r.Realm == "*"; r.Realm != "*" {
			add(r.Realm)
		}
	}
	return realms, all
}

func among(realms []string, realm string) bool {
	return slices.ContainsFunc(realms, func(r string) bool { return strings.EqualFold(r, realm) })
}

// like says which realms there are, and which one was probably meant.
func like(realm string, realms []string) string {
	text := strings.Join(realms, ", ")
	if near := conf.Nearest(realm, realms); near != "" {
		text += fmt.Sprintf(" (was %q meant?)", near)
	}
	return text
}

// ownRealm wants the server that a client asks to be of its own realm, unless routes say whom it asks.
func (h *hinter) ownRealm(at string, d *DiameterConfig, why string) {
	realms, _ := reach(d)
	h.unless(len(d.Routes) > 0 || among(realms, d.Realm), at+".realm", d.Realm, "is no peer's realm, and "+why+"; the peers are of "+like(d.Realm, realms))
}

func (h *hinter) server(at string, a *AAAConfig) {
	d := &a.Diameter
	realms, all := reach(d)
	own := []string{d.Realm}
	var known []string // realms of whom something is agreed
	if home := a.Home; home != nil {
		if len(home.Realms) > 0 {
			own = home.Realms
			h.unless(among(own, d.Realm), at+".home.realms", strings.Join(own, " "),
				"lacks "+d.Realm+", the server's own realm, whose users are then refused; was it forgotten, or mistyped?")
		}
		h.unless(len(home.Partners) > 0 || a.Visited != nil, at+".home.partners", "none", "lets users be in no network, not even in this one")
		for i, p := range home.Partners {
			key, realm := ".realm", p.Realm
			if realm == "" {
				key, realm = ".network", p.Network
			}
			known = append(known, realm)
			h.unless(all || among(realms, realm), fmt.Sprintf("%s.home.partners[%d]%s", at, i, key), realm,
				"is the realm of no peer and of no route; those are "+like(realm, realms)+". A network that is called otherwise than its realm has realm beside it")
		}
	}
	if v := a.Visited; v != nil {
		h.unless(len(v.Agreements) > 0, at+".visited.agreements", "none", "lets nobody in: each home realm whose users may come needs one")
		for i, g := range v.Agreements {
			known = append(known, g.Realm)
			served := a.Home != nil && among(own, g.Realm)
			h.unless(all || served || among(realms, g.Realm), fmt.Sprintf("%s.visited.agreements[%d].realm", at, i), g.Realm,
				"is the realm of no peer and of no route, so that nobody can be asked about its users; those are "+like(g.Realm, realms))
		}
	}
	h.strangers(at, a, own, known)
}

// strangers notes peers and routes of realms with which nothing is agreed. A peer that stands in hosts is an agent on the way of another realm, and one
// that routes name is one too.
func (h *hinter) strangers(at string, a *AAAConfig, own, known []string) {
	d := &a.Diameter
	var used []string
	if a.Home != nil {
		for _, p := range a.Home.Partners {
			used = append(used, p.Hosts...)
		}
		for _, p := range a.Home.HomeAgents {
			used = append(used, p.Host)
		}
	}
	if a.Visited != nil {
		used = append(used, a.Visited.Clients...)
		for _, g := range a.Visited.Agreements {
			used = append(used, g.Hosts...)
		}
		for _, p := range a.Visited.HomeAgents {
			used = append(used, p.Host)
		}
	}
	for _, r := range d.Routes {
		used = append(used, r.Via...)
	}
	lists := "home.partners has its network, visited.agreements its realm"
	for i, p := range d.Peers {
		known := among(used, p.Host) || among(known, p.Realm) || among(own, p.Realm) || strings.EqualFold(p.Realm, d.Realm)
		h.unless(known, fmt.Sprintf("%s.diameter.peers[%d].host", at, i), p.Host, "is a peer with which nothing is agreed, so that all it asks is refused; where it should not be, "+lists)
	}
	for i, r := range d.Routes {
		ours := r.Action == "redirect" || r.Realm == "*" || among(known, r.Realm)
		h.unless(ours, fmt.Sprintf("%s.diameter.routes[%d].realm", at, i), r.Realm, "is a realm with which nothing is agreed, so that its users are refused; where they should not be, "+lists)
	}
}
