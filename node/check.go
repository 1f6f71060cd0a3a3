package node

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"roam6/conf"
	"roam6/machine/advertise"
	"roam6/role/ha"
	"roam6/role/mn"
)

// Limits of configured values.
const (
	maxLinks       = 16
	minLifetime    = 4 * time.Second // the wire's unit
	maxLifetime    = 72 * time.Hour
	maxHold        = 1 << 16
	maxRAInterval  = 1800 * time.Second // RFC 4861 §6.2.1
	maxRALifetime  = 9000 * time.Second // RFC 4861 §6.2.1
	minSPI         = 256                // RFC 4303 §2.1
	maxMobiles     = 1 << 20
	maxNAI         = 253 // RFC 4282 §2.2
	maxIfName      = 15  // IFNAMSIZ less its end
	maxName        = 64
	maxValid       = 10 * 365 * 24 * time.Hour
	defaultRolePfx = "roles[%d]"
)

// Values of LinkConfig.Kernel.
const (
	KernelOn  = "on"
	KernelOff = "off"
)

// checker holds what the checks of one file found so far.
type checker struct {
	doc       *conf.Doc
	ports     map[int]bool
	announced map[int]bool               // ports that a role advertises on
	routed    map[int]bool               // ports of the links that a role of the node is the router on
	owned     map[netip.Addr]bool        // addresses that engines of the node answer for
	keys      map[string]bool            // ESP keys seen so far
	profiles  map[string]bool            // names of TLS profiles
	missing   map[string]*missingProfile // by name, what is named and is not there
	errs      []error
}

// must notes an error at a place unless ok.
func (k *checker) must(ok bool, path string, value any, allowed string) {
	if !ok {
		k.errs = append(k.errs, k.doc.Fail(path, fmt.Sprint(value), allowed))
	}
}

func (k *checker) config(c *Config) {
	// The name becomes part of paths.
	k.must(word.MatchString(c.Name) && len(c.Name) <= maxName, "name", c.Name, "letters, digits, and - _ . between them, up to 64")
	given(k, "tun", &c.Tun, "roam6")
	given(k, "state", &c.State, "/var/lib/roam6/"+c.Name)
	given(k, "control", &c.Control, "/run/roam6/"+c.Name+".sock")
	k.must(ifName(c.Tun), "tun", c.Tun, "a name for a network interface: up to 15 octets, no spaces, no slash")
	k.must(len(c.Links) <= maxLinks, "links", len(c.Links), fmt.Sprintf("%d links at most", maxLinks))
	names := map[string]bool{c.Tun: true}
	for i, l := range c.Links {
		at := fmt.Sprintf("links[%d]", i)
		k.must(l.Port >= 1 && l.Port <= maxLinks && !k.ports[l.Port], at+".port", l.Port, "a number from 1 to 16 that no other link has")
		k.must(ifName(l.Name) && !names[l.Name], at+".name", l.Name, "an interface name (up to 15 octets) that neither another link nor the TUN device has")
		k.ports[l.Port], names[l.Name] = true, true
	}
	k.services(c)
	k.must(len(c.Roles) > 0, "roles", "[]", "at least one role")
	k.findRouted(c.Roles)
	mobiles := 0
	for i := range c.Roles {
		if c.Roles[i].MN != nil {
			mobiles++
			k.must(mobiles == 1, fmt.Sprintf(defaultRolePfx, i)+".mn", "a second mobile node", "one mn on a node: its home address takes the default route")
			k.links(fmt.Sprintf(defaultRolePfx, i)+".mn.links", c.Roles[i].MN, c.Links)
		}
		k.role(fmt.Sprintf(defaultRolePfx, i), &c.Roles[i], c)
	}
	for i := range c.Links {
		k.kernel(fmt.Sprintf("links[%d].kernel", i), &c.Links[i], c.Roles)
	}
}

// findRouted notes the links on which a role of the node is the router.
func (k *checker) findRouted(roles []RoleConfig) {
	for _, r := range roles {
		if r.HA != nil {
			k.routed[r.HA.Port] = true
		}
		if r.AR != nil {
			for _, a := range r.AR.Links {
				k.routed[a.Port] = true
			}
		}
		if r.MN != nil {
			for _, a := range r.MN.Networks {
				k.routed[a.Port] = true
			}
		}
	}
}

