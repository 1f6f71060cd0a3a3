package node

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/conf"
	"roam6/machine/advertise"
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
	defaultRolePfx = "roles[%d]"
)

// Values of LinkConfig.Kernel.
const (
	KernelOn  = "on"
	KernelOff = "off"
)

// checker holds what the checks of one file found so far.
type checker struct {
	doc   *conf.Doc
	ports map[int]bool
	errs  []error
}

// must notes an error at a place unless ok.
func (k *checker) must(ok bool, path string, value any, allowed string) {
	if !ok {
		k.errs = append(k.errs, k.doc.Fail(path, fmt.Sprint(value), allowed))
	}
}

func (k *checker) config(c *Config) {
	if c.Tun == "" {
		c.Tun = "roam6"
	}
	if c.State == "" {
		c.State = "/var/lib/roam6/" + c.Name
	}
	if c.Control == "" {
		c.Control = "/run/roam6/" + c.Name + ".sock"
	}
	k.must(len(c.Links) <= maxLinks, "links", len(c.Links), fmt.Sprintf("%d links at most", maxLinks))
	names := map[string]bool{}
	for i, l := range c.Links {
		at := fmt.Sprintf("links[%d]", i)
		k.must(l.Port >= 1 && l.Port <= maxLinks && !k.ports[l.Port], at+".port", l.Port, "a number from 1 to 16 that no other link has")
		k.must(l.Name != "" && len(l.Name) < 16 && !names[l.Name], at+".name", l.Name, "an interface name (up to 15 octets) that no other link has")
		k.ports[l.Port], names[l.Name] = true, true
	}
	k.must(len(c.Roles) > 0, "roles", "[]", "at least one role")
	for i := range c.Roles {
		k.role(fmt.Sprintf(defaultRolePfx, i), &c.Roles[i])
	}
	for i := range c.Links {
		k.kernel(fmt.Sprintf("links[%d].kernel", i), &c.Links[i], c.Roles)
	}
}

// kernel decides whose a link is. A mobile node finds routers and makes addresses of its own: a kernel that does so too makes
// the same ones, and answers mobility messages to them with Parameter Problem. On a router's links the kernel forwards.
func (k *checker) kernel(at string, l *LinkConfig, roles []RoleConfig) {
	mobile, router := false, false
	for _, r := range roles {
		mobile = mobile || r.MN != nil
		router = router || r.HA != nil && r.HA.Port == l.Port
		router = router || r.AR != nil && slices.ContainsFunc(r.AR.Links, func(a AdvertiseConfig) bool { return a.Port == l.Port })
	}
	k.must(!router || l.Kernel != KernelOff, at, l.Kernel, "on: the link is advertised on, and its kernel is the router")
	switch {
	case l.Kernel != "":
	case mobile && !router:
		l.Kernel = KernelOff
	default:
		l.Kernel = KernelOn
	}
}

func (k *checker) role(at string, r *RoleConfig) {
	n := 0
	for _, set := range []bool{r.MN != nil, r.AR != nil, r.HA != nil, r.CN != nil} {
		if set {
			n++
		}
	}
	k.must(n == 1, at, fmt.Sprintf("%d roles", n), "exactly one of mn, ar, ha, cn")
	switch {
	case r.MN != nil:
		k.mn(at+".mn", r.MN)
	case r.AR != nil:
		for i := range r.AR.Links {
			k.advertise(fmt.Sprintf("%s.ar.links[%d]", at, i), &r.AR.Links[i])
		}
	case r.HA != nil:
		k.ha(at+".ha", r.HA)
	case r.CN != nil:
		k.unicast(at+".cn.address", r.CN.Address)
	}
}

func (k *checker) mn(at string, m *MNConfig) {
	m.Strategy = or(m.Strategy, "mipv6")
	m.DAD = or(m.DAD, "optimistic")
	m.Lifetime = or(m.Lifetime, 420*time.Second)
	m.HoldPackets = or(m.HoldPackets, 4096)
	m.HoldAge = or(m.HoldAge, 5*time.Second)
	k.prefix(at+".home_prefix", m.HomePrefix)
	k.unicast(at+".home_address", m.HomeAddress)
	k.must(m.HomePrefix.Contains(m.HomeAddress), at+".home_address", m.HomeAddress, "an address in home_prefix "+m.HomePrefix.String())
	if m.HomeAgent.IsValid() {
		k.must(m.HomePrefix.Contains(m.HomeAgent) && m.HomeAgent != m.HomeAddress, at+".home_agent", m.HomeAgent, "another address in home_prefix "+m.HomePrefix.String())
	}
	k.must(m.Lifetime >= minLifetime && m.Lifetime <= maxLifetime, at+".lifetime", m.Lifetime, "4s to 72h")
	k.must(m.HoldPackets >= 0 && m.HoldPackets <= maxHold, at+".hold_packets", m.HoldPackets, "0 to 65536")
	k.must(m.HoldAge > 0 && m.HoldAge <= time.Minute, at+".hold_age", m.HoldAge, "up to 1m")
	k.must(len(k.ports) > 0, "links", "none", "at least one link for the mobile node")
	k.security(at+".security", m.Security)
}

