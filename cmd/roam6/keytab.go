package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// keytabFile is the flag of commands that write a keytab.
type keytabFile struct{ path string }

func (k *keytabFile) add(c *cobra.Command) {
	c.Flags().StringVar(&k.path, "out", "", "`FILE` to write, for its owner alone; what a keytab that is there has of others stays in it. - is standard output")
}

func (k *keytabFile) check() error {
	switch {
	case k.path == "":
		return usagef("--out FILE is missing: a keytab holds keys, and is not printed")
	case k.path == "-" && term.IsTerminal(int(os.Stdout.Fd())):
		return usagef("--out -: a keytab is not printed on a terminal: name a FILE")
	}
	return nil
}

// write puts keys into the file, for those that it had of their principals.
func (k *keytabFile) write(list []krb5.KeytabEntry) error {
	var all []krb5.KeytabEntry
	if k.path != "-" {
		var err error
		if all, err = readKeytab(k.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	all = slices.DeleteFunc(all, func(e krb5.KeytabEntry) bool {
		return slices.ContainsFunc(list, func(o krb5.KeytabEntry) bool { return o.Principal.Equal(e.Principal) })
	})
	octets, err := krb5.AppendKeytab(nil, append(all, list...))
	if err != nil {
		return err
	}
	to := k.path
	if to == "-" {
		to = ""
	}
	return writeOut(to, func(w io.Writer) error {
		_, err := w.Write(octets)
		return err
	})
}

// readKeytab reads a keytab that others cannot read; - is standard input.
func readKeytab(path string) ([]krb5.KeytabEntry, error) {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return nil, usage(err)
		}
		defer f.Close()
		if err := private(f); err != nil {
			return nil, err
		}
	}
	var octets bytes.Buffer
	if _, err := octets.ReadFrom(io.LimitReader(f, krb5.MaxKeytab+1)); err != nil {
		return nil, err
	}
	if octets.Len() == 0 && path != "-" {
		return nil, nil // as mktemp makes it
	}
	list, err := krb5.ParseKeytab(octets.Bytes())
	if err != nil {
		return nil, usagef("%s is no keytab of format 0x0502: %w", path, err)
	}
	return list, nil
}

func principalKeytabCmd() *cobra.Command {
	var db dbFlags
	var file keytabFile
	newest := false
	c := &cobra.Command{
		Use: "keytab NAME...", Short: "Write keys into a keytab", ValidArgsFunction: nothing,
		Long:    "Writes the keys of principals into a keytab of MIT Kerberos, all versions that are kept, for the host of a service. The keys stay what they are: `roam6 principal rekey` makes new ones.",
		Example: lines("roam6 principal keytab mobileip/ar1.home.example@HOME.EXAMPLE mobileip/access.home.example@HOME.EXAMPLE --out ar1.keytab"),
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exactly(1, "a NAME")(c, args)
			}
			return nil
		},
		RunE: work(func(c *cobra.Command, args []string) error {
			if err := file.check(); err != nil {
				return err
			}
			for _, name := range args {
				if _, err := principal.Canonical(name); err != nil {
					return usage(err)
				}
			}
			d, err := db.open(false)
			if err != nil {
				return err
			}
			defer d.Close()
			var list []krb5.KeytabEntry
			for _, name := range args {
				p, err := d.LookupPrincipal(c.Context(), name)
				if err != nil {
					return hinted(name, err)
				}
				for _, e := range p.Keytab() {
					if !newest || e.KVNO == p.Newest() {
						list = append(list, e)
					}
				}
			}
			return file.write(list)
		}),
	}
	db.add(c)
	file.add(c)
	c.Flags().BoolVar(&newest, "newest", false, "the newest version alone")
	return c
}

func principalImportCmd() *cobra.Command {
	var db dbFlags
	c := &cobra.Command{
		Use: "import KEYTAB", Short: "Take services with their keys from a keytab", Args: exactly(1, "a KEYTAB, or - for standard input"),
		Long: `Enters the services of a keytab of MIT Kerberos with its keys and versions, all or none of them, and makes the database if there is none. One that is there
keeps what it may and gets the keys beside its own. Entries of subscribers, and of encryption types other than 17 to 20, are passed over.`,
		Example: lines("roam6 principal import trust.keytab      from the KDC of B.EXAMPLE: krbtgt/B.EXAMPLE@HOME.EXAMPLE"),
		RunE: work(func(c *cobra.Command, args []string) error {
			list, err := readKeytab(args[0])
			if err != nil {
				return err
			}
			services, passed, err := principal.FromKeytab(list)
			if err != nil {
				return usagef("%s: %w", args[0], err)
			}
			made := 0
			if len(services) > 0 {
				d, err := db.open(true)
				if err != nil {
					return err
				}
				defer d.Close()
				if made, err = d.LoadPrincipals(c.Context(), services); err != nil {
					return err
				}
			}
			fmt.Printf("%d services entered, %d given further keys, %d entries passed over\n", made, len(services)-made, passed)
			return nil
		}),
	}
	db.add(c)
	return c
}

func subscriberKeytabCmd() *cobra.Command {
	var db dbFlags
	var file keytabFile
	c := &cobra.Command{
		Use: "keytab NAI", Short: "Write a subscriber's Kerberos keys into a keytab", Args: exactly(1, "an NAI or a home ADDRESS"), ValidArgsFunction: nothing,
		Long: `Writes what a subscriber's long-term key is in Kerberos, where it is ann@HOME.EXAMPLE, into a keytab of MIT Kerberos: kinit -k logs on with it. roam6's
own mobile nodes need none, as they have the long-term key.`,
		Example: lines("roam6 subscriber keytab ann@home.example --out ann.keytab", "kinit -k -t ann.keytab ann@HOME.EXAMPLE"),
		RunE: work(func(c *cobra.Command, args []string) error {
			if err := file.check(); err != nil {
				return err
			}
			if err := naming(args[0]); err != nil {
				return err
			}
			d, err := db.open(false)
			if err != nil {
				return err
			}
			defer d.Close()
			s, err := d.Lookup(c.Context(), args[0])
			if err != nil {
				return err
			}
			p, err := principal.OfSubscriber(&s.Profile)
			if err != nil {
				return err
			}
			return file.write(p.Keytab())
		}),
	}
	db.add(c)
	file.add(c)
	return c
}