// links decides which links the mobile node uses. It looks for routers there, so that no role beside it may be one.
func (k *checker) links(at string, m *MNConfig, all []LinkConfig) {
	if !k.doc.Has(at) {
		for _, l := range all {
			if !k.routed[l.Port] {
				m.Links = append(m.Links, l.Port)
			}
		}
		k.must(len(m.Links) > 0, "links", "none for the mobile node", "at least one link on which no role advertises")
		return
	}
	k.must(len(m.Links) > 0, at, "none", "at least one port number of links")
	seen := map[int]bool{}
	for i, port := range m.Links {
		k.must(k.ports[port] && !k.routed[port] && !seen[port], fmt.Sprintf("%s[%d]", at, i), port,
			"the port of one of links, given once, on which no other role advertises")
		seen[port] = true
	}
}

// kernel decides whose a link is. A mobile node finds routers and makes addresses of its own: a kernel that does so too makes
// the same ones, and answers mobility messages to them with Parameter Problem. On a router's links the kernel forwards.
func (k *checker) kernel(at string, l *LinkConfig, roles []RoleConfig) {
	mobile, router := false, k.routed[l.Port]
	for _, r := range roles {
		mobile = mobile || r.MN != nil && slices.Contains(r.MN.Links, l.Port) || r.CN != nil && r.CN.Link == l.Port
	}
	k.must(l.Kernel != KernelOn || !k.owns(roles, l.Port), at, l.Kernel, "off: cn owns the link, and its kernel would answer for the address")
	k.must(!router || l.Kernel != KernelOff, at, l.Kernel, "on: the link is advertised on, and its kernel is the router")
	switch {
	case l.Kernel != "":
	case mobile:
		l.Kernel = KernelOff
	default:
		l.Kernel = KernelOn
	}
}

// owns reports whether a correspondent owns a link.
func (k *checker) owns(roles []RoleConfig, port int) bool {
	return slices.ContainsFunc(roles, func(r RoleConfig) bool { return r.CN != nil && r.CN.Link == port })
}

func (k *checker) role(at string, r *RoleConfig, c *Config) {
	n := 0
	for _, set := range []bool{r.MN != nil, r.AR != nil, r.HA != nil, r.CN != nil, r.AAA != nil, r.KDC != nil} {
		if set {
			n++
		}
	}
	k.must(n == 1, at, fmt.Sprintf("%d roles", n), "exactly one of mn, ar, ha, cn, aaa, kdc")
	switch {
	case r.MN != nil:
		k.mn(at+".mn", r.MN)
	case r.AR != nil:
		for i := range r.AR.Links {
			k.advertise(fmt.Sprintf("%s.ar.links[%d]", at, i), &r.AR.Links[i])
		}
		k.fast(at+".ar.fmipv6", r.AR)
		k.routerKerberos(at+".ar.kerberos", r.AR)
		k.lightweight(at+".ar.fast", r.AR)
		if r.AR.AAA != nil {
			k.routerAAA(at+".ar.aaa", r.AR)
		}
	case r.HA != nil:
		k.ha(at+".ha", r.HA)
	case r.CN != nil:
		k.cn(at+".cn", r.CN, c.Roles)
	case r.AAA != nil:
		k.aaa(at+".aaa", r.AAA, c)
	case r.KDC != nil:
		k.kdc(at+".kdc", r.KDC, c)
	}
}

// own notes an address that engines answer for.
func (k *checker) own(at string, a netip.Addr) {
	k.must(!k.owned[a], at, a, "an address that no other role of the node has")
	k.owned[a] = true
}

func (k *checker) mn(at string, m *MNConfig) {
	given(k, at+".strategy", &m.Strategy, "mipv6")
	given(k, at+".dad", &m.DAD, string(mn.OptimisticDAD))
	given(k, at+".lifetime", &m.Lifetime, mn.DefaultLifetime)
	given(k, at+".hold_packets", &m.HoldPackets, mn.DefaultHoldPackets)
	given(k, at+".hold_age", &m.HoldAge, mn.DefaultHoldAge)
	k.handoverKeys(at+".fmipv6", m)
	k.must(m.NetworkInitiated != "on" || m.Strategy != "mipv6", at+".network_initiated", m.NetworkInitiated, "off, unless strategy is fmipv6 or fast")
	k.must(m.Strategy == "fast" || m.Tickets == "", at+".tickets", m.Tickets, "nothing, unless strategy is fast")
	k.must(m.Strategy != "fast" || m.Kerberos != nil, at+".strategy", m.Strategy, "kerberos beside it: where the node's tickets come from")
	k.identities(at, m)
	k.mobileKerberos(at+".kerberos", m)
	k.must(m.Lifetime >= minLifetime && m.Lifetime <= maxLifetime, at+".lifetime", m.Lifetime, "4s to 72h")
	k.must(m.HoldPackets >= 0 && m.HoldPackets <= maxHold, at+".hold_packets", m.HoldPackets, "0 to 65536")
	k.must(m.HoldAge > 0 && m.HoldAge <= time.Minute, at+".hold_age", m.HoldAge, "up to 1m")
	k.routes(at, m)
	k.networks(at, m)
	k.flows(at, m)
}

