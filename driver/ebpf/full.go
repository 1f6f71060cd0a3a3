package ebpf

import (
	"strings"

	"roam6/plane"
)

// Crowded says, once, that the path of an Op which was carried out found no room among the fast ones, or that the kernel would not
// have it. Nothing is lost by that but speed.
func (f *Fast) Crowded(op plane.Op) string {
	if f == nil || f.crowded || op.Path == nil || op.Delete {
		return ""
	}
	e := f.entries[op.Path.Inner.Masked()]
	if e == nil || e.why != SlowFull && !strings.HasPrefix(e.why, SlowRefused) {
		return ""
	}
	f.crowded = true
	return e.why
}