func (k *checker) advertise(at string, a *AdvertiseConfig) {
	k.must(k.ports[a.Port], at+".port", a.Port, "the port of one of links")
	k.prefix(at+".prefix", a.Prefix)
	if a.Address.IsValid() {
		k.must(a.Prefix.Contains(a.Address), at+".address", a.Address, "an address in prefix "+a.Prefix.String())
	}
	k.intervals(at, &a.IntervalMin, &a.IntervalMax)
	a.Lifetime = orPtr(a.Lifetime, advertise.DefaultLifetime)
	a.RADelayMax = orPtr(a.RADelayMax, advertise.MaxDelay)
	a.Valid = or(a.Valid, advertise.DefaultValid)
	a.Preferred = or(a.Preferred, min(a.Valid, advertise.DefaultPreferred))
	k.must(*a.Lifetime >= 0 && *a.Lifetime <= maxRALifetime, at+".lifetime", *a.Lifetime, "0s to 9000s")
	k.must(*a.RADelayMax >= 0 && *a.RADelayMax <= advertise.MaxDelay, at+".ra_delay_max", *a.RADelayMax, "0s to 500ms")
	k.must(a.Preferred <= a.Valid, at+".preferred", a.Preferred, "at most valid, "+a.Valid.String())
}

func (k *checker) intervals(at string, low, high *time.Duration) {
	*low = or(*low, advertise.DefaultIntervalMin)
	*high = or(*high, max(*low, advertise.DefaultIntervalMax))
	k.must(*low >= advertise.MinInterval && *low <= maxRAInterval, at+".interval_min", *low, "30ms to 1800s")
	k.must(*high >= *low && *high <= maxRAInterval, at+".interval_max", *high, "at least interval_min, at most 1800s")
}

func (k *checker) ha(at string, h *HAConfig) {
	k.prefix(at+".prefix", h.Prefix)
	k.unicast(at+".address", h.Address)
	k.must(h.Prefix.Contains(h.Address), at+".address", h.Address, "an address in prefix "+h.Prefix.String())
	k.must(h.Port == 0 || k.ports[h.Port], at+".port", h.Port, "the port of one of links, or 0 for a virtual home link")
	k.intervals(at, &h.IntervalMin, &h.IntervalMax)
	h.MaxLifetime = or(h.MaxLifetime, 600*time.Second)
	k.must(h.MaxLifetime >= minLifetime && h.MaxLifetime <= maxLifetime, at+".max_lifetime", h.MaxLifetime, "4s to 72h")
	k.must(h.Preference >= 0 && h.Preference < 1<<16, at+".preference", h.Preference, "0 to 65535")
	k.must(len(h.Mobiles) <= maxMobiles, at+".mobiles", len(h.Mobiles), fmt.Sprintf("%d at most", maxMobiles))
	seen := map[netip.Addr]bool{}
	spis := map[uint32]bool{}
	for i, m := range h.Mobiles {
		mat := fmt.Sprintf("%s.mobiles[%d]", at, i)
		k.must(h.Prefix.Contains(m.HomeAddress) && m.HomeAddress != h.Address && !seen[m.HomeAddress], mat+".home_address",
			m.HomeAddress, "an address in "+h.Prefix.String()+" that neither the agent nor another mobile node has")
		seen[m.HomeAddress] = true
		k.security(mat+".security", m.Security)
		if e := m.Security.ESP; e != nil {
			k.must(!spis[e.InSPI], mat+".security.esp.in_spi", e.InSPI, "an SPI that no other mobile node has")
			spis[e.InSPI] = true
		}
	}
}

func (k *checker) security(at string, s SecurityConfig) {
	k.must((s.ESP == nil) != (s.Auth == nil), at, "esp and auth, or neither", "exactly one of esp, auth")
	if e := s.ESP; e != nil {
		k.must(e.OutSPI >= minSPI, at+".esp.out_spi", e.OutSPI, "256 or more")
		k.must(e.InSPI >= minSPI, at+".esp.in_spi", e.InSPI, "256 or more")
		k.must(len(e.OutKey) == 20 || len(e.OutKey) == 36, at+".esp.out_key", e.OutKey, "20 or 36 octets in hexadecimal (openssl rand -hex 20)")
		k.must(len(e.InKey) == 20 || len(e.InKey) == 36, at+".esp.in_key", e.InKey, "20 or 36 octets in hexadecimal (openssl rand -hex 20)")
		k.must(string(e.InKey) != string(e.OutKey), at+".esp.in_key", e.InKey, "another key than out_key: one key for both directions breaks AES-GCM")
	}
	if a := s.Auth; a != nil {
		k.must(a.SPI >= minSPI, at+".auth.spi", a.SPI, "256 or more")
		k.must(len(a.Key) >= 16 && len(a.Key) <= 64, at+".auth.key", a.Key, "16 to 64 octets in hexadecimal (openssl rand -hex 32)")
	}
}

func (k *checker) prefix(at string, p netip.Prefix) {
	k.must(p.IsValid() && p.Bits() == 64 && p == p.Masked() && p.Addr().Is6() && p.Addr().IsGlobalUnicast(), at, p, "a /64 prefix of routable unicast addresses, such as 2001:db8:0:1::/64")
}

func (k *checker) unicast(at string, a netip.Addr) {
	k.must(a.Is6() && !a.Is4In6() && a.IsGlobalUnicast(), at, a, "a routable unicast IPv6 address")
}

// or gives v, or def when v is the zero value.
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

func orPtr[T any](p *T, def T) *T {
	if p == nil {
		return &def
	}
	return p
}
