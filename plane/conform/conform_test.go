package conform_test

import (
	"testing"
	"time"

	"roam6/plane"
	"roam6/plane/conform"
)

// spec MIP-04 MIP-08 MIP-10
func TestSoft(t *testing.T) {
	conform.Run(t, func() conform.Applier { return plane.NewSoft() })
}

// merging hands packets to the lane of merged ones first.
type merging struct{ *plane.Soft }

func (m merging) Handle(now time.Duration, port plane.Port, from plane.HW, data []byte, sink *plane.Sink) {
	buf := append(make([]byte, plane.MergedRoom), data...)
	if !m.HandleMerged(now, port, buf, plane.MergedRoom, plane.Merged{}, sink) {
		m.Soft.Handle(now, port, from, data, sink)
	}
}

// What the lane of merged packets takes it treats as the other does.
//
// spec MIP-10
func TestSoftMerging(t *testing.T) {
	conform.Run(t, func() conform.Applier { return merging{plane.NewSoft()} })
}
