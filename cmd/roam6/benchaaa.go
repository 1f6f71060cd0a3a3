package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// How bench aaa measures.
const (
	aaaTurns  = 6 // there and back: ours, theirs, theirs, ours …
	aaaWindow = 64
	aaaWarm   = 200 * time.Millisecond
	aaaPress  = 1500 * time.Millisecond
)

// aaaClients are the numbers of peers that ask.
var aaaClients = []int{1, 10, 100}

// freeDiameterName is how figures name the other relay.
const freeDiameterName = "freeDiameter"

// aaaParts are the parts of bench aaa, in the order of its rows.
var aaaParts = []struct {
	name string
	run  func(ctx context.Context) ([]benchRow, error)
}{
	{"relay", benchAAARelay},
	{"silent", benchAAASilent},
	{"registrations", benchAAARegistrations},
	{"codec", benchAAACodec},
	{"trips", benchAAATrips},
}

// benchAAA measures what Diameter costs.
func benchAAA(ctx context.Context, f *benchFlags) (rows []benchRow, err error) {
	var names []string
	for _, p := range aaaParts {
		names = append(names, p.name)
	}
	for _, o := range f.only {
		if !slices.Contains(names, o) {
			return nil, usagef("--only %s: %v are allowed", o, names)
		}
	}
	for _, p := range aaaParts {
		if len(f.only) > 0 && !slices.Contains(f.only, p.name) {
			continue
		}
		more, err := p.run(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// relayFigures are what was measured of one relay, turn by turn.
type relayFigures struct {
	load     *aaaLoad
	process  *relayProcess
	rate, us []float64 // transactions a second, µs of processor time for each
}

// newRelay starts a relay with its servers and connects its clients.
func newRelay(clients int, start func(aaaRelayed) (*relayProcess, error)) (r *relayFigures, err error) {
	r = &relayFigures{load: &aaaLoad{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	told := aaaRelayed{Servers: map[string]int{}}
	for _, realm := range []string{aaaRealm, aaaSilent} {
		if told.Servers["aaa."+realm], err = r.load.serve("aaa."+realm, realm); err != nil {
			return r, lacks(err)
		}
	}
	if told.Port, err = freePort6(); err != nil {
		return r, lacks(err)
	}
	for i := range clients {
		told.Clients = append(told.Clients, aaaHost(i))
	}
	if r.process, err = start(told); err != nil {
		return r, err
	}
	if err = r.load.connect(told.Port, clients); err != nil {
		err = fmt.Errorf("%w; it says %q", err, r.process.said.String())
	}
	return r, err
}

func (r *relayFigures) close() error {
	r.load.close()
	if r.process == nil || r.process.child.Process == nil {
		return nil
	}
	return r.process.close()
}

// turn measures once.
func (r *relayFigures) turn() error {
	var before, after time.Duration
	n, took, err := r.load.press(aaaWindow, func() (err error) {
		if before, err = r.process.cpu(); err != nil {
			return err
		}
		time.Sleep(aaaPress)
		after, err = r.process.cpu()
		return err
	})
	if err != nil {
		return err
	}
	r.rate = append(r.rate, float64(n)/took.Seconds())
	r.us = append(r.us, micros(after-before)/float64(n))
	return nil
}

// bothRelays starts ours and freeDiameter.
func bothRelays(clients int) (mine, theirs *relayFigures, end func() error, err error) {
	if _, err := exec.LookPath("freeDiameterd"); err != nil {
		return nil, nil, nil, lacks(errors.New("there is no freeDiameterd, the relay that ours is held against; what to do: apt-get install freediameterd freediameter-extensions"))
	}
	if _, err := os.Stat(filepath.Join(freeDiameterPath, "acl_wl.fdx")); err != nil {
		return nil, nil, nil, lacks(errors.New("freeDiameterd lacks its extension acl_wl; what to do: apt-get install freediameter-extensions"))
	}
	dir, err := os.MkdirTemp("", "roam6-aaa")
	if err != nil {
		return nil, nil, nil, lacks(err)
	}
	if mine, err = newRelay(clients, ourRelay); err != nil {
		return nil, nil, nil, errors.Join(fmt.Errorf("our relay: %w", err), os.RemoveAll(dir))
	}
	if theirs, err = newRelay(clients, func(c aaaRelayed) (*relayProcess, error) { return theirRelay(c, dir) }); err != nil {
		return nil, nil, nil, errors.Join(fmt.Errorf("freeDiameter: %w", err), mine.close(), os.RemoveAll(dir))
	}
	return mine, theirs, func() error { return errors.Join(mine.close(), theirs.close(), os.RemoveAll(dir)) }, nil
}

// benchAAARelay has both relays pass requests on, in turns.
func benchAAARelay(ctx context.Context) (rows []benchRow, err error) {
	for _, n := range aaaClients {
		more, err := relayRows(ctx, n)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// relayRows measures both relays, which know so many clients.
func relayRows(ctx context.Context, n int) (rows []benchRow, err error) {
	mine, theirs, end, err := bothRelays(n)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	order := []*relayFigures{mine, theirs}
	for range aaaTurns {
		for _, r := range order {
			if err := errors.Join(r.turn(), ctx.Err()); err != nil {
				return nil, err
			}
		}
		slices.Reverse(order)
	}
	of := "relay, " + plural(n, "peer")
	return []benchRow{beside(of, "transactions/s", freeDiameterName, mine.rate, theirs.rate), beside(of+", processor", "µs", freeDiameterName, mine.us, theirs.us)}, nil
}
