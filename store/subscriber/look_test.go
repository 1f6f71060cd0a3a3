package subscriber

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLook: what is true of a database is told, and nothing is made or changed.
func TestLook(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, "subs.db")
	look := func(key string) (*Found, error) {
		t.Helper()
		before := names(t, dir)
		l, err := Look(t.Context(), at, key)
		if now := names(t, dir); now != before {
			t.Errorf("looking left %s, where %s was", now, before)
		}
		return l, err
	}
	if _, err := look(""); !errors.Is(err, ErrNone) {
		t.Errorf("no database: %v", err)
	}
	if err := os.WriteFile(at, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := look(""); err != nil || l.Schema != 0 || l.Knows != 2 || !l.MakesKey || l.KeyFile != at+".key" {
		t.Errorf("an empty file: %+v, %v", l, err)
	}
	d, err := Create(at, "")
	if err != nil {
		t.Fatal(err)
	}
	if l, err := look(""); err != nil || l.Schema != l.Knows || l.MakesKey {
		t.Errorf("while it is in use: %+v, %v", l, err)
	}
	d.Close()
	if l, err := look(""); err != nil || l.Schema != l.Knows || l.MakesKey || l.Where != at {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := look(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("another key file: %v", err)
	}
	wrong := filepath.Join(dir, "wrong.key")
	if err := os.WriteFile(wrong, []byte(strings.Repeat("07", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := look(wrong); err == nil || !strings.Contains(err.Error(), "is not the key file") {
		t.Errorf("another's key: %v", err)
	}
	d, err = Open(at, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.pools.write.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	if _, err := look(""); err == nil || !strings.Contains(err.Error(), "newer roam6") {
		t.Errorf("a newer schema: %v", err)
	}
	if err := os.WriteFile(at, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := look(""); err == nil {
		t.Errorf("something else: %+v", l)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range list {
		all = append(all, f.Name())
	}
	return strings.Join(all, " ")
}
