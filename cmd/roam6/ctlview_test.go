package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"roam6/engine"
)

// What is printed of a view says how long things last yet, with units; all else stays.
func TestReadableView(t *testing.T) {
	now := engine.Mono(100 * time.Second)
	for _, c := range []struct{ view, want string }{
		{`{"role":"ha","bindings":[{"lifetime":"1m0s","expires_mono":157340000000}]}`, `{"role":"ha","bindings":[{"lifetime":"1m0s","expires_in":"57.3s"}]}`},
		{`{"expires_mono": 99000000000}`, `{"expires_in":"0s"}`},
		{`{"ends":101000000000,"ends_mono":100500000000,"until_mono":0}`, `{"ends_in":"1s","ends_in":"500ms","ends_in":"0s"}`},
		{`{"expires_mono":0}`, `{"expires_in":"0s"}`},
		{fmt.Sprintf(`{"expires_mono":%d}`, engine.Never), `{"expires_in":"never"}`},
		{`{"peers":[{"sequence":7,"lifetime":420000000000,"expires":520000000000}]}`, `{"peers":[{"sequence":7,"lifetime":"7m0s","expires_in":"7m0s"}]}`},
		{`{"said":"\"expires_mono\": 5","expires_mono":"5","n":99999999999999999999}`, `{"said":"\"expires_mono\": 5","expires_mono":"5","n":99999999999999999999}`},
		{`{"expires_mono":99999999999999999999}`, `{"expires_mono":99999999999999999999}`},
	} {
		got := readable(json.RawMessage(c.view), now)
		if string(got) != c.want || !json.Valid(got) {
			t.Errorf("%s\nis printed as %s\nwant          %s", c.view, got, c.want)
		}
	}
}
