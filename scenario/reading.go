package scenario

import (
	"strconv"
	"strings"
	"time"
)

// exactBelow is the time from which a reader is not told tenths of a millisecond.
const exactBelow = 100 * time.Millisecond

// Reading prints milliseconds as every table for people does: 2,143 or 20 or 0.4. String is for programs.
func (m Millis) Reading() string {
	d := time.Duration(m)
	if d >= exactBelow {
		return Grouped(int((d + time.Millisecond/2) / time.Millisecond))
	}
	s := strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64)
	return strings.TrimSuffix(s, ".0")
}

// Grouped prints a number with a comma before each three digits: 1,234,567.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
