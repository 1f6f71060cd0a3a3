package node

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"roam6/conf"
	"roam6/machine/iakerb"
	"roam6/machine/tickets"
	"roam6/role/ar"
	"roam6/role/mn"
)

// Limits of clients of Kerberos.
const (
	maxKnownRealms = 64
	maxWanted      = 16 // realms and routers that the configuration names: machine/tickets has room for what is on the way to them, too
	maxKeys        = 64
	maxAdjacent    = 32 // what one list holds, docs/fast.md
)

// RealmKDCsConfig is where the KDCs of a realm are.
type RealmKDCsConfig struct {
	Realm string     `yaml:"realm,required" doc:"its name, such as HOME.EXAMPLE"`
	KDCs  []KDCPoint `yaml:"kdcs,required" doc:"1 to 8, the preferred first"`
}

// MNKerberosConfig is a mobile node as a client of Kerberos (docs/kerberos.md).
type MNKerberosConfig struct {
	Principal string            `yaml:"principal" doc:"its name, such as ann@HOME.EXAMPLE; default: what nai makes"`
	Key       conf.Secret       `yaml:"key" doc:"the long-term key of roam6 subscriber add, 16 to 64 octets in hexadecimal; default: aaa.key"`
	Keytab    string            `yaml:"keytab" doc:"instead of key: file with keys of principal, as kadmin ktadd of another KDC makes it"`
	PKINIT    *PKINITConfig     `yaml:"pkinit" doc:"instead of key: a certificate"`
	Ask       string            `yaml:"ask" allowed:"kdc|router|either" doc:"how KDCs are reached: kdc by packets from the home address, once there is a binding; router by the access router (IAKERB); either the second until there is a binding, then the first; default either"`
	Realms    []RealmKDCsConfig `yaml:"realms" doc:"realms whose KDCs are known; needed unless ask is router"`
	Want      []string          `yaml:"want" doc:"realms whose tickets are fetched in advance, besides those that access routers name"`
	Routers   []string          `yaml:"routers" doc:"principals of access routers whose tickets are fetched in advance, such as the one a trust domain shares, mobileip/access.a.example@A.EXAMPLE"`
	Life      time.Duration     `yaml:"life" doc:"how long tickets are wanted, 1m to 8760h; default 10h"`
	Renew     time.Duration     `yaml:"renew_life" doc:"for how long they can be renewed, up to 8760h; default 0s: the node logs on again"`

	keytab []byte
}

// ARKerberosConfig is an access router among principals of Kerberos.
type ARKerberosConfig struct {
	Principal string              `yaml:"principal,required" doc:"its own name, such as mobileip/ar1.a.example@A.EXAMPLE"`
	Shared    string              `yaml:"shared" doc:"the name that all access routers of its trust domain share, such as mobileip/access.a.example@A.EXAMPLE; absent: none"`
	Keytab    string              `yaml:"keytab" doc:"file with keys of both, as roam6 principal keytab makes it; with keys: none"`
	Keys      []KerberosKeyConfig `yaml:"keys" doc:"instead of keytab: the keys themselves"`
	Realms    []RealmKDCsConfig   `yaml:"realms,required" doc:"the KDCs of its realm, and of others to which logons of mobile nodes are passed on"`
	Proxy     string              `yaml:"proxy" allowed:"on|off" doc:"whether it passes on what mobile nodes ask KDCs before they have an address (IAKERB); default on"`
	Adjacent  []string            `yaml:"adjacent" doc:"realms of the networks around, told to mobile nodes that ask, so that they have tickets before they go there; up to 32"`

	keytab []byte
}

// KerberosKeyConfig is one key of a service.
type KerberosKeyConfig struct {
	Principal string      `yaml:"principal,required" doc:"principal or shared"`
	KVNO      int         `yaml:"kvno,required" doc:"its version, from 1"`
	Type      int         `yaml:"type,required" doc:"encryption type: 17, 18 (RFC 3962), 19 or 20 (RFC 8009)"`
	Key       conf.Secret `yaml:"key,required" doc:"16 octets in hexadecimal for 17 and 19, 32 for 18 and 20"`
}

// Keytab is a file with keys that a configuration names. Who reads files gives its octets by Set, before Build.
type Keytab struct {
	Key, File string
	to        *[]byte
}

// Set is what the file holds.
func (t Keytab) Set(octets []byte) { *t.to = octets }

