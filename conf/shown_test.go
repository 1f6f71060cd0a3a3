package conf_test

import (
	"strings"
	"testing"

	"roam6/conf"
)

// Names of files stand in errors as they stand in the file, though their keys are named like those of secrets; secrets beside them do not.
func TestWhatIsNoSecretIsShown(t *testing.T) {
	type tls struct {
		Cert   string      `yaml:"cert"`
		Key    string      `yaml:"key"`
		Secret conf.Secret `yaml:"address_secret"`
		At     string      `yaml:"at"`
	}
	const digits = "0043b9a618160e715a6c28749376614c107dfbba"
	for _, c := range []struct{ text, path, shows string }{
		{"key: /etc/x.key   # chmod 600", "key", "key: /etc/x.key   # chmod 600"},
		{"{cert: /a.pem, 'key': \"/etc/x.key\", address_secret: " + digits + "}", "cert", `'key': "/etc/x.key", address_secret: ****`},
		{"cert: /a.pem   # its key: FILE, and " + digits, "cert", "/a.pem   # its key: FILE, and ****"},
		{"cert: \"/a # key: b\"", "cert", `"/a # key: *"`},
		{"key: " + digits, "key", "key: ****"},
		{"address_secret: abcdef", "address_secret", "address_secret: ******"},
		{"at: postgres://roam6:hunter2@db/x", "at", "at: postgres://roam6:*******@db/x"},
	} {
		d, err := conf.Parse("x.yaml", []byte(c.text+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		var v tls
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		value := map[string]string{"cert": v.Cert, "key": v.Key, "address_secret": "x", "at": v.At}[c.path]
		got := d.Fail(c.path, value, "something else").Error()
		if !strings.Contains(got, c.shows) || strings.Contains(got, digits[:20]) || strings.Contains(got, "hunter2") || strings.Contains(got, "abcdef") {
			t.Errorf("%s:\n%s", c.text, got)
		}
	}
	d, err := conf.Parse("x.yaml", []byte("links: [{name: x, Key: not-hex, key: /a}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(&file{}); err == nil || strings.Contains(err.Error(), "not-hex") || strings.Contains(err.Error(), "/a") {
		t.Errorf("what is no key, or a secret that is none, is shown: %v", err)
	}
}
