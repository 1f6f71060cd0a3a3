package main

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// printed is what f writes to standard output.
func printed(t *testing.T, f func()) string {
	t.Helper()
	to, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	out := os.Stdout
	os.Stdout = to
	defer func() { os.Stdout = out }()
	f()
	text, err := os.ReadFile(to.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Below what is right stand whom a profile trusts, what may be a mistake, and that others can read keys.
func TestNodeCheckSays(t *testing.T) {
	dir := t.TempDir()
	cert, key, ca := issued(t, dir, "good", &x509.Certificate{DNSNames: []string{"aaa.a.example"}})
	visited := strings.NewReplacer("CERT", cert, "KEY", key, "CA", ca).Replace(served)
	agreed := strings.Replace(visited, "{clients: [ar1.a.example]}", "{clients: [ar1.a.example], agreements: [{realm: a.example, hosts: [ar1.a.example]}]}", 1)
	mobile, err := os.ReadFile("../../examples/aaa/mn.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text        string
		mode        os.FileMode
		says, never string
	}{
		"trust":              {agreed, 0o644, "\n  tls peers trusts: CN=roam6 lab (until 20", "hint:"},
		"names of key files": {agreed, 0o644, " is right: node aaav", "warning:"},
		"a hint":             {visited, 0o644, `:14: roles[0].aaa.visited.agreements: "none" lets nobody in`, "warning:"},
		"keys, for all":      {string(mobile), 0o644, "has keys and may be read or written by others (mode 0644): chmod 600 ", "hint:"},
		"keys, for a group":  {string(mobile), 0o640, "(mode 0640): chmod 600 ", "hint:"},
		"keys, for nobody":   {string(mobile), 0o600, " is right: node mn", "warning:"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "node.yaml")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, c.mode); err != nil {
				t.Fatal(err)
			}
			got := printed(t, func() {
				if err := checkNode(t.Context(), file); err != nil {
					t.Error(err)
				}
			})
			if !strings.Contains(got, c.says) || strings.Contains(got, c.never) {
				t.Errorf("%q is missing, or there is %q:\n%s", c.says, c.never, got)
			}
			t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(file))
			if again := printed(t, func() { _ = checkNode(t.Context(), file) }); strings.Contains(again, "warning:") {
				t.Errorf("what systemd hands over is warned of:\n%s", again)
			}
		})
	}
}