// Keytabs are the files with keys of Kerberos.
func (c *Config) Keytabs() (list []Keytab) {
	for i := range c.Roles {
		at := fmt.Sprintf(defaultRolePfx, i)
		if m := c.Roles[i].MN; m != nil && m.Kerberos != nil && m.Kerberos.Keytab != "" {
			list = append(list, Keytab{at + ".mn.kerberos.keytab", m.Kerberos.Keytab, &m.Kerberos.keytab})
		}
		if a := c.Roles[i].AR; a != nil && a.Kerberos != nil && a.Kerberos.Keytab != "" {
			list = append(list, Keytab{at + ".ar.kerberos.keytab", a.Kerberos.Keytab, &a.Kerberos.keytab})
		}
	}
	return list
}

var (
	subscriberName = regexp.MustCompile(`^([^/@\\\s]|\\.)+@[^/@\\\s]+$`)
	serviceName    = regexp.MustCompile(`^mobileip/[^/@\\\s]+@[^/@\\\s]+$`)
)

// service checks the principal of access routers: a stranger that is no router must not be taken for one (docs/lwkrb.md).
func (k *checker) service(at, name string) {
	k.must(serviceName.MatchString(name) && len(name) <= maxNAI, at, name, "the principal of access routers, such as mobileip/ar1.a.example@A.EXAMPLE")
}

func realmIn(principal string) string { return principal[strings.LastIndexByte(principal, '@')+1:] }

// knownRealms checks where KDCs are.
func (k *checker) knownRealms(at string, list []RealmKDCsConfig) map[string]bool {
	k.must(len(list) <= maxKnownRealms, at, len(list), fmt.Sprintf("%d realms at most", maxKnownRealms))
	known := map[string]bool{}
	for i := range list {
		r, rat := &list[i], fmt.Sprintf("%s[%d]", at, i)
		k.realm(rat+".realm", r.Realm)
		k.must(!known[r.Realm], rat+".realm", r.Realm, "a realm that is not there already")
		known[r.Realm] = true
		k.must(len(r.KDCs) > 0 && len(r.KDCs) <= tickets.MaxKDCs, rat+".kdcs", len(r.KDCs), fmt.Sprintf("1 to %d", tickets.MaxKDCs))
		k.kdcs(rat+".kdcs", r.KDCs)
	}
	return known
}

func (k *checker) realmNames(at string, list []string, most int) {
	k.must(len(list) <= most, at, len(list), fmt.Sprintf("%d at most", most))
	for i, r := range list {
		k.realm(fmt.Sprintf("%s[%d]", at, i), r)
	}
}

