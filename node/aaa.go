package node

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"roam6/conf"
	"roam6/machine/peers"
	"roam6/plane"
	"roam6/role/aaa"
	"roam6/role/ar"
	"roam6/role/ha"
)

// AAAConfig is an AAA server: of users at home (AAAh), of a network that is visited (AAAv), or both.
type AAAConfig struct {
	Diameter DiameterConfig `yaml:"diameter,required" doc:"the server among Diameter nodes"`
	Home     *HomeConfig    `yaml:"home" doc:"users of its own, from database; absent: none"`
	Visited  *VisitedConfig `yaml:"visited" doc:"the network that others' users visit; absent: none"`
}

// HomeConfig is what a server knows as the home of users.
type HomeConfig struct {
	Realms     []string          `yaml:"realms" doc:"realms of its users; default: diameter.realm"`
	Partners   []PartnerConfig   `yaml:"partners,required" doc:"networks that users may be in, its own among them"`
	HomeAgents []PoolAgentConfig `yaml:"home_agents" doc:"the pool that users are spread over"`
	Assign     string            `yaml:"assign_addresses" allowed:"on|off" doc:"who chooses home addresses where the subscriber has no fixed one: on the server, off the home agent; default off"`
	Secret     conf.Secret       `yaml:"address_secret" doc:"with assign_addresses: 32 octets in hexadecimal, from which and the NAI home addresses follow, so that a user keeps the same (RFC 7217); absent: another one each time"`
	PreferDH   string            `yaml:"prefer_dh" allowed:"on|off" doc:"of a mobile node that can do either, take keys by Diffie-Hellman, which the AAA servers do not know, rather than by random number; default off"`
	Session    time.Duration     `yaml:"session" doc:"how long a session lasts where the subscriber has nothing of its own, 1m to 8760h; default 1h"`
	Interim    time.Duration     `yaml:"interim" doc:"how often accounting records come while a session lasts, 10s to 24h; default: as the access router has it"`
}

// PartnerConfig is a network that users may visit.
type PartnerConfig struct {
	Network string   `yaml:"network,required" doc:"the identifier that its access routers advertise"`
	Realm   string   `yaml:"realm" doc:"of its AAA server; default: network"`
	Hosts   []string `yaml:"hosts,required" doc:"peers that its requests come from"`
	Agents  string   `yaml:"home_agents" allowed:"on|off" doc:"whether users may have a home agent there, if their subscription has it; default off"`
}

// VisitedConfig is what a server knows as the AAA server of a network that is visited.
type VisitedConfig struct {
	Network    string            `yaml:"network" doc:"the identifier that its access routers advertise; default: diameter.realm"`
	Clients    []string          `yaml:"clients,required" doc:"access routers: hosts of peers whose requests are sent on"`
	Agreements []AgreementConfig `yaml:"agreements" doc:"home realms whose users are let in, and what they may; those of other realms are refused"`
	HomeAgents []PoolAgentConfig `yaml:"home_agents" doc:"home agents for visitors"`
	Assign     string            `yaml:"assign_addresses" allowed:"on|off" doc:"who chooses home addresses: on the server, off the home agent; default off"`
	Secret     conf.Secret       `yaml:"address_secret" doc:"as that of home"`
}

// AgreementConfig lets users of a home realm in.
type AgreementConfig struct {
	Realm  string   `yaml:"realm,required" doc:"the home realm"`
	Hosts  []string `yaml:"hosts,required" doc:"peers that its requests come from"`
	Agents string   `yaml:"home_agents" allowed:"on|off" doc:"whether its users may have a home agent here; default off"`
}

// PoolAgentConfig is a home agent that users are given.
type PoolAgentConfig struct {
	Address  netip.Addr   `yaml:"address,required" doc:"its service address"`
	Host     string       `yaml:"host,required" doc:"its Diameter identity, the host of one of peers"`
	Prefix   netip.Prefix `yaml:"prefix,required" doc:"of its home link"`
	Capacity int          `yaml:"capacity,required" doc:"sessions it has room for; each agent gets its share of new ones"`
	Drained  string       `yaml:"drained" allowed:"on|off" doc:"on: it gets no new sessions; roam6 ctl changes it; default off"`
}

// ARAAAConfig is an access router as AAA client.
type ARAAAConfig struct {
	Diameter DiameterConfig   `yaml:"diameter,required" doc:"the router among Diameter nodes: its peer is the network's AAA server, to which everything goes unless there are routes"`
	Network  string           `yaml:"network" doc:"the visited network identifier that is advertised; default: diameter.realm"`
	Clients  []ARClientConfig `yaml:"clients,required" doc:"access links on which mobile nodes are asked who they are"`
	Gate     string           `yaml:"gate" allowed:"on|off" doc:"on: only what authenticated mobile nodes send is sent on; default on"`
	Session  time.Duration    `yaml:"session" doc:"how long a session lasts whose home network sets no end, 1m to 8760h; default 1h"`
	// Off by default: who counts must have a server that takes what was counted, or lets nobody in at last.
	Account string        `yaml:"accounting" allowed:"on|off" doc:"on: what sessions use is counted and told the home network when they begin, while they last, and when they end; default off"`
	Interim time.Duration `yaml:"interim" doc:"with accounting: time between records of a session where the home network sets none, 10s to 24h; default 5m"`
}

