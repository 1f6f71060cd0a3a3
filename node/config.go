package node

import (
	"net/netip"
	"time"

	"roam6/conf"
)

// Config is one node's configuration file, as `roam6 node run -c FILE` reads it.
type Config struct {
	Name     string          `yaml:"name,required" doc:"the node's name, in logs and results"`
	State    string          `yaml:"state" doc:"directory of the durable records (sequence numbers, bindings); default /var/lib/roam6/NAME"`
	Control  string          `yaml:"control" doc:"path of the control socket for roam6 ctl; default /run/roam6/NAME.sock"`
	Tun      string          `yaml:"tun" doc:"name of the TUN device; default roam6"`
	Journal  string          `yaml:"journal" doc:"file for the journal of inputs and effects that roam6 replay reads; none by default"`
	Links    []LinkConfig    `yaml:"links" doc:"interfaces the roles use"`
	TLS      []TLSConfig     `yaml:"tls" doc:"certificates for connections between Diameter nodes"`
	Database *DatabaseConfig `yaml:"database" doc:"subscribers, services and accounting records, for aaa and kdc; none by default"`
	Roles    []RoleConfig    `yaml:"roles,required" doc:"what the node is; each entry holds exactly one of mn, ar, ha, cn, aaa, kdc"`

	doc *conf.Doc // where all this stands; nil for one that was not parsed
}

// LinkConfig is one interface.
type LinkConfig struct {
	Name       string `yaml:"name,required" doc:"interface name"`
	Port       int    `yaml:"port,required" doc:"number by which roles refer to the interface, from 1"`
	Preference int    `yaml:"preference" doc:"mobile node: links with a lower number are used first; default 0"`
	Hook       bool   `yaml:"hook" doc:"link state comes from roam6 ctl link-up and link-down (a wpa_supplicant action script), not from the kernel"`
	Kernel     string `yaml:"kernel" allowed:"on|off" doc:"IPv6 of the kernel on the interface; off: roam6 alone speaks it there while it runs (IPv4 is untouched); default off for the links of mn and of a cn with link, on where ar or ha advertise"`
}

// RoleConfig holds exactly one role.
type RoleConfig struct {
	MN  *MNConfig  `yaml:"mn" doc:"mobile node"`
	AR  *ARConfig  `yaml:"ar" doc:"access router"`
	HA  *HAConfig  `yaml:"ha" doc:"home agent"`
	CN  *CNConfig  `yaml:"cn" doc:"correspondent node"`
	AAA *AAAConfig `yaml:"aaa" doc:"AAA server"`
	KDC *KDCConfig `yaml:"kdc" doc:"KDC of a realm of Kerberos"`
}

// MNConfig is a mobile node.
type MNConfig struct {
	HomeAddress      netip.Addr          `yaml:"home_address" doc:"the address applications keep; needed without aaa, which may assign one"`
	HomePrefix       netip.Prefix        `yaml:"home_prefix" doc:"the home link's prefix, /64; needed with home_address"`
	HomeAgent        netip.Addr          `yaml:"home_agent" doc:"the home agent's address; when absent found by discovery (DHAAD), or given by aaa"`
	AAA              *MNAAAConfig        `yaml:"aaa" doc:"answer networks that ask who comes, and take from the home network what is not configured: home agent, home address, keys; absent: such networks stay closed"`
	Kerberos         *MNKerberosConfig   `yaml:"kerberos" doc:"log on to the KDC of its realm, and have tickets ready for the networks around; absent: no"`
	Links            []int               `yaml:"links" doc:"port numbers of the links it uses; default: all on which no other role of the node advertises"`
	NAI              string              `yaml:"nai" doc:"network access identifier, user@realm; sent with binding updates, and with aaa to networks that ask"`
	Strategy         string              `yaml:"strategy" allowed:"mipv6|fmipv6|fast" doc:"handover strategy; fast authenticates the node by tickets of kerberos; default mipv6"`
	Fast             []HandoverKeyConfig `yaml:"fmipv6" doc:"strategy fmipv6: the handover keys shared with access routers, one a link"`
	Tickets          string              `yaml:"tickets" allowed:"best|local|home" doc:"strategy fast: the tickets that are used at access routers: best all, the best first; local none that routers open by themselves, so that their KDC is asked; home the one for its own realm's KDC alone; default best"`
	NetworkInitiated string              `yaml:"network_initiated" allowed:"on|off" doc:"strategy fmipv6 or fast: on takes handovers that an access router begins, and what it tells of cells around; nothing proves who sent these messages, so anybody on the link can then have the node attach to a cell and a router of his; default off"`
	DAD              string              `yaml:"dad" allowed:"standard|optimistic" doc:"standard waits for duplicate detection (RFC 4862), optimistic uses the address meanwhile (RFC 4429); default optimistic"`
	Lifetime         time.Duration       `yaml:"lifetime" doc:"of a binding asked for, 4s to 72h; default 420s"`
	HoldPackets      int                 `yaml:"hold_packets" doc:"applications' packets kept while there is no binding, 0 to 65536; default 4096"`
	HoldAge          time.Duration       `yaml:"hold_age" doc:"how long they are kept; default 5s"`
	Security         SecurityConfig      `yaml:"security" doc:"what protects the signalling with the home agent; needed without aaa, which gives keys"`

	RouteOptimisation string             `yaml:"route_optimisation" allowed:"never|on-traffic" doc:"whether packets go to correspondents straight instead of through the home agent: on-traffic begins when a packet of one comes through it; never also keeps from them where the node is; default never"`
	RoutePeers        []RoutePeersConfig `yaml:"route_peers" doc:"exceptions; the longest prefix decides"`

	Networks         []AdvertiseConfig `yaml:"networks" doc:"mobile router (RFC 3963): the links inside and their prefixes, which the home agent must have as networks of this node; the kernel forwards (net.ipv6.conf.all.forwarding is 1) and holds an address of each"`
	RegisterNetworks string            `yaml:"register_networks" allowed:"explicit|implicit" doc:"mobile router: explicit names the networks in each registration, implicit leaves them to the home agent; default explicit"`

	Multihoming string         `yaml:"multihoming" allowed:"off|register|bicast" doc:"several care-of addresses at once (RFC 5648): off binds the preferred link that works; register binds all that work, so that another is ready when one goes; bicast also sends copies by all of them, so that nothing is lost when one goes. The home agent must allow it; default off"`
	Flows       []MNFlowConfig `yaml:"flows" doc:"with multihoming: traffic that leaves by a link of its own while that link is bound"`
}

