package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// twoServersMark stands before the lines that put both servers on one machine.
const twoServersMark = "<!-- run as it stands by TestTwoServersRecipe, cmd/roam6 -->\n```\n"

// aroundRecipe runs lines where files of this machine are out of reach, and waits until both servers have said that the other one is there.
const aroundRecipe = `set -e
for d in /run /etc /var/lib; do mount -t tmpfs none $d; done
mkdir -p /run/netns /run/bin /etc/roam6
ln -s "$BINARY" /run/bin/roam6
PATH=/run/bin:$PATH
cp -r "$FILES"/. /etc/roam6
chmod -R go= /etc/roam6
roam6 subscriber add ann@home.example
set -m
exec 2>/run/log
LINES
for i in $(seq 100); do
	n=$(grep -c msg=peer.opened /run/log || true)
	[ "$n" -ge 2 ] && break
	sleep 0.1
done
roam6 ctl -n aaav view --table
kill %1 %2
wait
cat /run/log
`

// What the README says of two servers on one machine makes two servers that know each other.
func TestTwoServersRecipe(t *testing.T) {
	if os.Geteuid() != 0 || exec.Command("unshare", "-mn", "ip", "netns", "list").Run() != nil {
		t.Skip("network namespaces by name need root, unshare and ip")
	}
	made := certificatesMade(t)
	text, err := os.ReadFile("../../examples/aaa/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), twoServersMark)
	lines, _, ends := strings.Cut(after, "```\n")
	if !found || !ends {
		t.Fatal("the README has no recipe for two servers any more")
	}
	files := t.TempDir()
	copied := func(from, to string) {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(files, to), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(files, "tls"), 0o700); err != nil {
		t.Fatal(err)
	}
	for file, host := range map[string]string{"aaah.yaml": "aaa.home.example", "aaav.yaml": "aaa.a.example"} {
		copied(filepath.Join("../../examples/aaa", file), file)
		for _, name := range []string{host + ".pem", host + ".key", "authorities.pem"} {
			copied(filepath.Join(made, host, name), filepath.Join("tls", name))
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("unshare", "-mn", "bash")
	c.Stdin = strings.NewReader(strings.Replace(aroundRecipe, "LINES\n", lines, 1))
	c.Env = append(os.Environ(), "BINARY="+self, "FILES="+files)
	out, err := c.CombinedOutput()
	if err != nil || strings.Count(string(out), "msg=peer.opened") < 2 || !strings.Contains(string(out), "i-open") {
		t.Errorf("%v\n%s", err, out)
	}
}
