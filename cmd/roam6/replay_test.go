package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"roam6/driver"
)

// A journal that a full disk cut within its header says so, and where the one before is; what is no journal is told apart.
func TestReplayOfCutJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	for _, c := range []struct{ text, want string }{
		{"", "ends within its first line"},
		{`{"roam6_journal":1,"node":"ha","bu`, "a full disk or a kill"},
		{"{\"foo\":1}\n", "give the seed with --seed"},
		{"nonsense", "give the seed with --seed"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := replay(path, "../../examples/ha.yaml", "", false)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "journal.1") {
			t.Errorf("%q: %v", c.text, err)
		}
	}
	for name, text := range map[string]string{path: "", path + ".1": "{}"} { //order:any
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := replay(path, "../../examples/ha.yaml", "", false); err == nil || !strings.Contains(err.Error(), "the life before this one is in "+path+".1") {
		t.Errorf("with an earlier one: %v", err)
	}
}

// What is not in a journal is said, and nothing where all is.
func TestEndText(t *testing.T) {
	for want, done := range map[string]driver.Replayed{ //order:any
		"":            {End: driver.EndStopped},
		"gave up":     {End: driver.EndFailed},
		"was full":    {End: driver.EndFull, Torn: true},
		"middle of":   {Torn: true},
		"has no end:": {},
	} {
		if got := endText(done); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%+v: %q", done, got)
		}
	}
}
