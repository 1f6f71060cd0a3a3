package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	keys "roam6/keying/krb5"
	"roam6/store/subscriber"
	"roam6/store/subscriber/principal"
)

func principalCmd() *cobra.Command {
	return group("principal", "Keep the services of a Kerberos realm", `A realm's KDC knows principals by the database that has the subscribers. Each subscriber is one, ann@HOME.EXAMPLE by the NAI
ann@home.example, and needs no command here. The others are services:

  krbtgt/HOME.EXAMPLE@HOME.EXAMPLE        the KDC itself
  krbtgt/B.EXAMPLE@HOME.EXAMPLE           trust: tickets of ours that lead to the realm B.EXAMPLE, whose KDC has the same key
  mobileip/ar1.home.example@HOME.EXAMPLE  an access router, which has its key in a keytab
  host/… and others                       whatever asks who somebody is

No command prints keys: they leave in keytabs, and passwords come from a terminal or standard input. docs/kerberos.md explains it.`,
		principalAddCmd(), principalListCmd(), principalShowCmd(), principalSetCmd(), principalRekeyCmd(), principalRmCmd(), principalKeytabCmd(), principalImportCmd())
}

// mayFlags say what a principal may. Only those that were given count.
type mayFlags struct {
	allow, forbid, attributes string
	life, renew               time.Duration
	enabled                   bool
}

func (m *mayFlags) add(c *cobra.Command) {
	f := c.Flags()
	all := strings.Join(principal.FlagNames, ", ")
	f.StringVar(&m.allow, "allow", "", "`LIST` of what it may, beside what it may already: "+all)
	f.StringVar(&m.forbid, "forbid", "", "`LIST` of what it may not")
	f.DurationVar(&m.life, "max-life", 0, fmt.Sprintf("`TIME` that a ticket lasts at most, such as 10h; 0 for what the KDC has (at most %v)", principal.MaxLife))
	f.DurationVar(&m.renew, "max-renew", 0, fmt.Sprintf("`TIME` that a ticket lasts at most with all renewals; 0 for what the KDC has (at most %v)", principal.MaxRenew))
	f.StringVar(&m.attributes, "attributes", "", "Diameter AVPs in `HEX` that its tickets tell access routers")
	f.BoolVar(&m.enabled, "enabled", true, "it is served")
	for _, name := range []string{"allow", "forbid"} {
		must(c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(principal.FlagNames, cobra.ShellCompDirectiveNoFileComp)))
	}
}

// apply changes a principal as the flags say.
func (m *mayFlags) apply(c *cobra.Command, p *principal.Principal) error {
	given := c.Flags().Changed
	allow, err := principal.ParseFlags(m.allow)
	if err != nil {
		return usagef("--allow: %w", err)
	}
	forbid, err := principal.ParseFlags(m.forbid)
	if err != nil {
		return usagef("--forbid: %w", err)
	}
	if both := allow & forbid; both != 0 {
		return usagef("--allow and --forbid have %v both: one of them is allowed", both)
	}
	p.Flags = p.Flags&^forbid | allow
	if given("attributes") {
		if p.Attributes, err = hex.DecodeString(m.attributes); err != nil {
			return usagef("--attributes %.40s: octets in hexadecimal are allowed", m.attributes)
		}
	}
	if given("max-life") {
		p.MaxLife = m.life
	}
	if given("max-renew") {
		p.MaxRenew = m.renew
	}
	if given("enabled") {
		p.Enabled = m.enabled
	}
	return usage(p.Check())
}

// service is a new service of a name.
func service(text string) (*principal.Principal, error) {
	p, err := principal.Fresh(text)
	if err != nil {
		return nil, usage(err)
	}
	if p.Kind != principal.Service {
		return nil, usagef("%s is a subscriber's name: `roam6 subscriber add` enters those; a service has two components, such as host/ar1.home.example@HOME.EXAMPLE", p.Name)
	}
	return p, nil
}

