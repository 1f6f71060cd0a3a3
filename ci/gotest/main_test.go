package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const stream = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"quiet\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:3: because\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestC","Output":"loud\n"}
{"Action":"fail","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
{"Action":"output","Package":"q","Output":"panic: no test to blame\n"}
{"Action":"fail","Package":"q"}
{"Action":"output","Package":"r","Output":"ok  \tr\t0.1s\n"}
{"Action":"pass","Package":"r"}
`

func TestRead(t *testing.T) {
	var w strings.Builder
	c, err := read(strings.NewReader(stream), &w)
	if err != nil || c != (counts{1, 2, 1}) {
		t.Errorf("counts %+v, %v", c, err)
	}
	want := "skip\tp TestB: b_test.go:3: because\nloud\nFAIL\tp\t0.1s\npanic: no test to blame\nok  \tr\t0.1s\n"
	if w.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", w.String(), want)
	}
}

func TestTally(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tally")
	for _, c := range []counts{{1, 2, 3}, {4, 5, 6}} {
		if err := c.append(file); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile(file); string(got) != "1 2 3\n4 5 6\n" {
		t.Errorf("tally %q", got)
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ args, ours, theirs string }{
		{"-tally f -race ./...", "-tally f", "-race ./..."},
		{"-race ./...", "", "-race ./..."},
		{"-tally f -- -tally g", "-tally f", "-tally g"},
	} {
		a := split(strings.Fields(c.args))
		if !slices.Equal(a.ours, strings.Fields(c.ours)) || !slices.Equal(a.theirs, strings.Fields(c.theirs)) {
			t.Errorf("%q: %q and %q", c.args, a.ours, a.theirs)
		}
	}
}
