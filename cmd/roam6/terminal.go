package main

import (
	"os"
	"strconv"

	"golang.org/x/term"
)

// leastColumns is the narrowest width that tables are fitted to.
const leastColumns = 40

// columns is the width that tables on standard output are fitted to: that of the environment's COLUMNS, else the terminal's. 0 is
// any width: what goes into a file or another program is whole.
func columns() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return max(n, leastColumns)
	}
	if n, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && n > 0 {
		return max(n, leastColumns)
	}
	return 0
}

// onTerminal reports whether a person reads both what a command prints and what it tells meanwhile.
func onTerminal() bool {
	return term.IsTerminal(int(os.Stdout.Fd())) && term.IsTerminal(int(os.Stderr.Fd()))
}
