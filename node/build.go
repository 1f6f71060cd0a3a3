package node

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"roam6/engine"
	"roam6/machine/advertise"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/role/aaa"
	"roam6/role/ar"
	"roam6/role/cn"
	"roam6/role/ha"
	"roam6/role/kdc"
	"roam6/role/mn"
)

// Engine is an engine and the name of its role on this node: "mn", "ha", "ar2" for a second of a kind.
type Engine struct {
	Name   string
	Engine engine.Engine
}

// Build makes the engines of a checked configuration. Each draws its randomness from the seed and its name, so that adding a
// role does not change what another draws.
func Build(c *Config, seed [32]byte) ([]Engine, error) {
	var list []Engine
	count := map[string]int{}
	for _, r := range c.Roles {
		kind := kindOf(r)
		count[kind]++
		name := kind
		if count[kind] > 1 {
			name = fmt.Sprintf("%s%d", kind, count[kind])
		}
		e, err := build(c, r, sha256.Sum256(append(seed[:], name...)))
		if err != nil {
			return nil, err
		}
		list = append(list, Engine{name, e})
	}
	return list, nil
}

func kindOf(r RoleConfig) string {
	switch {
	case r.MN != nil:
		return "mn"
	case r.AR != nil:
		return "ar"
	case r.HA != nil:
		return "ha"
	case r.AAA != nil:
		return "aaa"
	case r.KDC != nil:
		return "kdc"
	}
	return "cn"
}

func build(c *Config, r RoleConfig, seed [32]byte) (engine.Engine, error) {
	for _, p := range c.PKINITs() {
		if err := p.Files.unread(p.At); err != nil {
			return nil, err
		}
	}
	switch {
	case r.MN != nil:
		return mn.New(mobileNode(c, r.MN), seed)
	case r.AR != nil:
		cfg := ar.Config{}
		for _, l := range r.AR.Links {
			cfg.Links = append(cfg.Links, advertised(l))
		}
		cfg.Lightweight = lightweightRouter(r.AR, cfg.Links)
		cfg.Fast, cfg.AAA = fastRouter(r.AR, cfg.Links), routerAAA(r.AR.AAA)
		cfg.Kerberos = routerKerberos(r.AR.Kerberos)
		return ar.New(cfg, seed)
	case r.HA != nil:
		return ha.New(homeAgent(r.HA), seed)
	case r.AAA != nil:
		return aaa.New(aaaServer(r.AAA), seed)
	case r.KDC != nil:
		return kdc.New(keyServer(r.KDC), seed)
	}
	return cn.New(correspondent(r.CN), seed), nil
}

func mobileNode(c *Config, m *MNConfig) mn.Config {
	cfg := mn.Config{
		HomeAddress: m.HomeAddress, HomePrefix: m.HomePrefix, HomeAgent: m.HomeAgent, NAI: m.NAI,
		Strategy: m.Strategy, DAD: mn.DAD(m.DAD), Lifetime: m.Lifetime, HoldPackets: m.HoldPackets, HoldAge: m.HoldAge,
		Security: security(m.Security), Tunnel: tunnelOf(m.Security), Routes: routesOf(m),
		HandoverKeys: handoverKeysOf(m), Tickets: mn.Tickets(m.Tickets), NetworkInitiated: m.NetworkInitiated == "on", Networks: networksOf(m), Implicit: m.RegisterNetworks == "implicit",
		Multihoming: mn.Multihoming(m.Multihoming), Flows: flowsOf(m), AAA: mobileAAA(m.AAA), Kerberos: mobileKerberos(m.Kerberos),
	}
	for _, l := range c.Links {
		if !slices.Contains(m.Links, l.Port) {
			continue
		}
		cfg.Links = append(cfg.Links, mn.LinkConfig{Port: plane.Port(l.Port), Preference: l.Preference})
	}
	return cfg
}

func homeAgent(h *HAConfig) ha.Config {
	cfg := ha.Config{
		Address: h.Address, Port: plane.Port(h.Port), Prefix: h.Prefix, MaxLifetime: h.MaxLifetime, Preference: uint16(h.Preference),
		Advertise: advertise.Config{
			// The service address goes out with the R bit: a node that comes home learns its agent from it (RFC 6275 §7.2, §11.5.5).
			Port: plane.Port(h.Port), Prefix: h.Prefix, Address: h.Address, IntervalMin: h.IntervalMin, IntervalMax: h.IntervalMax,
			Lifetime: advertise.DefaultLifetime, DelayMax: advertise.MaxDelay, Valid: advertise.DefaultValid, Preferred: advertise.DefaultPreferred,
		},
	}
	cfg.Diameter = homeAgentAAA(h.AAA)
	for _, m := range h.Mobiles {
		cfg.Mobiles = append(cfg.Mobiles, ha.Mobile{HomeAddress: m.HomeAddress, NAI: m.NAI, Security: security(m.Security), Tunnel: tunnelOf(m.Security), Networks: m.Networks,
			Multihoming: ha.Multihoming(m.Multihoming), Flows: flowsToward(&m)})
	}
	return cfg
}

// algorithms are the names of a configuration for those of package sa.
var algorithms = map[string]string{"": "hmac-sha256-128", "hmac-sha256": "hmac-sha256-128", "hmac-sha1": "hmac-sha1-96"}

func security(s SecurityConfig) sa.Config {
	if e := s.ESP; e != nil {
		return sa.Config{ESP: espOf(e)}
	}
	a := s.Auth
	if a == nil { // the home network gives keys
		return sa.Config{}
	}
	return sa.Config{Auth: &sa.AuthConfig{SPI: a.SPI, Key: a.Key, Algorithm: algorithms[a.Algorithm]}}
}

func espOf(e *ESPConfig) *sa.ESPConfig {
	return &sa.ESPConfig{OutSPI: e.OutSPI, InSPI: e.InSPI, OutKey: e.OutKey, InKey: e.InKey}
}