func (k *checker) advertise(at string, a *AdvertiseConfig) {
	k.must(k.ports[a.Port] && !k.announced[a.Port], at+".port", a.Port, "the port of one of links, on which nothing else advertises")
	k.announced[a.Port] = true
	k.prefix(at+".prefix", a.Prefix)
	if a.Address.IsValid() {
		k.host(at+".address", a.Address, a.Prefix, "prefix")
	}
	k.intervals(at, &a.IntervalMin, &a.IntervalMax)
	a.Lifetime = orPtr(a.Lifetime, advertise.DefaultLifetime)
	a.RADelayMax = orPtr(a.RADelayMax, advertise.MaxDelay)
	given(k, at+".valid", &a.Valid, advertise.DefaultValid)
	given(k, at+".preferred", &a.Preferred, min(a.Valid, advertise.DefaultPreferred))
	k.must(*a.Lifetime == 0 || *a.Lifetime >= a.IntervalMax && *a.Lifetime <= maxRALifetime, at+".lifetime", *a.Lifetime,
		"0s, or from interval_max to 9000s: a shorter one would run out between two advertisements")
	k.must(a.Valid >= time.Second && a.Valid <= maxValid, at+".valid", a.Valid, "1s to ten years")
	k.must(*a.RADelayMax >= 0 && *a.RADelayMax <= advertise.MaxDelay, at+".ra_delay_max", *a.RADelayMax, "0s to 500ms")
	k.must(a.Preferred >= 0 && a.Preferred <= a.Valid, at+".preferred", a.Preferred, "at most valid, "+a.Valid.String())
}

func (k *checker) intervals(at string, low, high *time.Duration) {
	given(k, at+".interval_min", low, advertise.DefaultIntervalMin)
	given(k, at+".interval_max", high, max(*low, advertise.DefaultIntervalMax))
	k.must(*low >= advertise.MinInterval && *low <= maxRAInterval, at+".interval_min", *low, "30ms to 1800s")
	k.must(*high >= *low && *high <= maxRAInterval, at+".interval_max", *high, "at least interval_min, at most 1800s")
}

func (k *checker) ha(at string, h *HAConfig) {
	k.prefix(at+".prefix", h.Prefix)
	k.unicast(at+".address", h.Address)
	k.host(at+".address", h.Address, h.Prefix, "prefix")
	k.own(at+".address", h.Address)
	if h.RouterAddress.IsValid() {
		k.must(h.Prefix.Contains(h.RouterAddress) && h.RouterAddress != h.Address, at+".router_address", h.RouterAddress, "an address in prefix "+h.Prefix.String()+" other than address: the kernel holds it")
	}
	k.must(h.Port == 0 || k.ports[h.Port] && !k.announced[h.Port], at+".port", h.Port, "the port of one of links on which nothing else advertises, or 0 for a virtual home link")
	k.announced[h.Port] = h.Port != 0
	k.intervals(at, &h.IntervalMin, &h.IntervalMax)
	given(k, at+".max_lifetime", &h.MaxLifetime, ha.DefaultMaxLifetime)
	k.must(h.MaxLifetime >= minLifetime && h.MaxLifetime <= maxLifetime, at+".max_lifetime", h.MaxLifetime, "4s to 72h")
	k.must(h.Preference >= 0 && h.Preference < 1<<16, at+".preference", h.Preference, "0 to 65535")
	k.must(len(h.Mobiles) <= maxMobiles, at+".mobiles", len(h.Mobiles), fmt.Sprintf("%d at most", maxMobiles))
	k.must(len(h.Mobiles) > 0 || h.AAA != nil, at+".mobiles", "none", "at least one mobile node, or aaa, from which they come")
	if h.AAA != nil {
		k.homeAgentAAA(at+".aaa", h.AAA)
	}
	k.mobiles(at, h)
	k.table(at, h)
}

