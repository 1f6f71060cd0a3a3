package keying_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"roam6/keying"
)

// What embeds Hidden says "[key]" whatever it is asked, and in a private field of something else not the key.
func TestHidden(t *testing.T) {
	type key struct {
		keying.Hidden
		k func() string
	}
	k := key{k: func() string { return "secret" }}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		if got := fmt.Sprintf(verb, k); got != "[key]" {
			t.Errorf("%s: %s", verb, got)
		}
		if got := fmt.Sprintf(verb, &k); got != "[key]" {
			t.Errorf("%s of a pointer: %s", verb, got)
		}
	}
	if k.String() != "[key]" || k.GoString() != "[key]" || k.k() != "secret" {
		t.Error(k.String(), k.GoString())
	}
	if b, err := json.Marshal(map[string]any{"a": k, "b": []*key{&k}}); err != nil || string(b) != `{"a":"[key]","b":["[key]"]}` {
		t.Errorf("%s, %v", b, err)
	}
}
