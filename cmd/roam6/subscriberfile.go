package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"roam6/store/subscriber"
	"roam6/store/subscriber/profile"
)

// maxSecretFile is how much of a key's file is read: far more than a key in hexadecimal.
const maxSecretFile = 1024

// named is a new subscriber of a name.
func named(text string) (*profile.Profile, error) {
	name, err := subscriber.Name(text)
	if err != nil {
		return nil, usage(err)
	}
	p := profile.Fresh()
	if a, err := netip.ParseAddr(name); err == nil {
		p.HomeAddress = a
	} else {
		p.NAI = name
	}
	return p, nil
}

// addrFlag reads an address; an empty text is none.
func addrFlag(name, text string) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return a, usagef("--%s %s: an IPv6 address is allowed, such as 2001:db8::1", name, text)
	}
	return a, nil
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// private refuses a file with keys that others can read.
func private(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return usagef("%s has keys and may be read or written by others (mode %04o): run chmod 600 %s", f.Name(), info.Mode().Perm(), f.Name())
	}
	return nil
}

// readSecret reads a key in hexadecimal. Errors never repeat what was read.
func readSecret(path string) ([]byte, error) {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return nil, usagef("--key: %w", err)
		}
		defer f.Close()
		if err := private(f); err != nil {
			return nil, err
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile))
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) < profile.MinKey || len(key) > profile.MaxKey {
		return nil, usagef("--key %s: %d to %d octets in hexadecimal are allowed", path, profile.MinKey, profile.MaxKey)
	}
	return key, nil
}

func subscriberListCmd() *cobra.Command {
	var db dbFlags
	asJSON := false
	page := subscriber.Page{Limit: 1000}
	c := &cobra.Command{
		Use: "list", Short: "List subscribers", Args: exactly(0, "no argument"), ValidArgsFunction: nothing,
		Long: "Lists subscribers in the order of their names, without keys. What --limit leaves out is said, with the command for the next page; `roam6 subscriber export` writes all.",
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
			list, err := d.List(c.Context(), ask)
			if err != nil {
				return err
			}
			more := len(list) > page.Limit
			list = list[:min(len(list), page.Limit)]
			if more {
				defer fmt.Fprintf(os.Stderr, "There are more: --after %s\n", list[len(list)-1].Name())
			}
			if asJSON {
				out := []shown{}
				for _, s := range list {
					out = append(out, show(s, false))
				}
				return printJSON(out)
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tSERVED\tHOME ADDRESS\tHOME AGENT\tFROM\tVISITED HA\tCHANGED")
			for _, s := range list {
				v := show(s, false)
				fmt.Fprintf(w, "%s\t%v\t%s\t%s\t%s\t%v\t%s\n", v.Name, v.Enabled, v.HomeAddress, v.HomeAgent, v.AddressFrom, v.VisitedHomeAgent, v.Changed)
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

// format is that of a file: as the flag says, or by its name.
func format(flag, path string) (string, error) {
	switch {
	case flag == profile.CSV, flag == profile.JSONL:
		return flag, nil
	case flag != "":
		return "", usagef("--format %s: %s are allowed", flag, strings.Join(profile.Formats, ", "))
	case filepath.Ext(path) == ".jsonl":
		return profile.JSONL, nil
	}
	return profile.CSV, nil
}

func formatFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "format", "", "csv or jsonl (default: by the file's name, csv unless it ends in .jsonl)")
	must(c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(profile.Formats, cobra.ShellCompDirectiveNoFileComp)))
}

// far tells on standard error how far long work is: after two seconds, then every ten.
func far(what string) func(int) {
	next := time.Now().Add(2 * time.Second)
	return func(n int) {
		if now := time.Now(); now.After(next) {
			next = now.Add(10 * time.Second)
			fmt.Fprintf(os.Stderr, "%s: %d so far\n", what, n)
		}
	}
}

func subscriberImportCmd() *cobra.Command {
	var db dbFlags
	kind := ""
	c := &cobra.Command{
		Use: "import FILE", Short: "Enter or replace many subscribers", Args: exactly(1, "a FILE, or - for standard input"),
		Long: `Reads CSV, whose first line names the columns (` + strings.Join(profile.Columns, ", ") + `),
or JSON lines, as export writes them. A subscriber that is there is replaced; without a key it keeps the one it has, and a new one gets a new
key. A file is checked whole before anything is written, and others must not be able to read it. It is written 5,000 at a time: after an
error or Ctrl-C what was told is in the database, and the same file can be imported again.`,
		Example: lines("roam6 subscriber import subscribers.csv", "roam6 subscriber export --db old.db --show-key | roam6 subscriber import -"),
		RunE: work(func(c *cobra.Command, args []string) error {
			kind, err := format(kind, args[0])
			if err != nil {
				return err
			}
			in := os.Stdin
			if args[0] != "-" {
				if in, err = os.Open(args[0]); err != nil {
					return usage(err)
				}
				defer in.Close()
				if err := checked(in, kind); err != nil {
					return err
				}
			}
			d, err := db.open(true)
			if err != nil {
				return err
			}
			defer d.Close()
			tell := far("import")
			done, err := d.Import(c.Context(), in, kind, func(l subscriber.Loaded) { tell(l.Read) })
			if err != nil {
				if line := new(subscriber.LineError); errors.As(err, &line) {
					err = usage(err)
				}
				fmt.Fprintf(os.Stderr, "%d subscribers were entered before the error\n", done.Read)
				return err
			}
			fmt.Printf("%d subscribers entered, %d new keys made\n", done.Read, done.Made)
			return nil
		}),
	}
	db.add(c)
	formatFlag(c, &kind)
	return c
}

// checked reads a regular file to its end, so that a mistake on its last line is told before its first is written.
func checked(f *os.File, kind string) error {
	if err := private(f); err != nil {
		return err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	if _, err := subscriber.CheckFile(f, kind); err != nil {
		if line := new(subscriber.LineError); errors.As(err, &line) {
			return usagef("%s:%d: %w", f.Name(), line.Line, line.Err)
		}
		return err
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

func subscriberExportCmd() *cobra.Command {
	var db dbFlags
	var page subscriber.Page
	kind, to := "", ""
	c := &cobra.Command{
		Use: "export", Short: "Write all subscribers to a file", Args: exactly(0, "no argument; --out FILE"), ValidArgsFunction: nothing,
		Long: "Writes CSV or JSON lines that import reads. Without --show-key keys are left out: what is imported elsewhere then gets new ones.",
		RunE: work(func(c *cobra.Command, _ []string) error {
			kind, err := format(kind, to)
			if err != nil {
				return err
			}
			d, err := db.open(false)
			if err != nil {
				return err
			}
			defer d.Close()
			return writeOut(to, func(w io.Writer) error {
				_, err := d.Export(c.Context(), w, kind, page, far("export"))
				return err
			})
		}),
	}
	db.add(c)
	formatFlag(c, &kind)
	c.Flags().StringVar(&to, "out", "", "`FILE` to write, for its owner alone; standard output without it")
	c.Flags().StringVar(&page.Realm, "realm", "", "only those of `REALM`")
	c.Flags().BoolVar(&page.Keys, "show-key", false, "with keys")
	return c
}

// writeOut writes a file that its owner alone can read, whole or not at all, or standard output.
func writeOut(path string, f func(io.Writer) error) error {
	if path == "" {
		return f(os.Stdout)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".roam6-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	err = f(tmp)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
