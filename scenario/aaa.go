package scenario

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Networks that ask who comes, in two-operators: an AAA server in each operator and one at home, and with a home agent for visitors in
// operator B (draft-le-aaa-diameter-mobileipv6-04; docs/access.md, docs/diameter.md). They stand behind all other nodes, whose numbers are
// counted on (ifaceHW).

// Values of Mobile.AAA, Mobile.HomeAgent and Mobile.Keys.
const (
	aaaOn       = "on"
	configured  = "configured"
	atHome      = "home"
	inVisited   = "visited"
	randomKeys  = "random"
	homeRealm   = "home.example"
	diameterTLS = "peers" // the TLS profile, of connections that keys travel by and of those between realms
)

// Diameter identities of the home network, and of the visited home agent.
const (
	homeServerHost   = "aaah." + homeRealm
	homeAgentHost    = "ha." + homeRealm
	visitedRealm     = "b.example"
	visitedAgentHost = "ha." + visitedRealm
)

// The visited home agent: a home link that nobody can be on.
var (
	VisitedHomePrefix = netip.MustParsePrefix("2001:db8:b:f::/64")
	VisitedHomeAgent  = netip.MustParseAddr("2001:db8:b:f::a")
)

// Third groups of the wires to AAA servers and the visited home agent; the first is one of infraOfHome.
const (
	infraAAAh  = 0x31
	infraAAAvA = 0xa8
	infraAAAvB = 0xb8
	infraHAB   = 0xb9
)

var infraOfHome = netip.MustParsePrefix("2001:db8:ffff:30::/60")

// aaaDelay is one way inside an operator's, or the home network's, machine room and back country.
const aaaDelay = 2 * time.Millisecond

// poolCapacity is how many sessions a home agent of a pool has room for: any number of replicas.
const poolCapacity = MaxMobiles

// operatorAAA is an operator's AAA server.
type operatorAAA struct {
	name, router, realm string
	link                int
}

var operatorsAAA = []operatorAAA{{"aaav-a", "opa", "a.example", infraAAAvA}, {"aaav-b", "opb", visitedRealm, infraAAAvB}}

func (o operatorAAA) host() string { return "aaav." + o.realm }

// realmOf is the realm of an access router, and its identity.
func (a accessCell) diameter() (o operatorAAA, host string) {
	for _, o = range operatorsAAA {
		if o.router == a.operator {
			break
		}
	}
	return o, a.name + "." + o.realm
}

func (b *builder) aaa() bool { return b.s.Topology == TwoOperators && b.s.Mobile.AAA == aaaOn }

// aaaUp is how long AAA servers, home agents and access routers have to find each other before the first mobile node comes: a network
// is up before its users are.
const aaaUp = 500 * time.Millisecond

// lead is how much later mobile nodes begin than the world.
func (b *builder) lead() time.Duration {
	if !b.aaa() {
		return 0
	}
	return aaaUp
}

// Keyed reports whether the home network gives mobile nodes their keys.
func (m *Mobile) Keyed() bool {
	return m.AAA == aaaOn && m.Keys != configured && (m.Keys != "" || m.HomeAgent != configured)
}

// assigned reports whether the home network gives mobile nodes home agent and home address.
func (m *Mobile) assigned() bool { return m.AAA == aaaOn && m.HomeAgent != configured }

// homeOf is the home address of mobile node i: the one that its applications will have.
func (b *builder) homeOf(i int) netip.Addr {
	switch {
	case !b.s.Mobile.assigned():
		return HomeAddress(i)
	case b.visitedFirst():
		return b.steady("aaav-b", VisitedHomePrefix, nai(i))
	}
	return b.steady("aaah", HomePrefix, nai(i))
}

// visitedFirst reports whether mobile nodes are given a home agent of the network they start in.
func (b *builder) visitedFirst() bool {
	if b.s.Mobile.HomeAgent != inVisited {
		return false
	}
	for _, a := range accessCells {
		if a.name == b.s.Mobile.Start {
			return a.operator == "opb"
		}
	}
	return false
}

func (b *builder) addressSecret(server string) []byte {
	s := b.derive("assigned addresses", server)
	return s[:]
}

