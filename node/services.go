package node

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"roam6/conf"
)

// Limits of what a node's roles share.
const (
	maxProfiles = 16
	maxPath     = 4096 // PATH_MAX
)

// TLSConfig is one way to speak TLS: who we are, and whom we believe. Roles name it.
type TLSConfig struct {
	Name        string `yaml:"name,required" doc:"the profile's name, by which roles choose it"`
	Certificate string `yaml:"certificate,required" doc:"file with the node's certificate and those between it and the authority, PEM; its DNS name is the node's Diameter identity"`
	Key         string `yaml:"key,required" doc:"file with the certificate's private key, PEM; nobody else may read it"`
	Authorities string `yaml:"authorities,required" doc:"file with the certificates of the authorities that peers' certificates must come from, PEM"`
}

// DatabaseConfig is where subscribers are kept.
type DatabaseConfig struct {
	At  string `yaml:"at,required" doc:"a file (SQLite), or postgres://USER@HOST/NAME; roam6 subscriber add makes it"`
	Key string `yaml:"key" doc:"file with the key that seals the subscribers' keys; default: the file's name with .key; PostgreSQL needs one"`
}

// Profiles are the names of the TLS profiles.
func (c *Config) Profiles() (names []string) {
	for _, t := range c.TLS {
		names = append(names, t.Name)
	}
	return names
}

// services checks what the roles share.
func (k *checker) services(c *Config) {
	k.must(len(c.TLS) <= maxProfiles, "tls", len(c.TLS), fmt.Sprintf("%d profiles at most", maxProfiles))
	k.profiles, k.missing = map[string]bool{}, map[string]*missingProfile{}
	for i, t := range c.TLS {
		at := fmt.Sprintf("tls[%d]", i)
		k.must(word.MatchString(t.Name) && len(t.Name) <= maxName && !k.profiles[t.Name], at+".name", t.Name, "letters, digits, and - _ . between them, up to 64; no other profile's")
		k.profiles[t.Name] = true
		for _, f := range []struct{ key, path string }{{"certificate", t.Certificate}, {"key", t.Key}, {"authorities", t.Authorities}} {
			k.path(at+"."+f.key, f.path)
		}
	}
	if d := c.Database; d != nil {
		k.must(d.At != "" && len(d.At) <= maxPath, "database.at", d.At, "a file, sqlite:FILE or postgres://USER@HOST/NAME")
		postgres := strings.HasPrefix(d.At, "postgres://") || strings.HasPrefix(d.At, "postgresql://")
		k.must(!postgres || d.Key != "", "database.key", d.Key, "the file with the key that seals the subscribers' keys: PostgreSQL has no file beside which it could lie")
	}
}

func (k *checker) path(at, path string) {
	k.must(path != "" && len(path) <= maxPath && !strings.ContainsRune(path, 0), at, path, "the path of a file")
}

// missingProfile is a TLS profile that there is not.
type missingProfile struct {
	err     *conf.Error // that of the first place
	allowed string      // there, without the other places
	lines   []string    // of the other places
}

// maxLines is how many more places of a missing profile are told.
const maxLines = 8

// profile makes sure that a role names a TLS profile that there is; none is plain TCP. One that is missing is one mistake, wherever it is named.
func (k *checker) profile(at, name string) {
	if name == "" || k.profiles[name] {
		return
	}
	e := new(conf.Error)
	if first := k.missing[name]; first != nil {
		if errors.As(k.doc.Fail(at, name, ""), &e) {
			first.again(e.Line)
		}
		return
	}
	allowed := "the name of one of tls, or nothing for plain TCP"
	if len(k.profiles) > 0 {
		allowed += "; there is " + strings.Join(slices.Sorted(maps.Keys(k.profiles)), ", ")
	}
	k.must(false, at, name, allowed)
	if errors.As(k.errs[len(k.errs)-1], &e) {
		k.missing[name] = &missingProfile{err: e, allowed: allowed}
	}
}

// again adds a line on which the same profile is named.
func (m *missingProfile) again(line int) {
	if text := fmt.Sprint(line); !slices.Contains(m.lines, text) && line != m.err.Line {
		m.lines = append(m.lines, text)
		more := strings.Join(m.lines[:min(len(m.lines), maxLines)], ", ")
		if len(m.lines) > maxLines {
			more += " and others"
		}
		m.err.Allowed = m.allowed + "; it stands too in line " + more
	}
}
