package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"roam6/store/subscriber"
)

// recipeOf is how examples/aaa/README.md has certificates made.
func recipeOf(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../examples/aaa/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "run as it stands by TestCertificateRecipe")
	_, after, _ = strings.Cut(after, "```\n")
	lines, _, found := strings.Cut(after, "```")
	if !found {
		t.Fatal("examples/aaa/README.md has no recipe any more")
	}
	return lines
}

// certificatesMade runs the recipe, and puts what it makes where each host would have it: a directory by its identity.
func certificatesMade(t *testing.T) (dir string) {
	t.Helper()
	if out, err := exec.Command("openssl", "version").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "OpenSSL 3") {
		t.Skipf("no OpenSSL 3 (apt-get install openssl): %s%v", out, err)
	}
	dir = t.TempDir()
	c := exec.Command("sh", "-e")
	c.Dir, c.Stdin = dir, strings.NewReader(recipeOf(t))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, h := range []struct{ operator, host, authorities string }{
		{"home.example", "aaa.home.example", "authorities.pem"}, {"home.example", "ha.home.example", "home.example/ca.pem"},
		{"a.example", "aaa.a.example", "authorities.pem"}, {"a.example", "ar1.a.example", "a.example/ca.pem"},
	} {
		at := filepath.Join(dir, h.host)
		for to, from := range map[string]string{h.host + ".pem": h.operator + "/" + h.host + ".pem", h.host + ".key": h.operator + "/" + h.host + ".key", "authorities.pem": h.authorities} {
			text, err := os.ReadFile(filepath.Join(dir, from))
			if err == nil {
				err = os.MkdirAll(at, 0o700)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(at, to), text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// tlsHost finds whose certificate an example names.
var tlsHost = regexp.MustCompile(`/etc/roam6/tls/([a-z0-9.]+)\.pem`)

// exampleAt is an example with its files elsewhere.
func exampleAt(t *testing.T, file, certificates, database string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range tlsHost.FindAllSubmatch(text, -1) {
		if host := string(m[1]); host != "authorities" {
			certificates = filepath.Join(certificates, host)
		}
	}
	return strings.NewReplacer("/etc/roam6/tls", certificates, "/var/lib/roam6/aaa/subscribers.db", database).Replace(string(text))
}

// TestCertificateRecipe: what operators are told to do makes certificates that `roam6 node check` finds right, and with them every file of
// examples/.
func TestCertificateRecipe(t *testing.T) { //spec DM-23
	dir := certificatesMade(t)
	database := filepath.Join(t.TempDir(), "subscribers.db")
	d, err := subscriber.Create(database, "")
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	var files []string
	for _, pattern := range []string{"../../examples/*.yaml", "../../examples/aaa/*.yaml", "../../examples/kdc/*.yaml"} {
		list, err := filepath.Glob(pattern)
		if err != nil || len(list) == 0 {
			t.Fatal(pattern, err)
		}
		files = append(files, list...)
	}
	silence(t)
	for _, file := range files {
		at := filepath.Join(t.TempDir(), "node.yaml")
		if err := os.WriteFile(at, []byte(exampleAt(t, file, dir, database)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkNode(t.Context(), at); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