func principalAddCmd() *cobra.Command {
	var db dbFlags
	var may mayFlags
	var key keyFlags
	version := 1
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a service", Args: exactly(1, "a NAME such as host/ar1.home.example@HOME.EXAMPLE"), ValidArgsFunction: nothing,
		Long: `Adds a service, and makes the database if there is none. It gets keys drawn at random, one of each encryption type, or those of a password.`,
		Example: lines(
			"roam6 principal add krbtgt/HOME.EXAMPLE@HOME.EXAMPLE                 the KDC of the realm: first of all",
			"roam6 principal add mobileip/ar1.home.example@HOME.EXAMPLE           an access router; then `roam6 principal keytab`",
			"roam6 principal add krbtgt/B.EXAMPLE@HOME.EXAMPLE --password         trust; the other side enters the same name and password",
		),
		RunE: work(func(c *cobra.Command, args []string) error {
			p, err := service(args[0])
			if err != nil {
				return err
			}
			if err := inRange("kvno", version, 1, principal.MaxVersion); err != nil {
				return err
			}
			if err := may.apply(c, p); err != nil {
				return err
			}
			made, err := key.make(c.Context(), p.Name)
			if err != nil {
				return err
			}
			fresh, err := made(uint32(version), keys.ETypes())
			if err != nil {
				return err
			}
			p.Add(fresh...)
			d, err := db.open(true)
			if err != nil {
				return err
			}
			defer d.Close()
			if err := d.AddPrincipal(c.Context(), p); err != nil {
				if errors.Is(err, subscriber.ErrPrincipal) {
					return fmt.Errorf("%s: %w; `roam6 principal set` and `rekey` change it", p.Name, err)
				}
				return err
			}
			return tellKeys(p)
		}),
	}
	db.add(c)
	may.add(c)
	key.add(c)
	c.Flags().IntVar(&version, "kvno", 1, "`N`, the version of the keys, where another KDC has the same")
	return c
}

func principalSetCmd() *cobra.Command {
	var db dbFlags
	var may mayFlags
	c := &cobra.Command{
		Use: "set NAME", Short: "Change what a principal may", Args: exactly(1, "a NAME"), ValidArgsFunction: nothing,
		Long: `Changes what the flags name, and nothing else, of a service or of a subscriber (ann@HOME.EXAMPLE). Tickets that were given go on until they end.
A subscriber who is not served at all (` + "`roam6 subscriber set NAI --enabled=false`" + `) gets no tickets either.`,
		Example: lines(
			"roam6 principal set ann@HOME.EXAMPLE --max-life 2h --forbid renewable",
			"roam6 principal set krbtgt/B.EXAMPLE@HOME.EXAMPLE --enabled=false     no trust from now on",
		),
		RunE: work(func(c *cobra.Command, args []string) error {
			want, err := principal.Fresh(args[0]) // mistakes are told before the database is touched
			if err != nil {
				return usage(err)
			}
			if err := may.apply(c, want); err != nil {
				return err
			}
			d, err := db.open(false)
			if err != nil {
				return err
			}
			defer d.Close()
			return hinted(args[0], d.ChangePrincipal(c.Context(), args[0], func(p *principal.Principal) error { return may.apply(c, p) }))
		}),
	}
	db.add(c)
	may.add(c)
	return c
}

func principalRmCmd() *cobra.Command {
	var db dbFlags
	c := &cobra.Command{
		Use: "rm NAME...", Short: "Remove services", ValidArgsFunction: nothing,
		Long: `Removes services and their keys for good. Of a subscriber it removes the password and what ` + "`roam6 principal set`" + ` said, and leaves the subscriber.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exactly(1, "a NAME")(c, args)
			}
			return nil
		},
		RunE: work(func(c *cobra.Command, args []string) error {
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
			var all error
			for _, name := range args {
				all = errors.Join(all, hinted(name, d.RemovePrincipal(c.Context(), name)))
			}
			return all
		}),
	}
	db.add(c)
	return c
}
