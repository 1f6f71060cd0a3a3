package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A lab's name belongs to one lab, from before it is up until it has ended; a log that was left is begun anew.
func TestClaim(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(envRuntime, dir)
	p, err := placeOf("x")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.log, []byte("of a lab that was killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := p.claim()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(p.log); err != nil || len(b) > 0 {
		t.Errorf("the old log: %q, %v", b, err)
	}
	_, err = p.claim()
	var said bytes.Buffer
	if status := conclude(&said, nil, err); status != exitUsage || !strings.Contains(said.String(), `"x" is being brought up`) {
		t.Errorf("a second lab: status %d, %s", status, &said)
	}
	if err := os.Remove(p.log); err != nil { // as the first lab does at its end, before it lets go
		t.Fatal(err)
	}
	second, err := p.claim()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	first.Close()
	if _, err := p.claim(); err == nil {
		t.Error("the end of a lab that is gone gave the name of the next one away")
	}
	if _, err := placeOf(strings.Repeat("y", 100)); err == nil || !strings.Contains(err.Error(), "XDG_RUNTIME_DIR") {
		t.Errorf("a path that no socket can have: %v", err)
	}
	if files, _ := filepath.Glob(dir + "/*"); len(files) != 1 {
		t.Errorf("files %q, want the log", files)
	}
}
