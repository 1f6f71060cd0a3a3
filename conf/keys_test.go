package conf

import (
	"fmt"
	"strings"
	"testing"
)

// A file of hundreds of thousands of keys kept the YAML parser busy for half an hour. Entries of a list may be as many
// as the file holds: each begins its own map.
func TestTooManyKeys(t *testing.T) {
	var flat, deep, list strings.Builder
	deep.WriteString("a:\n")
	list.WriteString("mobiles:\n")
	for k := range MaxKeys + 1 {
		fmt.Fprintf(&flat, "k%d: 1\n", k)
		fmt.Fprintf(&deep, "  k%d: 1\n", k)
		fmt.Fprintf(&list, "  - name: m%d\n    at: {x: 1, y: 2}\n", k)
	}
	for name, text := range map[string]string{"flat": flat.String(), "deep": deep.String()} {
		if _, err := Parse("big.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), "more than 1000 keys in one map") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Parse("list.yaml", []byte(list.String())); err != nil {
		t.Errorf("a long list is refused: %v", err)
	}
}
