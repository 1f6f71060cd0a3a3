package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"

	"roam6/lab"
	"roam6/node"
	"roam6/scenario"
	"roam6/store/subscriber"
	"roam6/store/subscriber/principal"
	"roam6/store/subscriber/profile"
)

// labServices gives the nodes of one lab certificates of an authority that lives as long as the lab, and those with subscribers a
// real database. Paths in the nodes' configurations are not looked at: they are those of hosts.
func labServices() func(*scenario.Node) (lab.Services, error) {
	var ca *authority
	return func(n *scenario.Node) (s lab.Services, err error) {
		c, err := node.Parse(n.Name+".yaml", n.Config)
		if err != nil {
			return s, err
		}
		if len(c.TLS) > 0 && ca == nil {
			if ca, err = newAuthority(); err != nil {
				return s, err
			}
		}
		for _, t := range c.TLS {
			if s.TLS == nil {
				s.TLS = map[string]*tls.Config{}
			}
			if s.TLS[t.Name], err = ca.profile(n.Identity); err != nil {
				return s, err
			}
		}
		if n.Subscribers != nil || n.Principals != nil {
			err = withDatabase(&s, n)
		}
		return s, err
	}
}

// withDatabase makes a database of subscribers and principals that is gone with the lab.
func withDatabase(s *lab.Services, n *scenario.Node) error {
	dir, err := os.MkdirTemp("", "roam6-subscribers")
	if err != nil {
		return err
	}
	db, err := subscriber.Create(filepath.Join(dir, "subscribers.db"), "")
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	s.Query = tables(db)
	s.Close = func() error { return errors.Join(db.Close(), os.RemoveAll(dir)) }
	if _, err = db.Import(context.Background(), bytes.NewReader(n.Subscribers), profile.JSONL, func(subscriber.Loaded) {}); err != nil {
		return err
	}
	var services []*principal.Principal
	for line := range bytes.Lines(n.Principals) {
		p, err := principal.Decode(line)
		if err != nil {
			return err
		}
		services = append(services, p)
	}
	_, err = db.LoadPrincipals(context.Background(), services)
	return err
}
