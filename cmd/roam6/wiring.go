package main

import (
	"maps"
	"slices"

	"roam6/driver"
	"roam6/node"
	"roam6/scenario"
)

// build is how worlds make a node's engines of its configuration.
func build(n scenario.Node, seed [32]byte) (scenario.Built, error) {
	c, err := node.Parse(n.Name+".yaml", n.Config)
	if err != nil {
		return scenario.Built{}, err
	}
	engines, err := node.Build(c, seed)
	b := scenario.Built{Refuse: c.Refuse(), Profiles: c.Profiles()}
	for _, e := range engines {
		b.Engines = append(b.Engines, scenario.NamedEngine{Name: e.Name, Engine: e.Engine})
	}
	return b, err
}

// enginesOf are a configuration's engines as the driver takes them.
func enginesOf(c *node.Config, seed [32]byte) ([]driver.Engine, error) {
	engines, err := node.Build(c, seed)
	var out []driver.Engine
	for _, e := range engines {
		out = append(out, driver.Engine{Name: e.Name, Engine: e.Engine})
	}
	return out, err
}

// keysOf are the keys in the configurations of a plan's nodes, for the checker that none of them crosses a link.
func keysOf(p *scenario.Plan) (names []string, keys map[string][]byte) {
	keys = map[string][]byte{}
	add := func(name string, s node.SecurityConfig) {
		if e := s.ESP; e != nil {
			keys[name+".out_key"], keys[name+".in_key"] = e.OutKey, e.InKey
		}
		if e := s.Tunnel; e != nil {
			keys[name+".tunnel.out_key"], keys[name+".tunnel.in_key"] = e.OutKey, e.InKey
		}
		if a := s.Auth; a != nil {
			keys[name+".key"] = a.Key
		}
	}
	for _, n := range p.Nodes {
		c, err := node.Parse(n.Name+".yaml", n.Config)
		if n.Config == nil || err != nil {
			continue // the world reports the error when it builds the node
		}
		for _, r := range c.Roles {
			if r.MN != nil {
				add(n.Name, r.MN.Security)
				if a := r.MN.AAA; a != nil {
					keys[n.Name+".aaa.key"] = a.Key
				}
				if k := r.MN.Kerberos; k != nil && k.Key != nil {
					keys[n.Name+".kerberos.key"] = k.Key
				}
			}
			if r.AR != nil && r.AR.Kerberos != nil {
				for _, k := range r.AR.Kerberos.Keys {
					keys[n.Name+" "+k.Principal] = k.Key
				}
			}
			if a := r.AAA; a != nil && a.Home != nil {
				keys[n.Name+".home.address_secret"] = a.Home.Secret
			}
			if a := r.AAA; a != nil && a.Visited != nil {
				keys[n.Name+".visited.address_secret"] = a.Visited.Secret
			}
			if r.HA != nil {
				for _, m := range r.HA.Mobiles {
					add(n.Name+" for "+m.HomeAddress.String(), m.Security)
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(keys)), keys
}
