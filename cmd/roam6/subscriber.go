package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"roam6/store/subscriber"
	"roam6/store/subscriber/profile"
)

// subscriberDB is where the database is unless --db says: in a directory of its own, that the systemd unit of an AAA server gives to its user.
const subscriberDB = "/var/lib/roam6/aaa/subscribers.db"

func subscriberCmd() *cobra.Command {
	return group("subscriber", "Keep the subscribers of a home domain", `A home domain's AAA server knows its subscribers by a database: who they are (an NAI such as ann@home.example, or a home
address), the key each shares with it, and what each may. It is a SQLite file, or PostgreSQL; docs/subscribers.md explains it.

Keys are sealed in the database under a key file beside it (FILE.key): keep a copy of that file in another place than the database's.
No command prints keys but add, once, of a key that it has made, and those with --show-key. In Kerberos a subscriber is ann@HOME.EXAMPLE:
`+"`roam6 principal`"+` has more.`,
		subscriberAddCmd(), subscriberListCmd(), subscriberShowCmd(), subscriberSetCmd(), subscriberRmCmd(), subscriberImportCmd(), subscriberExportCmd(), subscriberKeytabCmd())
}

// dbFlags say which database a command works on.
type dbFlags struct{ url, key string }

func (f *dbFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.url, "db", subscriberDB, "`URL` of the database: a file, sqlite:FILE, or postgres://USER@HOST/NAME")
	c.Flags().StringVar(&f.key, "db-key", "", "`FILE` of the key that seals the subscribers' keys (default: the database's with .key; PostgreSQL needs one)")
}

// open opens the database; create makes one that is not there.
func (f *dbFlags) open(create bool) (*subscriber.DB, error) {
	use := subscriber.Open
	if create {
		use = subscriber.Create
		if f.url == subscriberDB { // a mistyped --db makes no directories
			if err := privateDir(filepath.Dir(subscriberDB)); err != nil {
				return nil, unable(f.url, err)
			}
		}
	}
	d, err := use(f.url, f.key)
	if err == nil && create {
		if err = inherit(d, f.key); err != nil {
			d.Close()
			return nil, err
		}
	}
	switch {
	case errors.Is(err, subscriber.ErrURL):
		return nil, usagef("--db: %w", err)
	case errors.Is(err, subscriber.ErrNone):
		return nil, usagef("--db: %w; `roam6 subscriber add` and `import` make one", err)
	}
	return d, unable(f.url, err)
}

// attributes are the flags that say what a subscriber may. Only those that were given count.
type attributes struct {
	home, agents, agent, from, eap, key string
	visited, enabled, newKey            bool
	sessions                            int
	seconds                             int
	secret                              []byte // what the file of --key holds, read once: it may be standard input
}

func (a *attributes) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&a.home, "home-address", "", "fixed home `ADDRESS`; without one it is assigned")
	f.StringVar(&a.agents, "home-agents", "", "`ADDRESSES` of the home agents it may ask for, with commas between them; none: those of the pool")
	f.StringVar(&a.agent, "home-agent", "", "`ADDRESS` of the home agent that the mobile node is configured with")
	f.StringVar(&a.from, "address-from", profile.FromHome, "`WHO` may choose the home address: "+strings.Join(profile.Policies, ", "))
	f.BoolVar(&a.visited, "visited-home-agent", false, "it may have a home agent in the visited domain")
	f.StringVar(&a.eap, "eap-identity", "", "its `NAME` in EAP-GPSK; without one the NAI")
	f.IntVar(&a.sessions, "max-sessions", 0, fmt.Sprintf("`N` sessions at a time, 0 for as many as the server has for one subscriber, 256 (0 to %d)", profile.MaxSessions))
	f.IntVar(&a.seconds, "session-time", 0, "`SECONDS` that a session lasts at most, 0 for what the server has")
	f.BoolVar(&a.enabled, "enabled", true, "it is served")
	f.StringVar(&a.key, "key", "", "`FILE` with its key in hexadecimal, that others cannot read; - is standard input")
	must(c.RegisterFlagCompletionFunc("address-from", cobra.FixedCompletions(profile.Policies, cobra.ShellCompDirectiveNoFileComp)))
}

