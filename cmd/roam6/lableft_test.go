package main

import (
	"context"
	"errors"
	"os"
	"testing"
)

// A log that says no more than the error that was printed goes with the lab that has not come up; one that says more stays until the
// next down, and one that is locked belongs to a lab.
func TestAbandonedLog(t *testing.T) {
	t.Setenv(envRuntime, t.TempDir())
	why := errors.New("lab: no room")
	for _, x := range []struct {
		text string
		why  error
		goes bool
	}{
		{"", why, true},
		{"roam6: lab: no room\n", why, true},
		{"panic: everything\n", why, false},
		{"half a word", context.Canceled, true},
	} {
		p, err := placeOf("x")
		if err != nil {
			t.Fatal(err)
		}
		log, err := p.claim()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.WriteString(x.text); err != nil {
			t.Fatal(err)
		}
		if dead, err := leftovers(""); err != nil || len(dead) != 0 {
			t.Errorf("%q: a lab that is being brought up is taken for dead: %v, %v", x.text, dead, err)
		}
		if goes := p.abandon(log, x.why); goes != x.goes {
			t.Errorf("%q, %v: gone %v", x.text, x.why, goes)
		}
		log.Close()
		dead, err := leftovers("")
		if err != nil || (len(dead) == 0) != x.goes {
			t.Errorf("%q: left %v, %v", x.text, dead, err)
		}
		for _, p := range dead {
			if removed, err := p.clear(); err != nil || len(removed) != 1 {
				t.Errorf("%q: removed %v, %v", x.text, removed, err)
			}
		}
		if _, err := os.Stat(p.log); err == nil {
			t.Errorf("%q: the log is still there", x.text)
		}
	}
}
