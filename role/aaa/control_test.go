package aaa

import "testing"

// A Session-Id that would write to the terminal of who reads accounting records is refused before anything is stored.
func TestSessionIDWithControlCharacters(t *testing.T) {
	for _, id := range []string{"x\n2027-01-15T08:00:00Z  ann@home.example  stop  999999  1  1  2001", "x\x1b[2J", "x\x00", "x\x7f", "x\u009b2J"} {
		b := newBench(t, homeConfig(), ann())
		a := acr()
		a.Session = id
		b.count(a)
		if n := len(b.queries()); n > 0 {
			t.Errorf("%q: %d queries", id, n)
		}
	}
}
