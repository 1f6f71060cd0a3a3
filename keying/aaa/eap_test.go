package aaa

import (
	"bytes"
	"testing"
)

func TestExported(t *testing.T) { //spec DM-06
	emsk := bytes.Repeat([]byte{7}, 64)
	a, err := Exported(emsk, "nai:a@home.example", "visited.example")
	if err != nil || len(a) != KeyLen || bytes.Contains(emsk, a[:8]) {
		t.Fatalf("%x, %v", a, err)
	}
	for _, c := range []struct {
		emsk        []byte
		mn, visited string
		err         bool
	}{
		{emsk, "nai:b@home.example", "visited.example", false},
		{emsk, "nai:a@home.example", "bank.example", false},
		{append([]byte{8}, emsk[1:]...), "nai:a@home.example", "visited.example", false},
		{emsk[:63], "nai:a@home.example", "visited.example", true},
		{emsk, "", "visited.example", true},
		{emsk, "nai:a@home.example", "", true},
	} {
		b, err := Exported(c.emsk, c.mn, c.visited)
		if (err != nil) != c.err || bytes.Equal(a, b) {
			t.Errorf("%+v: %x, %v", c, b, err)
		}
	}
}
