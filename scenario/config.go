package scenario

import (
	"fmt"
	"net/netip"
	"strings"
)

// SPIs of the first mobile node's pair of ESP associations; each replica takes the next two. RFC 4303 §2.1 reserves 1–255.
const (
	firstOutSPI = 0x1001
	firstInSPI  = 0x1002
)

// authSPI is the SPI of the mobility security association of RFC 4285, the same for all: the home address picks the key.
const authSPI = 256

// Octets of keys.
const (
	espKey  = 20 // AES-128 and the salt, RFC 4106 §8.1
	authKey = 32 // HMAC-SHA-256
)

// mobileConfig is the configuration of mobile node i.
func (b *builder) mobileConfig(i int) []byte {
	var w strings.Builder
	m := b.s.Mobile
	fmt.Fprintf(&w, "name: %s\n", mobileName(i))
	w.WriteString("links: [{name: wlan0, port: 1, preference: 1}")
	if m.Second != "" {
		w.WriteString(", {name: wwan0, port: 2, preference: 2}")
	}
	w.WriteString(b.insideLink() + "]\nroles:\n  - mn:\n")
	if !m.assigned() {
		fmt.Fprintf(&w, "      home_address: %s\n      home_prefix: %s\n", HomeAddress(i), HomePrefix)
	}
	if !m.DHAAD && !m.assigned() {
		fmt.Fprintf(&w, "      home_agent: %s\n", HomeAgent)
	}
	fmt.Fprintf(&w, "      strategy: %s\n      dad: %s\n      lifetime: %s\n", b.o.Strategy, m.DAD, m.Lifetime)
	if b.o.Strategy == fmipv6 {
		fmt.Fprintf(&w, "      fmipv6: [%s]\n", strings.Join(b.handoverKeys(i, false), ", "))
	}
	if t := b.s.Mobile.Tickets; b.o.Strategy == fastByTickets && t != "best" {
		fmt.Fprintf(&w, "      tickets: %s\n", t)
	}
	if m.NAI || m.AAA == aaaOn || b.kerberos() {
		fmt.Fprintf(&w, "      nai: %s\n", nai(i))
	}
	w.WriteString(b.mobileAAA(i) + b.mobileKerberos(i))
	if m.Routes == OnTraffic {
		fmt.Fprintf(&w, "      route_optimisation: %s\n", m.Routes)
	}
	w.WriteString(b.networks(i))
	if m.Multihoming != "off" {
		fmt.Fprintf(&w, "      multihoming: %s\n", m.Multihoming)
	}
	if s := b.security(i, false); s != "" && !m.Keyed() {
		fmt.Fprintf(&w, "      security: %s\n", s)
	}
	return []byte(w.String())
}

func nai(i int) string { return mobileName(i) + "@home.example" }

// protection is what protects registrations where the home network does not give keys.
func (m *Mobile) protection() string { return or(m.Security, "esp") }

// security is the security of mobile node i as its own configuration has it, or mirrored for the home agent's.
func (b *builder) security(i int, mirrored bool) string {
	switch b.s.Mobile.protection() {
	case "esp":
		outSPI, inSPI := firstOutSPI+2*i, firstInSPI+2*i
		out, in := b.derive("esp to home", mobileName(i)), b.derive("esp from home", mobileName(i))
		if mirrored {
			outSPI, inSPI, out, in = inSPI, outSPI, in, out
		}
		return fmt.Sprintf(`{esp: {out_spi: 0x%x, in_spi: 0x%x, out_key: "%x", in_key: "%x"}%s}`, outSPI, inSPI, out[:espKey], in[:espKey], b.tunnelSecurity(i, mirrored))
	case "auth":
		key := b.derive("auth", mobileName(i))
		return fmt.Sprintf(`{auth: {spi: %d, key: "%x", algorithm: hmac-sha256}}`, authSPI, key[:authKey])
	}
	return ""
}

// routerConfig is the configuration of an access router.
func (b *builder) routerConfig(self int) []byte {
	a, r := accessCells[self], b.s.Router
	return fmt.Appendf(nil, "name: %s\nlinks: [{name: %s, port: 1}]\nroles:\n  - ar:\n      links: [{port: 1, prefix: %s, address: %s, interval_min: %s, interval_max: %s, lifetime: %s, ra_delay_max: %s}]\n%s%s",
		a.name, "cell", a.prefix, first(a.prefix), r.IntervalMin, r.IntervalMax, r.Lifetime, r.RADelayMax, b.fastRouter(self)+b.lightweightRouter(self), b.routerAAA(a)+b.routerKerberos(a))
}

// homeAgentConfig is the configuration of the home agent: all mobile nodes are its own.
func (b *builder) homeAgentConfig() []byte {
	var w strings.Builder
	r := b.s.Router
	w.WriteString("name: ha\nlinks: [{name: home, port: 1}]\n")
	if b.aaa() {
		w.WriteString(tlsProfile())
	}
	w.WriteString("roles:\n  - ha:\n")
	for _, line := range []struct {
		key   string
		value any
	}{
		{"address", HomeAgent},
		{"port", 1},
		{"prefix", HomePrefix},
		{"router_address", HomeRouter},
		{"interval_min", r.IntervalMin},
		{"interval_max", r.IntervalMax},
		{"max_lifetime", b.s.Home.MaxLifetime},
	} {
		fmt.Fprintf(&w, "      %s: %v\n", line.key, line.value)
	}
	w.WriteString(b.homeAgentAAA())
	if b.s.Mobile.Keyed() {
		return []byte(w.String()) // the mobile nodes come by AAA
	}
	w.WriteString("      mobiles:\n")
	for i := range b.o.Nodes {
		fmt.Fprintf(&w, "        - {home_address: %s", netip.Addr(HomeAddress(i)))
		if b.s.Mobile.NAI || b.aaa() || b.kerberos() {
			fmt.Fprintf(&w, ", nai: %s", nai(i))
		}
		if s := b.security(i, true); s != "" {
			fmt.Fprintf(&w, ", security: %s", s)
		}
		if m := b.s.Mobile.Multihoming; m != "off" {
			fmt.Fprintf(&w, ", multihoming: %s", m)
		}
		if b.s.Mobile.Hosts > 0 {
			fmt.Fprintf(&w, ", networks: [\"%s\"]", NetworkPrefix(i))
		}
		w.WriteString("}\n")
	}
	return []byte(w.String())
}
