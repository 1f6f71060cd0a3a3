package conf_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"

	"roam6/conf"
)

type link struct {
	Name   string       `yaml:"name,required" doc:"interface name"`
	Prefix netip.Prefix `yaml:"prefix"`
	Every  time.Duration
	Period time.Duration `yaml:"period"`
	SPI    uint32        `yaml:"spi"`
	Loss   float64       `yaml:"loss"`
	On     bool          `yaml:"on"`
	Key    conf.Secret   `yaml:"key"`
	Mode   string        `yaml:"mode" allowed:"standard|optimistic"`
}

func (l *link) Defaults() { l.Period = time.Second }

type role struct {
	MN *link `yaml:"mn"`
}

type file struct {
	Name   string            `yaml:"name,required" doc:"the node's name"`
	Links  []link            `yaml:"links"`
	Roles  []role            `yaml:"roles"`
	Words  map[string]string `yaml:"words"`
	Number int               `yaml:"number"`
}

func decode(t *testing.T, text string) (file, error) {
	t.Helper()
	var f file
	d, err := conf.Parse("ha.yaml", []byte(text))
	if err != nil {
		return f, err
	}
	return f, d.Decode(&f)
}

func TestDecode(t *testing.T) {
	f, err := decode(t, `
# a comment
name: ha   # another
links: [{name: wlan0, prefix: 2001:db8::/64, spi: 0x1001, loss: 0.5, on: true, key: 12345678901234567890e5ff, mode: optimistic}]
roles:
  - mn: {name: "x", period: 30ms}
  - mn:
      name: y
words: {b: two, a: "one: 1"}
number: -3
`)
	if err != nil {
		t.Fatal(err)
	}
	l := f.Links[0]
	if f.Name != "ha" || l.Prefix != netip.MustParsePrefix("2001:db8::/64") || l.SPI != 0x1001 || l.Loss != 0.5 || !l.On || l.Mode != "optimistic" {
		t.Errorf("got %+v", f)
	}
	if len(l.Key) != 12 || l.Key[0] != 0x12 || l.Key[11] != 0xff {
		t.Errorf("a key of digits was not taken as written: %x", []byte(l.Key))
	}
	if l.Period != time.Second {
		t.Errorf("defaults of a list entry: %v", l.Period)
	}
	if f.Roles[0].MN.Period != 30*time.Millisecond || f.Roles[1].MN.Period != time.Second || f.Roles[1].MN.Name != "y" {
		t.Errorf("roles: %+v %+v", f.Roles[0].MN, f.Roles[1].MN)
	}
	if f.Words["a"] != "one: 1" || f.Words["b"] != "two" || f.Number != -3 {
		t.Errorf("got %+v", f)
	}
}

