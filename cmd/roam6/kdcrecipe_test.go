package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kdcRecipe is the blocks of commands and files in examples/kdc/README.md that a test runs.
func kdcRecipe(t *testing.T) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile("../../examples/kdc/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "TestKDCRecipe,")[1:] {
		_, after, _ := strings.Cut(part, "```\n")
		block, _, _ := strings.Cut(after, "```")
		blocks = append(blocks, block)
	}
	if len(blocks) != 3 {
		t.Fatalf("examples/kdc/README.md has %d blocks for this test, not 3", len(blocks))
	}
	return blocks
}

// TestKDCRecipe: what operators are told to do makes a KDC that MIT Kerberos has tickets of, on another port than 88. Its view counts them, and
// nobody logs on with a wrong password.
func TestKDCRecipe(t *testing.T) { //spec RT-30
	if _, err := exec.LookPath("kinit"); err != nil { // kvno and klist come with it
		t.Skip("no kinit (apt-get install krb5-user)")
	}
	const password = "correct horse battery"
	blocks, dir, port := kdcRecipe(t), t.TempDir(), freePort(t)
	database, at := filepath.Join(dir, "subs.db"), filepath.Join(dir, "kdc.yaml")
	env := append(os.Environ(), "KRB5_CONFIG="+filepath.Join(dir, "krb5.conf"), "KRB5CCNAME=FILE:"+filepath.Join(dir, "tickets"))
	run := func(lines, stdin string) (string, error) {
		c := exec.Command("sh", "-e")
		c.Dir, c.Env = dir, env
		c.Stdin = strings.NewReader(lines)
		if stdin != "" {
			c = exec.Command("sh", "-e", "-c", lines)
			c.Dir, c.Env, c.Stdin = dir, env, strings.NewReader(stdin)
		}
		out, err := c.CombinedOutput()
		return string(out), err
	}
	for _, verb := range []string{"principal add ", "subscriber add ", "subscriber set "} {
		blocks[0] = strings.ReplaceAll(blocks[0], "roam6 "+verb, "roam6 "+verb+"--db "+database+" ")
	}
	if out, err := run(blocks[0], password+"\n"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile("../../examples/kdc/kdc.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(strings.Replace(string(text), "/var/lib/roam6/aaa/subscribers.db", database, 1), "      life: 10h\n",
		fmt.Sprintf("      listen: [{address: \"::1\", port: %d}]\n      life: 10h\n", port), 1)
	config += fmt.Sprintf("state: %s/state\ncontrol: %s/kdc.sock\n", dir, dir)
	conf := strings.Replace(blocks[1], "[2001:db8:0:2::88]:88", fmt.Sprintf("[::1]:%d", port), 1)
	for file, text := range map[string]string{at: config, filepath.Join(dir, "krb5.conf"): conf} { //order:any
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := exec.Command("roam6", "node", "run", "-c", at)
	var said bytes.Buffer
	server.Stderr = &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	defer func() {
		server.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			server.Process.Kill()
		}
		if t.Failed() {
			t.Log(said.String())
		}
	}()
	until(t, "the KDC runs", func() bool { _, err := os.Stat(filepath.Join(dir, "kdc.sock")); return err == nil })
	if out, err := run(blocks[2], password+"\n"); err != nil || !strings.Contains(out, "krbtgt/HOME.EXAMPLE@HOME.EXAMPLE") || !strings.Contains(out, "aes256-cts-hmac-sha384-192") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := run("kinit ann@HOME.EXAMPLE", "wrong horse battery\n"); err == nil {
		t.Errorf("a wrong password: %s", out)
	}
	out, err := run("roam6 ctl --socket "+filepath.Join(dir, "kdc.sock")+" view --table", "")
	if err != nil || !strings.Contains(out, "kdc: role kdc, realm HOME.EXAMPLE") || !strings.Contains(out, "kdc granted: ") || !strings.Contains(out, "kdc refused: ") {
		t.Errorf("%v\n%s", err, out)
	}
}
