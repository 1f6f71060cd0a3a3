package keying

import (
	"fmt"
	"io"
)

// Hidden keeps a key out of whatever is printed, logged or marshalled: a type that embeds it says "[key]". The key itself has to stand
// in a function, because package fmt looks through everything else: a struct that keeps such a type in a private field, where the methods
// below are not called, then prints an address and no key, whatever the verb.
type Hidden struct{}

const hidden = "[key]"

// String says "[key]", as do all ways to print.
func (Hidden) String() string { return hidden }

// GoString says "[key]".
func (Hidden) GoString() string { return hidden }

// Format says "[key]" for every verb.
func (Hidden) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// MarshalText says "[key]"; JSON and YAML use it.
func (Hidden) MarshalText() ([]byte, error) { return []byte(hidden), nil }