// steady is the home address that an AAA server assigns, as package role/aaa makes it: worked out here because traffic is planned before
// anybody has it.
func (b *builder) steady(server string, prefix netip.Prefix, user string) netip.Addr {
	m := hmac.New(sha256.New, b.addressSecret(server))
	a := prefix.Addr().As16()
	m.Write(append(a[:], byte(prefix.Bits()), 0))
	m.Write([]byte(user))
	copy(a[8:], m.Sum(nil))
	a[8] &^= 3
	return netip.AddrFrom16(a)
}

func (b *builder) longTerm(i int) []byte {
	k := b.derive("long-term", mobileName(i))
	return k[:]
}

// mobileAAA is what mobile node i is told of its home network.
func (b *builder) mobileAAA(i int) string {
	if !b.aaa() {
		return ""
	}
	m := b.s.Mobile
	out := fmt.Sprintf("      aaa: {key: \"%x\"", b.longTerm(i))
	if m.Keyed() {
		out += ", keys: " + or(m.Keys, randomKeys)
	}
	if m.assigned() {
		out += ", home_agent_in: " + m.HomeAgent
	}
	return out + "}\n"
}

// subscribers are the mobile nodes as their home AAA server knows them.
func (b *builder) subscribers() []byte {
	type subscriber struct {
		NAI     string     `json:"nai"`
		Home    netip.Addr `json:"home_address,omitzero"`
		Key     []byte     `json:"key"`
		Agent   netip.Addr `json:"home_agent,omitzero"`
		From    string     `json:"address_from"`
		Visited bool       `json:"visited_home_agent"`
	}
	var out []byte
	for i := range b.o.Nodes {
		s := subscriber{NAI: nai(i), Key: b.longTerm(i), From: atHome}
		switch b.s.Mobile.HomeAgent {
		case configured:
			s.Home, s.Agent = HomeAddress(i), HomeAgent
		case inVisited:
			s.From, s.Visited = inVisited, true
		}
		line, err := json.Marshal(s)
		if err != nil {
			panic("scenario: " + err.Error()) // plain values always print
		}
		out = append(append(out, line...), '\n')
	}
	return out
}

// admission adds the nodes of AAA, and what those that are there need for them.
func (b *builder) admission() {
	if !b.aaa() {
		return
	}
	b.wire("ha", "aaah", aaaDelay)
	b.spur("ha", "aaah", infraAAAh, b.homeServer())
	b.route("core", Route{Dst: infraOfHome, Via: infra(infraHA, 2), Iface: "ha"})
	for _, o := range operatorsAAA {
		b.wire(o.router, o.name, aaaDelay)
		b.spur(o.router, o.name, o.link, b.visitedServer(o))
	}
	if b.s.Mobile.HomeAgent != inVisited {
		return
	}
	b.wire("opb", "ha-b", aaaDelay)
	b.spur("opb", "ha-b", infraHAB, b.visitedAgent())
	b.route("opb", Route{Dst: VisitedHomePrefix, Via: infra(infraHAB, 2), Iface: "ha-b"})
}

// spur adds a node behind another, on a wire of their own.
func (b *builder) spur(at, name string, link int, n Node) {
	n.Name, n.Routes = name, []Route{{Dst: everything, Via: infra(link, 1), Iface: "core"}}
	b.iface(b.named(at), Iface{Name: name, Segment: at + "-" + name, Addrs: on(infra(link, 1))})
	b.iface(b.node(n), Iface{Name: "core", Segment: at + "-" + name, Addrs: on(infra(link, 2))})
}

func (b *builder) named(name string) int {
	for i := range b.plan.Nodes {
		if b.plan.Nodes[i].Name == name {
			return i
		}
	}
	panic("scenario: no node " + name)
}

func (b *builder) route(node string, r Route) {
	n := &b.plan.Nodes[b.named(node)]
	n.Routes = append(n.Routes, r)
}

// tlsProfile is the one of nodes with TLS. Worlds have certificates of their own; the files are those of hosts.
func tlsProfile() string {
	return fmt.Sprintf("tls: [{name: %s, certificate: /etc/roam6/node.pem, key: /etc/roam6/node.key, authorities: /etc/roam6/ca.pem}]\n", diameterTLS)
}

