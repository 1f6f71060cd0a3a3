package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	keys "roam6/keying/krb5"
	"roam6/store/subscriber"
	"roam6/store/subscriber/principal"
)

// keepVersions is how long the last version of a service's keys is kept when there is a new one: tickets that were sealed under it end before.
const keepVersions = 7 * 24 * time.Hour

// keyFlags say where new keys come from.
type keyFlags struct {
	types    string
	password bool
}

func (k *keyFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&k.types, "etypes", "", "`LIST` of encryption types, by name or number: 17 to 20 (default: all; with rekey those of before)")
	c.Flags().BoolVar(&k.password, "password", false, "make the keys of a password, asked for at the terminal or read from standard input: the other realm's KDC makes the same")
}

// newKeys makes the keys of a version: of the encryption types that were asked for, or else of these.
type newKeys func(version uint32, types []keys.EType) ([]principal.Key, error)

// make reads the flags, and asks for the password before the database is touched.
func (k *keyFlags) make(ctx context.Context, name string) (newKeys, error) {
	var asked []keys.EType
	var text string
	var err error
	if k.types != "" {
		if asked, err = principal.ETypesOf(k.types); err != nil {
			return nil, usagef("--etypes: %w", err)
		}
	}
	if k.password {
		if text, err = readPassword(ctx, name); err != nil {
			return nil, err
		}
	}
	return func(version uint32, types []keys.EType) ([]principal.Key, error) {
		if asked != nil {
			types = asked
		}
		if k.password {
			return principal.FromPassword(name, version, text, 0, types, time.Now())
		}
		return subscriber.DrawKeys(version, types), nil
	}, nil
}

// typesOf are the encryption types of a principal's newest keys.
func typesOf(p *principal.Principal) (out []keys.EType) {
	for _, k := range p.Keys {
		if k.Version == p.Newest() {
			out = append(out, k.EType)
		}
	}
	return out
}

// tellKeys says which keys a principal has now.
func tellKeys(p *principal.Principal) error {
	var types []string
	for _, e := range typesOf(p) {
		types = append(types, e.String())
	}
	_, err := fmt.Printf("%s\nkvno %d: %s\n", p.Name, p.Newest(), strings.Join(types, ", "))
	return err
}

func principalRekeyCmd() *cobra.Command {
	var db dbFlags
	var key keyFlags
	keep := keepVersions
	c := &cobra.Command{
		Use: "rekey NAME", Short: "Give a service new keys", Args: exactly(1, "a NAME"), ValidArgsFunction: nothing,
		Long: fmt.Sprintf(`Gives a service keys of the next version. The versions before stay for the tickets that were sealed under them: those replaced less than --keep ago, and
at most %d versions. A service with a keytab needs the new one at once: until then tickets for it do not open.`, principal.MaxVersions),
		Example: lines(
			"roam6 principal rekey krbtgt/HOME.EXAMPLE@HOME.EXAMPLE",
			"roam6 principal rekey mobileip/ar1.home.example@HOME.EXAMPLE --keep 0s    the old key is known to others",
		),
		RunE: work(func(c *cobra.Command, args []string) error {
			p, err := service(args[0])
			if err != nil {
				return err
			}
			if keep < 0 {
				return usagef("--keep %v: 0s or more is allowed", keep)
			}
			made, err := key.make(c.Context(), p.Name)
			if err != nil {
				return err
			}
			d, err := db.open(false)
			if err != nil {
				return err
			}
			defer d.Close()
			err = d.ChangePrincipal(c.Context(), args[0], func(have *principal.Principal) error {
				fresh, err := made(have.Newest()+1, typesOf(have))
				if err != nil {
					return err
				}
				have.Add(fresh...)
				have.Prune(time.Now().Add(-keep))
				p = have
				return nil
			})
			if err != nil {
				return hinted(args[0], err)
			}
			return tellKeys(p)
		}),
	}
	db.add(c)
	key.add(c)
	c.Flags().DurationVar(&keep, "keep", keep, "`TIME` for which a version that was replaced is kept")
	return c
}