// apply changes a profile as the flags say.
func (a *attributes) apply(c *cobra.Command, p *profile.Profile) error {
	given := c.Flags().Changed
	var err error
	if given("home-address") {
		if p.HomeAddress, err = addrFlag("home-address", a.home); err != nil {
			return err
		}
	}
	if given("home-agent") {
		if p.HomeAgent, err = addrFlag("home-agent", a.agent); err != nil {
			return err
		}
	}
	if given("home-agents") {
		if p.HomeAgents, err = profile.ParseAddrs(a.agents); err != nil {
			return usagef("--home-agents %s: IPv6 addresses are allowed, with commas between them", a.agents)
		}
	}
	set := func(name string, f func()) {
		if given(name) {
			f()
		}
	}
	set("address-from", func() { p.AddressFrom = a.from })
	set("visited-home-agent", func() { p.VisitedHomeAgent = a.visited })
	set("eap-identity", func() { p.EAPIdentity = a.eap })
	set("max-sessions", func() { p.MaxSessions = a.sessions })
	set("session-time", func() { p.SessionTime = seconds(a.seconds) })
	set("enabled", func() { p.Enabled = a.enabled })
	if given("key") {
		if a.secret == nil {
			if a.secret, err = readSecret(a.key); err != nil {
				return err
			}
		}
		p.Key = a.secret
	}
	return usage(p.Check())
}

func subscriberAddCmd() *cobra.Command {
	var db dbFlags
	var a attributes
	c := &cobra.Command{
		Use: "add NAI|ADDRESS", Short: "Add a subscriber", Args: exactly(1, "an NAI such as ann@home.example, or a home ADDRESS"), ValidArgsFunction: nothing,
		Long: `Adds a subscriber, and makes the database if there is none. Without --key it gets a new key of 256 bits, which is printed, once and
here alone: it goes into the mobile node's configuration.`,
		Example: lines(
			"roam6 subscriber add ann@home.example                                 a home address from the home domain",
			"roam6 subscriber add bob@home.example --home-address 2001:db8:1::b    always the same one",
			"roam6 subscriber add eve@home.example --key eve.key --max-sessions 1",
		),
		RunE: work(func(c *cobra.Command, args []string) error {
			p, err := named(args[0])
			if err != nil {
				return err
			}
			if err := a.apply(c, p); err != nil {
				return err
			}
			d, err := db.open(true)
			if err != nil {
				return err
			}
			defer d.Close()
			fresh := len(p.Key) == 0
			hint := strangeRealm(c.Context(), d, p)
			if err := d.Add(c.Context(), p); err != nil {
				if errors.Is(err, subscriber.ErrExists) {
					return fmt.Errorf("%s: %w; `roam6 subscriber set` changes it", p.Name(), err)
				}
				return err
			}
			if hint != "" {
				fmt.Fprintln(os.Stderr, "roam6: hint: "+hint)
			}
			if fresh {
				_, err = fmt.Printf("%s\nkey %s\n", p.Name(), hex.EncodeToString(p.Key))
			}
			return err
		}),
	}
	db.add(c)
	a.add(c)
	return c
}

func subscriberSetCmd() *cobra.Command {
	var db dbFlags
	var a attributes
	var p passwordFlags
	c := &cobra.Command{
		Use: "set NAI|ADDRESS", Short: "Change a subscriber", Args: exactly(1, "an NAI or a home ADDRESS"), ValidArgsFunction: nothing,
		Long: `Changes what the flags name, and nothing else. An empty value takes an address away. A key that --new-key made is printed, once.
Who is served already stays so until the next authentication.`,
		Example: lines(
			"roam6 subscriber set ann@home.example --enabled=false        turned away from now on",
			"roam6 subscriber set ann@home.example --home-address ''      its address is assigned from now on",
			"roam6 subscriber set ann@home.example --new-key              when the old one is known to others",
			"roam6 subscriber set ann@home.example --password             for kinit on other computers of hers; asked for at the terminal",
		),
		RunE: work(func(c *cobra.Command, args []string) error {
			if err := naming(args[0]); err != nil {
				return err
			}
			if a.newKey && a.key != "" {
				return usagef("--new-key and --key: one of them is allowed")
			}
			if p.set && a.key == "-" {
				return usagef("--password and --key -: both would be read from standard input")
			}
			want := profile.Fresh() // reads files and refuses mistakes before the database is touched
			want.NAI = "anybody@home.example"
			if err := a.apply(c, want); err != nil {
				return err
			}
			if err := p.ask(c.Context(), args[0]); err != nil {
				return err
			}
			d, err := db.open(false)
			if err != nil {
				return err
			}
			defer d.Close()
			if done, err := p.apply(c, d, args[0]); done || err != nil {
				return err
			}
			var key []byte
			err = d.Change(c.Context(), args[0], func(p *profile.Profile) error {
				if a.newKey {
					key = subscriber.NewKey()
					p.Key = key
				}
				return a.apply(c, p)
			})
			if err == nil && key != nil {
				_, err = fmt.Printf("%s\nkey %s\n", args[0], hex.EncodeToString(key))
			}
			return err
		}),
	}
	db.add(c)
	a.add(c)
	p.add(c)
	c.Flags().BoolVar(&a.newKey, "new-key", false, "make a new key of 256 bits and print it")
	return c
}

