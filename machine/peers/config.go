package peers

import (
	"fmt"
	"net/netip"

	"roam6/engine"
	"roam6/wire/diameter"
)

// Config is what a node knows of itself and of others. Host, Realm and the hosts and realms of others are DiameterIdentities: domain names,
// compared without regard to case.
type Config struct {
	Host, Realm string
	Product     string       // Product-Name; "roam6" if empty
	Addresses   []netip.Addr // Host-IP-Address; empty: that of each connection
	Apps        []App        // applications in which this node answers; one that passes messages on has diameter.AppRelay too
	Listen      []Listen
	Peers       []Peer
	Routes      []Route // the first that fits is taken, "*" after all others
	Strangers   bool    // take peers that are not listed, if TLS proved their name
	Routed      bool    // others' requests go by Routes alone, not to any peer that their Destination-Host names
}

// App is an application in which the node has something to say, as Auth-Application-Id or Acct-Application-Id (RFC 6733 §6.8, §6.9).
type App struct {
	ID   uint32
	Acct bool
}

// Listen is an address where peers may connect. TLS names a profile of the node, empty is plain TCP.
type Listen struct {
	Name string
	At   netip.AddrPort
	TLS  string
}

// Peer is a node that this one is connected with.
type Peer struct {
	Host, Realm string
	At          netip.AddrPort // where it is dialled; unset: it dials us
	TLS         string         // the profile its connections must be protected by, in either direction; empty: they need not be
	Server      string         // the name its certificate bears when it is dialled; empty: Host
	From        netip.Prefix   // its connections come from here; unset: from anywhere, and without TLS whoever reaches us can claim its name
}

// Action is what is done with a request, RFC 6733 §6.1.
type Action uint8

// The actions.
const (
	Relay    Action = iota // sent on as it is, with a Route-Record
	Local                  // answered here: Arrived
	Proxy                  // sent on by the owner of the node, who may edit it: Arrived with Proxy
	Redirect               // answered with the hosts of Via as Redirect-Host
)

// Route says what is done with requests for a realm. Realm "*" is every realm, App 0 every application.
type Route struct {
	Realm  string
	App    uint32
	Via    []string // hosts of peers in order of preference
	Action Action
	Own    bool // for requests of this node alone: those of others to this realm are not sent on
}

// way is a Route, made ready.
type way struct {
	app    uint32
	action Action
	own    bool
	via    []*peer
	hosts  []string // of a redirect, as Redirect-Host
}

// sendsOn says whether requests of others go this way.
func (w *way) sendsOn() bool { return w != nil && w.action != Local && !w.own }

// configure checks the configuration and makes tables of it.
func (n *Node) configure() error {
	for _, id := range []struct{ what, value string }{{"Host", n.cfg.Host}, {"Realm", n.cfg.Realm}} {
		if !isIdentity(id.value) {
			return fmt.Errorf("diameter: %s is %q; it must be a domain name of 1 to %d ASCII letters, digits, hyphens and dots", id.what, id.value, diameter.MaxIdentity)
		}
	}
	names := map[string]bool{}
	for _, l := range n.cfg.Listen {
		if l.Name == "" || names[l.Name] || !l.At.IsValid() {
			return fmt.Errorf("diameter: listener %q at %v: it needs a name of its own, an address and a port", l.Name, l.At)
		}
		names[l.Name] = true
	}
	for _, c := range n.cfg.Peers {
		host := lower(c.Host)
		switch {
		case !isIdentity(c.Host) || c.Realm != "" && !isIdentity(c.Realm):
			return fmt.Errorf("diameter: peer %q of realm %q: both must be domain names", c.Host, c.Realm)
		case host == n.host:
			return fmt.Errorf("diameter: peer %q is this node itself", c.Host)
		case n.byHost[host] != nil:
			return fmt.Errorf("diameter: peer %q is listed twice", c.Host)
		}
		if c.Server == "" {
			c.Server = c.Host
		}
		p := newPeer(host, c)
		n.byHost[host] = p
		n.listed = append(n.listed, p)
	}
	for _, r := range n.cfg.Routes {
		if err := n.addRoute(r); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) addRoute(r Route) error {
	realm := lower(r.Realm)
	w := way{app: r.App, action: r.Action, own: r.Own}
	switch {
	case realm != "*" && !isIdentity(r.Realm):
		return fmt.Errorf("diameter: route for realm %q: it must be a domain name, or * for all", r.Realm)
	case r.Action > Redirect:
		return fmt.Errorf("diameter: route for realm %q: action %d; 0 to %d is allowed", r.Realm, r.Action, Redirect)
	case (r.Action == Local) != (len(r.Via) == 0):
		return fmt.Errorf("diameter: route for realm %q: a local one goes by way of nobody, any other needs at least one host", r.Realm)
	case len(r.Via) > MaxVia:
		return fmt.Errorf("diameter: route for realm %q: %d hosts; at most %d are allowed", r.Realm, len(r.Via), MaxVia)
	}
	for _, host := range r.Via {
		p := n.byHost[lower(host)]
		switch {
		case r.Action == Redirect:
			w.hosts = append(w.hosts, redirectURI(host, p))
		case p == nil:
			return fmt.Errorf("diameter: route for realm %q goes by way of %q, which is not among the peers", r.Realm, host)
		default:
			w.via = append(w.via, p)
		}
	}
	n.routes[realm] = append(n.routes[realm], w)
	return nil
}

func newPeer(host string, c Peer) *peer {
	return &peer{host: host, realm: lower(c.Realm), cfg: c, state: Closed, watch: Initial, armed: engine.Never, pending: emptyQueue}
}

// isIdentity says whether s can be a DiameterIdentity: a domain name, as far as its letters go.
func isIdentity(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return s != "" && len(s) <= diameter.MaxIdentity
}
