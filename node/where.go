package node

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"roam6/conf"
)

// Wrong is the error of a value that is right as text and turns out wrong on this host, such as the path of a file that is not there. It names
// file, line, key and value as those of Parse do.
func (c *Config) Wrong(key, value, problem string) error {
	if c.doc == nil {
		return fmt.Errorf("%s: %q %s", key, value, problem)
	}
	err := c.doc.Fail(key, value, "")
	if e := new(conf.Error); errors.As(err, &e) {
		e.Problem = problem
	}
	return err
}

// Identities are the Diameter identities of the roles that show the certificate of a TLS profile.
func (c *Config) Identities(profile string) (hosts []string) {
	for _, r := range c.Roles {
		for _, d := range r.diameter() {
			shown := slices.ContainsFunc(d.Listen, func(l ListenConfig) bool { return l.TLS == profile }) ||
				slices.ContainsFunc(d.Peers, func(p PeerConfig) bool { return p.TLS == profile })
			if host := strings.ToLower(d.Host); shown && !slices.Contains(hosts, host) {
				hosts = append(hosts, host)
			}
		}
	}
	return hosts
}

// diameter is a role's part among Diameter nodes: one or none.
func (r RoleConfig) diameter() []*DiameterConfig {
	switch {
	case r.AAA != nil:
		return []*DiameterConfig{&r.AAA.Diameter}
	case r.AR != nil && r.AR.AAA != nil:
		return []*DiameterConfig{&r.AR.AAA.Diameter}
	case r.HA != nil && r.HA.AAA != nil:
		return []*DiameterConfig{&r.HA.AAA.Diameter}
	}
	return nil
}

// Packets reports whether the node has to do with packets of its links or of its kernel. One that is a server alone, of Diameter or Kerberos, has
// not, and needs no privilege for that.
func (c *Config) Packets() bool {
	return len(c.Links) > 0 || slices.ContainsFunc(c.Roles, func(r RoleConfig) bool { return r.AAA == nil && r.KDC == nil })
}

// firstFreePort is the first that needs no privilege (net.ipv4.ip_unprivileged_port_start).
const firstFreePort = 1024

// LowPorts reports whether the node listens at a port that needs a privilege.
func (c *Config) LowPorts() bool {
	return slices.ContainsFunc(c.Roles, func(r RoleConfig) bool {
		return slices.ContainsFunc(r.listens(), func(port int) bool { return port < firstFreePort })
	})
}

// listens are the ports that a role listens at.
func (r RoleConfig) listens() (ports []int) {
	for _, d := range r.diameter() {
		for _, l := range d.Listen {
			ports = append(ports, l.Port)
		}
	}
	if r.KDC != nil {
		for _, l := range r.KDC.Listen {
			ports = append(ports, l.Port)
		}
	}
	return ports
}
