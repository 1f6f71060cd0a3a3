package node

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"roam6/conf"
	"roam6/role/kdc"
)

// kerberosPort is that of KDCs, RFC 4120 §7.2.1.
const kerberosPort = 88

// Limits of a KDC's configuration.
const (
	maxKDCListeners = 8
	maxRealm        = 253 // octets: that of a domain
	minSignKey      = kdc.MinSignKey
	maxSignKey      = 64
	maxRequests     = 1 << 20 // a second
)

// KDCConfig is the KDC of a realm (docs/kerberos.md).
type KDCConfig struct {
	Realm     string            `yaml:"realm,required" doc:"its realm: a domain in upper case, such as HOME.EXAMPLE"`
	Listen    []KDCListenConfig `yaml:"listen" doc:"where it is asked, by UDP and TCP, 1 to 8; default: port 88 of every address"`
	Life      time.Duration     `yaml:"life" doc:"longest life of a ticket, 1m to 8760h; default 10h"`
	RenewLife time.Duration     `yaml:"renew_life" doc:"for how long a ticket can be renewed, from the logon, 1m to 8760h; default 168h"`
	Realms    []KDCRealmConfig  `yaml:"realms" doc:"other realms. One that is not here is a neighbour if the database has a key shared with it, and nobody comes through it"`
	SignKey   conf.Secret       `yaml:"sign_key" doc:"16 to 64 octets in hexadecimal, shared with the AAA server of the realm: signs the attributes in tickets (AD-MOBILEIP-ATTRIBUTES); absent: they are not signed"`
	PKINIT    *PKINITConfig     `yaml:"pkinit" doc:"logons by certificate; absent: there are none"`
	PerSource int               `yaml:"per_source" doc:"requests a second from one IPv6 /64 or IPv4 address, twice as many at once; default 100"`
	Whole     int               `yaml:"all_sources" doc:"requests a second from all, twice as many at once; default 5000"`
}

// KDCListenConfig is where a KDC is asked.
type KDCListenConfig struct {
	Address netip.Addr `yaml:"address" doc:"an address of this host, IPv6 or IPv4; absent: every address"`
	Port    int        `yaml:"port" doc:"UDP and TCP port; default 88"`
}

// KDCRealmConfig is another realm as a KDC knows it.
type KDCRealmConfig struct {
	Realm   string     `yaml:"realm,required" doc:"its name"`
	Via     string     `yaml:"via" doc:"the next realm on the way there; absent: a neighbour, with a key in common (krbtgt/REALM@HERE in database)"`
	Transit string     `yaml:"transit" allowed:"on|off" doc:"whether users of other realms may have come through it, and what access routers ask as well; default off"`
	KDCs    []KDCPoint `yaml:"kdcs" doc:"of a neighbour: its KDCs, up to 4, the preferred first, to which access routers' requests to open a lightweight ticket are sent on; absent: none are"`
	Domains []string   `yaml:"domains" doc:"hosts in these domains belong to it, or to what lies behind; default: its name in lower case"`
}

// KDCPoint is the address of a KDC.
type KDCPoint struct {
	Address netip.Addr `yaml:"address,required" doc:"IPv6 or IPv4"`
	Port    int        `yaml:"port" doc:"default 88"`
}

// realm is a realm's name as package wire/lwkrb takes it, which is narrower than RFC 4120 §6.1: it goes into names and logs as it is.
var realmName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

func (k *checker) realm(at, name string) {
	k.must(realmName.MatchString(name) && len(name) <= maxRealm, at, name, "a realm: a domain in upper case, such as HOME.EXAMPLE")
}

