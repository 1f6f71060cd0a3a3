package node

import (
	"roam6/conf"
	"roam6/role/mn"
)

// longTermKey is the length of the key that a mobile node shares with its home AAA server: HMAC-SHA-256's (docs/access.md).
const longTermKey = 32

// MNAAAConfig is what a mobile node shares with its home AAA server, and what it wants of it.
type MNAAAConfig struct {
	Key    conf.Secret `yaml:"key,required" doc:"the long-term key, 32 octets in hexadecimal, with method eap 16 to 64: that of roam6 subscriber add"`
	Method string      `yaml:"method" allowed:"challenge|eap" doc:"how the node proves who it is: challenge in one round trip, eap by EAP-GPSK (RFC 5433) in three; default challenge"`
	EAP    MNEAPConfig `yaml:"eap" doc:"with method eap: the names of the two ends"`
	Keys   string      `yaml:"keys" allowed:"random|dh|either" doc:"how keys with the home agent are made where security gives none: random by the home AAA server, which then knows them; dh by Diffie-Hellman (X25519), so that only the home agent does; either as that server likes; default random"`
	Domain string      `yaml:"home_agent_in" allowed:"any|home|visited" doc:"without home_address and home_agent: where both shall be; visited is a wish, home an order; default any"`
	Router string      `yaml:"router_key" allowed:"on|off" doc:"a key with each access router too, made as keys says, at every router anew: both ends have it, view names its SPIs, and nothing is protected by it yet; default off"`
}

// MNEAPConfig is the names in EAP-GPSK.
type MNEAPConfig struct {
	Identity string `yaml:"identity" doc:"the node's name there, up to 254 octets: that of roam6 subscriber add --eap-identity; default: nai, or without one home_address"`
	Server   string `yaml:"server" doc:"Diameter identity of the home AAA server, diameter.host there; absent: any that knows the key"`
}

// identities checks who the mobile node is: all of it is said here, or its home network says what is not.
func (k *checker) identities(at string, m *MNConfig) {
	k.must(len(m.NAI) <= maxNAI, at+".nai", m.NAI, "up to 253 octets")
	address, prefix := k.doc.Has(at+".home_address"), k.doc.Has(at+".home_prefix")
	if m.AAA == nil {
		k.must(address, at+".home_address", "none", "the address that applications keep; with aaa the home network may assign one")
		k.must(prefix, at+".home_prefix", "none", "the home link's prefix; with aaa and no home_address the home network says")
		k.must(k.doc.Has(at+".security"), at+".security", "none", "exactly one of esp, auth; with aaa the home network gives keys")
	} else {
		k.mobileAAA(at, m, address, prefix)
	}
	if prefix {
		k.prefix(at+".home_prefix", m.HomePrefix)
	}
	if address {
		k.unicast(at+".home_address", m.HomeAddress)
		k.own(at+".home_address", m.HomeAddress)
	}
	if address && prefix {
		k.host(at+".home_address", m.HomeAddress, m.HomePrefix, "home_prefix")
	}
	if m.HomeAgent.IsValid() {
		k.unicast(at+".home_agent", m.HomeAgent)
		k.must(m.HomeAgent != m.HomeAddress, at+".home_agent", m.HomeAgent, "another address than home_address")
		if prefix {
			k.host(at+".home_agent", m.HomeAgent, m.HomePrefix, "home_prefix")
		}
	}
	if m.AAA == nil || k.doc.Has(at+".security") {
		k.security(at+".security", m.Security)
	}
}

func (k *checker) mobileAAA(at string, m *MNConfig, address, prefix bool) {
	a := m.AAA
	given(k, at+".aaa.keys", &a.Keys, "random")
	given(k, at+".aaa.home_agent_in", &a.Domain, string(mn.AnyDomain))
	given(k, at+".aaa.method", &a.Method, "challenge")
	given(k, at+".aaa.router_key", &a.Router, "off")
	if a.Method == "eap" {
		k.must(len(a.Key) >= mn.MinEAPKey && len(a.Key) <= mn.MaxEAPKey, at+".aaa.key", a.Key, "16 to 64 octets in hexadecimal (openssl rand -hex 32)")
		k.must(len(a.EAP.Identity) <= mn.MaxEAPName, at+".aaa.eap.identity", a.EAP.Identity, "up to 254 octets")
		k.must(len(a.EAP.Server) <= mn.MaxEAPName, at+".aaa.eap.server", a.EAP.Server, "up to 254 octets")
	} else {
		k.must(len(a.Key) == longTermKey, at+".aaa.key", a.Key, "32 octets in hexadecimal (openssl rand -hex 32)")
		k.must(!k.doc.Has(at+".aaa.eap"), at+".aaa.eap", "names", "nothing unless method is eap")
	}
	k.must(address == prefix, at+".home_address", orNone(m.HomeAddress.String(), address), "home_address and home_prefix, or neither: then the home network assigns an address")
	k.must(address || m.NAI != "", at+".nai", "none", "user@realm, or home_address and home_prefix: the home network must know who asks")
	k.must(address || !k.doc.Has(at+".security"), at+".security", "keys", "nothing without home_address: keys belong to one, and the home network gives both")
	k.must(!address && !m.HomeAgent.IsValid() || a.Domain == string(mn.AnyDomain), at+".aaa.home_agent_in", a.Domain,
		"any, with a home_address or home_agent: they are where they are")
}

func orNone(text string, given bool) string {
	if !given {
		return "none"
	}
	return text
}

// keyMethods are the words of a configuration for those of role mn.
var keyMethods = map[string]mn.Methods{"random": mn.RandomKeys, "dh": mn.DHKeys, "either": mn.RandomKeys | mn.DHKeys}

func mobileAAA(a *MNAAAConfig) *mn.AAA {
	if a == nil {
		return nil
	}
	c := &mn.AAA{LongTerm: a.Key, Methods: keyMethods[a.Keys], Domain: mn.Domain(a.Domain), RouterKey: a.Router == "on"}
	if a.Method == "eap" {
		c.EAP = &mn.EAP{Name: a.EAP.Identity, Server: a.EAP.Server}
	}
	return c
}
