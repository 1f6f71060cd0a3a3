package lwkrb

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// The vectors, which package keying/lwkrb makes, are read by every parser and written the same again.
func TestVectors(t *testing.T) { //spec FH-04 FH-10 FH-14 FH-15 FH-16
	text, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{"ticket": "ticket", "ticket body": "ticket body", "authenticator": "authenticator", "ap-req": "ap-req", "ap-rep": "ap-rep",
		"ap-rep body": "ap-rep body", "open-req": "open-req", "open-req body": "open-req body", "open-rep": "open-rep", "open-rep body": "open-rep body", "error": "error"}
	read := 0
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
		kind := kinds[strings.TrimPrefix(name, "second ")]
		if kind == "" {
			continue
		}
		b, err := hex.DecodeString(value)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		v, err := goldens[kind].parse(b)
		if err != nil || !bytes.Equal(v.Append(nil), b) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		read++
	}
	if read < 35 {
		t.Errorf("only %d vectors found", read)
	}
}
