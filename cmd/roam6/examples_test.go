package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// tlsHost finds whose certificate an example names.
var tlsHost = regexp.MustCompile(`/etc/roam6/tls/([a-z0-9.]+)\.pem`)

// `roam6 node check` finds every file of examples/ right, once the certificates that it names are there.
func TestExamplesAreRight(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../examples/*.yaml", "../../examples/aaa/*.yaml"} {
		list, err := filepath.Glob(pattern)
		if err != nil || len(list) == 0 {
			t.Fatal(pattern, err)
		}
		files = append(files, list...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, m := range tlsHost.FindAllSubmatch(text, -1) {
			host := string(m[1])
			certify(t, filepath.Join(dir, host+".pem"), filepath.Join(dir, host+".key"), host)
		}
		at := filepath.Join(dir, "node.yaml")
		if err := os.WriteFile(at, regexp.MustCompile(`/etc/roam6/tls`).ReplaceAll(text, []byte(dir)), 0o600); err != nil {
			t.Fatal(err)
		}
		c := nodeCheckCmd()
		c.SetArgs([]string{"-c", at})
		if err := c.Execute(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
