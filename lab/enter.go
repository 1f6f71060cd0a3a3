package lab

import (
	"errors"
	"os"
)

// EnterOptions says how the program is run again inside.
type EnterOptions struct {
	// Detach lets the inside outlive the caller (`lab up`): Enter returns in the parent when the inside calls
	// Ready, or ends.
	Detach bool
	// Log takes the standard output and error of a detached inside; nil throws them away.
	Log *os.File
}

// Enter runs this program again, with the same arguments, inside fresh namespaces. In that second program it returns
// inside true at once. In the first it returns when the second has ended (or, detached, is ready), with the exit status
// to end with.
func Enter(o EnterOptions) (inside bool, exit int, err error) {
	return false, 0, errors.New("lab: not written yet")
}

// Ready tells the waiting parent of a detached Enter that the inside is up, or why it is not. Without one it does nothing.
func Ready(err error) {}

// Supported says whether a lab can run here; the error names what lacks, what to do, and the way that needs nothing.
func Supported() error { return nil }