// ARClientConfig is an access link with an AAA client.
type ARClientConfig struct {
	Port    int        `yaml:"port,required" doc:"number of the link, one of links that the role advertises on"`
	Address netip.Addr `yaml:"address,required" doc:"the AAA client's address, in the link's prefix; not an address of the kernel"`
}

// HAAAAConfig is a home agent that takes mobile nodes from AAA servers.
type HAAAAConfig struct {
	Diameter DiameterConfig `yaml:"diameter,required" doc:"the home agent among Diameter nodes: its peer is its realm's AAA server"`
	Servers  []string       `yaml:"servers" doc:"hosts of the servers that may send mobile nodes; default: all peers"`
	Most     int            `yaml:"most" doc:"mobile nodes taken at most, 1 to 1048576; default 1048576"`
}

const (
	maxSession = 8760 * time.Hour
	maxInterim = 24 * time.Hour
	secretLen  = 32
)

func (k *checker) aaa(at string, a *AAAConfig, c *Config) {
	k.diameter(at+".diameter", &a.Diameter)
	k.must(a.Home != nil || a.Visited != nil, at, "neither home nor visited", "home, visited or both")
	hosts := hostsOf(&a.Diameter)
	if h := a.Home; h != nil {
		hat := at + ".home"
		k.must(c.Database != nil, hat, "no database", "database, where the subscribers are")
		for i, r := range h.Realms {
			k.identity(fmt.Sprintf("%s.realms[%d]", hat, i), r)
		}
		for i, p := range h.Partners {
			pat := fmt.Sprintf("%s.partners[%d]", hat, i)
			k.network(pat+".network", p.Network)
			k.hosts(pat+".hosts", p.Hosts, hosts)
		}
		k.pool(hat+".home_agents", h.HomeAgents, hosts)
		k.addressSecret(hat, h.Assign, h.Secret)
		k.session(hat+".session", &h.Session, aaa.DefaultSessionTime)
		k.must(h.Interim == 0 || h.Interim >= ar.MinInterim && h.Interim <= maxInterim, hat+".interim", h.Interim, "10s to 24h")
	}
	if v := a.Visited; v != nil {
		vat := at + ".visited"
		given(k, vat+".network", &v.Network, a.Diameter.Realm)
		k.network(vat+".network", v.Network)
		k.hosts(vat+".clients", v.Clients, hosts)
		for i, g := range v.Agreements {
			gat := fmt.Sprintf("%s.agreements[%d]", vat, i)
			k.identity(gat+".realm", g.Realm)
			k.hosts(gat+".hosts", g.Hosts, hosts)
		}
		k.pool(vat+".home_agents", v.HomeAgents, hosts)
		k.addressSecret(vat, v.Assign, v.Secret)
	}
}

// addressSecret checks what assigned addresses follow from.
func (k *checker) addressSecret(at, assign string, secret conf.Secret) {
	if k.doc.Has(at + ".address_secret") {
		k.must(assign == "on", at+".address_secret", secret, "nothing unless assign_addresses is on")
		k.must(len(secret) == secretLen, at+".address_secret", secret, "32 octets in hexadecimal (openssl rand -hex 32)")
	}
}

// network checks a visited network identifier as it stands in advertisements (docs/access.md).
func (k *checker) network(at, name string) {
	k.must(domain.MatchString(name) && len(name) <= maxNAI, at, name, "a name of up to 253 octets like a domain's, such as a.example")
}

func (k *checker) hosts(at string, list []string, known map[string]bool) {
	k.must(len(list) > 0, at, "none", "the host of at least one of diameter.peers")
	for i, h := range list {
		k.must(known[strings.ToLower(h)], fmt.Sprintf("%s[%d]", at, i), h, "the host of one of diameter.peers")
	}
}

func (k *checker) pool(at string, list []PoolAgentConfig, hosts map[string]bool) {
	seen := map[netip.Addr]bool{}
	for i, p := range list {
		pat := fmt.Sprintf("%s[%d]", at, i)
		k.prefix(pat+".prefix", p.Prefix)
		k.host(pat+".address", p.Address, p.Prefix, "prefix")
		k.must(!seen[p.Address], pat+".address", p.Address, "an address that no other home agent of the pool has")
		seen[p.Address] = true
		k.must(hosts[strings.ToLower(p.Host)], pat+".host", p.Host, "the host of one of diameter.peers")
		k.must(p.Capacity >= 1 && p.Capacity <= maxMobiles, pat+".capacity", p.Capacity, "1 to 1048576")
	}
}

func (k *checker) session(at string, d *time.Duration, def time.Duration) {
	given(k, at, d, def)
	k.must(*d >= time.Minute && *d <= maxSession, at, *d, "1m to 8760h")
}