func TestErrorsSayWhereWhatAndWhatIsAllowed(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"unknown key":           {"name: a\nlinkz: []\n", []string{`ha.yaml:2: linkz: is not a key: the keys here are links, name, number, roles, words (did you mean "links"?)`, "    2 | linkz: []\n      | ^"}},
		"wrong type":            {"name: a\nlinks:\n  - name: x\n    spi: many\n", []string{`ha.yaml:4: links[0].spi: "many" is not allowed: a whole number of 32 bits, not negative`, "    4 |     spi: many\n      |          ^"}},
		"prefix without length": {"name: a\nlinks: [{name: x, prefix: 2001:db8::1}]\n", []string{`ha.yaml:2: links[0].prefix: "2001:db8::1" is not allowed: a prefix with its length`}},
		"duration without unit": {"name: a\nlinks: [{name: x, period: 30}]\n", []string{`"30" is not allowed: a duration with its unit`}},
		"word":                  {"name: a\nlinks: [{name: x, mode: optimistc}]\n", []string{`standard, optimistic (did you mean "optimistic"?)`}},
		"missing":               {"links: []\n", []string{`ha.yaml:1: name: is missing: the node's name`}},
		"missing in list":       {"name: a\nroles:\n  - mn: {spi: 1}\n", []string{`ha.yaml:3: roles[0].mn.name: is missing`}},
		"list for map":          {"name: a\nroles: [[]]\n", []string{`ha.yaml:2: roles[0]: a list is not allowed here: a map with the keys mn`}},
		"all of them":           {"nam: a\nnumber: x\n", []string{`did you mean "name"?`, `number: "x" is not allowed: a whole number`, "name: is missing"}},
		"syntax":                {"name: a\nlinks: [{\n", []string{"ha.yaml:2: "}},
		"tab":                   {"name: a\nlinks:\n\t- name: x\n", []string{"ha.yaml:3: a tab stands here, which YAML does not take: indent with blanks\n    3 |  - name: x\n      | ^"}},
		"tab after blanks":      {"name: a\nlinks:\n  - name: x\n  \t  spi: 1\n", []string{"ha.yaml:4: a tab stands here", "    4 |      spi: 1\n      |   ^"}},
		"tab above":             {"name: a\nwords: |\n \t a\n  b\n", []string{"ha.yaml:3: a tab stands here"}},
		"tab of no concern":     {"name:\ta\t# a\nlinks: [{\n", []string{"ha.yaml:2: "}},
		"twice":                 {"name: a\nname: b\n", []string{"ha.yaml:2: "}},
		"anchor":                {"name: &x a\n", []string{"ha.yaml:1: anchors, aliases and merge keys are not allowed"}},
		"tag":                   {"name: !!str a\n", []string{"ha.yaml:1: tags and directives are not allowed"}},
		"two documents":         {"name: a\n---\nname: b\n", []string{"ha.yaml:3: a second document"}},
		"deep":                  {"name: " + strings.Repeat("[", 100) + "\n", []string{"more than 64 levels"}},
		"secret":                {"name: a\nlinks: [{name: x, key: abcdefx}]\n", []string{`links[0].key: "(hidden)" is not allowed: octets as pairs`, "key: *******}"}},
		"very many":             {"name: a\nroles:\n" + strings.Repeat("  - 1\n", 100), []string{"and 80 more mistakes"}},
		"not a number":          {"name: a\nlinks: [{name: x, loss: .nan}]\n", []string{"a number"}},
		"infinite":              {"name: a\nlinks: [{name: x, loss: .inf}]\n", []string{"a number"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode(t, c.text)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks\n%s\nit is\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), "abcdef") {
				t.Errorf("a secret is shown: %v", err)
			}
			var e *conf.Error
			if !errors.As(err, &e) || e.File != "ha.yaml" {
				t.Errorf("not a located error: %#v", err)
			}
		})
	}
}

// However a key is mistaken, no error shows it.
func TestNoErrorShowsASecret(t *testing.T) {
	const secret = "0043b9a618160e715a6c28749376614c107dfbba"
	for _, text := range []string{
		"links: [{name: x, key: &k SECRET}]", "links: [{name: x, key: !!int SECRET}]", "links: [{name: x, key: [SECRET]}]",
		"links: [{name: x, key: {SECRET: 1}}]", "links: [{name: x, kee: SECRET}]", "links: [{name: x, SECRET: 1}]",
		"links: [{name: x, key: \"SECRET}]", "links: [{name: x, key: SECRETz}]", "links: [{name: x, spi: SECRET}]",
		"links:\n  - name: x\n    key: SECRET\n    key: SECRET", "links:\n  - name: x\n    key SECRET\n    spi: 1",
		"links:\n  - name: x\n    key:\n     - SECRET", "links:\n  - name: x\n   key: SECRET\n spi: 1", "SECRET", "- SECRET",
		"links: [{name: x, key: 00:43:b9:a6:18:16:0e:71:5a:6c:28:74:93:76:61:4c:10:7d:fb:ba:zz}]",
		"links:\n  - {name: x, Key: not-hexadecimal-at-all}", "number: SECRET", "roles: SECRET", "words: SECRET",
	} {
		_, err := decode(t, "name: a\n"+strings.ReplaceAll(text, "SECRET", secret)+"\n")
		if err == nil {
			t.Errorf("accepted: %s", text)
			continue
		}
		for _, part := range []string{secret[8:24], "b9:a6:18:16:0e", "not-hexa"} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("%s\nshows it: %v", text, err)
			}
		}
	}
	d, err := conf.Parse("c.yaml", []byte("name: a\nlinks: [{name: x}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Set(&file{}, "links[0].kee="+secret); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("an override shows it: %v", err)
	}
}

// What a file holds does not reach the terminal as commands: in excerpts, keys, values, and what is allowed.
func TestErrorsPrintNoControls(t *testing.T) {
	texts := []string{
		"roles: [\x1b[2J]\n", "\x1b[2J: 1\n", "name: \"\\e[2J\"\nnumber: \"\\e[2J\"\n", "name: ha\n\"\\e[2J\": 1\n", "number: x \u202e\n",
		"words: {\"\\e\": {a: b}}\n", "number: \x07\r\n",
	}
	for _, text := range texts {
		_, err := decode(t, text)
		if err == nil {
			t.Errorf("%q is right", text)
			continue
		}
		if strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }) {
			t.Errorf("%q: %q", text, err)
		}
	}
	var f file
	d, err := conf.Parse("ha.yaml", []byte("name: ha\nwords: {a: b}\n"))
	if err == nil {
		err = d.Decode(&f)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"\x1b[2J=1", "\x1b[2J", "words.\x1b.b=1", "number=\x1b"} {
		if err := d.Set(&f, set); err == nil || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("--set %q: %q", set, err)
		}
	}
}

