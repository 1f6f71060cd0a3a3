package node

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Each realm and agreement that is nobody's is hinted at, once, with its place and what was probably meant; the files of examples/ have none.
func TestHints(t *testing.T) {
	for _, c := range []struct{ file, old, new, at, says string }{
		{"aaav", "- {realm: home.example, hosts", "- {realm: home.exmaple, hosts", ":26: roles[0].aaa.visited.agreements[0].realm: ", `"home.exmaple" is the realm of no peer and of no route, so that nobody can be asked about its users; those are a.example, home.example (was "home.example" meant?)`},
		{"aaav", "      agreements:\n          - {realm: home.example, hosts: [aaa.home.example]}", "", ":23: roles[0].aaa.visited.agreements: ", "lets nobody in"},
		{"aaav", "- {host: ar1.a.example, tls: peers}", "- {host: ar1.a.example, tls: peers}\n          - {host: aaa.c.example, tls: peers}", ":19: roles[0].aaa.diameter.peers[1].host: ", `"aaa.c.example" is a peer with which nothing is agreed`},
		{"aaav", "- {realm: home.example, via", "- {realm: c.example, via: [aaa.home.example]}\n          - {realm: home.example, via", ":21: roles[0].aaa.diameter.routes[0].realm: ", `"c.example" is a realm with which nothing is agreed`},
		{"aaah", "- {network: a.example, hosts", "- {network: b.example, hosts", ":31: roles[0].aaa.home.partners[0].network: ", `"b.example" is the realm of no peer and of no route; those are a.example, home.example (was "a.example" meant?)`},
		{"aaah", "- {network: a.example, hosts", "- {network: guests.example, realm: a.exampel, hosts", ":31: roles[0].aaa.home.partners[0].realm: ", `was "a.example" meant?`},
		{"aaah", "      home:\n", "      home:\n        realms: [home.exmaple]\n", ":30: roles[0].aaa.home.realms: ", `"home.exmaple" lacks home.example, the server's own realm`},
		{"ar", "realm: a.example", "realm: a.exmaple", ":28: roles[0].ar.aaa.diameter.realm: ", `the peers are of a.example (was "a.example" meant?)`},
		{"ha", "realm: home.example", "realm: b.example", ":23: roles[0].ha.aaa.diameter.realm: ", "the AAA server that sends mobile nodes"},
		{"mn", "nai: ann@home.example", "nai: ann", ":10: roles[0].mn.nai: ", "user@realm"},
		// What is right, though it is not as in the examples.
		{"aaav", "- {realm: home.example, hosts", "- {realm: HOME.example, hosts", "", ""},
		{"aaav", "- {realm: home.example, via", "- {realm: \"*\", via", "", ""},
		{"aaah", "- {network: a.example, hosts", "- {network: guests.example, realm: a.example, hosts", "", ""},
		{"aaah", "      home:\n", "      home:\n        realms: [home.example, users.example]\n", "", ""},
		{"mn", "", "", "", ""}, {"ar", "", "", "", ""}, {"ha", "", "", "", ""}, {"aaah", "", "", "", ""}, {"aaav", "", "", "", ""},
	} {
		file := "../examples/aaa/" + c.file + ".yaml"
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), c.old) {
			t.Fatalf("%s has no %q", file, c.old)
		}
		got, err := Parse(file, []byte(strings.Replace(string(text), c.old, c.new, 1)))
		if err != nil {
			t.Fatalf("%s: %v", c.new, err)
		}
		hints := got.Hints()
		if c.says == "" {
			if len(hints) > 0 {
				t.Errorf("%s, %s: %v", c.file, c.new, hints)
			}
			continue
		}
		if n := strings.Count(fmt.Sprint(hints), c.says); n != 1 || !strings.Contains(fmt.Sprint(hints), c.at) || strings.Contains(fmt.Sprint(hints), "\n") {
			t.Errorf("%s, %s: %v lacks %q or %q", c.file, c.new, hints, c.at, c.says)
		}
	}
}

// A TLS profile that there is not is one mistake, with all its lines.
func TestMissingProfileIsOneMistake(t *testing.T) {
	text, err := os.ReadFile("../examples/aaa/aaah.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("aaah.yaml", []byte(strings.ReplaceAll(string(text), "tls: peers", "tls: others")))
	want := `aaah.yaml:25: roles[0].aaa.diameter.listen[0].tls: "others" is not allowed: the name of one of tls, or nothing for plain TCP; there is peers; it stands too in line 27, 28`
	if err == nil || !strings.HasPrefix(err.Error(), want+"\n") || strings.Count(err.Error(), "others\" is not allowed") != 1 {
		t.Errorf("%v", err)
	}
}

// A file that has keys itself is told from one that names files with keys.
func TestSecretsOfFiles(t *testing.T) {
	for file, want := range map[string]bool{"mn": true, "aaah": true, "aaav": false, "ar": false, "ha": false} {
		text, err := os.ReadFile("../examples/aaa/" + file + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		c, err := Parse(file, text)
		if err != nil || c.Secrets() != want {
			t.Errorf("%s: %v, %v", file, c.Secrets(), err)
		}
	}
}