// diameterNode is the part of a configuration that is the same of all Diameter nodes, at the indentation of a role's keys.
func diameterNode(host, realm string, listen, peers []string) string {
	var w strings.Builder
	fmt.Fprintf(&w, "diameter:\n  host: %s\n  realm: %s\n", host, realm)
	if len(listen) > 0 {
		fmt.Fprintf(&w, "  listen: [%s]\n", strings.Join(listen, ", "))
	}
	w.WriteString("  peers:\n")
	for _, p := range peers {
		fmt.Fprintf(&w, "    - {%s}\n", p)
	}
	return w.String()
}

// indented puts blanks before each line.
func indented(n int, text string) string {
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+pad) + "\n"
}

func listenAt(link int) (plain, tls string) {
	return fmt.Sprintf("{address: %s}", infra(link, 2)), fmt.Sprintf("{address: %s, tls: %s}", infra(link, 2), diameterTLS)
}

func poolEntry(address netip.Addr, host string, prefix netip.Prefix) string {
	return fmt.Sprintf("home_agents: [{address: %s, host: %s, prefix: %s, capacity: %d}]\n", address, host, prefix, poolCapacity)
}

// lends reports whether an operator has home agents for visitors.
func (b *builder) lends(o operatorAAA) bool {
	return o.realm == visitedRealm && b.s.Mobile.HomeAgent == inVisited
}

// homeServer is AAAh.
func (b *builder) homeServer() Node {
	_, tls := listenAt(infraAAAh)
	peers := []string{fmt.Sprintf("host: %s, tls: %s", homeAgentHost, diameterTLS)}
	partners := ""
	for _, o := range operatorsAAA {
		peers = append(peers, fmt.Sprintf("host: %s, tls: %s", o.host(), diameterTLS))
		agents := "off"
		if b.lends(o) {
			agents = "on"
		}
		partners += fmt.Sprintf("  - {network: %s, hosts: [%s], home_agents: %s}\n", o.realm, o.host(), agents)
	}
	home := "partners:\n" + partners + poolEntry(HomeAgent, homeAgentHost, HomePrefix) +
		fmt.Sprintf("assign_addresses: on\naddress_secret: \"%x\"\n", b.addressSecret("aaah"))
	text := "name: aaah\n" + tlsProfile() + "database: {at: /var/lib/roam6/subscribers.db}\nroles:\n  - aaa:\n" +
		indented(6, diameterNode(homeServerHost, homeRealm, []string{tls}, peers)+"home:\n"+indented(2, home))
	return Node{Identity: homeServerHost, Subscribers: b.subscribers(), Config: []byte(text)}
}

// visitedServer is the AAAv of an operator.
func (b *builder) visitedServer(o operatorAAA) Node {
	plain, tls := listenAt(o.link)
	peers := []string{fmt.Sprintf("host: %s, address: %s, tls: %s", homeServerHost, infra(infraAAAh, 2), diameterTLS)}
	var clients []string
	for _, a := range accessCells {
		if of, host := a.diameter(); of.name == o.name {
			peers = append(peers, fmt.Sprintf("host: %s, from: %s/128", host, infra(a.infra, 2)))
			clients = append(clients, host)
		}
	}
	listen, agents, pool := []string{plain}, "off", ""
	if b.lends(o) {
		listen, agents = append(listen, tls), "on"
		peers = append(peers, "host: "+visitedAgentHost+", tls: "+diameterTLS)
		pool = poolEntry(VisitedHomeAgent, visitedAgentHost, VisitedHomePrefix) + fmt.Sprintf("assign_addresses: on\naddress_secret: \"%x\"\n", b.addressSecret(o.name))
	}
	visited := fmt.Sprintf("clients: [%s]\nagreements: [{realm: %s, hosts: [%s], home_agents: %s}]\n", strings.Join(clients, ", "), homeRealm, homeServerHost, agents) + pool
	text := "name: " + o.name + "\n" + tlsProfile() + "roles:\n  - aaa:\n" +
		indented(6, diameterNode(o.host(), o.realm, listen, peers)+"visited:\n"+indented(2, visited))
	return Node{Identity: o.host(), Config: []byte(text)}
}

