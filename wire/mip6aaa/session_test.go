package mip6aaa

import (
	"testing"

	"roam6/wire/diameter"
)

// A Session-Id holds no control characters, which terminals obey.
func TestSessionIDIsPrintable(t *testing.T) {
	for id, want := range map[string]bool{"ar1.example;1;2": true, "é;1;2": true, "x\ny": false, "x\x1b[2J": false, "x\x7f": false, "x\u0085": false} { //order:any
		var b diameter.Builder
		m, err := diameter.Parse(b.Request(1, 1, 0).Text(diameter.SessionID, id).Done())
		if err != nil {
			t.Fatal(err)
		}
		a, _ := m.Find(diameter.SessionID)
		var r Route
		known, err := r.take(a)
		if e, _ := err.(*diameter.Error); !known || (err == nil) != want || err != nil && e.Code != diameter.InvalidAVPValue {
			t.Errorf("%q: %v", id, err)
		}
	}
}
