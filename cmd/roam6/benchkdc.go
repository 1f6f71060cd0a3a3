package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

// How bench kdc measures.
const (
	kdcTurns      = 6 // there and back: ours, theirs, theirs, ours …
	kdcPrincipals = 100_000
	kdcServices   = 100
	kdcWindow     = 32   // requests under way
	kdcBatch      = 8000 // requests a turn
	kdcPaced      = 4000 // at half load
	kdcTGTs       = 64
	mitKDC        = "krb5kdc"
)

// kdcParts are the parts of bench kdc, in the order of its rows.
var kdcParts = []string{"requests", "tickets"}

// benchKDC measures what Kerberos costs.
func benchKDC(ctx context.Context, f *benchFlags) (rows []benchRow, err error) {
	for _, o := range f.only {
		if !slices.Contains(kdcParts, o) {
			return nil, usagef("--only %s: %v are allowed", o, kdcParts)
		}
	}
	of := func(part string) bool { return len(f.only) == 0 || slices.Contains(f.only, part) }
	if of("requests") {
		more, err := benchKDCRequests(ctx, kdcPrincipals)
		if err != nil {
			if lack := new(failure); len(f.only) > 0 || !errors.As(err, &lack) || lack.status != exitLacks {
				return nil, fmt.Errorf("requests: %w", err)
			}
			more = []benchRow{{Name: "AS and TGS requests", Unit: "1/s", Skipped: err.Error()}}
		}
		rows = append(rows, more...)
	}
	if of("tickets") {
		more, err := benchKDCTickets(ctx)
		if err != nil {
			return nil, fmt.Errorf("tickets: %w", err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// kdcFigures are what was measured of one KDC, turn by turn.
type kdcFigures struct {
	load     *kdcLoad
	process  *relayProcess
	rate, us [2][]float64 // of AS and TGS: requests a second, µs of processor time for each
	p99      [2][]float64 // µs, at half load
}

// The exchanges.
const (
	kdcAS = iota
	kdcTGS
)

var kdcExchanges = [...]string{kdcAS: "AS", kdcTGS: "TGS"}

// bothKDCs starts ours and MIT's with equal principals and gets their first tickets.
func bothKDCs(ctx context.Context, principals int) (mine, theirs *kdcFigures, end func() error, err error) {
	for _, x := range []string{"krb5kdc", "kdb5_util", "kadmin.local"} {
		if _, err := exec.LookPath(x); err != nil {
			return nil, nil, nil, lacks(errors.New("there is no " + x + " of MIT Kerberos, whose KDC ours is held against; what to do: apt-get install krb5-kdc krb5-admin-server"))
		}
	}
	dir, err := os.MkdirTemp("", "roam6-kdc")
	if err != nil {
		return nil, nil, nil, lacks(err)
	}
	var list []*kdcFigures
	end = func() error {
		var err error
		for _, f := range list {
			err = errors.Join(err, f.close())
		}
		return errors.Join(err, os.RemoveAll(dir))
	}
	for _, start := range []func(context.Context, string, int) (*kdcFigures, error){ourKDC, theirKDC} {
		f, err := start(ctx, dir, principals)
		if f != nil {
			list = append(list, f)
		}
		if err == nil {
			err = f.load.logons(kdcTGTs)
		}
		if err != nil {
			said := ""
			if f != nil && f.process != nil {
				said = f.process.said.String()
			}
			return nil, nil, nil, errors.Join(fmt.Errorf("%w; the KDC says %q", err, said), end())
		}
	}
	return list[0], list[1], end, nil
}

func (f *kdcFigures) close() error {
	f.load.close()
	if f.process == nil || f.process.child.Process == nil {
		return nil
	}
	return f.process.close()
}

// turn asks as much as is answered, once.
func (f *kdcFigures) turn(exchange int) error {
	requests, err := f.load.requests(exchange, kdcBatch)
	if err != nil {
		return err
	}
	before, err := f.process.cpu()
	if err != nil {
		return err
	}
	took, err := f.load.press(requests, kdcWindow)
	if err != nil {
		return err
	}
	after, err := f.process.cpu()
	f.rate[exchange] = append(f.rate[exchange], float64(len(requests))/took.Seconds())
	f.us[exchange] = append(f.us[exchange], micros(after-before)/float64(len(requests)))
	return err
}

// pace asks at a pace.
func (f *kdcFigures) pace(exchange int, perSecond float64) error {
	requests, err := f.load.requests(exchange, kdcPaced)
	if err != nil {
		return err
	}
	took, err := f.load.pace(requests, time.Duration(float64(time.Second)/perSecond))
	if err != nil {
		return err
	}
	slices.Sort(took)
	f.p99[exchange] = append(f.p99[exchange], micros(took[len(took)*99/100]))
	return nil
}

// benchKDCRequests has both KDCs answer, in turns. Half load is half of what MIT's takes.
func benchKDCRequests(ctx context.Context, principals int) (rows []benchRow, err error) {
	mine, theirs, end, err := bothKDCs(ctx, principals)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	inTurns := func(n int, do func(*kdcFigures) error) error {
		order := []*kdcFigures{mine, theirs}
		for range n {
			for _, f := range order {
				if err := errors.Join(do(f), ctx.Err()); err != nil {
					return err
				}
			}
			slices.Reverse(order)
		}
		return nil
	}
	for x, name := range kdcExchanges {
		if err := inTurns(kdcTurns, func(f *kdcFigures) error { return f.turn(x) }); err != nil {
			return nil, err
		}
		half := *ours("", "", slices.Clone(theirs.rate[x])...).Ours / 2
		if err := inTurns(kdcTurns/2, func(f *kdcFigures) error { return f.pace(x, half) }); err != nil {
			return nil, err
		}
		of := name + fmt.Sprintf(", %d principals", principals)
		rows = append(rows, beside(of, "requests/s", mitKDC, mine.rate[x], theirs.rate[x]), beside(of+", processor", "µs", mitKDC, mine.us[x], theirs.us[x]),
			beside(of+fmt.Sprintf(", p99 at %.0f/s", half), "µs", mitKDC, mine.p99[x], theirs.p99[x]))
	}
	return rows, nil
}