// MNFlowConfig is traffic of a mobile node that takes a link of its own.
type MNFlowConfig struct {
	Link     int          `yaml:"link,required" doc:"port number of the link, one of links"`
	Peers    netip.Prefix `yaml:"peers" doc:"correspondents' addresses; absent: all"`
	Proto    int          `yaml:"proto" doc:"upper layer: 6 for TCP, 17 for UDP, 58 for ICMPv6; absent: all"`
	PeerPort int          `yaml:"peer_port" doc:"the correspondent's port; absent: all"`
	Port     int          `yaml:"port" doc:"the mobile node's port; absent: all"`
}

// ARConfig is an access router.
type ARConfig struct {
	Links       []AdvertiseConfig  `yaml:"links,required" doc:"access links"`
	AAA         *ARAAAConfig       `yaml:"aaa" doc:"ask mobile nodes who they are, by Diameter; absent: nobody is asked"`
	Fast        *FastConfig        `yaml:"fmipv6" doc:"fast handovers (RFC 5568) with neighbouring access routers; absent: none"`
	Lightweight *LightweightConfig `yaml:"fast" doc:"fast handovers of mobile nodes that authenticate themselves by tickets of Kerberos; needs kerberos; absent: none"`
	// Kerberos has the keys, too, of strategies that open tickets.
	Kerberos *ARKerberosConfig `yaml:"kerberos" doc:"the router as a principal of Kerberos, and as proxy of mobile nodes that log on; absent: neither"`
}

// AdvertiseConfig is what a router advertises on one link.
type AdvertiseConfig struct {
	Port        int            `yaml:"port,required" doc:"number of the interface in links"`
	Prefix      netip.Prefix   `yaml:"prefix,required" doc:"prefix for autoconfiguration, /64"`
	Address     netip.Addr     `yaml:"address" doc:"the router's own global address, advertised with the R bit"`
	IntervalMin time.Duration  `yaml:"interval_min" doc:"least time between advertisements, from 30ms; default 30ms"`
	IntervalMax time.Duration  `yaml:"interval_max" doc:"most time between advertisements; default 70ms"`
	Lifetime    *time.Duration `yaml:"lifetime" doc:"as default router, 0s to 9000s; default 1800s"`
	RADelayMax  *time.Duration `yaml:"ra_delay_max" doc:"most delay of an answer to a solicitation; default 500ms (RFC 4861)"`
	Valid       time.Duration  `yaml:"valid" doc:"valid lifetime of the prefix; default 720h"`
	Preferred   time.Duration  `yaml:"preferred" doc:"preferred lifetime of the prefix; default 168h"`
}

