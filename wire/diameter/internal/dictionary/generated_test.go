package dictionary

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var write = flag.Bool("write", false, "write what is generated instead of comparing it")

// TestGenerated wants the files made from dictionary.txt to be what it makes now. With -write it makes them.
func TestGenerated(t *testing.T) {
	d := load(t)
	tables, err := d.Go()
	if err != nil {
		t.Fatal(err)
	}
	free, err := d.FreeDiameter()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		path string
		want []byte
	}{
		{"../../dict_gen.go", tables},
		{"../../../../docs/diameter/freediameter.json", free},
		{"../../../../docs/diameter/wireshark.xml", d.Wireshark()},
	} {
		if *write {
			if err := os.WriteFile(f.path, f.want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(f.path)
		if err != nil || !bytes.Equal(got, f.want) {
			t.Errorf("%s is not what dictionary.txt makes: run go generate ./wire/diameter (%v)", f.path, err)
		}
	}
}

func load(t *testing.T) *Dictionary {
	t.Helper()
	text, err := os.ReadFile("../../dictionary.txt")
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRefusals wants each mistake in a dictionary to be named with its line or its entry.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"avp A 1 - Unsigned32", "dictionary.txt:1: want avp NAME"},
		{"\navp A x - Unsigned32 M", "dictionary.txt:2: strconv"},
		{"avp A 1 nobody Unsigned32 M", "vendor nobody is not defined above"},
		{"avp A 1 - Unsigned32 x", "rule x: want M, m or -"},
		{"avp A 1 - Unsigned33 M", "avp A: type Unsigned33 is not one of"},
		{"avp A 1 - Enumerated M", "an Enumerated without values"},
		{"avp A 1 - Time M\navp B 1 - Time M", "avp B, code 1: name or code is there twice"},
		{"avp A 1 - Grouped M\n{ B }", "A: no avp is named B"},
		{"avp A 1 - Grouped M\n{ B ]", "is not a rule"},
		{"avp A 1 - Grouped M\n{ A }\n< A >", "only the first AVP can have a fixed place"},
		{"= A 1", "a value outside an avp"},
		{"request", "request outside a command"},
		{"{ A }", "want vendor, application"},
		{"command A AR 16777216 Base", "value out of range"},
		{"command A AR 1 Base", "no application is named Base"},
		{"vendor A", "want vendor NAME NUMBER"},
	} {
		if _, err := Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}
