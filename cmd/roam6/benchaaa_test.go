package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"roam6/store/subscriber/profile"
	"roam6/wire/diameter"
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

// A stranger's registration takes one round trip home, as a run counts them, and so does each at the next routers; the separate sequence as many as
// its steps.
func TestTripsAreCounted(t *testing.T) {
	rows, err := benchAAATrips(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || *rows[0].Ours != 1 || *rows[0].Theirs != 7 || *rows[1].OursMin != 1 || *rows[1].OursMax != 1 || rows[1].Runs != 3 {
		t.Errorf("%+v", rows)
	}
}

// What our relay allocates is the place of one write for all requests that came at a time, and of one for the answers.
func TestRelayAllocatesWrites(t *testing.T) {
	arr, _ := codecMessages()
	var b diameter.Builder
	n, err := relayAllocations(bytes.Clone(arr.Octets(&b)))
	if err != nil || n > 3.0/relayBatch {
		t.Errorf("%v allocations of a message: %v", n, err)
	}
}

// The other codec's dictionary has every AVP of the messages that is not the base protocol's, each once.
func TestCodecDictionary(t *testing.T) {
	arr, ara := codecMessages()
	var b, c diameter.Builder
	request := bytes.Clone(arr.Octets(&b))
	asked, err := diameter.Parse(request)
	if err != nil {
		t.Fatal(err)
	}
	text := codecDictionary(request, ara.Octets(&c, asked, "aaah."+aaaRealm, aaaRealm))
	if err := xml.Unmarshal([]byte(text), new(struct{})); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Care-of-Address", "Local-Challenge", "Key-Type", "Key-Random-Number", "MIPv6-Home-Agent-Address"} {
		if n := strings.Count(text, `<avp name="`+name+`"`); n != 1 {
			t.Errorf("%s is there %d times", name, n)
		}
	}
	if strings.Contains(text, `type=""`) || strings.Contains(text, `<avp name="Session-Id"`) {
		t.Error(text)
	}
}
