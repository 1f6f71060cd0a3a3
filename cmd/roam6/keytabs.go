package main

import (
	"errors"
	"io/fs"
	"os"

	"roam6/conf"
	"roam6/node"
	"roam6/wire/krb5"
)

// keytabs reads the keytabs that a configuration names, before its engines are made.
func keytabs(c *node.Config) error {
	var errs []error
	for _, t := range c.Keytabs() {
		octets, wrong := keytabOf(t.File)
		if wrong != "" {
			errs = append(errs, c.Wrong(t.Key, t.File, wrong))
			continue
		}
		t.Set(octets)
	}
	return conf.Join(errs...)
}

// keytabOf is what a keytab holds, or what is wrong with it.
func keytabOf(path string) (octets []byte, wrong string) {
	from := credential(path)
	at, err := os.Stat(from)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "is not there (roam6 principal keytab or roam6 subscriber keytab makes one, with --out)"
	case err == nil && from == path && at.Mode().Perm()&0o077 != 0:
		return nil, "can be read by others; chmod 600 " + path
	case err == nil && at.Size() > krb5.MaxKeytab:
		return nil, "is too large for a keytab: 1 MiB at most"
	}
	if octets, err = os.ReadFile(from); err != nil {
		return nil, "cannot be read: " + errors.Unwrap(err).Error()
	}
	if _, err := krb5.ParseKeytab(octets); err != nil {
		return nil, "is no keytab: " + err.Error()
	}
	return octets, ""
}