// HAConfig is a home agent.
type HAConfig struct {
	Address       netip.Addr     `yaml:"address,required" doc:"the home agent's service address, in prefix; not an address of the kernel"`
	Port          int            `yaml:"port" doc:"number of the home link's interface; 0 or absent: a virtual home link"`
	Prefix        netip.Prefix   `yaml:"prefix,required" doc:"the home prefix, /64"`
	RouterAddress netip.Addr     `yaml:"router_address" doc:"the router's own address on the home link (informational; the service address is advertised)"`
	IntervalMin   time.Duration  `yaml:"interval_min" doc:"least time between advertisements on the home link, from 30ms; default 30ms"`
	IntervalMax   time.Duration  `yaml:"interval_max" doc:"most time between them; default 70ms"`
	MaxLifetime   time.Duration  `yaml:"max_lifetime" doc:"longest binding granted, 4s to 72h; default 600s"`
	Preference    int            `yaml:"preference" doc:"among the home agents of the link, 0 to 65535, higher first; default 0"`
	Mobiles       []MobileConfig `yaml:"mobiles" doc:"mobile nodes it serves; needed without aaa"`
	AAA           *HAAAAConfig   `yaml:"aaa" doc:"take mobile nodes from AAA servers, by Diameter; absent: mobiles alone"`
}

// MobileConfig is a mobile node as its home agent knows it.
type MobileConfig struct {
	HomeAddress netip.Addr     `yaml:"home_address,required" doc:"in the home prefix"`
	NAI         string         `yaml:"nai" doc:"network access identifier"`
	Networks    []netip.Prefix `yaml:"networks" doc:"mobile router: networks behind it that it may register (RFC 3963), up to /64; no other mobile node's. Routes for them must lead to this host"`
	Multihoming string         `yaml:"multihoming" allowed:"off|register|bicast" doc:"several care-of addresses at once (RFC 5648), as the mobile node has it: off refuses them; default off"`
	Flows       []HAFlowConfig `yaml:"flows" doc:"with multihoming: traffic toward the mobile node that takes a care-of address of its own while that is bound"`
	Security    SecurityConfig `yaml:"security,required" doc:"the mobile node's, seen from this end: in and out exchanged"`
}

// HAFlowConfig is traffic toward a mobile node that takes one of its care-of addresses.
type HAFlowConfig struct {
	BID      int          `yaml:"bid,required" doc:"the care-of address's number: 1 for the mobile node's most preferred link, 2 for the next"`
	Peers    netip.Prefix `yaml:"peers" doc:"correspondents' addresses; absent: all"`
	Proto    int          `yaml:"proto" doc:"upper layer: 6 for TCP, 17 for UDP, 58 for ICMPv6; absent: all"`
	PeerPort int          `yaml:"peer_port" doc:"the correspondent's port; absent: all"`
	Port     int          `yaml:"port" doc:"the mobile node's port; absent: all"`
}

// SecurityConfig holds exactly one kind of protection of registrations, and perhaps a tunnel.
type SecurityConfig struct {
	ESP    *ESPConfig  `yaml:"esp" doc:"ESP transport mode, AES-GCM (RFC 4877, RFC 4106)"`
	Auth   *AuthConfig `yaml:"auth" doc:"authentication option (RFC 4285)"`
	Tunnel *ESPConfig  `yaml:"tunnel" doc:"ESP tunnel mode for the mobility headers between mobile node and correspondents (RFC 4877 section 4.2); SPIs and keys of its own"`
}

// ESPConfig is a pair of manually keyed ESP associations.
type ESPConfig struct {
	OutSPI uint32      `yaml:"out_spi,required" doc:"SPI of what this node sends, from 256"`
	InSPI  uint32      `yaml:"in_spi,required" doc:"SPI of what it receives, from 256"`
	OutKey conf.Secret `yaml:"out_key,required" doc:"20 or 36 octets in hexadecimal: AES key of 16 or 32, then 4 of salt"`
	InKey  conf.Secret `yaml:"in_key,required" doc:"as out_key, another key"`
}

// AuthConfig is a mobility security association of RFC 4285.
type AuthConfig struct {
	SPI       uint32      `yaml:"spi,required" doc:"mobility SPI, from 256"`
	Key       conf.Secret `yaml:"key,required" doc:"16 to 64 octets in hexadecimal"`
	Algorithm string      `yaml:"algorithm" allowed:"hmac-sha256|hmac-sha1" doc:"default hmac-sha256 (128 bits); hmac-sha1 (96 bits) is what RFC 4285 names"`
}

// Parse reads and checks a configuration; file names it in errors. Nothing is touched. Every error found is reported, with line, key, value and
// what is allowed.
func Parse(file string, text []byte) (*Config, error) {
	doc, err := conf.Parse(file, text)
	if err != nil {
		return nil, err
	}
	c := &Config{doc: doc}
	if err := doc.Decode(c); err != nil {
		return nil, err
	}
	k := &checker{doc: doc, ports: map[int]bool{}, announced: map[int]bool{}, routed: map[int]bool{}, owned: map[netip.Addr]bool{}, keys: map[string]bool{}}
	k.config(c)
	if err := conf.Join(k.errs...); err != nil {
		return nil, err
	}
	return c, nil
}
