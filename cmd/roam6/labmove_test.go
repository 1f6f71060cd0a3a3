package main

import (
	"strings"
	"testing"
)

// A notice that the node's strategy does nothing with is said to be useless, and only that.
func TestNoticeToTheDeaf(t *testing.T) {
	if hint := deafHint("mn", "mipv6"); !strings.Contains(hint, "mn runs strategy mipv6") || !strings.Contains(hint, "--strategy fmipv6") {
		t.Errorf("got %q", hint)
	}
	for _, strategy := range []string{"fmipv6", ""} { // "": a node that does not say
		if hint := deafHint("mn", strategy); hint != "" {
			t.Errorf("%q: %q", strategy, hint)
		}
	}
}
