package main

import (
	"os"
	"path/filepath"
	"testing"

	"roam6/conf"
)

// A plain configuration may be longer than another (conf.MaxPlain): it comes whole, never cut at the bound of the others.
func TestLongConfigurationComesWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "long.yaml")
	const size = conf.MaxText + 2
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
	if text, err := readConfig(file); err != nil || len(text) != size {
		t.Errorf("%d octets of %d, %v", len(text), size, err)
	}
}
