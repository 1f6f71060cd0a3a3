package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"roam6/store/subscriber"
)

func accountingCmd() *cobra.Command {
	return group("accounting", "Read the accounting records of a home domain", `What subscribers' sessions have used: a record at a session's start, in between, and at its end, as access routers and home agents
counted it (octets and packets each way). docs/subscribers.md has the columns.`, accountingListCmd(), accountingExportCmd())
}

// spanFlags say which records.
type spanFlags struct {
	db             dbFlags
	name, from, to string
}

func (f *spanFlags) add(c *cobra.Command) {
	f.db.add(c)
	c.Flags().StringVar(&f.name, "name", "", "only those of the subscriber `NAI|ADDRESS`")
	c.Flags().StringVar(&f.from, "from", "", "from this `TIME` on, such as 2026-11-01 or 2026-11-01T12:00:00Z")
	c.Flags().StringVar(&f.to, "to", "", "before this `TIME`")
}

func (f *spanFlags) span() (subscriber.Span, error) {
	var s subscriber.Span
	var err error
	if f.name != "" {
		if s.Name, err = subscriber.Name(f.name); err != nil {
			return s, usagef("--name: %w", err)
		}
	}
	for _, t := range []struct {
		flag, text string
		to         *time.Time
	}{{"from", f.from, &s.From}, {"to", f.to, &s.To}} {
		if t.text == "" {
			continue
		}
		if *t.to, err = time.Parse(time.DateOnly, t.text); err == nil {
			continue
		}
		if *t.to, err = time.Parse(time.RFC3339, t.text); err != nil {
			return s, usagef("--%s %s: a day (UTC) or a time is allowed, such as 2026-11-01 or 2026-11-01T12:00:00Z", t.flag, t.text)
		}
	}
	return s, nil
}

// which says which records were asked for.
func (f *spanFlags) which() string {
	if f.name != "" || f.from != "" || f.to != "" {
		return " of these"
	}
	return ""
}

func accountingListCmd() *cobra.Command {
	var f spanFlags
	limit := 100
	c := &cobra.Command{
		Use: "list", Short: "List accounting records", Args: exactly(0, "no argument"), ValidArgsFunction: nothing,
		Long: "Lists accounting records, the oldest first. What --limit leaves out is said; export writes all.",
		RunE: work(func(c *cobra.Command, _ []string) error {
			span, err := f.span()
			if err != nil {
				return err
			}
			if err := inRange("limit", limit, 1, subscriber.PageMax); err != nil {
				return err
			}
			d, err := f.db.open(false)
			if err != nil {
				return err
			}
			defer d.Close()
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "TIME\tNAME\tKIND\tSECONDS\tOCTETS UP\tOCTETS DOWN\tRESULT\tNETWORK\tSESSION")
			n := 0
			err = d.Records(c.Context(), span, func(r *subscriber.Record) error {
				if n++; n > limit {
					return io.EOF
				}
				_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\n", r.At.Format(subscriber.TimeForm), printable(r.Name),
					printable(r.Kind), r.Seconds, r.OctetsUp, r.OctetsDown, r.Result, printable(r.Network), printable(r.Session))
				return err
			})
			if err != nil && err != io.EOF {
				return err
			}
			if n > limit {
				defer fmt.Fprintf(os.Stderr, "There are more than %d: --limit, --from, or export\n", limit)
			}
			if n == 0 {
				defer fmt.Fprintf(os.Stderr, "There are no records%s in %s\n", f.which(), d.Where())
			}
			return w.Flush()
		}),
	}
	f.add(c)
	c.Flags().IntVar(&limit, "limit", limit, "at most `N`")
	ranged(c, "limit", 1, subscriber.PageMax)
	return c
}

func accountingExportCmd() *cobra.Command {
	var f spanFlags
	to := ""
	c := &cobra.Command{
		Use: "export", Short: "Write accounting records as CSV", Args: exactly(0, "no argument; --out FILE"), ValidArgsFunction: nothing,
		Example: lines("roam6 accounting export --from 2026-11-01 --to 2026-12-01 --out november.csv"),
		RunE: work(func(c *cobra.Command, _ []string) error {
			span, err := f.span()
			if err != nil {
				return err
			}
			d, err := f.db.open(false)
			if err != nil {
				return err
			}
			defer d.Close()
			return writeOut(to, func(w io.Writer) error {
				_, err := d.ExportRecords(c.Context(), w, span)
				return err
			})
		}),
	}
	f.add(c)
	c.Flags().StringVar(&to, "out", "", "`FILE` to write, for its owner alone; standard output without it")
	return c
}
