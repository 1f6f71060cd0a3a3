package node

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"roam6/machine/peers"
)

// Ports of Diameter, RFC 6733 §11.4.
const (
	diameterPort    = 3868
	diameterTLSPort = 5658
)

// Limits of a Diameter node's configuration.
const (
	maxListeners = 8
	maxPeers     = 1024
	maxRoutes    = 1024
	maxIdentity  = 255 // RFC 1035 §2.3.4
)

// DiameterConfig is a role as a node among Diameter nodes (RFC 6733).
type DiameterConfig struct {
	Host   string         `yaml:"host,required" doc:"Diameter identity: a domain name, such as aaa.home.example; with TLS the one in its certificate"`
	Realm  string         `yaml:"realm,required" doc:"the domain it belongs to, such as home.example"`
	Listen []ListenConfig `yaml:"listen" doc:"where peers may connect; none by default"`
	Peers  []PeerConfig   `yaml:"peers,required" doc:"nodes it is connected with; nobody else is let in"`
	Routes []RealmConfig  `yaml:"routes" doc:"where requests go by their Destination-Realm; a realm of which a peer is needs none"`
}

// ListenConfig is where peers connect.
type ListenConfig struct {
	Address netip.Addr `yaml:"address,required" doc:"an address of this host"`
	Port    int        `yaml:"port" doc:"TCP port; default 3868, with TLS 5658"`
	TLS     string     `yaml:"tls" doc:"the profile of tls that protects the connections; absent: nothing does"`
}

// PeerConfig is a Diameter node that this one is connected with.
type PeerConfig struct {
	Host    string       `yaml:"host,required" doc:"its Diameter identity"`
	Realm   string       `yaml:"realm" doc:"its realm; default: the host without its first label"`
	Address netip.Addr   `yaml:"address" doc:"where it is dialled; absent: it dials this node"`
	Port    int          `yaml:"port" doc:"TCP port; default 3868, with TLS 5658"`
	TLS     string       `yaml:"tls" doc:"the profile of tls that its connections must be protected by; absent: they need not be"`
	From    netip.Prefix `yaml:"from" doc:"where its connections come from; absent: anywhere. Without tls whoever reaches this node can claim its name"`
}

// RealmConfig is a route by realm.
type RealmConfig struct {
	Realm  string   `yaml:"realm,required" doc:"Destination-Realm of requests, or * for all that no other route names"`
	Via    []string `yaml:"via,required" doc:"hosts of peers, the preferred first"`
	Action string   `yaml:"action" allowed:"relay|redirect" doc:"relay sends requests on, redirect names the hosts of via to who asks; default relay"`
}

var domain = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$`)

func (k *checker) identity(at, name string) {
	k.must(domain.MatchString(name) && len(name) <= maxIdentity, at, name, "a domain name of two labels or more, such as aaa.home.example")
}

// diameter checks a role's part among Diameter nodes, and fills in what is left open.
func (k *checker) diameter(at string, d *DiameterConfig) {
	k.identity(at+".host", d.Host)
	k.identity(at+".realm", d.Realm)
	k.must(len(d.Listen) <= maxListeners, at+".listen", len(d.Listen), fmt.Sprintf("%d at most", maxListeners))
	for i := range d.Listen {
		l, lat := &d.Listen[i], fmt.Sprintf("%s.listen[%d]", at, i)
		k.must(l.Address.IsValid() && !l.Address.IsMulticast(), lat+".address", l.Address, "an address of this host, or :: for all")
		k.profile(lat+".tls", l.TLS)
		k.port(lat+".port", &l.Port, l.TLS)
	}
	k.must(len(d.Peers) > 0 && len(d.Peers) <= maxPeers, at+".peers", len(d.Peers), fmt.Sprintf("1 to %d peers", maxPeers))
	known := map[string]bool{}
	for i := range d.Peers {
		k.peer(fmt.Sprintf("%s.peers[%d]", at, i), d, &d.Peers[i], known)
	}
	k.must(len(d.Routes) <= maxRoutes, at+".routes", len(d.Routes), fmt.Sprintf("%d at most", maxRoutes))
	for i, r := range d.Routes {
		rat := fmt.Sprintf("%s.routes[%d]", at, i)
		if r.Realm != "*" {
			k.identity(rat+".realm", r.Realm)
		}
		k.must(len(r.Via) > 0, rat+".via", "none", "the host of at least one of peers")
		for j, v := range r.Via {
			k.must(known[strings.ToLower(v)], fmt.Sprintf("%s.via[%d]", rat, j), v, "the host of one of peers")
		}
	}
}

func (k *checker) peer(at string, d *DiameterConfig, p *PeerConfig, known map[string]bool) {
	k.identity(at+".host", p.Host)
	name := strings.ToLower(p.Host)
	k.must(!known[name] && !strings.EqualFold(p.Host, d.Host), at+".host", p.Host, "the host of another node, given once")
	known[name] = true
	if !k.doc.Has(at + ".realm") {
		_, p.Realm, _ = strings.Cut(p.Host, ".")
	}
	k.identity(at+".realm", p.Realm)
	k.profile(at+".tls", p.TLS)
	if k.doc.Has(at+".port") || p.Address.IsValid() {
		k.must(p.Address.IsValid(), at+".port", p.Port, "no port without address: the peer dials this node")
		k.port(at+".port", &p.Port, p.TLS)
	}
	k.must(p.Address.IsValid() || len(d.Listen) > 0, at+".address", "none", "the peer's address, or listen, so that it can dial this node")
	k.must(!p.From.IsValid() || p.From == p.From.Masked(), at+".from", p.From, "a prefix with no bits behind its length")
}

func (k *checker) port(at string, port *int, tls string) {
	def := diameterPort
	if tls != "" {
		def = diameterTLSPort
	}
	given(k, at, port, def)
	k.must(*port > 0 && *port < 1<<16, at, *port, "1 to 65535")
}

// diameterOf is a checked configuration as package peers takes it; the role fills in its applications.
func diameterOf(d *DiameterConfig) peers.Config {
	c := peers.Config{Host: d.Host, Realm: d.Realm}
	for i, l := range d.Listen {
		c.Listen = append(c.Listen, peers.Listen{Name: fmt.Sprintf("diameter%d", i+1), At: netip.AddrPortFrom(l.Address, uint16(l.Port)), TLS: l.TLS})
	}
	for _, p := range d.Peers {
		to := peers.Peer{Host: p.Host, Realm: p.Realm, TLS: p.TLS, From: p.From}
		if p.Address.IsValid() {
			to.At = netip.AddrPortFrom(p.Address, uint16(p.Port))
		}
		c.Peers = append(c.Peers, to)
	}
	for _, r := range d.Routes {
		route := peers.Route{Realm: r.Realm, Via: r.Via, Action: peers.Relay}
		if r.Action == "redirect" {
			route.Action = peers.Redirect
		}
		c.Routes = append(c.Routes, route)
	}
	return c
}