func (k *checker) mobiles(at string, h *HAConfig) {
	seen := map[netip.Addr]bool{h.Address: true, h.RouterAddress: true}
	spis := map[uint32]bool{}
	for i, m := range h.Mobiles {
		mat := fmt.Sprintf("%s.mobiles[%d]", at, i)
		k.host(mat+".home_address", m.HomeAddress, h.Prefix, "prefix")
		k.must(!seen[m.HomeAddress], mat+".home_address", m.HomeAddress, "an address that neither the agent nor another mobile node has")
		seen[m.HomeAddress] = true
		k.must(len(m.NAI) <= maxNAI, mat+".nai", m.NAI, "up to 253 octets")
		k.flowsToward(mat, &h.Mobiles[i])
		k.security(mat+".security", m.Security)
		if e := m.Security.ESP; e != nil {
			k.must(!spis[e.InSPI], mat+".security.esp.in_spi", e.InSPI, "an SPI that no other mobile node has")
			spis[e.InSPI] = true
		}
		if t := m.Security.Tunnel; t != nil {
			k.must(!spis[t.InSPI], mat+".security.tunnel.in_spi", t.InSPI, "an SPI that no other association of the agent has")
			spis[t.InSPI] = true
		}
	}
}

func (k *checker) security(at string, s SecurityConfig) {
	k.must((s.ESP == nil) != (s.Auth == nil), at, "esp and auth, or neither", "exactly one of esp, auth")
	if e := s.ESP; e != nil {
		k.esp(at+".esp", e)
	}
	k.tunnel(at, s)
	if a := s.Auth; a != nil {
		k.must(a.SPI >= minSPI, at+".auth.spi", a.SPI, "256 or more")
		k.must(len(a.Key) >= 16 && len(a.Key) <= 64, at+".auth.key", a.Key, "16 to 64 octets in hexadecimal (openssl rand -hex 32)")
	}
}

func (k *checker) esp(at string, e *ESPConfig) {
	k.must(e.OutSPI >= minSPI, at+".out_spi", e.OutSPI, "256 or more")
	k.must(e.InSPI >= minSPI, at+".in_spi", e.InSPI, "256 or more")
	k.must(len(e.OutKey) == 20 || len(e.OutKey) == 36, at+".out_key", e.OutKey, "20 or 36 octets in hexadecimal (openssl rand -hex 20)")
	k.must(len(e.InKey) == 20 || len(e.InKey) == 36, at+".in_key", e.InKey, "20 or 36 octets in hexadecimal (openssl rand -hex 20)")
	k.fresh(at+".out_key", e.OutKey)
	k.fresh(at+".in_key", e.InKey)
}

// routable is ip6.Routable, to which this room has no arrow.
func routable(a netip.Addr) bool { return a.Is6() && !a.Is4In6() && a.IsGlobalUnicast() }

func (k *checker) prefix(at string, p netip.Prefix) {
	k.must(p.IsValid() && p.Bits() == 64 && p == p.Masked() && routable(p.Addr()), at, p, "a /64 prefix of routable unicast addresses, such as 2001:db8:0:1::/64")
}

func (k *checker) unicast(at string, a netip.Addr) {
	k.must(routable(a), at, a, "a routable unicast IPv6 address")
}

// fresh makes sure that no key is used twice, in either direction, by whichever nodes: each sender counts from 1, and AES-GCM
// breaks when a number repeats under a key.
func (k *checker) fresh(at string, key conf.Secret) {
	k.must(!k.keys[string(key)], at, key, "a key that is used nowhere else, nor for the other direction: AES-GCM breaks otherwise")
	k.keys[string(key)] = true
}

// host demands an address of one host in a prefix: not the routers' anycast address (RFC 4291 §2.6.1), nor the home agents'.
func (k *checker) host(at string, a netip.Addr, p netip.Prefix, name string) {
	k.must(p.IsValid() && p.Contains(a) && !mn.Anycast(a, p), at, a, "the address of one host in "+name+" "+p.String())
}

var word = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// ifName reports whether Linux takes a name for an interface.
func ifName(s string) bool {
	return s != "" && len(s) <= maxIfName && s != "." && s != ".." && !strings.ContainsFunc(s, func(r rune) bool {
		return r == '/' || r == ':' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}

// given leaves a value that the file gives, whatever it is, and puts the default where the file says nothing.
func given[T any](k *checker, at string, v *T, def T) {
	if !k.doc.Has(at) {
		*v = def
	}
}

func orPtr[T any](p *T, def T) *T {
	if p == nil {
		return &def
	}
	return p
}
