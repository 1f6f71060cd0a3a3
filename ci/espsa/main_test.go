package main

import (
	"strings"
	"testing"
)

// Both directions of every pair are there once: of the mobile node and its home agent, and of neighbouring access routers.
func TestAssociations(t *testing.T) {
	var w strings.Builder
	if err := run([]string{"pingpong", "1"}, &w); err != nil {
		t.Fatal(err)
	}
	for _, spi := range []string{"0x00001001", "0x00001002", "0x00002001", "0x00002007"} {
		if n := strings.Count(w.String(), `"`+spi+`"`); n != 1 {
			t.Errorf("%s is there %d times in\n%s", spi, n, w.String())
		}
	}
	for _, args := range [][]string{nil, {"pingpong"}, {"pingpong", "x"}, {"nowhere", "1"}} {
		if run(args, &w) == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