func TestWideLists(t *testing.T) {
	var b strings.Builder
	b.WriteString("\uFEFFname: a\r\nlinks:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "- name: x%d\n  spi: 1\n", i)
	}
	f, err := decode(t, b.String())
	if err != nil || len(f.Links) != 1000 {
		t.Errorf("%d links, %v", len(f.Links), err)
	}
}

func TestFail(t *testing.T) {
	d, err := conf.Parse("mn.yaml", []byte("name: mn\nlinks:\n  - name: wlan0\n    prefix: 2001:db8::/65\n    key: aabb\n"))
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := d.Decode(&f); err != nil {
		t.Fatal(err)
	}
	want := "mn.yaml:4: links[0].prefix: \"2001:db8::/65\" is not allowed: a /64 prefix\n" +
		"    4 |     prefix: 2001:db8::/65\n      |             ^"
	if got := d.Fail("links[0].prefix", "2001:db8::/65", "a /64 prefix").Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := d.Fail("links[0].period", "0s", "at least 1ms").Error(); !strings.HasPrefix(got, `mn.yaml:3: links[0].period: "0s" is not allowed: at least 1ms`) {
		t.Errorf("a default must be located at its map: %s", got)
	}
	if got := d.Fail("links[0].key", "aabb", "16 octets").Error(); strings.Contains(got, "aabb") {
		t.Errorf("a secret is shown: %s", got)
	}
	if !d.Has("links[0].key") || d.Has("links[1]") || d.Has("links[0].spi") {
		t.Error("Has is wrong")
	}
}

func TestSet(t *testing.T) {
	d, err := conf.Parse("c.yaml", []byte("name: a\nlinks: [{name: x}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := d.Decode(&f); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"links[0].mode=optimistic", "links[0].period=2ms", "words.k=v", "roles=[{mn: {name: q}}]", "name=b=c"} {
		if err := d.Set(&f, s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	if f.Links[0].Mode != "optimistic" || f.Links[0].Period != 2*time.Millisecond || f.Words["k"] != "v" || f.Roles[0].MN.Name != "q" || f.Name != "b=c" {
		t.Errorf("got %+v", f)
	}
	if got := d.Fail("links[0].period", "2ms", "at least 3ms").Error(); got != `--set links[0].period=2ms: links[0].period: "2ms" is not allowed: at least 3ms` {
		t.Errorf("an override must be named: %s", got)
	}
	for s, want := range map[string]string{
		"links[0].mod=x":    `did you mean "mode"?`,
		"links[3].mode=x":   "the list has 1 entries",
		"links[0].mode=x":   "standard, optimistic",
		"name":              "has no value",
		"name.deep=1":       "name is one value",
		"links[0].spi=-1":   "not negative",
		"links[0].spi=[":    "--set links[0].spi=[",
		"links[0].key=abcx": "octets as pairs",
	} {
		if err := d.Set(&f, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", s, err, want)
		}
	}
}

func TestSchemaDescribesKeys(t *testing.T) {
	s := string(conf.Schema("test", file{}))
	for _, want := range []string{`"description": "the node's name"`, `"required": [`, `"enum": [`, `"optimistic"`, `"title": "test"`} {
		if !strings.Contains(s, want) {
			t.Errorf("the schema lacks %s:\n%s", want, s)
		}
	}
}

func TestCutAtEveryPrefix(t *testing.T) {
	text := "name: ha\nlinks: [{name: wlan0, key: \"aa\"}]\nroles:\n  - mn: {name: 'x'}\nwords:\n  a: |\n    long\n    text\n"
	for i := range len(text) {
		_, _ = decode(t, text[:i]) // must not panic
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("name: a\nlinks: [{name: x, prefix: 2001:db8::/64}]\n"))
	f.Add([]byte("roles:\n  - mn: {name: x, period: 30ms}\n  -\n"))
	f.Add([]byte("a: |\n  b\n? c\n: d\n--- !t\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := conf.Parse("f", text)
		if err == nil {
			var v file
			err = d.Decode(&v)
			_ = d.Fail("links[0].name", "x", "y").Error()
		}
		var e *conf.Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("not a located error: %v", err)
		}
	})
}