func subscriberRmCmd() *cobra.Command {
	var db dbFlags
	c := &cobra.Command{
		Use: "rm NAI|ADDRESS...", Short: "Remove subscribers", ValidArgsFunction: nothing,
		Long: "Removes subscribers and their keys for good; accounting records stay. `roam6 subscriber set NAI --enabled=false` turns one away and forgets nothing.",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exactly(1, "an NAI or a home ADDRESS")(c, args)
			}
			return nil
		},
		RunE: work(func(c *cobra.Command, args []string) error {
			for _, name := range args {
				if err := naming(name); err != nil {
					return err
				}
			}
			d, err := db.open(false)
			if err != nil {
				return err
			}
			defer d.Close()
			var all error
			for _, name := range args {
				all = errors.Join(all, d.Remove(c.Context(), name))
			}
			return all
		}),
	}
	db.add(c)
	return c
}

// naming refuses what can be no subscriber's name.
func naming(text string) error {
	_, err := subscriber.Name(text)
	return usage(err)
}

// shown is a subscriber in JSON.
type shown struct {
	Name             string   `json:"name"`
	NAI              string   `json:"nai,omitempty"`
	HomeAddress      string   `json:"home_address,omitempty"`
	Key              string   `json:"key,omitempty"`
	HomeAgents       []string `json:"home_agents,omitempty"`
	HomeAgent        string   `json:"home_agent,omitempty"`
	AddressFrom      string   `json:"address_from"`
	VisitedHomeAgent bool     `json:"visited_home_agent"`
	EAPIdentity      string   `json:"eap_identity,omitempty"`
	MaxSessions      int      `json:"max_sessions"`
	SessionSeconds   int64    `json:"session_s"`
	Enabled          bool     `json:"enabled"`
	Revision         uint64   `json:"revision"`
	Created          string   `json:"created"`
	Changed          string   `json:"changed"`
}

func show(s *subscriber.Subscriber, key bool) shown {
	out := shown{Name: s.Name(), NAI: s.NAI, AddressFrom: s.AddressFrom, VisitedHomeAgent: s.VisitedHomeAgent, EAPIdentity: s.EAPIdentity,
		MaxSessions: s.MaxSessions, SessionSeconds: int64(s.SessionTime.Seconds()), Enabled: s.Enabled, Revision: s.Revision,
		Created: s.Created.Format(subscriber.TimeForm), Changed: s.Changed.Format(subscriber.TimeForm)}
	if s.HomeAddress.IsValid() {
		out.HomeAddress = s.HomeAddress.String()
	}
	if s.HomeAgent.IsValid() {
		out.HomeAgent = s.HomeAgent.String()
	}
	for _, a := range s.HomeAgents {
		out.HomeAgents = append(out.HomeAgents, a.String())
	}
	if key {
		out.Key = hex.EncodeToString(s.Key)
	}
	return out
}

func subscriberShowCmd() *cobra.Command {
	var db dbFlags
	asJSON, key := false, false
	c := &cobra.Command{
		Use: "show NAI|ADDRESS", Short: "Show a subscriber", Args: exactly(1, "an NAI or a home ADDRESS"), ValidArgsFunction: nothing,
		RunE: work(func(c *cobra.Command, args []string) error {
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
			v := show(s, key)
			if asJSON {
				return printJSON(v)
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			or := func(text, none string) string {
				if text == "" {
					return none
				}
				return text
			}
			fmt.Fprintf(w, "name\t%s\nserved\t%v\nhome address\t%s\nhome agents\t%s\nhome agent configured\t%s\naddress from\t%s\nvisited home agent\t%v\n",
				v.Name, v.Enabled, or(v.HomeAddress, "assigned"), or(strings.Join(v.HomeAgents, " "), "those of the pool"), or(v.HomeAgent, "none"),
				v.AddressFrom, v.VisitedHomeAgent)
			fmt.Fprintf(w, "EAP identity\t%s\nmax sessions\t%d\nsession time\t%v\nrevision\t%d\ncreated\t%s\nchanged\t%s\n",
				or(v.EAPIdentity, v.Name), v.MaxSessions, s.SessionTime, v.Revision, v.Created, v.Changed)
			if key {
				fmt.Fprintf(w, "key\t%s\n", v.Key)
			}
			return w.Flush()
		}),
	}
	db.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&key, "show-key", false, "show the key as well, in hexadecimal")
	return c
}
