package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"roam6/store/subscriber"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// hinted adds to an error of a name that is not there what may have been meant.
func hinted(name string, err error) error {
	if id, bad := krb5.ParsePrincipal(name); bad == nil && errors.Is(err, subscriber.ErrNoPrincipal) {
		if upper := strings.ToUpper(id.Realm); upper != id.Realm {
			id.Realm = upper
			return fmt.Errorf("%w; realms are in upper case: %v?", err, id)
		}
	}
	return err
}

// shownPrincipal is a principal in JSON, without keys' octets.
type shownPrincipal struct {
	Name         string     `json:"name"`
	Kind         string     `json:"kind"`
	Enabled      bool       `json:"enabled"`
	Keys         []shownKey `json:"keys"`
	Flags        []string   `json:"flags"`
	LifeSeconds  int64      `json:"max_life_s"`
	RenewSeconds int64      `json:"max_renew_s"`
	Attributes   string     `json:"attributes,omitempty"`
	Revision     uint64     `json:"revision"`
	Created      string     `json:"created"`
	Changed      string     `json:"changed"`
}

type shownKey struct {
	Version  uint32 `json:"kvno"`
	EType    int    `json:"etype"`
	Type     string `json:"type"`
	Password bool   `json:"password"`
	Made     string `json:"made,omitempty"`
}

func showPrincipal(p *subscriber.Principal) shownPrincipal {
	out := shownPrincipal{p.Name, string(p.Kind), p.Enabled, []shownKey{}, p.Flags.Names(), int64(p.MaxLife.Seconds()), int64(p.MaxRenew.Seconds()),
		hex.EncodeToString(p.Attributes), p.Revision, p.Created.Format(subscriber.TimeForm), p.Changed.Format(subscriber.TimeForm)}
	for _, k := range p.Keys {
		s := shownKey{k.Version, int(k.EType), k.EType.String(), k.Password(), ""}
		if !k.Made.IsZero() {
			s.Made = k.Made.Format(subscriber.TimeForm)
		}
		out.Keys = append(out.Keys, s)
	}
	return out
}

// from says where a key comes from.
func (k shownKey) from(kind string) string {
	switch {
	case k.Password:
		return "of a password"
	case kind == string(principal.Subscriber):
		return "of the long-term key"
	}
	return "drawn"
}

func principalShowCmd() *cobra.Command {
	var db dbFlags
	asJSON := false
	c := &cobra.Command{
		Use: "show NAME", Short: "Show a principal", Args: exactly(1, "a NAME"), ValidArgsFunction: nothing,
		Long: "Shows a service or a subscriber (ann@HOME.EXAMPLE), and of its keys versions and encryption types.",
		RunE: work(func(c *cobra.Command, args []string) error {
			if _, err := principal.Canonical(args[0]); err != nil {
				return usage(err)
			}
			d, err := db.open(false)
			if err != nil {
				return err
			}
			defer d.Close()
			p, err := d.LookupPrincipal(c.Context(), args[0])
			if err != nil {
				return hinted(args[0], err)
			}
			v := showPrincipal(p)
			if asJSON {
				return printJSON(v)
			}
			own := func(set bool, text string) string {
				if !set {
					return "the KDC's"
				}
				return text
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "name\t%s\nkind\t%s\nserved\t%v\nmay\t%s\nmax life\t%s\nmax renew\t%s\n", v.Name, v.Kind, v.Enabled, strings.Join(v.Flags, ", "),
				own(p.MaxLife > 0, p.MaxLife.String()), own(p.MaxRenew > 0, p.MaxRenew.String()))
			if v.Attributes != "" {
				fmt.Fprintf(w, "attributes\t%s\n", v.Attributes)
			}
			fmt.Fprintf(w, "revision\t%d\ncreated\t%s\nchanged\t%s\n", v.Revision, v.Created, v.Changed)
			for _, k := range v.Keys {
				fmt.Fprintf(w, "key of version %d\t%s, %s %s\n", k.Version, k.Type, k.from(v.Kind), k.Made)
			}
			return w.Flush()
		}),
	}
	db.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func principalListCmd() *cobra.Command {
	var db dbFlags
	asJSON := false
	page := subscriber.Page{Limit: 1000}
	c := &cobra.Command{
		Use: "list", Short: "List services", Args: exactly(0, "no argument"), ValidArgsFunction: nothing,
		Long: "Lists services in the order of their names, and the subscribers that have a password or rules of their own; `roam6 subscriber list` has them all. What --limit leaves out is said, with the command for the next page.",
		RunE: work(func(c *cobra.Command, _ []string) error {
			if err := inRange("limit", page.Limit, 1, subscriber.PageMax-1); err != nil {
				return err
			}
			d, err := db.open(false)
			if err != nil {
				return err
			}
			defer d.Close()
			ask := page
			ask.Limit++ // one more tells whether there are more
			list, err := d.ListPrincipals(c.Context(), ask)
			if err != nil {
				return err
			}
			if len(list) > page.Limit {
				list = list[:page.Limit]
				defer fmt.Fprintf(os.Stderr, "There are more: --after %s\n", list[len(list)-1].Name)
			}
			all := []shownPrincipal{}
			for _, p := range list {
				all = append(all, showPrincipal(p))
			}
			if asJSON {
				return printJSON(all)
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tKIND\tSERVED\tKVNO\tMAY\tCHANGED")
			for i, v := range all {
				fmt.Fprintf(w, "%s\t%s\t%v\t%d\t%s\t%s\n", v.Name, v.Kind, v.Enabled, list[i].Newest(), strings.Join(v.Flags, ","), v.Changed)
			}
			return w.Flush()
		}),
	}
	db.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().StringVar(&page.Realm, "realm", "", "only those of `REALM`")
	c.Flags().StringVar(&page.After, "after", "", "only those whose names come after `NAME`")
	c.Flags().IntVar(&page.Limit, "limit", page.Limit, "at most `N`")
	ranged(c, "limit", 1, subscriber.PageMax-1)
	return c
}
