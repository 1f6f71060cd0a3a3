package conform_test

import (
	"testing"

	"roam6/plane"
	"roam6/plane/conform"
)

// spec MIP-04 MIP-08 MIP-10
func TestSoft(t *testing.T) {
	conform.Run(t, func() conform.Applier { return plane.NewSoft() })
}
