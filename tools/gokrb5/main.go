// Command gokrb5 measures the Go library of that name (github.com/jcmturner/gokrb5) for `roam6 bench kdc`. It is no part of the
// product, which does not need the library.
//
// It reads a line of JSON, the type order, and says which version it is; then for each line "AP-REQ" it says how many nanoseconds and allocations it
// takes to read one and to verify it with the keytab.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// skew is how old an AP-REQ may be: it is measured again and again.
const skew = time.Hour

// order is what is measured: an AP-REQ, the keytab of its server, and for how long.
type order struct {
	Keytab, Request []byte
	Time            time.Duration
}

// said is what a line is answered with.
type said struct {
	NS     float64 `json:"ns"`
	Allocs float64 `json:"allocs"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gokrb5:", err)
		os.Exit(1)
	}
}

func run() error {
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	var o order
	if err := in.Decode(&o); err != nil {
		return fmt.Errorf("the order cannot be read: %w", err)
	}
	kt := keytab.New()
	if err := kt.Unmarshal(o.Keytab); err != nil {
		return fmt.Errorf("keytab: %w", err)
	}
	verify := func() error {
		var m messages.APReq
		if err := m.Unmarshal(o.Request); err != nil {
			return err
		}
		ok, err := m.Verify(kt, skew, types.HostAddress{}, nil)
		if err == nil && !ok {
			err = errors.New("it is refused")
		}
		return err
	}
	if err := verify(); err != nil {
		return fmt.Errorf("AP-REQ: %w", err)
	}
	if err := out.Encode(version()); err != nil {
		return err
	}
	for {
		var name string
		if err := in.Decode(&name); err != nil {
			return nil // who asked is gone
		}
		if name != "AP-REQ" {
			return fmt.Errorf("no case %q", name)
		}
		s, err := measure(verify, o.Time)
		if err = errors.Join(err, out.Encode(s)); err != nil {
			return err
		}
	}
}

// measure calls f for as long as is wanted.
func measure(f func() error, during time.Duration) (said, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, began := 0, time.Now()
	for time.Since(began) < during {
		for range 100 {
			if err := f(); err != nil {
				return said{}, err
			}
		}
		n += 100
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	return said{float64(took) / float64(n), float64((after.Mallocs - before.Mallocs) / uint64(n))}, nil
}

// version is the library's.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/jcmturner/gokrb5/v8" {
				return "gokrb5 " + d.Version
			}
		}
	}
	return "gokrb5"
}