func (k *checker) mobileKerberos(at string, m *MNConfig) {
	c := m.Kerberos
	if c == nil {
		return
	}
	given(k, at+".ask", &c.Ask, string(mn.AskEither))
	given(k, at+".life", &c.Life, tickets.DefaultLife)
	if !k.doc.Has(at + ".principal") {
		user, realm, _ := strings.Cut(m.NAI, "@")
		c.Principal = strings.NewReplacer(`\`, `\\`, "/", `\/`).Replace(user) + "@" + upperASCII(realm)
		k.must(subscriberName.MatchString(c.Principal), at+".principal", orNone(m.NAI, m.NAI != ""), "a principal such as ann@HOME.EXAMPLE, or nai: user@realm")
	} else {
		k.must(subscriberName.MatchString(c.Principal), at+".principal", c.Principal, "a principal such as ann@HOME.EXAMPLE")
	}
	k.pkinit(at+".pkinit", c.PKINIT)
	if len(c.Key) == 0 && c.Keytab == "" && c.PKINIT == nil && m.AAA != nil {
		c.Key = m.AAA.Key
	}
	ways := 0
	for _, given := range []bool{len(c.Key) > 0, c.Keytab != "", c.PKINIT != nil} {
		if given {
			ways++
		}
	}
	k.must(ways == 1, at+".key", fmt.Sprintf("%d ways to log on", ways), "exactly one of key, keytab, pkinit, aaa.key")
	if len(c.Key) > 0 {
		k.must(len(c.Key) >= mn.MinEAPKey && len(c.Key) <= mn.MaxEAPKey, at+".key", c.Key, "16 to 64 octets in hexadecimal (openssl rand -hex 32)")
	}
	if k.doc.Has(at + ".keytab") {
		k.path(at+".keytab", c.Keytab)
	}
	known := k.knownRealms(at+".realms", c.Realms)
	k.must(c.Ask == string(mn.AskRouter) || known[realmIn(c.Principal)] || realmIn(c.Principal) == "", at+".realms", realmIn(c.Principal)+" is not there", "the KDCs of the node's own realm, unless ask is router")
	k.realmNames(at+".want", c.Want, maxWanted)
	k.must(len(c.Routers) <= maxWanted, at+".routers", len(c.Routers), fmt.Sprintf("%d at most", maxWanted))
	for i, r := range c.Routers {
		k.service(fmt.Sprintf("%s.routers[%d]", at, i), r)
	}
	k.must(c.Life >= time.Minute && c.Life <= maxSession, at+".life", c.Life, "1m to 8760h")
	k.must(c.Renew >= 0 && c.Renew <= maxSession, at+".renew_life", c.Renew, "0s to 8760h")
}

// upperASCII is how a realm is made of a domain: other letters stay, so that different domains stay different (docs/kerberos.md).
func upperASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}, s)
}

func (k *checker) routerKerberos(at string, a *ARConfig) {
	c := a.Kerberos
	if c == nil {
		return
	}
	given(k, at+".proxy", &c.Proxy, "on")
	k.service(at+".principal", c.Principal)
	if k.doc.Has(at + ".shared") {
		k.service(at+".shared", c.Shared)
		k.must(c.Shared != c.Principal && realmIn(c.Shared) == realmIn(c.Principal), at+".shared", c.Shared, "another name than principal, of the same realm")
	}
	k.must((len(c.Keys) > 0) != (c.Keytab != ""), at+".keytab", "none, or keys as well", "exactly one of keytab, keys")
	if k.doc.Has(at + ".keytab") {
		k.path(at+".keytab", c.Keytab)
	}
	k.must(len(c.Keys) <= maxKeys, at+".keys", len(c.Keys), fmt.Sprintf("%d at most", maxKeys))
	octets := map[int]int{17: 16, 18: 32, 19: 16, 20: 32}
	for i, x := range c.Keys {
		kat := fmt.Sprintf("%s.keys[%d]", at, i)
		k.must(x.Principal == c.Principal || x.Principal == c.Shared, kat+".principal", x.Principal, "principal or shared")
		k.must(x.KVNO >= 1 && x.KVNO < 1<<31, kat+".kvno", x.KVNO, "1 to 2147483647")
		k.must(octets[x.Type] > 0, kat+".type", x.Type, "17, 18, 19 or 20")
		k.must(len(x.Key) == octets[x.Type], kat+".key", x.Key, "16 octets in hexadecimal for types 17 and 19, 32 for 18 and 20")
	}
	known := k.knownRealms(at+".realms", c.Realms)
	k.must(known[realmIn(c.Principal)], at+".realms", realmIn(c.Principal)+" is not there", "the KDCs of the router's own realm, and perhaps of others")
	k.realmNames(at+".adjacent", c.Adjacent, maxAdjacent)
}

func ticketRealms(list []RealmKDCsConfig) (out []tickets.Realm) {
	for _, r := range list {
		of := tickets.Realm{Name: r.Realm}
		for _, at := range points(r.KDCs) {
			of.KDCs = append(of.KDCs, tickets.KDC{At: at})
		}
		out = append(out, of)
	}
	return out
}

func mobileKerberos(c *MNKerberosConfig) *mn.Kerberos {
	if c == nil {
		return nil
	}
	out := &mn.Kerberos{Principal: c.Principal, LongTerm: c.Key, Keytab: c.keytab, Ask: mn.Ask(c.Ask), Realms: ticketRealms(c.Realms),
		Want: c.Want, Routers: c.Routers, Life: c.Life, Renew: c.Renew}
	if c.PKINIT != nil {
		out.PKINIT = c.PKINIT.client
	}
	return out
}

func routerKerberos(c *ARKerberosConfig) *ar.Kerberos {
	if c == nil {
		return nil
	}
	out := &ar.Kerberos{Principal: c.Principal, Shared: c.Shared, Keytab: c.keytab, Proxy: c.Proxy == "on", Adjacent: c.Adjacent}
	for _, x := range c.Keys {
		out.Keys = append(out.Keys, ar.KerberosKey{Principal: x.Principal, KVNO: uint32(x.KVNO), EType: int32(x.Type), Octets: x.Key})
	}
	for _, r := range c.Realms {
		out.Realms = append(out.Realms, iakerb.Realm{Name: r.Realm, KDCs: points(r.KDCs)})
	}
	return out
}
