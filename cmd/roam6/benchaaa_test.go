package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"roam6/store/subscriber/profile"
)

// The load that relays are measured with gets an answer to each of its requests from a relay in this process, and says so when it does not.
func TestRelayLoad(t *testing.T) {
	for name, c := range map[string]struct {
		realm string // of the requests
		wrong bool
	}{"served": {aaaRealm, false}, "nobody's": {"other.example", true}} { //order:any
		t.Run(name, func(t *testing.T) {
			l := &aaaLoad{}
			defer l.close()
			told := aaaRelayed{Port: freePort(t), Servers: map[string]int{}, Clients: []string{aaaHost(0), aaaHost(1)}}
			var err error
			if told.Servers["aaa."+aaaRealm], err = l.serve("aaa."+aaaRealm, aaaRealm); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- runRelay(ctx, told) }()
			defer func() {
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}()
			if err := l.connect(told.Port, 2); err != nil {
				t.Fatal(err)
			}
			for _, p := range l.clients {
				p.requests = aaaRequests(p.host, c.realm)
				for i, r := range p.requests {
					if len(r) != aaaSizes[i] {
						t.Errorf("a request of %d octets; want %d", len(r), aaaSizes[i])
					}
				}
			}
			n, took, err := l.press(8, func() error { time.Sleep(20 * time.Millisecond); return nil })
			if (err != nil) != c.wrong || !c.wrong && (n == 0 || took <= 0) {
				t.Errorf("%d answers in %v: %v", n, took, err)
			}
		})
	}
}

// Registrations that are measured are whole: who asks is let in and has a binding; who is switched off is neither, and the measurement says so.
func TestRegistrationsAreWhole(t *testing.T) {
	r, err := newRegistrations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if _, err := r.batch(20); err != nil {
		t.Fatal(err)
	}
	if err := r.db.Change(t.Context(), regName(r.next+3), func(p *profile.Profile) error { p.Enabled = false; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := r.batch(10); err == nil || !strings.Contains(err.Error(), "9 were let in and 9 have a binding") {
		t.Error(err)
	}
}

func TestOnlyParts(t *testing.T) {
	if _, err := benchAAA(t.Context(), &benchFlags{only: []string{"all"}}); err == nil || ctlStatus(err) != exitUsage {
		t.Error(err)
	}
}
