// Package octets reads messages that tests have written out by hand. Nothing but tests imports it.
package octets

import (
	"encoding/hex"
	"strings"
)

// Of reads pairs of hexadecimal digits, with spaces wherever they help and comments from # to the end of a line. It panics where anything
// else stands: that is the test's mistake.
func Of(text string) []byte {
	var digits strings.Builder
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		panic("octets: " + err.Error() + " in " + text)
	}
	return b
}

// Ramp is n octets that count up from first.
func Ramp(first, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(first + i)
	}
	return b
}
