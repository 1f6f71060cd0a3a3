package conf

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// plainTexts are read by plain itself; a text of a kind a simulation reads by the thousand must be among them.
var plainTexts = []string{
	"name: mn2\nlinks: [{name: wlan0, port: 1, preference: 1}]\nroles:\n  - mn:\n      home_address: 2001:db8:0:1::101\n" +
		"      home_prefix: 2001:db8:0:1::/64\n      lifetime: 7m0s\n      nai: mn2@home.example\n" +
		"      security: {esp: {out_spi: 0x1003, in_spi: 4100, out_key: \"fb2f7f07\", in_key: \"861b\"}}\n",
	"name: ha\nroles:\n  - ha:\n      port: 1\n      mobiles:\n        - {home_address: 2001:db8::1, security: {auth: {spi: 256}}}\n" +
		"        - {home_address: 2001:db8::2}\n      last: x\n",
	"a: 0\nb: true\nc: false\nd: \"\"\ne: \"2 words\"\n",
	"- a\n- b: 1\n  c: 2\n-  d",
	"a:\n  - 1\n  - 2\n\n\nb: x",
	"[a, b, {c: d}]\n",
	"a:\n    b:\n      c: 30ms\n",
}

// The library and plain must see the same tree.
func samePlain(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string) bool {
	t.Helper()
	got := plain(strings.Split(text, "\n"))
	if got == nil {
		return false
	}
	d, err := parse("x", []byte(text))
	if err != nil {
		t.Fatalf("%q: read by plain, refused by the library: %v", text, err)
	}
	if !reflect.DeepEqual(got, d.root) {
		t.Fatalf("%q: %s\nthe library: %s", text, dump(got), dump(d.root))
	}
	return true
}

func dump(n *node) string {
	if n == nil {
		return "nil"
	}
	var b strings.Builder
	var walk func(n *node, in string)
	walk = func(n *node, in string) {
		b.WriteString("\n" + in + string(n.kind) + " " + n.text)
		b.WriteString(strings.Repeat("!", map[bool]int{true: 1}[n.plain]))
		b.WriteString(" " + itoa(n.line) + ":" + itoa(n.column))
		for _, e := range n.keys {
			b.WriteString("\n" + in + e.key + " " + itoa(e.line) + ":" + itoa(e.column))
			walk(e.value, in+"  ")
		}
		for _, item := range n.items {
			walk(item, in+"  ")
		}
	}
	walk(n, "")
	return b.String()
}

func itoa(i int) string { return string(rune('0'+i/10%10)) + string(rune('0'+i%10)) }

func TestPlainIsYAML(t *testing.T) {
	for i, text := range plainTexts {
		if !samePlain(t, text) && i != 3 {
			t.Errorf("%q is left to the library", text)
		}
	}
}

// Texts made of the pieces that matter, right and wrong.
func TestPlainIsYAMLWhateverIsPutTogether(t *testing.T) {
	piece := rapid.SampledFrom([]string{"a", "b", "key", "1", "07", "0x1F", "0xff", "1e3", "1.5", "2001:db8::1", "12:30:45", "2026-01-01", "30ms",
		"1d", "true", "True", "null", "no", "~", "-", "- ", "  ", " ", "\n", "\n  ", "\n    ", "\n- ", "\n  - ", ": ", ":", ", ", ",", "{", "}", "[", "]",
		"\"x y\"", "\"", "'", "#", " #", "|", ">", "&a", "*a", "!t", "? ", "---", "...", "%", "@", "/", "a: b", "a:\n  b: c", "{a: b}", "[a, b]", "_", "é", "\t"})
	rapid.Check(t, func(t *rapid.T) {
		samePlain(t, strings.Join(rapid.SliceOfN(piece, 1, 14).Draw(t, "text"), ""))
	})
}

// Trees of every shape, with words that look like numbers, dates and addresses, written in lines and in brackets.
func TestPlainIsYAMLForTrees(t *testing.T) {
	read := 0
	rapid.Check(t, func(t *rapid.T) {
		if text := tree(t, 0, 0) + rapid.SampledFrom([]string{"", "\n", "\n\n"}).Draw(t, "end"); samePlain(t, text) {
			read++
		}
	})
	if read < 5 {
		t.Errorf("plain read %d texts itself: the test shows nothing", read)
	}
}

var someWord = rapid.OneOf(
	rapid.StringMatching(`[a-z0-9][a-z0-9.:/@_-]{0,6}[a-z0-9]`), rapid.StringMatching(`[0-9][0-9xXoOeETZ.:_-]{0,8}`), rapid.StringMatching(`"[a-zA-Z0-9 .:/@_-]{0,8}"`),
	rapid.SampledFrom([]string{"x", "true", "False", "y", "0x10", "30ms", "10", "0", "2001:db8::/64", "fe80::1", "a:b", "1-2", "nil", "e1"}))

func tree(t *rapid.T, depth, indent int) string {
	kind, n := rapid.IntRange(0, 4).Draw(t, "kind"), rapid.IntRange(1, 3).Draw(t, "n")
	var parts []string
	margin := "\n" + strings.Repeat(" ", indent)
	key := func(i int) string { return rapid.StringMatching(`[a-z_][a-z0-9_]{0,4}`).Draw(t, "key") + itoa(i) + ":" }
	switch {
	case kind == 0 || depth > 4:
		return someWord.Draw(t, "word")
	case kind == 1:
		for i := range n {
			below := indent + rapid.SampledFrom([]int{0, 1, 2, 4}).Draw(t, "further")
			value := " " + tree(t, 9, 0)
			if below > indent && rapid.Bool().Draw(t, "below") {
				value = "\n" + strings.Repeat(" ", below) + tree(t, depth+1, below)
			}
			parts = append(parts, key(i)+value)
		}
		return strings.Join(parts, margin)
	case kind == 2:
		for range n {
			parts = append(parts, "- "+tree(t, depth+1, indent+2))
		}
		return strings.Join(parts, margin)
	case kind == 3:
		for i := range n {
			parts = append(parts, key(i)+" "+bracket(t, depth+1))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return bracket(t, depth)
}

func bracket(t *rapid.T, depth int) string {
	if depth > 3 || rapid.Bool().Draw(t, "leaf") {
		return someWord.Draw(t, "word")
	}
	var parts []string
	for i := range rapid.IntRange(1, 3).Draw(t, "n") {
		parts = append(parts, "k"+itoa(i)+": "+bracket(t, depth+1))
	}
	if rapid.Bool().Draw(t, "map") {
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return "[" + strings.ReplaceAll(strings.Join(parts, ", "), ": ", rapid.SampledFrom([]string{"", ": "}).Draw(t, "single")) + "]"
}

func FuzzPlain(f *testing.F) {
	for _, text := range plainTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { samePlain(t, text) })
}

func BenchmarkParse(b *testing.B) {
	text := "name: ha\nroles:\n  - ha:\n      mobiles:\n" + strings.Repeat("        - {home_address: 2001:db8:0:1::100, security: {esp: {out_spi: 0x1002, in_spi: 0x1001, "+
		"out_key: \"fb2f7f07ddd673e58a38331334565c4315c8caa2\", in_key: \"861b0280f6576d72ff974835e5b2309c1ab6c0c2\"}}}\n", 1000)
	for name, read := range map[string]func(string, []byte) (*Doc, error){"plain": Parse, "library": parse} { //order:any
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := read("x", []byte(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