// kdc checks a KDC, and fills in what is left open.
func (k *checker) kdc(at string, d *KDCConfig, c *Config) {
	k.realm(at+".realm", d.Realm)
	k.must(c.Database != nil, at, "no database", "database, where subscribers and services are (roam6 principal add)")
	if !k.doc.Has(at + ".listen") {
		d.Listen = []KDCListenConfig{{Port: kerberosPort}}
	}
	k.must(len(d.Listen) > 0 && len(d.Listen) <= maxKDCListeners, at+".listen", len(d.Listen), fmt.Sprintf("1 to %d addresses", maxKDCListeners))
	seen := map[KDCListenConfig]bool{}
	for i := range d.Listen {
		l, lat := &d.Listen[i], fmt.Sprintf("%s.listen[%d]", at, i)
		k.must(!l.Address.IsMulticast() && !l.Address.Is4In6(), lat+".address", l.Address, "an address of this host, or none for all")
		k.kdcPort(lat+".port", &l.Port)
		k.must(!seen[*l], lat, netip.AddrPortFrom(l.Address, uint16(l.Port)), "an address and port that are not listened at already")
		seen[*l] = true
	}
	k.ticketLife(at+".life", &d.Life, kdc.DefaultLife)
	k.ticketLife(at+".renew_life", &d.RenewLife, kdc.DefaultRenewLife)
	if k.doc.Has(at + ".sign_key") {
		k.must(len(d.SignKey) >= minSignKey && len(d.SignKey) <= maxSignKey, at+".sign_key", d.SignKey, "16 to 64 octets in hexadecimal (openssl rand -hex 32)")
	}
	for _, r := range []struct {
		key  string
		n    *int
		none int
	}{{".per_source", &d.PerSource, kdc.DefaultPerSource}, {".all_sources", &d.Whole, kdc.DefaultWhole}} {
		given(k, at+r.key, r.n, r.none)
		k.must(*r.n >= 1 && *r.n <= maxRequests, at+r.key, *r.n, fmt.Sprintf("1 to %d requests a second", maxRequests))
	}
	k.pkinit(at+".pkinit", d.PKINIT)
	k.kdcRealms(at, d)
}

func (k *checker) ticketLife(at string, d *time.Duration, def time.Duration) {
	given(k, at, d, def)
	k.must(*d >= time.Minute && *d <= kdc.MaxLife, at, *d, "1m to 8760h")
}

func (k *checker) kdcPort(at string, port *int) {
	given(k, at, port, kerberosPort)
	k.must(*port > 0 && *port < 1<<16, at, *port, "1 to 65535")
}

func (k *checker) kdcRealms(at string, d *KDCConfig) {
	k.must(len(d.Realms) <= kdc.MaxRealms, at+".realms", len(d.Realms), fmt.Sprintf("%d at most", kdc.MaxRealms))
	next := map[string]string{}
	for i := range d.Realms {
		r, rat := &d.Realms[i], fmt.Sprintf("%s.realms[%d]", at, i)
		k.realm(rat+".realm", r.Realm)
		_, twice := next[r.Realm]
		k.must(r.Realm != d.Realm && !twice, rat+".realm", r.Realm, "the name of another realm, given once")
		next[r.Realm] = r.Via
		k.must(len(r.KDCs) <= kdc.MaxKDCs, rat+".kdcs", len(r.KDCs), fmt.Sprintf("%d at most", kdc.MaxKDCs))
		k.must(r.Via == "" || len(r.KDCs) == 0, rat+".kdcs", "KDCs", "none, since via says who is asked instead")
		k.kdcs(rat+".kdcs", r.KDCs)
		for j, name := range r.Domains {
			k.identity(fmt.Sprintf("%s.domains[%d]", rat, j), name)
		}
	}
	for i, r := range d.Realms {
		name, hops := r.Realm, 0
		for ; next[name] != "" && hops < kdc.MaxHops; hops++ {
			name = next[name]
		}
		k.must(hops < kdc.MaxHops && name != d.Realm, fmt.Sprintf("%s.realms[%d].via", at, i), r.Via, fmt.Sprintf("a way that ends at a neighbour within %d realms", kdc.MaxHops))
	}
}

// kdcs checks the addresses of KDCs.
func (k *checker) kdcs(at string, list []KDCPoint) {
	for i := range list {
		p, pat := &list[i], fmt.Sprintf("%s[%d]", at, i)
		k.must(p.Address.IsValid() && !p.Address.IsMulticast() && !p.Address.IsUnspecified() && !p.Address.Is4In6(), pat+".address", p.Address, "the address of a host")
		k.kdcPort(pat+".port", &p.Port)
	}
}

func points(list []KDCPoint) (out []netip.AddrPort) {
	for _, p := range list {
		out = append(out, netip.AddrPortFrom(p.Address, uint16(p.Port)))
	}
	return out
}

// keyServer is a checked configuration as the role takes it.
func keyServer(d *KDCConfig) kdc.Config {
	c := kdc.Config{Realm: d.Realm, Life: d.Life, RenewLife: d.RenewLife, SignKey: d.SignKey, PerSource: d.PerSource, Whole: d.Whole}
	if d.PKINIT != nil {
		c.PKINIT = d.PKINIT.server
	}
	for _, l := range d.Listen {
		c.Listen = append(c.Listen, netip.AddrPortFrom(l.Address, uint16(l.Port)))
	}
	for _, r := range d.Realms {
		of := kdc.Realm{Name: r.Realm, Via: r.Via, Transit: r.Transit == "on", KDCs: points(r.KDCs)}
		for _, name := range r.Domains {
			of.Domains = append(of.Domains, strings.ToLower(name))
		}
		c.Realms = append(c.Realms, of)
	}
	return c
}