// visitedAgent is the home agent for visitors.
func (b *builder) visitedAgent() Node {
	text := "name: ha-b\n" + tlsProfile() + fmt.Sprintf("roles:\n  - ha:\n      address: %s\n      prefix: %s\n      max_lifetime: %s\n", VisitedHomeAgent, VisitedHomePrefix, b.s.Home.MaxLifetime) +
		agentAAA(visitedAgentHost, visitedRealm, operatorsAAA[1].host(), infraAAAvB)
	return Node{Forward: true, Identity: visitedAgentHost, Config: []byte(text)}
}

// agentAAA is a home agent's part: it dials its realm's server.
func agentAAA(host, realm, server string, link int) string {
	peer := fmt.Sprintf("host: %s, address: %s, tls: %s", server, infra(link, 2), diameterTLS)
	return "      aaa:\n" + indented(8, diameterNode(host, realm, nil, []string{peer}))
}

// homeAgentAAA is the home agent's part, none without AAA.
func (b *builder) homeAgentAAA() string {
	if !b.aaa() {
		return ""
	}
	return agentAAA(homeAgentHost, homeRealm, homeServerHost, infraAAAh)
}

// routerAAA is an access router's part.
func (b *builder) routerAAA(a accessCell) string {
	if !b.aaa() {
		return ""
	}
	o, host := a.diameter()
	peer := fmt.Sprintf("host: %s, address: %s", o.host(), infra(o.link, 2))
	return "      aaa:\n" + indented(8, diameterNode(host, o.realm, nil, []string{peer})+
		fmt.Sprintf("clients: [{port: 1, address: %s}]\ngate: on\n", clientAddress(a)))
}

// clientAddress is where the AAA client of a cell is: ::d of its prefix.
func clientAddress(a accessCell) netip.Addr {
	x := a.prefix.Addr().As16()
	x[15] = 0xd
	return netip.AddrFrom16(x)
}

// identity is a node's name in its certificate, if it needs one.
func (b *builder) identity(host string) string {
	if !b.aaa() {
		return ""
	}
	return host
}

// aaaWires are the wires that AAA adds.
func aaaWires(s *Scenario) []string {
	if s.Mobile.AAA != aaaOn {
		return nil
	}
	out := []string{"ha-aaah", "opa-aaav-a", "opb-aaav-b"}
	if s.Mobile.HomeAgent == inVisited {
		out = append(out, "opb-ha-b")
	}
	return out
}

// aaaNodes are the nodes that AAA adds.
func aaaNodes(s *Scenario) []string {
	if s.Mobile.AAA != aaaOn {
		return nil
	}
	out := []string{"aaah", "aaav-a", "aaav-b"}
	if s.Mobile.HomeAgent == inVisited {
		out = append(out, "ha-b")
	}
	return out
}

// aaa checks what the settings for AAA say together.
func (c *checker) aaa() {
	m := &c.s.Mobile
	if m.AAA != aaaOn {
		c.want(m.HomeAgent == configured, "mn.home_agent", m.HomeAgent, "configured, unless mn.aaa is on")
		c.want(m.Keys == "", "mn.keys", m.Keys, "nothing, unless mn.aaa is on")
		return
	}
	c.want(c.s.Topology == TwoOperators, "mn.aaa", m.AAA, "off, with an explicit topology: write the nodes' configurations")
	c.want(!m.assigned() || m.Keys != configured, "mn.keys", m.Keys, "random or dh, unless mn.home_agent is configured: keys go with a home address")
	c.want(!m.assigned() || !m.DHAAD, "mn.discover_home_agent", m.DHAAD, "false, unless mn.home_agent is configured")
	c.want(!m.assigned() || m.Start != "home", "mn.start", m.Start, "ar1, ar2 or ar3, unless mn.home_agent is configured: nothing on the home link tells the mobile node that it is at home")
	c.want(!m.Keyed() || m.Security == "", "mn.security", m.Security, "nothing, unless mn.home_agent and mn.keys are configured: the home network gives the keys, for ESP")
	c.want(!m.Keyed() || m.Hosts == 0, "mn.hosts", m.Hosts, "0, unless mn.home_agent and mn.keys are configured: the home agent has no networks for mobile nodes it does not know")
	c.want(!m.Keyed() || m.Multihoming == "off", "mn.multihoming", m.Multihoming, "off, unless mn.home_agent and mn.keys are configured")
}
