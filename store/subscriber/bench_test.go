package subscriber

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/store/subscriber/profile"
)

// million is the size of database that is measured.
const million = 1_000_000

// BenchmarkMillion loads a million subscribers from CSV, then looks up, changes and counts. Run it with -benchtime 1x.
func BenchmarkMillion(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { measure(b, make1(b, b.TempDir()+"/a.db", "")) })
	b.Run("postgres", func(b *testing.B) { measure(b, make1(b, postgres(b).create(b), b.TempDir()+"/key")) })
}

// lines makes a file of subscribers as it is read.
type lines struct {
	next int
	rest string
}

func (l *lines) Read(p []byte) (int, error) {
	if l.rest == "" {
		var b strings.Builder
		if l.next == 0 {
			b.WriteString("nai,home_address,key\n")
		}
		for end := min(l.next+100, million); l.next < end; l.next++ {
			fmt.Fprintf(&b, "user%07d@home.example,2001:db8:%x:%x::1,%064x\n", l.next, l.next>>16, l.next&0xffff, l.next+1)
		}
		if l.rest = b.String(); l.rest == "" {
			return 0, io.EOF
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

func measure(b *testing.B, d *DB) {
	ctx := b.Context()
	began := time.Now()
	if _, err := d.Import(ctx, &lines{}, profile.CSV, func(Loaded) {}); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(began).Seconds(), "load-s")
	name := func() string { return fmt.Sprintf("user%07d@home.example", rand.IntN(million)) }
	rate := func(unit string, n int, f func() error) {
		began := time.Now()
		for range n {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(n)/time.Since(began).Seconds(), unit)
	}
	rate("lookups/s", 50_000, func() error { _, err := d.Lookup(ctx, name()); return err })
	rate("changes/s", 500, func() error {
		return d.Change(ctx, name(), func(p *profile.Profile) error { p.MaxSessions++; return nil })
	})
	n := uint32(0)
	rate("records/s", 500, func() error { n++; _, err := d.Account(ctx, []Record{record("s", n)}); return err })
	rate("batches-of-100/s", 100, func() error {
		var batch []Record
		for range 100 {
			n++
			batch = append(batch, record("s", n))
		}
		_, err := d.Account(ctx, batch)
		return err
	})
}

// BenchmarkAskPrincipal is what a KDC waits for at the logon of somebody it has not heard of lately.
func BenchmarkAskPrincipal(b *testing.B) {
	d, err := Create(b.TempDir()+"/a.db", "")
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	const n = 20_000
	var list []*profile.Profile
	for i := range n {
		list = append(list, &profile.Profile{NAI: fmt.Sprintf("u%d@home.example", i), Key: NewKey(), AddressFrom: profile.FromHome, Enabled: true})
	}
	for some := range slices.Chunk(list, BulkMax) {
		if _, err := d.Load(b.Context(), some); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, found, err := d.Ask(b.Context(), TablePrincipal, fmt.Sprintf("u%d@HOME.EXAMPLE", i*7919%n), nil); err != nil || !found {
			b.Fatal(found, err)
		}
	}
}
