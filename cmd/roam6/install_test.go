package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// `sudo make install` installs what was built: sudo's PATH has no Go in it, most often.
func TestInstallNeedsNoGo(t *testing.T) {
	for _, program := range []string{"make", "install"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	dir, root := t.TempDir(), t.TempDir()
	for to, from := range map[string]string{"Makefile": "../../Makefile", "examples/systemd/roam6@.service": "../../examples/systemd/roam6@.service",
		"examples/systemd/roam6-aaa@.service": "../../examples/systemd/roam6-aaa@.service", "examples/systemd/roam6-kdc@.service": "../../examples/systemd/roam6-kdc@.service"} { //order:any
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o777)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), text, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	install := func() (string, error) {
		c := exec.Command("make", "install", "DESTDIR="+root, "VERSION=1", "MAKEFLAGS=")
		c.Dir, c.Env = dir, []string{"PATH=/usr/bin:/bin", "GOROOT=/nowhere"}
		said, err := c.CombinedOutput()
		return string(said), err
	}
	if said, err := install(); err == nil || !strings.Contains(said, "what to do: make build") {
		t.Errorf("without ./roam6: %v\n%s", err, said)
	}
	const stub = "#!/bin/sh\n[ \"$1\" != gen-man ] || { mkdir -p \"$2\" && echo page >\"$2/roam6.1\"; }\n"
	if err := os.WriteFile(filepath.Join(dir, "roam6"), []byte(stub), 0o777); err != nil {
		t.Fatal(err)
	}
	if said, err := install(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	for _, name := range []string{"bin/roam6", "share/man/man1/roam6.1", "lib/systemd/system/roam6@.service", "lib/systemd/system/roam6-aaa@.service", "lib/systemd/system/roam6-kdc@.service"} {
		if _, err := os.Stat(filepath.Join(root, "usr/local", name)); err != nil {
			t.Error(err)
		}
	}
	if text, _ := os.ReadFile(filepath.Join(root, "usr/local/bin/roam6")); string(text) != stub {
		t.Error("what is installed is not what was there")
	}
}