func (k *checker) routerAAA(at string, r *ARConfig) {
	a := r.AAA
	k.diameter(at+".diameter", &a.Diameter)
	given(k, at+".network", &a.Network, a.Diameter.Realm)
	k.network(at+".network", a.Network)
	given(k, at+".gate", &a.Gate, "on")
	k.session(at+".session", &a.Session, ar.DefaultSession)
	given(k, at+".accounting", &a.Account, "off")
	given(k, at+".interim", &a.Interim, ar.DefaultInterim)
	k.must(a.Account == "on" || !k.doc.Has(at+".interim"), at+".interim", a.Interim, "nothing unless accounting is on")
	k.must(a.Interim >= ar.MinInterim && a.Interim <= maxInterim, at+".interim", a.Interim, "10s to 24h")
	k.must(len(a.Clients) > 0, at+".clients", "none", "at least one of the role's links")
	seen := map[int]bool{}
	for i, c := range a.Clients {
		cat := fmt.Sprintf("%s.clients[%d]", at, i)
		link := linkOf(r.Links, c.Port)
		k.must(link != nil && !seen[c.Port], cat+".port", c.Port, "the port of one of the role's links, given once")
		seen[c.Port] = true
		if link != nil {
			k.host(cat+".address", c.Address, link.Prefix, "the link's prefix")
			k.must(c.Address != link.Address, cat+".address", c.Address, "another address than the kernel's")
		}
		k.own(cat+".address", c.Address)
	}
}

func linkOf(list []AdvertiseConfig, port int) *AdvertiseConfig {
	for i := range list {
		if list[i].Port == port {
			return &list[i]
		}
	}
	return nil
}

func (k *checker) homeAgentAAA(at string, a *HAAAAConfig) {
	k.diameter(at+".diameter", &a.Diameter)
	hosts := hostsOf(&a.Diameter)
	if len(a.Servers) > 0 {
		k.hosts(at+".servers", a.Servers, hosts)
	}
	given(k, at+".most", &a.Most, ha.MaxGuests)
	k.must(a.Most >= 1 && a.Most <= ha.MaxGuests, at+".most", a.Most, fmt.Sprintf("1 to %d", ha.MaxGuests))
}

func hostsOf(d *DiameterConfig) map[string]bool {
	known := map[string]bool{}
	for _, p := range d.Peers {
		known[strings.ToLower(p.Host)] = true
	}
	return known
}

func aaaServer(a *AAAConfig) aaa.Config {
	c := aaa.Config{Peers: diameterOf(&a.Diameter)}
	if h := a.Home; h != nil {
		c.Home = &aaa.Home{Realms: h.Realms, Pool: poolOf(h.HomeAgents), Assign: h.Assign == "on", Secret: h.Secret, PreferDH: h.PreferDH == "on", SessionTime: h.Session, Interim: h.Interim}
		for _, p := range h.Partners {
			c.Home.Partners = append(c.Home.Partners, aaa.Partner{Network: p.Network, Realm: p.Realm, Hosts: p.Hosts, Agents: p.Agents == "on"})
		}
	}
	if v := a.Visited; v != nil {
		c.Visited = &aaa.Visited{Network: v.Network, Clients: v.Clients, Pool: poolOf(v.HomeAgents), Assign: v.Assign == "on", Secret: v.Secret}
		for _, g := range v.Agreements {
			c.Visited.Agreements = append(c.Visited.Agreements, aaa.Agreement{Realm: g.Realm, Hosts: g.Hosts, Agents: g.Agents == "on"})
		}
	}
	return c
}

func poolOf(list []PoolAgentConfig) (out []aaa.Agent) {
	for _, p := range list {
		out = append(out, aaa.Agent{Address: p.Address, Host: p.Host, Prefix: p.Prefix, Capacity: p.Capacity, Drained: p.Drained == "on"})
	}
	return out
}

func routerAAA(a *ARAAAConfig) *ar.AAA {
	if a == nil {
		return nil
	}
	c := &ar.AAA{Peers: diameterOf(&a.Diameter), Network: a.Network, Gate: a.Gate == "on", Session: a.Session, Accounting: a.Account == "on", Interim: a.Interim}
	if len(c.Peers.Routes) == 0 {
		all := peers.Route{Realm: "*", Action: peers.Relay}
		for _, p := range a.Diameter.Peers {
			all.Via = append(all.Via, p.Host)
		}
		c.Peers.Routes = append(c.Peers.Routes, all)
	}
	for _, l := range a.Clients {
		c.Clients = append(c.Clients, ar.AAAClient{Port: plane.Port(l.Port), Address: l.Address})
	}
	return c
}

func homeAgentAAA(a *HAAAAConfig) *ha.Diameter {
	if a == nil {
		return nil
	}
	return &ha.Diameter{Node: diameterOf(&a.Diameter), Servers: a.Servers, MaxGuests: a.Most}
}
